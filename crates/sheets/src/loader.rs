//! Loading sheets.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use indexmap::IndexMap;
use starlark::codemap::FileSpan;
use starlark::environment::{FrozenModule, Globals, Module};
use starlark::eval::{Evaluator, ReturnFileLoader};
use starlark::syntax::AstModule;
use starlark::values::{FrozenHeapName, OwnedFrozenValue};

use crate::definitions::Definition;
use crate::fault::describe;
use crate::folder::{FilePath, Folder, loaded_by};
use crate::guard::{OPERATORS, guarded};
use crate::language;
use crate::late::LateFunctions;
use crate::limits::limit;
use crate::named::{Named, facade};
use crate::outline::{NameOrigin, Outline, is_another_name, only_refuses};
use crate::protocol;
use crate::selection::Selection;
use crate::syntax::{self, Defined};
use crate::written::Written;

/// Runs sheets. Of those that come with the tool, statements are run when something needs what they define; the
/// others are run as a whole, so that whatever is wrong with them is found.
pub(crate) struct Loader {
    globals: Globals,
    /// Names of the interpreter's own functions, and of the host's.
    builtins: HashSet<String>,
    /// The files that stand for roles, as in `load("kernels", ...)`.
    roles: HashMap<String, FilePath>,
    sheets: HashMap<FilePath, Sheet>,
    loading: Vec<FilePath>,
    /// What takes the place of functions of that name, and the sheets that define it.
    replacements: HashMap<String, OwnedFrozenValue>,
    overlays: Vec<FilePath>,
    /// Sheets of users, by their names, as they were before they were guarded.
    written: HashMap<String, Written>,
    /// Functions in tables that are compiled when they are called; `None` if there are none.
    late: Option<LateFunctions>,
    /// Functions and names of all sheets, in the order in which they were run.
    defined: Vec<Evaluated>,
}

/// A sheet of which something was run.
#[derive(Default)]
struct Sheet {
    /// What it consists of, if it is run by statements.
    outline: Option<Arc<Outline<'static>>>,
    /// What it has, or what its statements have given so far.
    names: HashMap<String, Named>,
}

/// A definition that was run.
struct Evaluated {
    file: FilePath,
    defined: Defined,
    module: FrozenModule,
}

/// Statements that are run together.
struct Statements<'a> {
    file: &'a FilePath,
    ast: AstModule,
    /// What they find without loading it.
    given: Vec<(&'a str, OwnedFrozenValue)>,
    /// The modules that `load` statements name.
    modules: HashMap<&'a str, FrozenModule>,
    defined: Vec<Defined>,
}

