//! Rules for `hawkeye optimize` that users write: `docs/OPTIMIZE.md` is their language's reference.

use std::path::Path;
use std::sync::Arc;

use hawkeye_cost::Data;
use hawkeye_graph::{Diagnostic, Failure, Place};
use indexmap::IndexMap;
use starlark::codemap::FileSpan;
use starlark::environment::Module;
use starlark::eval::Evaluator;
use starlark::values::structs::StructRef;
use starlark::values::{OwnedFrozenValue, Value};

use crate::convert::{to_data, to_value};
use crate::fault::{describe, misuse};
use crate::folder::{FilePath, Folder};
use crate::framework::Framework;
use crate::language;
use crate::limits::limit;
use crate::loader::Loader;
use crate::named::Named;
use crate::outline::Outline;
use crate::signs::{Sign, weights};
use crate::terms::{Application, Term};

/// How far another function is from the one whose place it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approximation {
    /// Largest error on the range that it is meant for.
    pub error: String,
    /// Whether the model is to be trained again.
    pub training: bool,
}

/// A rule that a user wrote.
pub struct WrittenRule {
    /// Name: the one that the file gives it, with `-` for `_`.
    pub name: String,
    /// What it does.
    pub what: String,
    /// When that is exact.
    pub when: String,
    /// Why it saves.
    pub why: String,
    /// Where it is written, and where it comes from.
    pub source: String,
    /// What it changes; `None` if nothing.
    pub approximation: Option<Approximation>,
    /// Nodes that it is about.
    pub pattern: Application,
    /// What must hold of weights.
    pub weights: Vec<(String, Sign)>,
    condition: Option<OwnedFrozenValue>,
    replacement: RuleReplacement,
    loader: Arc<Loader>,
}

enum RuleReplacement {
    Fixed(Term),
    Computed(OwnedFrozenValue),
}

impl Framework {
    /// The rules in the files that the manifest lists under `rules`.
    ///
    /// # Errors
    /// What is wrong with each file.
    pub fn rules(&self) -> Result<Vec<WrittenRule>, Failure> {
        let read = |name: &String| match self.folder.file(name) {
            Ok(file) => rules(&self.folder, &file),
            Err(message) => Err(unreadable(name, message)),
        };
        collected(self.manifest.rules.iter().map(read))
    }
}

/// The rules in files of users.
///
/// # Errors
/// What is wrong with each file.
pub fn written_rules(files: &[impl AsRef<Path>]) -> Result<Vec<WrittenRule>, Failure> {
    collected(files.iter().map(|path| {
        let file = FilePath::Disk(path.as_ref().to_owned());
        rules(&Folder::of(&file), &file)
    }))
}

