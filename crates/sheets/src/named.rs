//! What names of sheets stand for.

use std::collections::HashMap;

use starlark::environment::{FrozenModule, Module};
use starlark::values::OwnedFrozenValue;

/// What a name of a sheet stands for.
#[derive(Clone)]
pub(crate) struct Named {
    pub(crate) value: OwnedFrozenValue,
    /// Position of the definition.
    pub(crate) definition: usize,
}

/// A module that has what a sheet has for others.
pub(crate) fn facade(names: Option<&HashMap<String, Named>>) -> Result<FrozenModule, String> {
    let public = names.into_iter().flatten().filter(|(name, _)| !name.starts_with('_'));
    Module::with_temp_heap(|module| {
        for (name, named) in public {
            module.set(name, module.heap().access_owned_frozen_value(&named.value));
        }
        module.freeze().map_err(|e| format!("{e:?}"))
    })
}
