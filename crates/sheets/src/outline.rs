//! What a sheet's text defines, found without parsing it, so that of a sheet with many functions only those are
//! run that something needs. Statements begin at the start of a line.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::OnceLock;

use hashbrown::DefaultHashBuilder;
use indexmap::IndexMap;

/// The statements of a sheet and the names that they give.
#[derive(Debug)]
pub(crate) struct Outline<'a> {
    text: &'a str,
    /// Where each statement is that gives names and loads nothing.
    statements: Vec<Range<usize>>,
    /// What the sheet's names stand for, in the order of the text.
    names: IndexMap<&'a str, NameOrigin<'a>, DefaultHashBuilder>,
    /// The functions that the sheet declares to open no frame, by `inline(name)`.
    pub(crate) inline: HashSet<&'a str>,
    /// What its statements need, found when the first of them is run.
    needs: OnceLock<Needs<'a>>,
}

/// What statements need.
#[derive(Debug, Default)]
struct Needs<'a> {
    /// The names of the sheet that each statement mentions.
    mentioned: Vec<Vec<&'a str>>,
    /// Statements that compute a value with each public function, which is no protocol call yet when they do: they
    /// are run together with it, whatever was asked for first.
    together: HashMap<&'a str, Vec<usize>>,
}

/// Where a name of a sheet comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameOrigin<'a> {
    /// The statement of that number.
    Defined(usize),
    /// Another sheet, where it may have another name.
    Loaded {
        /// As the `load` statement names the sheet.
        module: &'a str,
        /// The name there.
        name: &'a str,
    },
}

