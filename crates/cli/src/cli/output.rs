//! Writing results and complaints.

use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;

use hawkeye::{Diagnostic, Failure, Place, Severity};
use tempfile::NamedTempFile;

/// Writes to a file, whole or not at all, or to standard output. A reader that has seen enough is
/// no error.
pub(crate) fn write(path: Option<&Path>, content: &[u8]) -> Result<(), Failure> {
    let Some(path) = path else {
        // Colours go to terminals only, and not where NO_COLOR is set.
        let mut stdout = anstream::stdout().lock();
        return match stdout.write_all(content).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(failed(error.to_string())),
            _ => Ok(()),
        };
    };
    stream(path, |file| file.write_all(&anstream::adapter::strip_bytes(content).into_vec()))
}

/// The same of what is no text.
pub(crate) fn write_bytes(path: Option<&Path>, content: &[u8]) -> Result<(), Failure> {
    let Some(path) = path else {
        let mut stdout = std::io::stdout().lock();
        return match stdout.write_all(content).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(failed(error.to_string())),
            _ => Ok(()),
        };
    };
    stream(path, |file| file.write_all(content))
}

/// Writes what a function writes to a file, whole or not at all.
pub(crate) fn stream(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let whole = || -> std::io::Result<()> {
        let mut file = BufWriter::new(created(folder)?);
        content(&mut file)?;
        file.into_inner().map_err(std::io::IntoInnerError::into_error)?.persist(path)?;
        Ok(())
    };
    whole().map_err(|e| {
        let place = Place::File { path: path.display().to_string(), position: None };
        Diagnostic::error(place, format!("can't be written: {e}")).into()
    })
}

/// A file with the permissions of any other that the user makes; temporary ones are private otherwise.
fn created(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// A failure to write.
pub(crate) fn failed(message: String) -> Failure {
    Diagnostic::error(Place::File { path: "output".to_owned(), position: None }, message).into()
}

/// Prints warnings.
pub(crate) fn warn(diagnostics: &[Diagnostic]) {
    print(diagnostics, None);
}

/// Prints errors about a subject.
pub(crate) fn complain(failure: &Failure, subject: String) {
    print(&failure.0, Some(&subject));
}

/// Prints diagnostics in the manner of compilers: what, where, and what to do.
fn print(diagnostics: &[Diagnostic], subject: Option<&str>) {
    let mut text = String::new();
    for diagnostic in diagnostics {
        let severity = match diagnostic.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let place = match (&diagnostic.place, subject) {
            (Place::File { .. }, _) | (_, None) => diagnostic.place.to_string(),
            (Place::Model, Some(subject)) => subject.to_owned(),
            (place, Some(subject)) => format!("{subject}: {place}"),
        };
        text.push_str(&format!("{severity}: {}\n  --> {place}\n", diagnostic.message));
        if let Some(help) = &diagnostic.help {
            text.push_str(&format!("  = help: {help}\n"));
        }
    }
    // There is nowhere left to report a failure to.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
