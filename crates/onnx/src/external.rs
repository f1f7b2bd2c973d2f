//! The files beside a model in which its weights lie.

use std::path::{Path, PathBuf};

use crate::foreign::decode;
use crate::map::read;

/// The files that the initializers and constants of a model say their data lie in; none if the path leads to no
/// model.
pub fn external_files(model: &Path) -> Vec<PathBuf> {
    let Some(graph) = read(model).ok().and_then(|bytes| decode(&bytes).ok()).and_then(|model| model.graph)
    else {
        return Vec::new();
    };
    let constants = graph.node.iter().flat_map(|node| &node.attribute).filter_map(|a| a.t.as_ref());
    let entries = graph.initializer.iter().chain(constants).flat_map(|tensor| &tensor.external_data);
    let folder = model.parent().unwrap_or(Path::new(""));
    let mut files: Vec<PathBuf> =
        entries.filter(|entry| entry.key() == "location").map(|entry| folder.join(entry.value())).collect();
    files.sort();
    files.dedup();
    files
}
