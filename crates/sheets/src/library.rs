//! The sheets that a manifest lists, of which only those are run that are asked for something.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;
use starlark::codemap::FileSpan;
use starlark::values::OwnedFrozenValue;

use crate::definitions::Definition;
use crate::folder::{FilePath, Folder};
use crate::loader::Loader;
use crate::named::Named;
use crate::outline::Outline;

/// The listed sheets.
pub(crate) struct Library {
    /// The sheets whose text mentions a name as one that they define or load, in the manifest's order.
    index: IndexMap<String, Vec<FilePath>>,
    state: Mutex<LibraryState>,
    /// Whether users wrote some of them.
    pub(crate) has_users: bool,
}

struct LibraryState {
    loader: Loader,
    found: HashMap<String, Result<Option<Found>, String>>,
}

/// What a sheet defines under some name.
#[derive(Clone)]
pub(crate) struct Found {
    pub(crate) value: OwnedFrozenValue,
    /// Position of the definition.
    pub(crate) definition: usize,
    /// Whether an overlay defines it.
    pub(crate) replaced: bool,
}

impl Library {
    /// # Errors
    /// If a sheet can't be read.
    pub(crate) fn new(
        folder: &Folder,
        sheets: &[String],
        overlays: &[(FilePath, Vec<String>)],
        mut loader: Loader,
    ) -> Result<Self, String> {
        let mut index: IndexMap<String, Vec<FilePath>> = IndexMap::new();
        for (file, names) in overlays {
            // Overlays come first: what they define is found with them alone.
            index.extend(names.iter().map(|name| (name.clone(), vec![file.clone()])));
        }
        for sheet in sheets {
            let file = folder.file(sheet)?;
            let text = file.read().map_err(|e| format!("{}: {e}", file.display()))?;
            let mut note = |name: &str| {
                let files = index.entry(name.to_owned()).or_default();
                let replaced =
                    overlays.iter().any(|(_, names)| names.iter().any(|replaced| replaced == name));
                if !replaced && !files.contains(&file) {
                    files.push(file.clone());
                }
            };
            match loader.outline(&file) {
                Some(outline) => outline.names().for_each(&mut note),
                None => Outline::new(&text).names().for_each(&mut note),
            }
        }
        let has_users = !overlays.is_empty() || matches!(folder, Folder::Disk(_));
        if !has_users {
            loader.put_off();
        }
        Ok(Self { index, state: Mutex::new(LibraryState { loader, found: HashMap::new() }), has_users })
    }

    fn state(&self) -> MutexGuard<'_, LibraryState> {
        // A panic while sheets run leaves what was loaded before as it is.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the sheets define under a name; they are run if they have not been.
    ///
    /// # Errors
    /// If a sheet that may define it can't be run, or two define it differently.
    pub(crate) fn get(&self, name: &str) -> Result<Option<Found>, String> {
        let Some(files) = self.index.get(name) else { return Ok(None) };
        let state = &mut *self.state();
        if let Some(known) = state.found.get(name) {
            return known.clone();
        }
        let found = find(&mut state.loader, name, files);
        state.found.insert(name.to_owned(), found.clone());
        found
    }

    /// A function of a table that is compiled when it is called.
    ///
    /// # Errors
    /// If its sheet can't be run.
    pub(crate) fn late(&self, position: usize) -> Result<OwnedFrozenValue, String> {
        self.state().loader.late(position)
    }

    /// Every name that begins so and that the sheets define, in their order.
    ///
    /// # Errors
    /// As [`Library::get`].
    pub(crate) fn names(&self, prefix: &str) -> Result<Vec<String>, String> {
        let mut names = Vec::new();
        for name in self.index.keys().filter(|name| name.starts_with(prefix)) {
            if self.get(name)?.is_some() {
                names.push(name.clone());
            }
        }
        Ok(names)
    }

    /// Where a function is defined, as messages begin, and the line that begins it.
    pub(crate) fn place(&self, name: &str) -> Option<(String, String)> {
        let definition = self.get(name).ok()??.definition;
        self.state().loader.place(definition)
    }

    /// Whether a function does nothing but refuse.
    pub(crate) fn only_refuses(&self, name: &str) -> bool {
        let Ok(Some(Found { definition, .. })) = self.get(name) else { return false };
        self.state().loader.only_refuses(definition)
    }

    /// The place that a place in what was run stands for.
    pub(crate) fn written(&self, span: &FileSpan) -> FileSpan {
        self.state().loader.written(span)
    }

    /// The definitions of all sheets that were run, with their documentation.
    pub(crate) fn definitions(&self) -> Vec<Definition> {
        self.state().loader.definitions()
    }
}

fn find(loader: &mut Loader, name: &str, files: &[FilePath]) -> Result<Option<Found>, String> {
    let mut found: Option<(&FilePath, Found)> = None;
    for file in files {
        let Some(Named { value, definition }) = loader.get(file, name)? else { continue };
        match &found {
            Some((_, first)) if first.value.value().ptr_eq(value.value()) => {}
            Some((other, _)) => {
                let (other, file) = (other.display(), file.display());
                return Err(format!("{name} is defined by both {other} and {file}"));
            }
            None => {
                found = Some((file, Found { value, definition, replaced: loader.is_overlay(file) }));
            }
        }
    }
    Ok(found.map(|(_, found)| found))
}
