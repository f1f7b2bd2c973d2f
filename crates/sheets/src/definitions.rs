//! Where the functions of sheets are defined, and what their documentation says.

use hashbrown::{HashMap, HashSet};
use starlark::environment::FrozenModule;

/// A function of a sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// The sheet, as users know it.
    pub file: String,
    /// Line of the definition, from 1.
    pub line: usize,
    /// Its documentation; empty if there is none.
    pub doc: String,
}

impl Definition {
    /// What a module defines under a name.
    pub(crate) fn new(name: &str, file: String, line: usize, module: &FrozenModule) -> Self {
        let doc = || {
            let documentation = module.get_any_visibility(name).ok()?.0.value().documentation();
            let doc = documentation.get_doc_string()?;
            let text = [doc.summary.as_str(), doc.details.as_deref().unwrap_or_default()].join(" ");
            Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
        };
        Self { name: name.to_owned(), file, line, doc: doc().unwrap_or_default() }
    }
}

/// Which definition a call of the tree comes from.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    list: Vec<Definition>,
    callees: HashMap<(Option<usize>, String), usize>,
    by_name: HashMap<String, usize>,
}

impl Definitions {
    pub(crate) fn new(list: Vec<Definition>, edges: &HashSet<(Option<usize>, usize)>) -> Self {
        let mut by_name = HashMap::new();
        let mut callees = HashMap::new();
        for (position, definition) in list.iter().enumerate() {
            by_name.entry(definition.name.clone()).or_insert(position);
        }
        let mut edges: Vec<_> = edges.iter().copied().collect();
        edges.sort_unstable();
        for (caller, callee) in edges {
            if let Some(definition) = list.get(callee) {
                callees.insert((caller, definition.name.clone()), callee);
                // Of equal names, one that was called explains more than one that was not.
                by_name.insert(definition.name.clone(), callee);
            }
        }
        Self { list, callees, by_name }
    }

    /// The function of that name that a caller calls, with its position for its own callees.
    #[must_use]
    pub fn callee(&self, caller: Option<usize>, name: &str) -> Option<(usize, &Definition)> {
        let position = self.callees.get(&(caller, name.to_owned())).or_else(|| self.by_name.get(name))?;
        Some((*position, self.list.get(*position)?))
    }
}
