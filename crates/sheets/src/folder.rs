//! Where manifests and sheets are read from.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, LazyLock};

use include_dir::{Dir, include_dir};

/// The sheets that every framework finds under `//std`.
pub(crate) const STD: &str = "std/";

static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../frameworks");

/// The texts of all files that come with the tool, by their paths.
static TEXTS: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    fn collect(dir: &'static Dir<'static>, texts: &mut HashMap<&str, &str>) {
        texts.extend(dir.files().filter_map(|file| Some((file.path().to_str()?, file.contents_utf8()?))));
        dir.dirs().for_each(|dir| collect(dir, texts));
    }
    let mut texts = HashMap::new();
    collect(&BUILTIN, &mut texts);
    texts
});

/// Path and text of every sheet that comes with the tool.
#[cfg(test)]
pub(crate) fn built_in_sheets() -> impl Iterator<Item = (&'static str, &'static str)> {
    TEXTS.iter().map(|(path, text)| (*path, *text)).filter(|(path, _)| path.ends_with(".star"))
}

/// The sheet of `//std` that defines a function, as `load` takes it.
pub(crate) fn standard(function: &str) -> Option<String> {
    let defines = |text: &str| {
        text.lines().any(|line| {
            line.strip_prefix("def ")
                .is_some_and(|rest| rest.strip_prefix(function).is_some_and(|rest| rest.starts_with('(')))
        })
    };
    let path = TEXTS
        .iter()
        .filter(|(path, text)| path.starts_with(STD) && defines(text))
        .map(|(path, _)| path)
        .min();
    path.map(|path| format!("//{path}"))
}

/// A framework's own directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Folder {
    /// One of those that come with the tool, by name.
    Builtin(String),
    /// One on disk.
    Disk(PathBuf),
}

/// A file: of the built-in frameworks, or in a directory on disk. The text is how users know it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum FilePath {
    Builtin(String),
    Disk(PathBuf),
    /// What was given as text.
    Given {
        name: String,
        text: Arc<str>,
    },
}

impl FilePath {
    /// How users know it.
    pub(crate) fn display(&self) -> String {
        match self {
            Self::Builtin(path) => format!("frameworks/{path}"),
            Self::Disk(path) => path.display().to_string(),
            Self::Given { name, .. } => name.clone(),
        }
    }

    /// Its text, if it comes with the tool.
    pub(crate) fn builtin(&self) -> Option<&'static str> {
        match self {
            Self::Builtin(path) => TEXTS.get(path.as_str()).copied(),
            Self::Disk(_) | Self::Given { .. } => None,
        }
    }

    pub(crate) fn read(&self) -> Result<Cow<'static, str>, String> {
        match self {
            Self::Builtin(_) => {
                self.builtin().map(Cow::Borrowed).ok_or_else(|| "there is no such built-in file".to_owned())
            }
            Self::Disk(path) => std::fs::read_to_string(path).map(Cow::Owned).map_err(|e| e.to_string()),
            Self::Given { text, .. } => Ok(Cow::Owned(text.to_string())),
        }
    }
}

impl Folder {
    /// The directory that a user's `--framework` names: a built-in framework, whose name may have
    /// several parts, or else a path if it looks like one.
    pub(crate) fn named(name: &str) -> Option<Self> {
        if TEXTS.contains_key(format!("{name}/framework.yaml").as_str()) {
            return Some(Self::Builtin(name.to_owned()));
        }
        let path = name.contains(['/', '\\']) || name.starts_with('.');
        path.then(|| Self::Disk(PathBuf::from(name)))
    }

    /// Names of the built-in frameworks, sorted.
    pub(crate) fn builtin() -> Vec<String> {
        fn collect(dir: &Dir<'_>, names: &mut Vec<String>) {
            if dir.get_file(dir.path().join("framework.yaml")).is_some() {
                names.push(dir.path().display().to_string());
            }
            dir.dirs().for_each(|dir| collect(dir, names));
        }
        let mut names = Vec::new();
        collect(&BUILTIN, &mut names);
        names.sort();
        names
    }

    /// A file that this framework's sheets or manifest name: `//spu/hal.star` is built in, other
    /// paths are within the directory.
    pub(crate) fn file(&self, path: &str) -> Result<FilePath, String> {
        let (base, relative) = match (path.strip_prefix("//"), self) {
            (Some(path), _) => (None, path.to_owned()),
            (None, Self::Builtin(name)) => (None, format!("{name}/{path}")),
            (None, Self::Disk(folder)) => (Some(folder), path.to_owned()),
        };
        let inside = |c: Component<'_>| matches!(c, Component::Normal(_) | Component::CurDir);
        if !Path::new(&relative).components().all(inside) {
            return Err(format!("\"{path}\" leads out of the framework's directory"));
        }
        Ok(match base {
            None => FilePath::Builtin(relative),
            Some(folder) => FilePath::Disk(folder.join(relative)),
        })
    }

    /// The sheets in it, sorted.
    pub(crate) fn sheets(&self) -> Vec<FilePath> {
        let is_sheet = |path: &Path| path.extension().is_some_and(|extension| extension == "star");
        let mut files: Vec<FilePath> = match self {
            Self::Builtin(name) => {
                let files = BUILTIN.get_dir(name).into_iter().flat_map(Dir::files);
                let paths = files.map(|file| file.path()).filter(|path| is_sheet(path));
                paths.map(|path| FilePath::Builtin(path.display().to_string())).collect()
            }
            Self::Disk(folder) => {
                let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
                entries.map(|entry| entry.path()).filter(|path| is_sheet(path)).map(FilePath::Disk).collect()
            }
        };
        files.sort_by_key(FilePath::display);
        files
    }

    /// The directory in which a file lies, for the loads of that file.
    pub(crate) fn of(file: &FilePath) -> Self {
        match file {
            FilePath::Builtin(path) => {
                let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                Self::Builtin(folder.to_owned())
            }
            FilePath::Disk(path) => Self::Disk(path.parent().unwrap_or(Path::new("")).to_owned()),
            FilePath::Given { .. } => Self::Disk(PathBuf::new()),
        }
    }
}

/// The file that a sheet loads by a name: of a sheet, or of a role.
///
/// # Errors
/// If there is no such role, or the file is not in the framework's directory.
pub(crate) fn loaded_by(
    roles: &HashMap<String, FilePath>,
    file: &FilePath,
    wanted: &str,
) -> Result<FilePath, String> {
    if wanted.ends_with(".star") {
        return Folder::of(file).file(wanted);
    }
    roles.get(wanted).cloned().ok_or_else(|| {
        let mut known: Vec<&str> = roles.keys().map(String::as_str).collect();
        known.sort_unstable();
        match known.as_slice() {
            [] => format!("\"{wanted}\" is no sheet, and the manifest gives no modules"),
            _ => format!("\"{wanted}\" is no sheet and no module; modules: {}", known.join(", ")),
        }
    })
}
