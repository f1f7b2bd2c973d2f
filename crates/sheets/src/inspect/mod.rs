//! What can be said of a framework without running its sheets on a model.

mod arguments;
mod entries;
mod literals;
mod manifest;
mod reach;
mod sources;
mod types;

use std::collections::{BTreeMap, HashSet};

use hawkeye_graph::{Diagnostic, Failure};

use crate::framework::Framework;
use crate::language;
use crate::recorder;
pub(crate) use sources::{Meaning, Sources, whole};

impl Framework {
    /// Everything that looks wrong about the manifest and the sheets, before they are run on anything:
    /// keys of the manifest that make no sense, what Starlark's linter and type checker find, names that the
    /// tool never calls, functions that take the wrong number of arguments, what nothing uses. `operators`
    /// are the names that ONNX knows.
    ///
    /// # Errors
    /// If a sheet can't be read or parsed: every one of them.
    pub fn inspect(&self, operators: &[&str]) -> Result<Vec<Diagnostic>, Failure> {
        let mut found = self.inspect_manifest(operators);
        let sources = match Sources::gather(&self.folder, &self.manifest) {
            Ok(sources) => sources,
            Err(failure) => {
                found.extend(failure.0);
                return Err(Failure(found));
            }
        };
        found.extend(self.rules().err().into_iter().flat_map(|failure| failure.0));
        let parameters = self.manifest.values(&BTreeMap::new())?;
        let parties = self.manifest.party_count(None)?;
        let numbers = recorder::PartyCounts { protocol: parties, all: parties };
        let globals = language::globals(&parameters, numbers);
        found.extend(types::findings(&sources, &globals));
        found.extend(entries::findings(&sources, operators));
        found.extend(literals::findings(&sources));
        found.extend(arguments::findings(&sources));
        found.extend(reach::findings(&sources, &self.manifest, &self.manifest_file()));
        // A statement's expressions are met again as those of its parts.
        let mut seen = HashSet::new();
        found.retain(|diagnostic| seen.insert(diagnostic.clone()));
        Ok(found)
    }
}
