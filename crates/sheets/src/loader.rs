//! Loading sheets.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use hawkeye_cost::Data;
use indexmap::IndexMap;
use starlark::environment::{FrozenModule, Globals, GlobalsBuilder, LibraryExtension, Module};
use starlark::eval::{Evaluator, ReturnFileLoader};
use starlark::syntax::{AstModule, Dialect, DialectTypes};
use starlark::values::{FrozenHeapName, OwnedFrozenValue};

use crate::definitions::Definition;
use crate::fault::{describe, excerpt};
use crate::folder::{FilePath, Folder};
use crate::limits::limit;
use crate::nesting::too_deep;
use crate::protocol::Protocol;
use crate::recorder::Parties;
use crate::syntax::{self, Defined, shift_assignment};
use crate::{host, numbers};

/// Names that the tool itself calls: they open no node of the call tree.
pub(crate) const ENTRY_POINTS: [&str; 6] = ["plan", "plan_training", "plan_step", "check", "begin", "end"];
pub(crate) const ENTRY_PREFIXES: [&str; 7] =
    ["lower_", "loss_", "backward_", "update_", "read_", "draw_", "group_"];

/// Whether the tool itself calls a function of that name.
pub(crate) fn is_entry(name: &str) -> bool {
    ENTRY_POINTS.contains(&name) || ENTRY_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Runs sheets, each once.
pub(crate) struct Loader {
    globals: Globals,
    /// Names of the interpreter's own functions, and of the host's.
    builtins: HashSet<String>,
    /// The files that stand for roles, as in `load("kernels", ...)`.
    roles: HashMap<String, FilePath>,
    loaded: HashMap<FilePath, Sheet>,
    loading: Vec<FilePath>,
    /// What takes the place of functions of that name, and the sheets that define it.
    replacements: HashMap<String, OwnedFrozenValue>,
    overlays: Vec<FilePath>,
    /// Functions and names of all sheets, in the order in which the sheets were run.
    defined: Vec<(FilePath, Defined)>,
}

/// A sheet that was run.
struct Sheet {
    module: FrozenModule,
    /// Its part of what is defined.
    defined: Range<usize>,
}

impl Loader {
    /// # Errors
    /// If a role leads out of the framework's directory.
    pub(crate) fn new(
        folder: &Folder,
        modules: &IndexMap<String, String>,
        parameters: &[(String, Data)],
        parties: Parties,
    ) -> Result<Self, String> {
        let role = |(role, file): (&String, &String)| Ok((role.clone(), folder.file(file)?));
        let globals = globals(parameters, parties);
        Ok(Self {
            builtins: globals.names().map(|name| name.as_str().to_owned()).collect(),
            globals,
            roles: modules.iter().map(role).collect::<Result<_, String>>()?,
            loaded: HashMap::new(),
            loading: Vec::new(),
            replacements: HashMap::new(),
            overlays: Vec::new(),
            defined: Vec::new(),
        })
    }

    /// Runs overlays, and then has their functions take the place of those of the same names in all sheets.
    ///
    /// # Errors
    /// The first problem, with its place.
    pub(crate) fn overlaid(mut self, overlays: &[(FilePath, Vec<String>)]) -> Result<Self, String> {
        self.overlays = overlays.iter().map(|(file, _)| file.clone()).collect();
        let mut replacements = HashMap::new();
        for (file, names) in overlays {
            let module = self.load(file)?;
            for name in names {
                let value = module.get(name).map_err(|e| format!("{}: {e}", file.display()))?;
                replacements.insert(name.clone(), value);
            }
        }
        // What the overlays loaded is as it was; for the framework itself it is run anew.
        self.loaded.retain(|file, _| self.overlays.contains(file));
        self.replacements = replacements;
        Ok(self)
    }

    /// Whether a file is an overlay.
    pub(crate) fn is_overlay(&self, file: &FilePath) -> bool {
        self.overlays.contains(file)
    }

    /// A sheet, run if it has not been.
    ///
    /// # Errors
    /// The first problem, with its place.
    pub(crate) fn load(&mut self, file: &FilePath) -> Result<FrozenModule, String> {
        if let Some(sheet) = self.loaded.get(file) {
            return Ok(sheet.module.clone());
        }
        if self.loading.contains(file) {
            return Err(format!("{}: loads itself", file.display()));
        }
        self.loading.push(file.clone());
        let sheet = self.run(file);
        self.loading.pop();
        let sheet = sheet?;
        let module = sheet.module.clone();
        self.loaded.insert(file.clone(), sheet);
        Ok(module)
    }

    /// Position of the definition of a name in a sheet that was run, or in what that loads.
    pub(crate) fn position(&self, file: &FilePath, name: &str) -> Option<usize> {
        let of_name = |position: &usize| self.defined[*position].1.name == name;
        let own = self.loaded.get(file)?.defined.clone().rfind(of_name);
        own.or_else(|| (0..self.defined.len()).rfind(of_name))
    }

    /// File and line of a definition, and the line itself with its number, as excerpts have it.
    pub(crate) fn place(&self, position: usize) -> Option<(String, String)> {
        let (file, Defined { line, .. }) = self.defined.get(position)?;
        let text = file.read().unwrap_or_default();
        let source = text.lines().nth(line.checked_sub(1)?).unwrap_or_default();
        Some((format!("{}:{line}", file.display()), format!("\n {line} | {source}")))
    }

    /// All definitions, with their documentation.
    pub(crate) fn definitions(&self) -> Vec<Definition> {
        let doc = |file: &FilePath, name: &str| {
            let value = self.loaded.get(file)?.module.get_any_visibility(name).ok()?.0;
            let documentation = value.value().documentation();
            let doc = documentation.get_doc_string()?;
            let text = [doc.summary.as_str(), doc.details.as_deref().unwrap_or_default()].join(" ");
            Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
        };
        let definition = |(file, defined): &(FilePath, Defined)| Definition {
            name: defined.name.clone(),
            file: file.display(),
            line: defined.line,
            doc: doc(file, &defined.name).unwrap_or_default(),
        };
        self.defined.iter().map(definition).collect()
    }

    fn run(&mut self, file: &FilePath) -> Result<Sheet, String> {
        let name = file.display();
        let text = file.read().map_err(|e| format!("{name}: {e}"))?;
        let mut ast = parse(&name, &text)?;
        // Starlark's own shift wraps to 32 bits without notice (facebook/starlark-rust#204), and its product
        // takes whatever memory it needs.
        let checked = [("<<", "__shift_left"), ("*", "__multiply")];
        ast.replace_binary_operators(&checked.map(|(op, f)| (op.to_owned(), f.to_owned())).into());
        let mut files = HashMap::new();
        let mut modules = Vec::new();
        for load in ast.loads() {
            let path =
                loaded_by(&self.roles, file, load.module_id).map_err(|e| format!("{}: {e}", load.span))?;
            let module = self.load(&path).map_err(|e| format!("{e}\n  loaded by {}", load.span))?;
            modules.push((load.module_id.to_owned(), module));
            files.insert(load.module_id.to_owned(), path);
        }
        let imported = |module: &str, name: &str| {
            let position = files.get(module).and_then(|file| self.position(file, name));
            position.is_some_and(|position| self.defined[position].1.sends)
        };
        let builtin = |name: &str| self.builtins.contains(name);
        let defined = syntax::defined(&ast, &imported, &builtin);
        let by_name = modules.iter().map(|(name, module)| (name.as_str(), module)).collect();
        let loads = ReturnFileLoader { modules: &by_name };
        let first = self.defined.len();
        let module = Module::with_temp_heap(|module| {
            {
                let mut eval = Evaluator::new(&module);
                let statement = limit(&mut eval);
                eval.set_loader(&loads);
                let result = eval.eval_module(ast, &self.globals);
                result.map_err(|e| describe(&e, statement.borrow().as_ref()))?;
            }
            for (index, defined) in defined.iter().enumerate() {
                match self.replacements.get(&defined.name) {
                    Some(value) => {
                        let value = module.heap().access_owned_frozen_value(value);
                        module.set(&defined.name, value);
                    }
                    None => wrap(&module, defined, first + index, self.is_overlay(file)),
                }
            }
            module
                .freeze_named(FrozenHeapName::User(Box::new(name.clone())))
                .map_err(|e| format!("{name}: {e:?}"))
        })?;
        self.defined.extend(defined.into_iter().map(|defined| (file.clone(), defined)));
        Ok(Sheet { module, defined: first..self.defined.len() })
    }
}

/// What sheets find without loading it.
pub(crate) fn globals(parameters: &[(String, Data)], parties: Parties) -> Globals {
    let extensions = [
        LibraryExtension::StructType,
        LibraryExtension::RecordType,
        LibraryExtension::EnumType,
        LibraryExtension::Typing,
        LibraryExtension::Print,
    ];
    let mut builder = GlobalsBuilder::extended_by(&extensions)
        .with(host::emission)
        .with(host::composition)
        .with(host::state)
        .with(host::notes)
        .with(host::declarations)
        .with(numbers::integers);
    builder.namespace("math", numbers::doubles);
    host::constants(&mut builder, parameters, parties);
    builder.build()
}

/// The syntax tree of a sheet.
///
/// # Errors
/// What is wrong with its syntax, with its place.
pub(crate) fn parse(name: &str, text: &str) -> Result<AstModule, String> {
    if let Some((line, problem)) = too_deep(text) {
        return Err(format!("{name}:{line}: {problem}"));
    }
    let power = |error: &starlark::Error| {
        let line = error.span().and_then(|span| text.lines().nth(span.resolve_span().begin.line));
        let hint = "\n  Starlark has no **: write products, or x << n for a power of two";
        if line.is_some_and(|line| line.contains("**")) { hint } else { "" }
    };
    let ast = AstModule::parse(name, text.to_owned(), &dialect());
    let ast = ast.map_err(|e| format!("{}{}", describe(&e, None), power(&e)))?;
    match shift_assignment(&ast) {
        Some(place) => Err(format!("{place}: <<= is not supported; write x = x << n{}", excerpt(&place))),
        None => Ok(ast),
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

/// The Starlark that sheets are written in.
fn dialect() -> Dialect {
    Dialect {
        enable_keyword_only_arguments: true,
        enable_f_strings: true,
        enable_types: DialectTypes::Enable,
        ..Dialect::Standard
    }
}

/// Makes a protocol call of a public function that may send.
fn wrap(module: &Module<'_>, defined: &Defined, id: usize, replaced: bool) {
    let name = defined.name.as_str();
    if is_entry(name) || name.starts_with('_') || defined.inline || !defined.sends {
        return;
    }
    if let Some(value) = module.get(name)
        && value.get_type() == "function"
        && Protocol::from_value(value).is_none()
    {
        module.set(name, module.heap().alloc(Protocol::new(value, name, id, replaced)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Loads a sheet from a folder of its own.
    fn loaded(sheet: &str) -> Result<FrozenModule, String> {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        std::fs::write(folder.path().join("s.star"), sheet).map_err(|e| e.to_string())?;
        let folder = Folder::Disk(folder.path().to_owned());
        Loader::new(&folder, &IndexMap::new(), &[], Parties { protocol: 2, all: 2 })?
            .load(&folder.file("s.star")?)
    }

    #[test]
    fn shifts_are_exact_or_fail() -> Result<(), String> {
        let module = loaded("X = [1 << 30, 1 << 31, 3 << 31, 1 << 62, 5 << 0, 0 << 40]")?;
        let value = module.get_option("X").map_err(|e| e.to_string())?.ok_or("there is no X")?;
        assert_eq!(
            value.value().to_string(),
            "[1073741824, 2147483648, 6442450944, 4611686018427387904, 5, 0]"
        );
        assert!(loaded("X = \"x <<= 1\"").is_ok(), "text is no assignment");
        for sheet in ["X = 1 << 63", "X = 1 << 64", "X = 1 << -1", "def f(x):\n    x <<= 31"] {
            assert!(loaded(sheet).is_err(), "{sheet}");
        }
        Ok(())
    }
}
