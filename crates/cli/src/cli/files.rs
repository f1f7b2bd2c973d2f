//! The files that a command line names: none is read twice that can't be, and none is read and written.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use hawkeye::{Diagnostic, Failure, Place};
use hawkeye_onnx::external_files;

use super::destination;
use super::input::{self, is_standard};

/// Levels of folders below a framework's that are searched for its sheets.
const SHEET_FOLDERS: usize = 4;

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
        // What standard output leads to is written to as well.
        let output = self.output.as_deref().filter(|path| !destination::is_standard(path));
        let output = output.unwrap_or(Path::new("/dev/stdout"));
        let Some(metadata) = fs::metadata(output).ok().filter(Metadata::is_file) else { return Ok(()) };
        let identity = identity(output, &metadata);
        let is_output =
            |path: &Path| fs::metadata(input::path(path)).is_ok_and(|m| self::identity(path, &m) == identity);
        let refused = |read: &Path| {
            let place = Place::File { path: output.display().to_string(), position: None };
            let message = format!("the output would overwrite the input {}", read.display());
            Err(Diagnostic::error(place, message).help("write it somewhere else").into())
        };
        for input in inputs {
            if is_output(input) {
                return refused(input);
            }
            if let Some(sheet) = of_framework(input).iter().find(|file| is_output(file)) {
                return refused(sheet);
            }
            // To look into a pipe would take from what is read later, and an empty output has nothing to lose.
            let model = input::path(input);
            let weights =
                if model.is_file() && metadata.len() > 0 { external_files(model) } else { Vec::new() };
            // Behind a link, and for standard input, they may lie where the model does.
            let target = fs::canonicalize(model).ok();
            let target = target.filter(|path| path.is_file() && model.is_symlink() && metadata.len() > 0);
            let behind = target.map_or_else(Vec::new, |target| external_files(&target));
            let weights = [weights, behind].concat();
            if let Some(weights) = weights.iter().find(|file| is_output(file)) {
                return refused(weights);
            }
        }
        Ok(())
    }
}

/// The files that make up the framework in a directory; none if there is none in it.
fn of_framework(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    if directory.join("framework.yaml").is_file() {
        collect_sheets(directory, SHEET_FOLDERS, &mut files);
    }
    files
}

/// The sheets, manifests and tests in a folder and those within it, so many levels down.
fn collect_sheets(folder: &Path, levels: usize, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if levels > 0 {
                collect_sheets(&path, levels - 1, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "star")
            || ["framework.yaml", "tests.yaml"].iter().any(|name| path.ends_with(name))
        {
            files.push(path);
        }
    }
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
