//! What a user's sheet must not do in one expression: values grow without bound between two statements, where the
//! limits of an evaluation are looked at (`limits.rs`). Operators, methods and functions whose results may be long
//! are replaced in its text by functions of the host (`bounded.rs`), which look before they compute.

use std::collections::BTreeMap;
use std::ops::Range;

use starlark::codemap::{CodeMap, FileSpan, Pos, Span};
use starlark::syntax::AstModule;
use starlark::syntax::ast::{AssignOp, AstAssignTarget, AstExpr, AstStmt, Expr, ForClause, Stmt};

use crate::outline::string;

/// Operators, and the functions of the host in their place.
pub(crate) const OPERATORS: [(&str, &str); 7] = [
    ("<<", "__shift_left"),
    ("*", "__multiply"),
    ("+", "__add"),
    ("-", "__subtract"),
    ("%", "__remainder"),
    ("==", "__equal"),
    ("!=", "__different"),
];

/// Methods whose results may be longer than what they are made of.
const METHODS: [&str; 13] = [
    "codepoints",
    "elems",
    "format",
    "items",
    "join",
    "keys",
    "lower",
    "replace",
    "rsplit",
    "split",
    "splitlines",
    "upper",
    "values",
];

/// Functions whose results are as long as what they are given.
const FUNCTIONS: [&str; 7] = ["dict", "enumerate", "list", "reversed", "sorted", "tuple", "zip"];

/// Functions that write any value out.
const WRITING: [&str; 2] = ["repr", "str"];

/// Values that one text may show.
const MOST_SHOWN: usize = 100;

/// A sheet as it was written, for places in its guarded text.
pub(crate) struct Written {
    text: CodeMap,
    /// What was put where, in the guarded text and in this one.
    edits: Vec<(Range<usize>, Range<usize>)>,
}

impl Written {
    /// The place of what a place in the guarded text stands for.
    pub(crate) fn place(&self, guarded: &FileSpan) -> FileSpan {
        let begin =
            self.position(begin(guarded.span), |edit, position| edit.end > position, |range| range.start);
        let end = self.position(end(guarded.span), |edit, position| edit.end >= position, |range| range.end);
        // What was put behind a statement stands for the statement.
        let line = self.text.source()[..begin].rfind('\n').map_or(0, |end| end + 1);
        let indented = &self.text.source()[line..];
        let statement = line + indented.len() - indented.trim_start().len();
        let begin = if begin == end { statement.min(begin) } else { begin };
        let [begin, end] = [begin, end].map(|position| Pos::new(u32::try_from(position).unwrap_or(u32::MAX)));
        self.text.file_span(Span::new(begin, end))
    }

    fn position(
        &self,
        guarded: usize,
        within: impl Fn(&Range<usize>, usize) -> bool,
        side: impl Fn(&Range<usize>) -> usize,
    ) -> usize {
        match self.edits.iter().rfind(|(edit, _)| edit.start <= guarded) {
            None => guarded,
            Some((edit, written)) if within(edit, guarded) => side(written),
            Some((edit, written)) => written.end + guarded - edit.end,
        }
    }
}

/// The text of a sheet with what has no bound replaced, line by line, and what it was; `None` if nothing is.
///
/// # Errors
/// What can't be replaced, with its place.
pub(crate) fn guarded(ast: &AstModule, text: &str) -> Result<Option<(String, Written)>, String> {
    let mut guard = Guard { text, edits: BTreeMap::new(), problem: None };
    ast.statement().visit_expr(|expression| guard.expression(expression));
    guard.changes(ast.statement());
    if let Some((span, problem)) = guard.problem {
        return Err(format!("{}: {problem}", ast.file_span(span)));
    }
    if guard.edits.is_empty() {
        return Ok(None);
    }
    let mut edited = String::with_capacity(2 * text.len());
    let name = ast.file_span(ast.statement().span).filename().to_owned();
    let mut edits = Vec::new();
    let mut position = 0;
    for (at, Edit { removed, before, after }) in &guard.edits {
        let Some(between) = text.get(position..*at) else {
            return Err(format!("{name}: comments stand within calls: write them between statements"));
        };
        edited.push_str(between);
        let start = edited.len();
        edited.push_str(before);
        edited.push_str(after);
        edits.push((start..edited.len(), *at..at + removed));
        position = at + removed;
    }
    edited.push_str(&text[position..]);
    Ok(Some((edited, Written { text: CodeMap::new(name, text.to_owned()), edits })))
}

/// What takes the place of some bytes of a text.
#[derive(Default)]
struct Edit {
    removed: usize,
    /// What ends before the place.
    before: String,
    /// What begins at it.
    after: String,
}

struct Guard<'a> {
    text: &'a str,
    edits: BTreeMap<usize, Edit>,
    problem: Option<(Span, &'static str)>,
}