impl Loader {
    /// # Errors
    /// If a role leads out of the framework's directory.
    pub(crate) fn new(
        folder: &Folder,
        modules: &IndexMap<String, String>,
        globals: Globals,
    ) -> Result<Self, String> {
        let role = |(role, file): (&String, &String)| Ok((role.clone(), folder.file(file)?));
        Ok(Self {
            builtins: globals.names().map(|name| name.as_str().to_owned()).collect(),
            globals,
            roles: modules.iter().map(role).collect::<Result<_, String>>()?,
            sheets: HashMap::new(),
            loading: Vec::new(),
            replacements: HashMap::new(),
            overlays: Vec::new(),
            written: HashMap::new(),
            late: None,
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
            for name in names {
                let named = self.get(file, name)?;
                let named = named.ok_or_else(|| format!("{}: {name} is not defined", file.display()))?;
                replacements.insert(name.clone(), named.value);
            }
        }
        // What the overlays loaded is as it was; for the framework itself it is run anew.
        self.sheets.retain(|file, _| self.overlays.contains(file));
        self.replacements = replacements;
        Ok(self)
    }

    /// Has functions in tables compiled when they are called.
    pub(crate) fn put_off(&mut self) {
        self.late = Some(LateFunctions::default());
    }

    /// A function that is called by now.
    ///
    /// # Errors
    /// If its sheet can't be run.
    pub(crate) fn late(&mut self, position: usize) -> Result<OwnedFrozenValue, String> {
        let (file, name) = self.late.as_ref().expect("it was put off").at(position);
        let named = self.get(&file, &name)?;
        Ok(named.ok_or_else(|| format!("{}: {name} is not defined", file.display()))?.value)
    }

    /// What stands for a function until it is called: a private one, or one of another sheet. A public one of the
    /// same sheet is no protocol call in a table, and so is run with it.
    fn stand_in(&mut self, file: &FilePath, outline: &Outline<'_>, name: &str) -> Option<OwnedFrozenValue> {
        self.late.as_ref()?;
        let (file, name) = match outline.origin(name)? {
            NameOrigin::Defined(statement) if outline.is_function(statement) && name.starts_with('_') => {
                (file.clone(), name.to_owned())
            }
            NameOrigin::Defined(_) => return None,
            NameOrigin::Loaded { module, name } => {
                self.function(loaded_by(&self.roles, file, module).ok()?, name)?
            }
        };
        self.late.as_mut()?.stand_in(file, name).ok()
    }

    /// Where a function is defined that a sheet defines or loads; `None` if it is none.
    fn function(&mut self, mut file: FilePath, name: &str) -> Option<(FilePath, String)> {
        let mut name = name.to_owned();
        loop {
            let outline = self.outline(&file)?;
            match outline.origin(&name)? {
                NameOrigin::Defined(statement) => {
                    return outline.is_function(statement).then_some((file, name));
                }
                NameOrigin::Loaded { module, name: theirs } => {
                    file = loaded_by(&self.roles, &file, module).ok()?;
                    theirs.clone_into(&mut name);
                }
            }
        }
    }

    /// Whether a file is an overlay.
    pub(crate) fn is_overlay(&self, file: &FilePath) -> bool {
        self.overlays.contains(file)
    }

    /// Whether a user wrote a sheet, or any function that it may call.
    fn has_users(&self, file: &FilePath) -> bool {
        file.builtin().is_none() || !self.overlays.is_empty()
    }

    /// The place that a place in what was run stands for.
    pub(crate) fn written(&self, span: &FileSpan) -> FileSpan {
        self.written.get(span.filename()).map_or_else(|| span.clone(), |written| written.place(span))
    }

    /// What a sheet defines, or loads, under a name; the sheet is run as far as that takes.
    ///
    /// # Errors
    /// The first problem, with its place.
    pub(crate) fn get(&mut self, file: &FilePath, name: &str) -> Result<Option<Named>, String> {
        self.load(file, &[name])?;
        Ok(self.sheets.get(file).and_then(|sheet| sheet.names.get(name)).cloned())
    }

    /// File and line of a definition, and the line itself with its number, as excerpts have it.
    pub(crate) fn place(&self, position: usize) -> Option<(String, String)> {
        let Evaluated { file, defined: Defined { line, .. }, .. } = self.defined.get(position)?;
        let text = file.read().unwrap_or_default();
        let source = text.lines().nth(line.checked_sub(1)?).unwrap_or_default();
        Some((format!("{}:{line}", file.display()), format!("\n {line} | {source}")))
    }

    /// Whether all that a definition does is to refuse, or the function that it is another name of.
    pub(crate) fn only_refuses(&self, position: usize) -> bool {
        let text = |run: &Evaluated| run.file.read().unwrap_or_default();
        let refuses = |run: &Evaluated| only_refuses(&text(run), run.defined.line);
        let is_alias = |run: &Evaluated| is_another_name(&text(run), run.defined.line);
        let Some(run) = self.defined.get(position) else { return false };
        if !is_alias(run) {
            return refuses(run);
        }
        // Several sheets may define the same name; the value is of one of them.
        let value = |run: &Evaluated| Some(run.module.get_any_visibility(&run.defined.name).ok()?.0);
        let Some(function) = value(run) else { return false };
        let is_it = |other: &Evaluated| value(other).is_some_and(|v| v.value().ptr_eq(function.value()));
        self.defined.iter().find(|other| is_it(other) && !is_alias(other)).is_some_and(refuses)
    }

    /// All definitions, with their documentation.
    pub(crate) fn definitions(&self) -> Vec<Definition> {
        let definition = |run: &Evaluated| {
            Definition::new(&run.defined.name, run.file.display(), run.defined.line, &run.module)
        };
        self.defined.iter().map(definition).collect()
    }

    /// Runs what a sheet needs for the wanted names.
    fn load(&mut self, file: &FilePath, wanted: &[&str]) -> Result<(), String> {
        let known = self.sheets.get(file);
        let outline = known.and_then(|sheet| sheet.outline.clone());
        let missing: Vec<&str> = match known {
            Some(sheet) => wanted.iter().copied().filter(|name| !sheet.names.contains_key(*name)).collect(),
            None => wanted.to_vec(),
        };
        if known.is_some() && (outline.is_none() || missing.is_empty()) {
            return Ok(());
        }
        if self.loading.contains(file) {
            return Err(format!("{}: loads itself", file.display()));
        }
        self.loading.push(file.clone());
        let done = match outline {
            Some(outline) => self.statements(file, &outline, &missing),
            None => self.first(file, &missing),
        };
        self.loading.pop();
        done
    }

    /// Runs a sheet that has not been run.
    fn first(&mut self, file: &FilePath, wanted: &[&str]) -> Result<(), String> {
        if let Some(outline) = self.outline(file) {
            return self.statements(file, &outline, wanted);
        }
        let name = file.display();
        let text = file.read().map_err(|e| format!("{name}: {e}"))?;
        let names = self.whole(file, &name, &text)?;
        self.sheets.insert(file.clone(), Sheet { outline: None, names });
        Ok(())
    }

    /// What a sheet consists of, if it is run by statements.
    pub(crate) fn outline(&mut self, file: &FilePath) -> Option<Arc<Outline<'static>>> {
        // What takes the place of a function must do so wherever it is called.
        let text = file.builtin().filter(|_| self.overlays.is_empty())?;
        let sheet = self.sheets.entry(file.clone());
        let sheet = sheet
            .or_insert_with(|| Sheet { outline: Some(Arc::new(Outline::new(text))), names: HashMap::new() });
        sheet.outline.clone()
    }