impl<'a> Outline<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let mut outline = Self {
            text,
            statements: Vec::new(),
            names: IndexMap::default(),
            inline: HashSet::new(),
            needs: OnceLock::new(),
        };
        let mut start = None;
        let mut quoted = false;
        let mut position = 0;
        for line in text.split_inclusive('\n') {
            let begins = !quoted && !line.starts_with([' ', '\t', '#', ')', ']', '}', '\n', '\r']);
            if begins && let Some(start) = start.replace(position) {
                outline.statement(start..position);
            }
            quoted ^= line.contains('"') && line.matches("\"\"\"").count() % 2 == 1;
            position += line.len();
        }
        if let Some(start) = start {
            outline.statement(start..position);
        }
        outline
    }

    fn needs(&self) -> &Needs<'a> {
        self.needs.get_or_init(|| {
            let mentioned = |range: &Range<usize>| {
                let names = words(&self.text[range.clone()]).filter(|word| self.names.contains_key(word));
                let mut seen = HashSet::with_hasher(DefaultHashBuilder::default());
                names.filter(|name| seen.insert(*name)).collect()
            };
            let mentioned = self.statements.iter().map(mentioned).collect();
            let mut needs = Needs { mentioned, together: HashMap::new() };
            for statement in (0..self.statements.len()).filter(|statement| !self.is_function(*statement)) {
                self.join(statement, &mut needs);
            }
            needs
        })
    }

    pub(crate) fn is_function(&self, statement: usize) -> bool {
        self.text[self.statements[statement].start..].starts_with("def ")
    }

    /// Joins a statement that computes a value to the public functions that it may call or keep.
    fn join(&self, statement: usize, needs: &mut Needs<'a>) {
        let mut reached: HashSet<usize> = [statement].into();
        let mut waiting = vec![statement];
        while let Some(next) = waiting.pop() {
            for &name in &needs.mentioned[next] {
                let Some(NameOrigin::Defined(mentioned)) = self.origin(name) else { continue };
                if reached.insert(mentioned) {
                    waiting.push(mentioned);
                    if self.is_function(mentioned) && !name.starts_with('_') {
                        needs.together.entry(name).or_default().push(statement);
                    }
                }
            }
        }
    }

    fn statement(&mut self, range: Range<usize>) {
        let text = &self.text[range.clone()];
        let number = self.statements.len();
        let first = &text[..word(text)];
        let rest = text[first.len()..].trim_start_matches([' ', '\t']);
        match first {
            "" => return,
            "def" => {
                self.names.insert(&rest[..word(rest)], NameOrigin::Defined(number));
            }
            "load" if rest.starts_with('(') => {
                self.load(text);
                return;
            }
            "inline" if rest.starts_with('(') => {
                self.inline.extend(words(rest));
                return;
            }
            // One name, or several with commas; a type may follow.
            _ if rest.starts_with(['=', ',', ':']) => {
                let (names, _) = text.split_once('=').unwrap_or((text, ""));
                for name in names.split(',').map(str::trim) {
                    self.names.insert(&name[..word(name)], NameOrigin::Defined(number));
                }
            }
            _ => return,
        }
        self.statements.push(range);
    }

    /// Reads `load("module", "name", local = "name")`.
    fn load(&mut self, text: &'a str) {
        let mut strings = text.split(['"', '\'']);
        let (_, module) = (strings.next(), strings.next().unwrap_or_default());
        while let (Some(between), Some(name)) = (strings.next(), strings.next()) {
            let local = between.trim_matches(|c: char| c.is_whitespace() || c == ',');
            let local = local.strip_suffix('=').map_or(name, str::trim);
            self.names.insert(local, NameOrigin::Loaded { module, name });
        }
    }

    /// What a name stands for; `None` if the sheet has no such name.
    pub(crate) fn origin(&self, name: &str) -> Option<NameOrigin<'a>> {
        self.names.get(name).copied()
    }

    /// Every name, in the order of the text.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.names.keys().copied()
    }

    /// Names of the sheet that a statement mentions, each once: at least those that it needs.
    pub(crate) fn mentioned(&self, statement: usize) -> &[&'a str] {
        &self.needs().mentioned[statement]
    }

    /// Names that a statement mentions which computes a value, such as a table of functions, but that it neither calls
    /// nor hands to what it calls. Another name of a function is that function: it holds nothing.
    pub(crate) fn held(&self, statement: usize) -> Vec<&'a str> {
        let text = &self.text[self.statements[statement].clone()];
        let value = text.split_once('=').map_or("", |(_, value)| value.trim_start());
        let alone = value[word(value)..].trim_start();
        let is_other_name = alone.is_empty() || alone.starts_with('#');
        let calls_elements = text.contains("](") || text.contains(")(");
        if self.is_function(statement) || is_other_name || calls_elements {
            return Vec::new();
        }
        let mut called = HashSet::new();
        let mut arguments = 0;
        for (position, word) in word_indices(text) {
            let after = position + word.len();
            let calls = text[after..].starts_with('(');
            if calls || position < arguments {
                called.insert(word);
            }
            if calls && !matches!(word, "struct" | "dict") {
                arguments = arguments.max(after + parenthesis(&text[after..]));
            }
        }
        self.mentioned(statement).iter().copied().filter(|name| !called.contains(name)).collect()
    }

    /// The statements that are run together with a function.
    pub(crate) fn together(&self, name: &str) -> &[usize] {
        self.needs().together.get(name).map_or(&[], Vec::as_slice)
    }

    /// The text with the chosen statements alone, each on its lines.
    pub(crate) fn excerpt(&self, chosen: &HashSet<usize>) -> String {
        let mut excerpt = String::with_capacity(self.text.len() / 2);
        let mut position = 0;
        let blank = |excerpt: &mut String, text: &str| {
            excerpt.extend(std::iter::repeat_n('\n', text.matches('\n').count()));
        };
        for (number, range) in self.statements.iter().enumerate() {
            if chosen.contains(&number) {
                blank(&mut excerpt, &self.text[position..range.start]);
                excerpt.push_str(&self.text[range.clone()]);
                position = range.end;
            }
        }
        excerpt
    }
}

/// Bytes of the word that a text begins with.
fn word(text: &str) -> usize {
    text.bytes().position(|byte| !is_word(byte)).unwrap_or(text.len())
}

