//! `hawkeye frameworks new`: a framework to start from, which runs as it stands.

use std::path::{Path, PathBuf};

use hawkeye::{Diagnostic, Failure, Place};

use super::export::{as_framework, write_all};

const MANIFEST: &str = include_str!("skeleton/framework.yaml");
const SHEET: &str = include_str!("skeleton/skeleton.star");
const TESTS: &str = include_str!("skeleton/tests.yaml");

/// Writes it into a directory that is not there yet.
pub(super) fn run(name: &str, output: Option<&Path>) -> Result<String, Failure> {
    let fitting = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(fitting) {
        let place = Place::File { path: name.to_owned(), position: None };
        let error = Diagnostic::error(place, "a framework's name is made of letters, digits, - and _");
        return Err(error.help("--output says where its directory is made").into());
    }
    let directory = output.map_or_else(|| PathBuf::from(name), Path::to_owned);
    let own = |text: &str| text.replace("skeleton", name).into_bytes();
    let files = [
        ("framework.yaml".to_owned(), own(MANIFEST)),
        (format!("{name}.star"), own(SHEET)),
        ("tests.yaml".to_owned(), own(TESTS)),
    ];
    write_all(&directory, &files)?;
    let shown = as_framework(&directory);
    Ok(format!(
        "framework.yaml, {name}.star and tests.yaml are in {shown}; next:\n\n  hawkeye frameworks check {shown}\n  \
         hawkeye frameworks test {shown}\n  hawkeye profile model.onnx -f {shown}\n"
    ))
}
