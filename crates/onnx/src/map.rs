//! Opening a model file.

use std::fs::File;
use std::path::Path;

use bytes::Bytes;
use hawkeye_graph::{Diagnostic, Failure, Place};
use memmap2::Mmap;

use crate::foreign::not_a_file;
use crate::{Model, import};

/// Reads the model in a file.
///
/// # Errors
/// If the file can't be read or [`import`] refuses it.
pub fn load(path: &Path) -> Result<Model, Failure> {
    let folder = path.parent().unwrap_or(Path::new(""));
    import(read(path)?, Some(folder))
}

/// The bytes of a file, mapped: pages are read when they are looked at.
///
/// # Errors
/// If the file can't be read.
pub fn read(path: &Path) -> Result<Bytes, Failure> {
    if path.is_dir() {
        return Err(not_a_file(path).into());
    }
    let place = Place::File { path: path.display().to_string(), position: None };
    map(path).map_err(|e| Diagnostic::error(place, format!("can't be read: {e}")).into())
}

/// The content of a file; pages are read when they are looked at.
fn map(path: &Path) -> std::io::Result<Bytes> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.len() == 0 {
        return Ok(Bytes::new());
    }
    #[allow(
        unsafe_code,
        reason = "a file that another process shortens meanwhile can end this process; \
                  every reader of mapped files accepts that"
    )]
    let map = unsafe { Mmap::map(&file)? };
    Ok(Bytes::from_owner(map))
}