impl Guard<'_> {
    /// Puts a text that ends something before others that begin at the same place.
    fn close(&mut self, at: usize, text: &str) {
        self.edits.entry(at).or_default().before.push_str(text);
    }

    fn open(&mut self, at: usize, text: &str) {
        self.edits.entry(at).or_default().after.push_str(text);
    }

    fn replace(&mut self, at: usize, removed: usize, text: &str) {
        let edit = self.edits.entry(at).or_default();
        edit.removed = removed;
        edit.after.push_str(text);
    }

    /// Looks at what statements have changed, behind whatever their expressions end with.
    fn changes(&mut self, statement: &AstStmt) {
        if let Stmt::AssignModify(target, op, value) = &statement.node {
            self.modification(statement, target, *op, value);
        }
        statement.visit_stmt(|inner| self.changes(inner));
    }

    fn modification(&mut self, statement: &AstStmt, target: &AstAssignTarget, op: AssignOp, value: &AstExpr) {
        let sign = match op {
            AssignOp::Add | AssignOp::Subtract => None,
            AssignOp::Multiply => Some("*="),
            AssignOp::Percent => Some("%="),
            _ => return,
        };
        let written = &self.text[begin(target.span)..end(target.span)];
        if written.contains('(') {
            self.problem = Some((statement.span, "calls a function to say what it changes: use a variable"));
            return;
        }
        let last = end(statement.span);
        match sign {
            // Lists grow in place, so the statement stays; its result is looked at.
            None => self.close(last, &format!("; __bounded({written})")),
            Some(sign) => {
                let between = end(target.span)..begin(value.span);
                let Some(offset) = self.text[between.clone()].find(sign) else { return };
                let text = format!("= {written} {} (", &sign[..1]);
                self.replace(between.start + offset, sign.len(), &text);
                self.close(last, ")");
            }
        }
    }

    fn expression(&mut self, expression: &AstExpr) {
        match &expression.node {
            Expr::Call(callee, _) => match &callee.node {
                Expr::Dot(value, method) if METHODS.contains(&method.node.as_str()) => {
                    self.method(begin(value.span), method.span, &method.node);
                }
                Expr::Identifier(name) if FUNCTIONS.contains(&name.node.ident.as_str()) => {
                    self.open(begin(expression.span), "__room(");
                    self.close(end(expression.span), ")");
                }
                Expr::Identifier(name) if WRITING.contains(&name.node.ident.as_str()) => {
                    self.open(begin(name.span), "__");
                }
                _ => {}
            },
            Expr::ListComprehension(_, first, _) => {
                self.open(begin(expression.span) + 1, "__room(");
                self.comprehension(first);
            }
            Expr::DictComprehension(entry, first, _) => {
                let colon = self.text[end(entry.0.span)..].find(':').unwrap_or_default();
                self.open(end(entry.0.span) + colon + 1, " __room(");
                self.comprehension(first);
            }
            Expr::FString(shown) if shown.expressions.len() > MOST_SHOWN => {
                self.problem = Some((expression.span, "shows more than 100 values: use several texts"));
            }
            _ => {}
        }
        expression.visit_expr(|inner| self.expression(inner));
    }

    /// Ends what is computed for every element.
    fn comprehension(&mut self, first: &ForClause) {
        if let Some(keyword) = self.text[..begin(first.var.span)].rfind("for") {
            self.close(keyword, ") ");
        }
    }

    /// `value.method(` becomes `__method(value, "method", `.
    fn method(&mut self, value: usize, method: Span, name: &str) {
        // Brackets around a value are not part of its place.
        let mut start = value;
        for _ in 0..unmatched(&self.text[value..begin(method)]) {
            match self.text[..start].trim_end().strip_suffix('(') {
                Some(before) => start = before.len(),
                None => {
                    self.problem = Some((method, "follows brackets with a comment: write it without"));
                    return;
                }
            }
        }
        let dot = self.text[..begin(method)].rfind('.').unwrap_or(value);
        let Some(bracket) = self.text[end(method)..].find('(') else { return };
        self.open(start, "__method(");
        self.replace(dot, end(method) + bracket + 1 - dot, &format!(", \"{name}\", "));
    }
}

fn begin(span: Span) -> usize {
    span.begin().get() as usize
}

fn end(span: Span) -> usize {
    span.end().get() as usize
}

/// Brackets that a text closes without having opened them.
fn unmatched(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut open, mut unmatched, mut position) = (0usize, 0, 0);
    while let Some(byte) = bytes.get(position) {
        position += match byte {
            b'"' | b'\'' => string(&bytes[position..]).0,
            b'#' => bytes[position..].iter().position(|byte| *byte == b'\n').unwrap_or(1),
            b'(' => {
                open += 1;
                1
            }
            b')' => {
                match open.checked_sub(1) {
                    Some(left) => open = left,
                    None => unmatched += 1,
                }
                1
            }
            _ => 1,
        };
    }
    unmatched
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language;

    fn edited(text: &str) -> String {
        let ast = language::parse("s.star", text).expect("it is Starlark");
        let edited =
            guarded(&ast, text).expect("it can be guarded").map_or(text.to_owned(), |(text, _)| text);
        language::parse("s.star", &edited).expect("it is Starlark still");
        edited
    }

    #[test]
    fn what_has_no_bound_is_replaced() {
        for (text, expected) in [
            ("def f(n):\n    n += (1)  # more\n", "def f(n):\n    n += (1); __bounded(n)  # more\n"),
            ("def f(n):\n    n += list(m)\n", "def f(n):\n    n += __room(list(m)); __bounded(n)\n"),
            ("def f(n):\n    n.x[1] *= 2 + 3\n", "def f(n):\n    n.x[1] = n.x[1] * ( 2 + 3)\n"),
            ("X = (a + b).replace(c, d)\n", "X = __method((a + b), \"replace\", c, d)\n"),
            ("X = ((a)).b.join(c).split()\n", "X = __method(__method(((a)).b, \"join\", c), \"split\", )\n"),
            ("X = [(i) for i in y if i]\n", "X = [__room((i) ) for i in y if i]\n"),
            ("X = {i: (i) for i in y}\n", "X = {i: __room( (i) ) for i in y}\n"),
            ("X = list(str(y))\n", "X = __room(list(__str(y)))\n"),
            ("X = \"a\".upper()\n", "X = __method(\"a\", \"upper\", )\n"),
        ] {
            assert_eq!(edited(text), expected);
        }
    }

    #[test]
    fn what_is_bounded_stays() {
        for text in ["X = [1, 2]\n", "X = f(a.get(1))\n", "def f(x: str | None) -> list:\n    return x\n"] {
            assert_eq!(edited(text), text);
        }
    }
}
