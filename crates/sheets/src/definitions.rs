//! Where the functions of sheets are defined, and what their documentation says.

use std::collections::{HashMap, HashSet};

/// A function of a sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// The sheet, as users know it.
    pub file: String,
    /// Line of the definition, from 1.
    pub line: usize,
    /// Its documentation; empty if there is none.
    pub doc: String,
}

/// Which definition a call of the tree comes from.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    list: Vec<Definition>,
    callees: HashMap<(Option<usize>, String), usize>,
    by_name: HashMap<String, usize>,
}

impl Definitions {
    pub(crate) fn new(list: Vec<Definition>, edges: &HashSet<(Option<usize>, usize)>) -> Self {
        let mut by_name = HashMap::new();
        let mut callees = HashMap::new();
        for (position, definition) in list.iter().enumerate() {
            by_name.entry(definition.name.clone()).or_insert(position);
        }
        let mut edges: Vec<_> = edges.iter().copied().collect();
        edges.sort_unstable();
        for (caller, callee) in edges {
            if let Some(definition) = list.get(callee) {
                callees.insert((caller, definition.name.clone()), callee);
                // Of equal names, one that was called explains more than one that was not.
                by_name.insert(definition.name.clone(), callee);
            }
        }
        Self { list, callees, by_name }
    }

    /// The function of that name that a caller calls, with its position for its own callees.
    #[must_use]
    pub fn callee(&self, caller: Option<usize>, name: &str) -> Option<(usize, &Definition)> {
        let position = self.callees.get(&(caller, name.to_owned())).or_else(|| self.by_name.get(name))?;
        Some((*position, self.list.get(*position)?))
    }
}

/// The functions and names that a sheet's text defines at its outermost level.
pub(crate) fn scan(file: &str, text: &str) -> Vec<Definition> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let (name, doc) = if let Some(rest) = line.strip_prefix("def ") {
            let name = rest.split('(').next().unwrap_or_default();
            let body = lines[index..].iter().position(|line| line.trim_end().ends_with(':'));
            (name.trim(), body.map(|body| docstring(&lines[index + body + 1..])).unwrap_or_default())
        } else if let Some((name, _)) = line.split_once(" = ") {
            (name, String::new())
        } else {
            continue;
        };
        if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            found.push(Definition { name: name.to_owned(), file: file.to_owned(), line: index + 1, doc });
        }
    }
    found
}

/// The text between triple quotes, if the lines begin with it; line breaks are spaces.
fn docstring(lines: &[&str]) -> String {
    let Some(first) = lines.first().and_then(|line| line.trim().strip_prefix("\"\"\"")) else {
        return String::new();
    };
    if let Some((doc, _)) = first.split_once("\"\"\"") {
        return doc.trim().to_owned();
    }
    let mut words = vec![first.trim()];
    for line in &lines[1..] {
        match line.split_once("\"\"\"") {
            Some((last, _)) => {
                words.push(last.trim());
                break;
            }
            None => words.push(line.trim()),
        }
    }
    words.retain(|word| !word.is_empty());
    words.join(" ")
}
