//! Messages about a framework's file, or a key of its manifest.

use hawkeye_graph::{Diagnostic, Place, nearest};

/// An error about a file as a whole, or about a framework by its name.
pub(crate) fn about(file: &str, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Place::File { path: file.to_owned(), position: None }, message)
}

/// A diagnostic about the line of the manifest (its path and text) that a key begins, or about the whole file.
pub(crate) fn at_key(
    (path, text): &(String, String),
    key: &str,
    make: impl Fn(Place, String) -> Diagnostic,
    message: String,
) -> Diagnostic {
    let begins = |line: &str| {
        let rest = line.trim_start().trim_start_matches("- ").strip_prefix(key);
        rest.is_some_and(|rest| rest.trim_start().starts_with(':'))
    };
    let within = |line: &str| line.contains(&format!("{key}:"));
    let lines = || text.lines().enumerate();
    let line = lines().find(|(_, line)| begins(line)).or_else(|| lines().find(|(_, line)| within(line)));
    let shown = line.map(|(index, line)| format!("{message}\n  {} | {line}", index + 1));
    let column = |line: &str| line.find(key).map_or(1, |at| line[..at].chars().count() + 1);
    let position = line.map(|(index, line)| (index + 1, column(line)));
    make(Place::File { path: path.clone(), position }, shown.unwrap_or(message))
}

/// What a key, or one of a choice of words, was meant to be that a reader of YAML or TOML says it does not know.
#[must_use]
pub fn meant(message: &str) -> Option<String> {
    let of = |what: &str| message.split_once(what).map(|(_, rest)| rest);
    let (given, known) = of("unknown field `").or_else(|| of("unknown variant `"))?.split_once('`')?;
    let near = nearest(given, known.split('`').skip(1).step_by(2))?;
    Some(format!("did you mean {near}?"))
}
