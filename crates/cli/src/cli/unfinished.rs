//! Files that are written before they get their names.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// A file that is to have a name when it is whole. On Linux it has none until then, so that nothing is left of it
/// however the program ends; where file systems can't do that, a temporary one.
pub(super) enum Unfinished {
    Nameless { file: File, folder: PathBuf },
    Named(NamedTempFile),
}

impl Unfinished {
    /// A file in the folder of another, with the permissions of any that the user makes; temporary ones are
    /// private otherwise.
    ///
    /// # Errors
    /// If the folder is not there, or can't be written to.
    pub(super) fn beside(path: &Path) -> io::Result<Self> {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.exists() {
            let message = format!("No such file or directory: {}", folder.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, message));
        }
        #[cfg(target_os = "linux")]
        if let Ok(file) = nameless(folder) {
            return Ok(Self::Nameless { file, folder: folder.to_owned() });
        }
        let mut builder = Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        // The name that it has meanwhile says nothing.
        let made = builder.tempfile_in(folder);
        made.map(Self::Named).map_err(|error| io::Error::from(error.kind()))
    }

    pub(super) fn file(&mut self) -> &mut File {
        match self {
            Self::Nameless { file, .. } => file,
            Self::Named(file) => file.as_file_mut(),
        }
    }

    /// Gives it its name, in the place of what bears that.
    pub(super) fn finish(self, path: &Path) -> io::Result<()> {
        let named = match self {
            Self::Named(file) => file.into_temp_path(),
            Self::Nameless { file, folder } => {
                Builder::new().make_in(folder, |name| link(&file, name))?.into_temp_path()
            }
        };
        named.persist(path)?;
        Ok(())
    }
}

/// A file without a name, which can be given one.
#[cfg(target_os = "linux")]
fn nameless(folder: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::TMPFILE.bits().cast_signed();
    let file = fs::OpenOptions::new().read(true).write(true).mode(0o666).custom_flags(flags).open(folder)?;
    // Without this folder it could not be given one.
    fs::metadata(descriptor(&file)).map(|_| file)
}

#[cfg(target_os = "linux")]
fn descriptor(file: &File) -> String {
    use std::os::fd::AsRawFd;
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

#[cfg(target_os = "linux")]
fn link(file: &File, name: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    Ok(linkat(CWD, descriptor(file), CWD, name, AtFlags::SYMLINK_FOLLOW)?)
}

/// There are none without a name.
#[cfg(not(target_os = "linux"))]
fn link(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
