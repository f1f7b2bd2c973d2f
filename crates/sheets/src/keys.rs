//! Messages about a framework's file, or a key of its manifest.

use hawkeye_graph::{Diagnostic, Place};

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
    let line = text.lines().position(begins).or_else(|| text.lines().position(within));
    let shown =
        line.and_then(|line| Some(format!("{message}\n  {} | {}", line + 1, text.lines().nth(line)?)));
    let position = line.map(|line| (line + 1, 1));
    make(Place::File { path: path.clone(), position }, shown.unwrap_or(message))
}