    /// Runs the statements that wanted names need, after what they load.
    fn statements(&mut self, file: &FilePath, outline: &Outline<'_>, wanted: &[&str]) -> Result<(), String> {
        let mut selection = Selection::default();
        for name in wanted {
            selection.need(outline, name, |name| self.knows(file, name));
        }
        let mut stand_ins = HashMap::new();
        while let Some(name) = selection.held.pop() {
            match self.stand_in(file, outline, name) {
                Some(value) => drop(stand_ins.insert(name, value)),
                None => selection.need(outline, name, |name| self.knows(file, name)),
            }
        }
        stand_ins.retain(|name, _| !selection.needs(name));
        let Selection { known: mut given, statements: chosen, loads, .. } = selection;
        let shown = file.display();
        for (module, symbols) in loads {
            let path = loaded_by(&self.roles, file, module).map_err(|e| format!("{shown}: {e}"))?;
            let theirs: Vec<&str> = symbols.iter().map(|(_, theirs)| *theirs).collect();
            self.load(&path, &theirs).map_err(|e| format!("{e}\n  loaded by {shown}"))?;
            for (local, theirs) in symbols {
                let named = self.sheets.get(&path).and_then(|sheet| sheet.names.get(theirs)).cloned();
                let named = named.ok_or_else(|| format!("{shown}: {} has no {theirs}", path.display()))?;
                self.keep(file, local, named);
                given.push(local);
            }
        }
        if chosen.is_empty() {
            return Ok(());
        }
        let ast = language::parse_trusted(&shown, outline.excerpt(&chosen))?;
        let names = self.sheets.get(file).map(|sheet| &sheet.names);
        let given: Vec<(&str, &Named)> =
            given.into_iter().filter_map(|name| Some((name, names?.get(name)?))).collect();
        let sends = given.iter().map(|(name, named)| (*name, self.defined[named.definition].defined.sends));
        let sends = sends.chain(stand_ins.keys().map(|name| (*name, true)));
        let defined = syntax::defined(&ast, sends, &outline.inline, &|name| self.builtins.contains(name));
        let given = given.into_iter().map(|(name, named)| (name, named.value.clone())).chain(stand_ins);
        let statements = Statements { file, ast, given: given.collect(), modules: HashMap::new(), defined };
        for (name, named) in self.run(statements)? {
            self.keep(file, &name, named);
        }
        Ok(())
    }

    fn knows(&self, file: &FilePath, name: &str) -> bool {
        self.sheets.get(file).is_some_and(|sheet| sheet.names.contains_key(name))
    }

