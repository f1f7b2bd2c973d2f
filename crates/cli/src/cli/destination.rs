//! Where output goes: standard output, a file that comes to be whole or not at all, or in place what is no
//! regular file.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// What an output path leads to.
enum Destination {
    Standard,
    /// A device, a pipe or a socket; it is opened and written to.
    InPlace(File),
    /// A file that is there, links followed.
    Present {
        path: PathBuf,
        file: File,
        metadata: Metadata,
    },
    /// A file that is to be made; if a link leads there, behind it.
    Absent(PathBuf),
}

/// Links that are followed one after the other, as many as Linux follows.
const MOST_LINKS: usize = 40;

/// Paths of standard output besides `-`. Opening them anew would lose the position in a file that
/// others write to as well.
const STANDARD: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// Whether a path means standard output.
pub(super) fn is_standard(path: &Path) -> bool {
    STANDARD.iter().any(|name| path == Path::new(name))
}

/// Hands a writer for the destination of a path to a function. A regular file has either all that it
/// writes, or what was there before.
pub(super) fn fill(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    match destination(path)? {
        Destination::Standard => whole(BufWriter::new(io::stdout().lock()), content),
        Destination::InPlace(file) => whole(BufWriter::new(file), content),
        Destination::Absent(path) => {
            let mut file = beside(&path)?;
            whole(BufWriter::new(&mut file), content)?;
            file.persist(&path)?;
            Ok(())
        }
        Destination::Present { path, file, metadata } => replace(&path, file, &metadata, content),
    }
}

fn whole(mut to: impl Write, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    content(&mut to)?;
    to.flush()
}

fn destination(path: &Path) -> io::Result<Destination> {
    if is_standard(path) {
        return Ok(Destination::Standard);
    }
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Destination::Absent(behind(path)?));
        }
        Err(error) => return Err(error),
    };
    if metadata.is_dir() {
        return Err(io::Error::other("it is a directory"));
    }
    // Opening finds out whether it may be written to at all: a folder that may be written to must not be
    // a way around the protection of the file.
    let file = OpenOptions::new().write(true).open(path)?;
    if !metadata.is_file() {
        return Ok(Destination::InPlace(file));
    }
    Ok(Destination::Present { path: fs::canonicalize(path)?, file, metadata })
}

/// Where the links of a path end whose target is not there yet.
fn behind(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many links"))
}

/// A file in the folder of another, with the permissions of any that the user makes; temporary ones are
/// private otherwise.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Puts new content in the place of a file's, of which mode, owner and other names stay.
fn replace(
    path: &Path,
    mut file: File,
    metadata: &Metadata,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    if let Some(mut new) = successor(path, metadata) {
        whole(BufWriter::new(&mut new), content)?;
        new.persist(path)?;
        return Ok(());
    }
    // The file itself has to be written to. What could fail before is done before.
    let mut bytes = Vec::new();
    content(&mut bytes)?;
    file.write_all(&bytes)?;
    file.set_len(bytes.len() as u64)
}

/// A file that can take the place of another; none if it has other names or another owner, or where its
/// folder can't be written to.
fn successor(path: &Path, metadata: &Metadata) -> Option<NamedTempFile> {
    let new = beside(path).ok()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let of_new = new.as_file().metadata().ok()?;
        if metadata.nlink() > 1 || (of_new.uid(), of_new.gid()) != (metadata.uid(), metadata.gid()) {
            return None;
        }
    }
    new.as_file().set_permissions(metadata.permissions()).ok()?;
    Some(new)
}
