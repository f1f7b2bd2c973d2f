//! Where output goes: standard output, a file that comes to be whole or not at all, or in place what is no
//! regular file, or is open already.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use super::unfinished::Unfinished;

/// What an output path leads to.
enum Destination {
    Standard,
    /// A device, a pipe, a socket, or what the process was given open; it is opened and written to.
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
            let mut new = Unfinished::beside(&path)?;
            whole(BufWriter::new(new.file()), content)?;
            new.finish(&path)
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
    if is_descriptor(path) {
        // Whoever gave it writes there, too: nothing of that is to be lost.
        return Ok(Destination::InPlace(OpenOptions::new().append(true).open(path)?));
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

/// A path, and where it leads, link by link.
fn links(path: &Path) -> impl Iterator<Item = PathBuf> {
    let next = |path: &PathBuf| {
        fs::read_link(path).ok().map(|target| path.parent().unwrap_or(Path::new("")).join(target))
    };
    std::iter::successors(Some(path.to_owned()), next).take(MOST_LINKS + 1)
}

/// Where the links of a path end whose target is not there yet.
fn behind(path: &Path) -> io::Result<PathBuf> {
    let end = links(path).last().filter(|end| fs::read_link(end).is_err());
    end.ok_or_else(|| io::Error::other("too many links"))
}

/// Whether a path means a file that the process was given open, such as `/dev/stderr` and `/dev/fd/3`.
fn is_descriptor(path: &Path) -> bool {
    links(path).any(|path| {
        let folder = path.parent().and_then(|folder| fs::canonicalize(folder).ok());
        folder.is_some_and(|folder| folder.starts_with("/proc") && folder.ends_with("fd"))
    })
}

/// Puts new content in the place of a file's, of which mode, owner and other names stay.
fn replace(
    path: &Path,
    mut file: File,
    metadata: &Metadata,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    if let Some(mut new) = successor(path, metadata) {
        whole(BufWriter::new(new.file()), content)?;
        return new.finish(path);
    }
    // The file itself has to be written to. What could fail before is done before, and what was there is put back
    // if the disk is full.
    let mut bytes = Vec::new();
    content(&mut bytes)?;
    let before = fs::read(path);
    let written = overwrite(&mut file, &bytes);
    if let (Err(_), Ok(before)) = (&written, before) {
        overwrite(&mut file, &before)?;
    }
    written
}

fn overwrite(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.rewind()?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)
}

/// A file that can take the place of another; none if it has other names or another owner, or where its
/// folder can't be written to.
fn successor(path: &Path, metadata: &Metadata) -> Option<Unfinished> {
    let mut new = Unfinished::beside(path).ok()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let of_new = new.file().metadata().ok()?;
        if metadata.nlink() > 1 || (of_new.uid(), of_new.gid()) != (metadata.uid(), metadata.gid()) {
            return None;
        }
    }
    new.file().set_permissions(metadata.permissions()).ok()?;
    Some(new)
}