/// Bytes of the parenthesis that a text begins with.
fn parenthesis(text: &str) -> usize {
    let mut depth = 0;
    let closed = text.bytes().position(|byte| {
        depth += i32::from(byte == b'(') - i32::from(byte == b')');
        depth == 0
    });
    closed.unwrap_or(text.len())
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The words of a text but for fields, comments and plain strings.
fn words(text: &str) -> impl Iterator<Item = &str> {
    word_indices(text).map(|(_, word)| word)
}

/// [`words`], each with its place.
fn word_indices(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let bytes = text.as_bytes();
    let mut position = 0;
    // Where the quotes of an f-string end it, and how many there are: it names what it shows.
    let mut closing = (usize::MAX, 0);
    std::iter::from_fn(move || {
        while let Some(byte) = bytes.get(position) {
            match byte {
                _ if position == closing.0 => position += closing.1,
                b'#' => position += text[position..].find('\n').unwrap_or(text.len() - position),
                b'"' | b'\'' => {
                    let (length, quotes) = string(&bytes[position..]);
                    if position > 0 && bytes[position - 1] == b'f' {
                        closing = (position + length - quotes, quotes);
                        position += quotes;
                    } else {
                        position += length;
                    }
                }
                byte if is_word(*byte) => {
                    let start = position;
                    position += word(&text[position..]);
                    let field = start > 0 && bytes[start - 1] == b'.';
                    if !field && !byte.is_ascii_digit() {
                        return Some((start, &text[start..position]));
                    }
                }
                _ => position += 1,
            }
        }
        None
    })
}

/// Bytes of the string that a text begins with, and of the quotes on either side.
pub(crate) fn string(text: &[u8]) -> (usize, usize) {
    let quotes = if text[1..].starts_with(&[text[0]; 2]) { 3 } else { 1 };
    let mut position = quotes;
    while let Some(byte) = text.get(position) {
        if *byte == text[0] && text[position..].starts_with(&text[..quotes]) {
            return (position + quotes, quotes);
        }
        position += if *byte == b'\\' { 2 } else { 1 };
    }
    (text.len(), 0)
}

/// Whether a definition that begins on a line, from 1, may be another name of a function: `lower_Elu = activation`.
pub(crate) fn is_another_name(text: &str, line: usize) -> bool {
    let first = line.checked_sub(1).and_then(|line| text.lines().nth(line));
    first.is_some_and(|first| !first.starts_with("def ") && first.contains(" = "))
}

/// Whether the body of a function that begins on a line, from 1, is documentation and then a call of `fail`.
pub(crate) fn only_refuses(text: &str, line: usize) -> bool {
    let mut documented = false;
    for line in
        text.lines().skip(line).take_while(|line| line.is_empty() || line.starts_with(' ')).map(str::trim)
    {
        // What begins and ends on its line leaves things as they are.
        documented ^= line.matches("\"\"\"").count() == 1;
        if documented || line.is_empty() || line.starts_with('#') || line.ends_with("\"\"\"") {
            continue;
        }
        return line.starts_with("fail(");
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHEET: &str = "\"\"\"What it is.\n\nload and def\n\"\"\"\nload(\"a.star\", \"f\", g = \"h\")\nload(\n    'role',\n    'k',\n)\n\nX, Y = 1, 2\n\ndef one(f):\n    \"\"\"Not two.\"\"\"\n    return f\"{X} 'Y'\" + x.k # g\n\ninline(one)\nTABLE = {\n    \"one\": one,\n    \"three\": lambda: g(2),\n}\n\ndef two():\n    return '\\'Y' + str(TABLE)\n";

    fn mentioned(outline: &Outline<'_>, name: &str) -> Vec<String> {
        match outline.origin(name) {
            Some(NameOrigin::Defined(statement)) => {
                outline.mentioned(statement).iter().map(|name| (*name).to_owned()).collect()
            }
            other => panic!("{name} is {other:?}"),
        }
    }

    #[test]
    fn names_are_found_where_they_come_from() {
        let outline = Outline::new(SHEET);
        let names: Vec<&str> = outline.names().collect();
        assert_eq!(names, ["f", "g", "k", "X", "Y", "one", "TABLE", "two"]);
        assert_eq!(outline.origin("g"), Some(NameOrigin::Loaded { module: "a.star", name: "h" }));
        assert_eq!(outline.origin("k"), Some(NameOrigin::Loaded { module: "role", name: "k" }));
        assert_eq!(outline.origin("X"), outline.origin("Y"));
        assert_eq!(outline.origin("three"), None);
        assert_eq!(outline.inline, ["one"].into());
    }

    #[test]
    fn statements_tell_what_they_need() {
        let outline = Outline::new(SHEET);
        assert_eq!(mentioned(&outline, "one"), ["one", "f", "X"], "a parameter may be a name too");
        assert_eq!(mentioned(&outline, "TABLE"), ["TABLE", "one", "g"]);
        assert_eq!(mentioned(&outline, "two"), ["two", "TABLE"]);
    }

    #[test]
    fn values_hold_what_they_nowhere_call() {
        let outline = Outline::new(SHEET);
        let Some(NameOrigin::Defined(table)) = outline.origin("TABLE") else { panic!("it is defined") };
        assert_eq!(outline.held(table), ["TABLE", "one"], "a lambda calls g");
        let Some(NameOrigin::Defined(one)) = outline.origin("one") else { panic!("it is defined") };
        assert!(outline.held(one).is_empty(), "a function is not computed");
        let outline = Outline::new("def f():\n    pass\n\nG = f # also\n");
        let Some(NameOrigin::Defined(other)) = outline.origin("G") else { panic!("it is defined") };
        assert!(outline.held(other).is_empty(), "it is the function");
        let outline =
            Outline::new("def f():\n    pass\n\nT = {\"a\": twice(f, (1,)), \"b\": struct(g = T)}\n");
        let Some(NameOrigin::Defined(table)) = outline.origin("T") else { panic!("it is defined") };
        assert_eq!(outline.held(table), ["T"], "what gets f may call it");
        let outline = Outline::new("def f():\n    pass\n\nT = {\"a\": f}[\"a\"]()\n");
        let Some(NameOrigin::Defined(chosen)) = outline.origin("T") else { panic!("it is defined") };
        assert!(outline.held(chosen).is_empty(), "it calls what it holds");
    }

    #[test]
    fn values_are_computed_with_the_functions_that_they_hold() {
        let outline = Outline::new(SHEET);
        let Some(NameOrigin::Defined(table)) = outline.origin("TABLE") else { panic!("it is defined") };
        assert_eq!(outline.together("one"), [table]);
        assert!(outline.together("two").is_empty());
    }

    #[test]
    fn statements_stay_on_their_lines() {
        let outline = Outline::new(SHEET);
        let Some(NameOrigin::Defined(two)) = outline.origin("two") else { panic!("it is defined") };
        let excerpt = outline.excerpt(&[two].into());
        let line = SHEET.lines().position(|line| line.starts_with("def two"));
        assert_eq!(excerpt.lines().position(|line| !line.is_empty()), line);
        assert_eq!(excerpt.trim_start(), "def two():\n    return '\\'Y' + str(TABLE)\n");
    }

    #[test]
    fn functions_that_only_refuse_are_known_by_their_text() {
        let text = "def a(n):\n    \"\"\"No.\"\"\"\n    fail(n.op)\n\ndef b(n):\n    if n:\n        fail(n.op)\n\nlower_Elu = a\n\
                    def c(n):\n    \"\"\"Two\n    lines.\"\"\"\n    fail(n)\n";
        assert!(only_refuses(text, 1) && !only_refuses(text, 5) && only_refuses(text, 10));
        assert!(is_another_name(text, 9) && !is_another_name(text, 1) && !is_another_name(text, 0));
    }
}