fn collected(
    files: impl Iterator<Item = Result<Vec<WrittenRule>, Diagnostic>>,
) -> Result<Vec<WrittenRule>, Failure> {
    let (mut rules, mut errors) = (Vec::new(), Vec::new());
    for found in files {
        match found {
            Ok(found) => rules.extend(found),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(rules) } else { Err(Failure(errors)) }
}

fn unreadable(file: &str, message: impl std::fmt::Display) -> Diagnostic {
    let place = Place::File { path: file.to_owned(), position: None };
    Diagnostic::error(place, format!("its rules can't be used: {message}"))
}

/// What a file of rules gives a name.
struct Declared {
    name: String,
    named: Named,
}

fn rules(folder: &Folder, file: &FilePath) -> Result<Vec<WrittenRule>, Diagnostic> {
    let shown = file.display();
    let fail = |message: String| unreadable(&shown, message);
    let text = file.read().map_err(fail)?;
    let mut loader = Loader::new(folder, &IndexMap::new(), language::rule_globals()).map_err(fail)?;
    // It is run whatever its text tells of its names: it may be wrong.
    loader.get(file, "").map_err(fail)?;
    let mut declared = Vec::new();
    for name in Outline::new(&text).names() {
        let Some(named) = loader.get(file, name).map_err(fail)? else { continue };
        if is_rule(named.value.value()) {
            declared.push(Declared { name: name.to_owned(), named });
        }
    }
    if declared.is_empty() {
        return Err(fail("it defines no rule".to_owned())
            .help("NAME = rule(what = ..., pattern = ..., replacement = ...)"));
    }
    let loader = Arc::new(loader);
    let rule = |declared: Declared| written(declared, &loader).map_err(fail);
    declared.into_iter().map(rule).collect()
}

/// Whether a value is what `rule()` gives.
fn is_rule(value: Value<'_>) -> bool {
    StructRef::from_value(value).is_some_and(|fields| {
        ["pattern", "replacement"]
            .iter()
            .all(|wanted| fields.iter().any(|(name, _)| name.as_str() == *wanted))
    })
}

fn written(
    Declared { name, named: Named { value, definition } }: Declared,
    loader: &Arc<Loader>,
) -> Result<WrittenRule, String> {
    let field = |wanted: &str| {
        let of = |record: Value<'static>| {
            let (_, field) =
                StructRef::from_value(record)?.iter().find(|(name, _)| name.as_str() == wanted)?;
            field.unpack_frozen()
        };
        value.clone().try_map(|record| of(record.to_value()).ok_or(())).ok()
    };
    let data = |wanted: &str| {
        let found = field(wanted).and_then(|field| to_data(field.value()));
        found.ok_or_else(|| format!("{name} is not what rule() gives: it has no {wanted} that is plain data"))
    };
    let text = |wanted: &str| match data(wanted)? {
        Data::Text(text) => Ok(text),
        _ => Err(format!("{name} is not what rule() gives: {wanted} is no text")),
    };
    let function = |name: &str| field(name).filter(|field| field.value().get_type() == "function");
    let Term::Applied(pattern) = Term::read(&data("pattern")?)? else {
        return Err(format!("the pattern of {name} is no op(...)"));
    };
    let place = loader.place(definition).map(|(place, _)| place).unwrap_or_default();
    let source = text("source")?;
    let approximation = match data("error")? {
        Data::Text(error) => Some(Approximation { error, training: data("training")? == Data::Bool(true) }),
        _ => None,
    };
    Ok(WrittenRule {
        name: name.trim_start_matches('_').replace('_', "-"),
        what: text("what")?,
        when: text("when")?,
        why: text("why")?,
        source: if source.is_empty() { place } else { format!("{place}; {source}") },
        approximation,
        pattern,
        weights: weights(&data("weights")?)?,
        condition: function("condition"),
        replacement: match function("replacement") {
            Some(function) => RuleReplacement::Computed(function),
            None => RuleReplacement::Fixed(Term::read(&data("replacement")?)?),
        },
        loader: Arc::clone(loader),
    })
}

impl WrittenRule {
    /// What takes the place of nodes that match, given the views of the values that the pattern names; `None` if
    /// the rule does not hold there.
    ///
    /// # Errors
    /// What goes wrong in the user's functions, with its place.
    pub fn replacement(&self, matched: &Data) -> Result<Option<Term>, String> {
        if let Some(condition) = &self.condition {
            match self.ask(condition, matched, &|_| Ok(()))? {
                Data::Bool(true) => {}
                Data::Bool(false) => return Ok(None),
                _ => return Err(format!("{}: the condition gives neither True nor False", self.source)),
            }
        }
        let function = match &self.replacement {
            RuleReplacement::Fixed(term) => return Ok(Some(term.clone())),
            RuleReplacement::Computed(function) => function,
        };
        let found = self.ask(function, matched, &|data| Term::read(data).map(|_| ()))?;
        Term::read(&found).map(|term| (term != Term::Absent).then_some(term))
    }

    /// Runs a function of the user's; `check` says what is wrong with what it returns.
    fn ask(
        &self,
        function: &OwnedFrozenValue,
        matched: &Data,
        check: &dyn Fn(&Data) -> Result<(), String>,
    ) -> Result<Data, String> {
        Module::with_temp_heap(|module| {
            let mut eval = Evaluator::new(&module);
            let heap = module.heap();
            let argument = to_value(matched, heap);
            let bounds = limit(&mut eval, true);
            let value = heap.access_owned_frozen_value(function);
            let result = eval.eval_function(value, &[argument], &[]).and_then(|result| {
                let kind = result.get_type();
                let data = to_data(result)
                    .ok_or_else(|| misuse(format!("it returns {kind}, which is no plain data")))?;
                check(&data).map_err(misuse)?;
                Ok(data)
            });
            let written = |span: &FileSpan| self.loader.written(span);
            result.map_err(|error| describe(&error, bounds.statement().as_ref(), &written))
        })
    }
}
