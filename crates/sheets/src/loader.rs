//! Loading sheets.

use std::collections::HashMap;

use hawkeye_cost::Data;
use starlark::environment::{FrozenModule, Globals, GlobalsBuilder, LibraryExtension, Module};
use starlark::eval::{Evaluator, ReturnFileLoader};
use starlark::syntax::{AstModule, Dialect};
use starlark::values::FrozenHeapName;

use crate::definitions::{Definition, scan};
use crate::folder::{FilePath, Folder};
use crate::protocol::Protocol;
use crate::recorder::Parties;
use crate::{host, numbers};

/// Nested calls of sheet functions, counting two for each protocol call.
pub(crate) const DEEPEST_CALLS: usize = 300;
/// Instructions that one evaluation may run, roughly.
pub(crate) const MOST_TICKS: u64 = 20_000_000;

/// Names that the tool itself calls: they open no node of the call tree.
const ENTRY_POINTS: [&str; 6] = ["plan", "plan_training", "plan_step", "check", "begin", "end"];
const ENTRY_PREFIXES: [&str; 7] = ["lower_", "loss_", "backward_", "update_", "read_", "draw_", "group_"];

/// Loads the entry sheet and what it loads; tells what they define.
///
/// # Errors
/// The first problem, with its place.
pub(crate) fn load(
    folder: &Folder,
    entry: &str,
    parameters: &[(String, Data)],
    parties: Parties,
) -> Result<(FrozenModule, Vec<Definition>), String> {
    let mut builder = GlobalsBuilder::extended_by(&[LibraryExtension::StructType])
        .with(host::emission)
        .with(host::composition)
        .with(host::state)
        .with(host::notes)
        .with(numbers::integers);
    builder.namespace("math", numbers::doubles);
    host::constants(&mut builder, parameters, parties);
    let mut loader = Loader {
        globals: builder.build(),
        loaded: HashMap::new(),
        loading: Vec::new(),
        definitions: Vec::new(),
    };
    let module = loader.load(folder.file(entry)?)?;
    Ok((module, loader.definitions))
}

struct Loader {
    globals: Globals,
    loaded: HashMap<FilePath, FrozenModule>,
    loading: Vec<FilePath>,
    definitions: Vec<Definition>,
}

impl Loader {
    fn load(&mut self, file: FilePath) -> Result<FrozenModule, String> {
        if let Some(module) = self.loaded.get(&file) {
            return Ok(module.clone());
        }
        if self.loading.contains(&file) {
            return Err(format!("{}: loads itself", file.display()));
        }
        self.loading.push(file.clone());
        let module = self.evaluate(&file)?;
        self.loading.pop();
        self.loaded.insert(file, module.clone());
        Ok(module)
    }

    fn evaluate(&mut self, file: &FilePath) -> Result<FrozenModule, String> {
        let name = file.display();
        let text = file.read().map_err(|e| format!("{name}: {e}"))?;
        let dialect = Dialect { enable_keyword_only_arguments: true, ..Dialect::Standard };
        if text.contains("<<=") {
            return Err(format!("{name}: <<= is not supported; write x = x << n"));
        }
        let defined = scan(&name, &text);
        let mut ast = AstModule::parse(&name, text, &dialect).map_err(|e| explain(&e))?;
        // Starlark's own wraps to 32 bits without notice (facebook/starlark-rust#204).
        ast.replace_binary_operators(&HashMap::from([("<<".to_owned(), "shift_left".to_owned())]));
        let mut modules = Vec::new();
        for load in ast.loads() {
            let path = Folder::of(file).file(load.module_id).map_err(|e| format!("{}: {e}", load.span))?;
            let module = self.load(path).map_err(|e| format!("{e}\n  loaded by {}", load.span))?;
            modules.push((load.module_id.to_owned(), module));
        }
        let by_name = modules.iter().map(|(name, module)| (name.as_str(), module)).collect();
        let loads = ReturnFileLoader { modules: &by_name };
        Module::with_temp_heap(|module| {
            {
                let mut eval = Evaluator::new(&module);
                limit(&mut eval);
                eval.set_loader(&loads);
                eval.eval_module(ast, &self.globals).map_err(|e| explain(&e))?;
            }
            self.wrap(&module, &defined);
            module
                .freeze_named(FrozenHeapName::User(Box::new(name.clone())))
                .map_err(|e| format!("{name}: {e:?}"))
        })
    }

    /// Makes protocol calls of the module's public functions.
    fn wrap(&mut self, module: &Module<'_>, defined: &[Definition]) {
        let names: Vec<String> = module.names().map(|name| name.as_str().to_owned()).collect();
        for name in names {
            let entry =
                ENTRY_POINTS.contains(&name.as_str()) || ENTRY_PREFIXES.iter().any(|p| name.starts_with(p));
            let Some(value) = module.get(&name) else { continue };
            if value.get_type() != "function" || Protocol::from_value(value).is_some() {
                continue;
            }
            let Some(definition) = defined.iter().rev().find(|definition| definition.name == name) else {
                continue;
            };
            let id = self.definitions.len();
            self.definitions.push(definition.clone());
            if !entry && !name.starts_with('_') {
                module.set(&name, module.heap().alloc(Protocol::new(value, &name, id)));
            }
        }
    }
}

/// Bounds what an evaluation may use.
pub(crate) fn limit(eval: &mut Evaluator<'_, '_, '_>) {
    // Values are held by host functions while sheets run.
    eval.disable_gc();
    let limits = eval.set_max_callstack_size(DEEPEST_CALLS).and(eval.set_max_tick_count(MOST_TICKS));
    limits.expect("a new evaluator has no limits yet");
}

/// The message of an evaluation error with its place and the calls that led there.
pub(crate) fn explain(error: &starlark::Error) -> String {
    let mut text = String::new();
    if let Some(span) = error.span() {
        text.push_str(&format!("{span}: "));
    }
    text.push_str(error.without_diagnostic().to_string().trim());
    for frame in error.call_stack().frames.iter().rev().take(8) {
        let place = frame.location.as_ref().map(|span| format!(" at {span}")).unwrap_or_default();
        text.push_str(&format!("\n  in {}{place}", frame.name));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Loads a sheet from a folder of its own.
    fn loaded(sheet: &str) -> Result<FrozenModule, String> {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        std::fs::write(folder.path().join("s.star"), sheet).map_err(|e| e.to_string())?;
        load(&Folder::Disk(folder.path().to_owned()), "s.star", &[], Parties { protocol: 2, all: 2 })
            .map(|(module, _)| module)
    }

    #[test]
    fn shifts_are_exact_or_fail() -> Result<(), String> {
        let module = loaded("X = [1 << 30, 1 << 31, 3 << 31, 1 << 62, 5 << 0, 0 << 40]")?;
        let value = module.get_option("X").map_err(|e| e.to_string())?.ok_or("there is no X")?;
        assert_eq!(
            value.value().to_string(),
            "[1073741824, 2147483648, 6442450944, 4611686018427387904, 5, 0]"
        );
        for sheet in ["X = 1 << 63", "X = 1 << 64", "X = 1 << -1", "def f(x):\n    x <<= 31"] {
            assert!(loaded(sheet).is_err(), "{sheet}");
        }
        Ok(())
    }
}
