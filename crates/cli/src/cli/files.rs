//! The files that a command line names: none is read twice that can't be, and none is read and written.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use hawkeye::{Diagnostic, Failure, Place};
use hawkeye_onnx::external_files;

use super::destination;
use super::input::{self, is_standard};

/// What is read, and where the result goes.
#[derive(Debug, Default)]
pub(crate) struct Files {
    output: Option<PathBuf>,
    /// Whatever else the command line names, and may be a file.
    given: Vec<PathBuf>,
}

impl Files {
    /// The files that a command's arguments name. What an option takes may be a file by itself, after an equals
    /// sign or between commas; names that are no files do no harm.
    pub(super) fn of(command: &ArgMatches) -> Self {
        let mut files = Self::default();
        for id in command.ids() {
            let values: Vec<&OsStr> =
                command.try_get_raw(id.as_str()).ok().flatten().into_iter().flatten().collect();
            if id == "output" {
                files.output = values.first().map(PathBuf::from);
                continue;
            }
            for value in values {
                files.given.push(PathBuf::from(value));
                let parts = value.to_str().unwrap_or_default().split(['=', ',']);
                files.given.extend(parts.filter(|part| !is_standard(Path::new(part))).map(PathBuf::from));
            }
        }
        files
    }

    /// Refuses what would destroy or exhaust an input, before anything is done.
    ///
    /// # Errors
    /// If the output is an input, or standard input is to be read twice.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.given.iter().filter(|path| is_standard(path)).count() > 1 {
            let place = Place::File { path: "-".to_owned(), position: None };
            let message = "standard input is given twice, but can be read only once";
            return Err(Diagnostic::error(place, message).into());
        }
        self.apart(&self.given)
    }

    /// Refuses an output that is one of the inputs, or a file that is read with one: it would be gone before it is
    /// used again.
    ///
    /// # Errors
    /// If the output is an input under whatever name.
    pub(super) fn apart(&self, inputs: &[PathBuf]) -> Result<(), Failure> {
        let Some(output) = self.output.as_deref().filter(|path| !destination::is_standard(path)) else {
            return Ok(());
        };
        let Some(metadata) = fs::metadata(output).ok().filter(Metadata::is_file) else { return Ok(()) };
        let identity = identity(output, &metadata);
        let is_output =
            |path: &Path| input::metadata(path).is_ok_and(|m| self::identity(path, &m) == identity);
        let refused = |read: &Path| {
            let place = Place::File { path: output.display().to_string(), position: None };
            let message = format!("the output would overwrite the input {}", read.display());
            Err(Diagnostic::error(place, message).help("give --output another name").into())
        };
        for input in inputs {
            if is_output(input) || is_of_framework(output, input) {
                return refused(input);
            }
            // To look into a pipe would take from what is read later.
            let model = fs::metadata(input).is_ok_and(|m| m.is_file());
            let weights = if model { external_files(input) } else { Vec::new() };
            if let Some(weights) = weights.iter().find(|file| is_output(file)) {
                return refused(weights);
            }
        }
        Ok(())
    }
}

/// Whether a file is one of those that make up the framework in a directory.
fn is_of_framework(file: &Path, directory: &Path) -> bool {
    let (Ok(file), Ok(manifest)) =
        (fs::canonicalize(file), fs::canonicalize(directory.join("framework.yaml")))
    else {
        return false;
    };
    let inside = manifest.parent().is_some_and(|directory| file.starts_with(directory));
    let is_sheet = file.extension().is_some_and(|extension| extension == "star");
    inside && (is_sheet || file == manifest || file.ends_with("tests.yaml"))
}

/// What tells one file from all others.
#[cfg(unix)]
fn identity(_: &Path, metadata: &Metadata) -> impl PartialEq + use<> {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

/// What tells one file from all others.
#[cfg(not(unix))]
fn identity(path: &Path, _: &Metadata) -> impl PartialEq + use<> {
    fs::canonicalize(path).ok()
}