    fn keep(&mut self, file: &FilePath, name: &str, named: Named) {
        if let Some(sheet) = self.sheets.get_mut(file) {
            sheet.names.insert(name.to_owned(), named);
        }
    }

    /// Runs a sheet as it stands; gives what it defines and loads.
    fn whole(&mut self, file: &FilePath, name: &str, text: &str) -> Result<HashMap<String, Named>, String> {
        let ast = language::parse(name, text)?;
        let mut modules = HashMap::new();
        let mut names: HashMap<String, Named> = HashMap::new();
        for load in ast.loads() {
            let path =
                loaded_by(&self.roles, file, load.module_id).map_err(|e| format!("{}: {e}", load.span))?;
            let theirs: Vec<&str> = load.symbols.values().copied().collect();
            self.load(&path, &theirs).map_err(|e| format!("{e}\n  loaded by {}", load.span))?;
            let sheet = self.sheets.get(&path).map(|sheet| &sheet.names);
            let found =
                |(local, theirs): (&&str, &&str)| Some(((*local).to_owned(), sheet?.get(*theirs)?.clone()));
            names.extend(load.symbols.iter().filter_map(found));
            modules.insert(load.module_id.to_owned(), facade(sheet)?);
        }
        let sends = names.iter();
        let sends = sends.map(|(name, named)| (name.as_str(), self.defined[named.definition].defined.sends));
        let defined = syntax::defined(&ast, sends, &HashSet::new(), &|name| self.builtins.contains(name));
        let modules = modules.iter().map(|(name, module)| (name.as_str(), module.clone())).collect();
        // What is the user's own is bounded wherever it may grow.
        let ast = match (file.builtin(), guarded(&ast, text)?) {
            (None, Some((guarded, written))) => {
                self.written.insert(name.to_owned(), written);
                language::parse_trusted(name, guarded)?
            }
            _ => ast,
        };
        let statements = Statements { file, ast, given: Vec::new(), modules, defined };
        names.extend(self.run(statements)?);
        Ok(names)
    }

    /// Runs statements; gives what they define.
    fn run(&mut self, statements: Statements<'_>) -> Result<Vec<(String, Named)>, String> {
        let Statements { file, mut ast, given, modules, defined } = statements;
        // Starlark's own shift wraps to 32 bits without notice (facebook/starlark-rust#204), and its product
        // takes whatever memory it needs.
        let checked = if file.builtin().is_some() { &OPERATORS[..2] } else { &OPERATORS };
        let checked = checked.iter().map(|(op, function)| ((*op).to_owned(), (*function).to_owned()));
        ast.replace_binary_operators(&checked.collect());
        let loads =
            ReturnFileLoader { modules: &modules.iter().map(|(name, module)| (*name, module)).collect() };
        let first = self.defined.len();
        let name = file.display();
        let module = Module::with_temp_heap(|module| {
            for (name, value) in &given {
                module.set(name, module.heap().access_owned_frozen_value(value));
            }
            {
                let mut eval = Evaluator::new(&module);
                let bounds = limit(&mut eval, self.has_users(file));
                eval.set_loader(&loads);
                let result = eval.eval_module(ast, &self.globals);
                let written = |span: &FileSpan| self.written(span);
                result.map_err(|e| describe(&e, bounds.statement().as_ref(), &written))?;
            }
            for (index, defined) in defined.iter().enumerate() {
                match self.replacements.get(&defined.name) {
                    Some(value) => {
                        let value = module.heap().access_owned_frozen_value(value);
                        module.set(&defined.name, value);
                    }
                    None => protocol::wrap(&module, defined, first + index, self.is_overlay(file)),
                }
            }
            let name = FrozenHeapName::User(Box::new(name.clone()));
            module.freeze_named(name).map_err(|e| format!("{}: {e:?}", file.display()))
        })?;
        let mut names = Vec::with_capacity(defined.len());
        for defined in defined {
            if let Ok((value, _)) = module.get_any_visibility(&defined.name) {
                names.push((defined.name.clone(), Named { value, definition: self.defined.len() }));
            }
            self.defined.push(Evaluated { file: file.clone(), defined, module: module.clone() });
        }
        Ok(names)
    }
}
