//! Files that may be a model or a report.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use hawkeye::{Diagnostic, Failure, Model, Place, Report, load};

/// What a file holds.
pub(crate) enum Input {
    Report(Box<Report>),
    Model(Box<Model>),
}

/// Opens a model or a report. A report begins with a brace (JSON), or with its schema, a comment or a
/// document's start (YAML), which no ONNX file does.
pub(crate) fn open(path: &Path) -> Result<Input, Failure> {
    let unreadable = |e: std::io::Error| Failure::from(about(path, format!("can't be read: {e}")));
    let mut start = Vec::new();
    File::open(path).and_then(|file| file.take(64).read_to_end(&mut start)).map_err(unreadable)?;
    let start = String::from_utf8_lossy(&start).trim_start().to_owned();
    if !["{", "schema:", "#", "---"].iter().any(|sign| start.starts_with(sign)) {
        return load(path).map(|model| Input::Model(Box::new(model)));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let report = if start.starts_with('{') {
        serde_json::from_str(&text).map_err(|e| e.to_string())
    } else {
        serde_yaml::from_str(&text).map_err(|e| e.to_string())
    };
    let help = "write one with hawkeye profile --format yaml";
    let report: Report = report.map_err(|e| about(path, format!("is no report: {e}")).help(help))?;
    if report.schema != hawkeye_report::SCHEMA {
        let message =
            format!("is of schema {}, but this is made for {}", report.schema, hawkeye_report::SCHEMA);
        return Err(about(path, message).help(help).into());
    }
    Ok(Input::Report(Box::new(report)))
}

/// An error about a file.
pub(crate) fn about(path: &Path, message: String) -> Diagnostic {
    Diagnostic::error(Place::File { path: path.display().to_string(), position: None }, message)
}
