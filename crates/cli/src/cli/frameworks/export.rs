//! `hawkeye frameworks export`: a built-in framework as a directory to start from.

use std::fs;
use std::path::Path;

use hawkeye::{Diagnostic, Failure, Framework, Place};

/// Writes a framework's manifest and sheets, and what they share with others.
pub(super) fn run(name: &str, directory: &Path) -> Result<String, Failure> {
    let files = Framework::open(name)?.files()?;
    write_all(directory, &files)?;
    let shown = as_framework(directory);
    Ok(format!("{} files are in {shown}; next:\n\n  hawkeye frameworks check {shown}\n", files.len()))
}

/// A directory as `--framework` takes it.
pub(super) fn as_framework(directory: &Path) -> String {
    let here = directory.is_relative() && !directory.starts_with(".") && !directory.starts_with("..");
    format!("{}{}", if here { "./" } else { "" }, directory.display())
}

/// Writes files into a directory, which must not be there or be empty: all of them, or none.
pub(super) fn write_all(directory: &Path, files: &[(String, Vec<u8>)]) -> Result<(), Failure> {
    let failed = |path: &Path, message: String| {
        let place = Place::File { path: path.display().to_string(), position: None };
        Failure::from(Diagnostic::error(place, message))
    };
    let there = directory.is_dir();
    if fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some()) || directory.is_file() {
        return Err(failed(directory, "is there already, and is not empty".to_owned()));
    }
    for (name, content) in files {
        let path = directory.join(name);
        let folder = path.parent().unwrap_or(directory);
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, content));
        if let Err(error) = written {
            let made = files.iter().map(|(name, _)| directory.join(name));
            made.for_each(|path| drop(fs::remove_file(path)));
            if !there {
                drop(fs::remove_dir(directory));
            }
            return Err(failed(&path, format!("can't be written: {error}")));
        }
    }
    Ok(())
}
