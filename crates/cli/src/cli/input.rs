//! Files that commands read: models and reports, also from standard input and pipes.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use hawkeye::{Diagnostic, Failure, Model, Place, Report, load, not_a_file};
use hawkeye_graph::check_nesting;
use tempfile::NamedTempFile;

/// What a file holds.
pub(crate) enum Input {
    Report(Box<Report>),
    Model(Box<Model>),
}

/// More than that is not read from a pipe: a message of protobuf has at most 2 GiB.
const MOST_BYTES: u64 = 1 << 31;

/// A file that can be read as often as need be.
pub(crate) struct InputFile {
    pub(crate) path: PathBuf,
    /// Its name in reports.
    pub(crate) name: String,
    /// The path as the user gave it.
    given: PathBuf,
    /// Keeps what came through a pipe.
    _spooled: Option<NamedTempFile>,
}

/// Whether a path means standard input.
pub(crate) fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// A path under which the system knows what is read, standard input too.
pub(super) fn path(path: &Path) -> &Path {
    if is_standard(path) { Path::new("/dev/stdin") } else { path }
}

/// The file of a path. What comes through a pipe is kept in a file of its own, since models are mapped,
/// and some commands look at them twice.
///
/// # Errors
/// If it can't be read.
pub(crate) fn source(path: &Path) -> Result<InputFile, Failure> {
    let unreadable = |e: io::Error| Failure::from(about(path, format!("can't be read: {e}")));
    let regular = !is_standard(path) && fs::metadata(path).map_err(unreadable)?.file_type().is_file();
    if regular {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        return Ok(InputFile {
            path: path.to_owned(),
            name: name.into_owned(),
            given: path.to_owned(),
            _spooled: None,
        });
    }
    if path.is_dir() {
        return Err(not_a_file(path).into());
    }
    let spooled =
        if is_standard(path) { spool(io::stdin().lock()) } else { File::open(path).and_then(spool) };
    let spooled = spooled.map_err(unreadable)?;
    let name = if is_standard(path) || path.ends_with("stdin") { "stdin" } else { "pipe" };
    Ok(InputFile {
        path: spooled.path().to_owned(),
        name: name.to_owned(),
        given: path.to_owned(),
        _spooled: Some(spooled),
    })
}

fn spool(from: impl Read) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new()?;
    let copied = io::copy(&mut from.take(MOST_BYTES + 1), &mut file)?;
    if copied > MOST_BYTES {
        return Err(io::Error::other("there is more than 2 GiB, which no ONNX file holds"));
    }
    file.flush()?;
    file.rewind()?;
    Ok(file)
}

/// Opens a model or a report. A report begins with a brace (JSON), or with its schema, a comment or a
/// document's start (YAML), which no ONNX file does.
pub(crate) fn open(source: &InputFile) -> Result<Input, Failure> {
    let path = &source.path;
    let unreadable = |e: io::Error| Failure::from(about(path, format!("can't be read: {e}")));
    let mut start = Vec::new();
    File::open(path).and_then(|file| file.take(64).read_to_end(&mut start)).map_err(unreadable)?;
    let start = String::from_utf8_lossy(&start).trim_start().to_owned();
    if !["{", "schema:", "#", "---"].iter().any(|sign| start.starts_with(sign)) {
        return load(path).map(|model| Input::Model(Box::new(model)));
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let report = if start.starts_with('{') {
        serde_json::from_str(&text).map_err(|e| e.to_string())
    } else {
        check_nesting(&text).and_then(|()| serde_yaml::from_str(&text).map_err(|e| e.to_string()))
    };
    let help = "write one with hawkeye profile --format yaml";
    let report: Report = report.map_err(|e| about(&source.given, format!("is no report: {e}")).help(help))?;
    if report.schema != hawkeye_report::SCHEMA {
        let message =
            format!("is of schema {}, but this is made for {}", report.schema, hawkeye_report::SCHEMA);
        return Err(about(&source.given, message).help(help).into());
    }
    Ok(Input::Report(Box::new(report)))
}

/// An error about a file.
pub(crate) fn about(path: &Path, message: String) -> Diagnostic {
    Diagnostic::error(Place::File { path: path.display().to_string(), position: None }, message)
}
