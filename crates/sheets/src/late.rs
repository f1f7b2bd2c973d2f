//! Functions of the tool's own sheets that are compiled when they are first called: of a table of functions a model
//! needs a few.
#![allow(unsafe_code, reason = "Starlark's derives implement marker traits for values on its heap")]

use std::fmt;

use allocative::Allocative;
use starlark::environment::Module;
use starlark::eval::{Arguments, Evaluator};
use starlark::starlark_simple_value;
use starlark::values::{
    NoSerialize, OwnedFrozenValue, ProvidesStaticType, StarlarkPagable, StarlarkValue, Value, starlark_value,
};

use crate::fault::misuse;
use crate::folder::FilePath;
use crate::protocol::pass_on;
use crate::recorder::Recorder;

/// A function in a table, by its position among the loader's late functions.
#[derive(Debug, ProvidesStaticType, NoSerialize, StarlarkPagable, Allocative)]
pub(crate) struct Late {
    position: usize,
    name: String,
}

starlark_simple_value!(Late);

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[starlark_value(type = "function")]
impl<'v> StarlarkValue<'v> for Late {
    fn invoke(
        &self,
        _me: Value<'v>,
        args: &Arguments<'v, '_>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        // While sheets are loaded nobody can load more of them.
        let recorder = Recorder::of(eval)
            .ok_or_else(|| misuse(format!("{} is called while sheets are loaded", self.name)))?;
        let function = recorder.late(self.position).map_err(misuse)?;
        let function = eval.heap().access_owned_frozen_value(&function);
        pass_on(function, args, eval)
    }
}

/// The functions in tables that are compiled when they are called.
#[derive(Default)]
pub(crate) struct LateFunctions(Vec<LateFunction>);

struct LateFunction {
    file: FilePath,
    name: String,
    /// What stands for it in tables.
    value: OwnedFrozenValue,
}

impl LateFunctions {
    /// File and name of a function.
    pub(crate) fn at(&self, position: usize) -> (FilePath, String) {
        let LateFunction { file, name, .. } = &self.0[position];
        (file.clone(), name.clone())
    }

    /// What stands for a function, the same value for the same function.
    ///
    /// # Errors
    /// If Starlark fails to make it.
    pub(crate) fn stand_in(&mut self, file: FilePath, name: String) -> Result<OwnedFrozenValue, String> {
        if let Some(known) = self.0.iter().find(|late| late.name == name && late.file == file) {
            return Ok(known.value.clone());
        }
        let module = Module::with_temp_heap(|module| {
            let value = Late { position: self.0.len(), name: name.clone() };
            module.set(&name, module.heap().alloc(value));
            module.freeze().map_err(|e| format!("{e:?}"))
        })?;
        let value = module.get_any_visibility(&name).map_err(|e| e.to_string())?.0;
        self.0.push(LateFunction { file, name, value: value.clone() });
        Ok(value)
    }
}
