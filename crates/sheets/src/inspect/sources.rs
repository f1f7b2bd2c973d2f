//! The sheets of a framework as text and syntax tree: those that the manifest lists, and what they load.

use std::collections::{BTreeMap, HashMap};

use hawkeye_graph::{Diagnostic, Failure, Place};
use starlark::codemap::{FileSpan, Span};
use starlark::syntax::AstModule;
use starlark::syntax::ast::{AssignTarget, AstParameter, Expr, Stmt};

use crate::folder::{FilePath, Folder, loaded_by};
use crate::language;
use crate::manifest::Manifest;
use crate::syntax::outermost;

/// A sheet.
pub(crate) struct Source {
    pub(crate) file: FilePath,
    pub(crate) text: String,
    pub(crate) ast: AstModule,
    /// The files that its `load` statements name.
    pub(crate) loads: BTreeMap<String, FilePath>,
    /// Whether it lies in the framework's own directory.
    pub(crate) own: bool,
    /// Whether the manifest lists it.
    pub(crate) listed: bool,
}

/// All of them, a sheet after what it loads.
pub(crate) struct Sources(pub(crate) Vec<Source>);

/// What a name stands for at the outermost level of a sheet.
pub(crate) enum Meaning<'a> {
    Function {
        source: &'a Source,
        name: &'a str,
        position: Position,
        parameters: &'a [AstParameter],
    },
    /// Something that is computed.
    Value {
        source: &'a Source,
        position: Position,
    },
}

impl Sources {
    /// # Errors
    /// Every sheet that can't be read or parsed.
    pub(crate) fn gather(folder: &Folder, manifest: &Manifest) -> Result<Self, Failure> {
        let place = folder.file("framework.yaml").map_or_else(|_| manifest.name.clone(), |f| f.display());
        let mut gathering =
            Gathering { roles: HashMap::new(), done: Vec::new(), seen: Vec::new(), errors: Vec::new() };
        for (role, file) in &manifest.modules {
            match folder.file(file) {
                Ok(file) => drop(gathering.roles.insert(role.clone(), file)),
                Err(problem) => gathering.errors.push(whole(&place, problem)),
            }
        }
        let own = folder.sheets();
        for sheet in &manifest.sheets {
            match folder.file(sheet) {
                Ok(file) => gathering.add(&file, &own, None),
                Err(problem) => gathering.errors.push(whole(&place, problem)),
            }
        }
        let loose = own.iter().filter(|file| {
            !gathering.seen.contains(*file)
                && !manifest
                    .modules
                    .values()
                    .chain(&manifest.rules)
                    .any(|module| file.display().ends_with(module.as_str()))
        });
        for file in loose {
            let message = "nothing loads this sheet, and the manifest does not list it";
            gathering.errors.push(
                whole(&file.display(), message)
                    .help("add it to sheets: in framework.yaml, load it, or remove it"),
            );
        }
        if gathering.errors.is_empty() { Ok(Self(gathering.done)) } else { Err(Failure(gathering.errors)) }
    }

    fn of(&self, file: &FilePath) -> Option<&Source> {
        self.0.iter().find(|source| source.file == *file)
    }

    /// What a name of a sheet stands for, through other names and through loads.
    pub(crate) fn meaning<'a>(&'a self, source: &'a Source, name: &str) -> Option<Meaning<'a>> {
        self.follow(source, name, 0)
    }

    fn follow<'a>(&'a self, source: &'a Source, name: &str, depth: usize) -> Option<Meaning<'a>> {
        if depth > 100 {
            return None;
        }
        for statement in outermost(source.ast.statement()).into_iter().rev() {
            match &statement.node {
                Stmt::Def(def) if def.name.node.ident == name => {
                    let (name, parameters) = (&*def.name.node.ident, &*def.params);
                    return Some(Meaning::Function {
                        source,
                        name,
                        position: source.position(statement.span),
                        parameters,
                    });
                }
                Stmt::Assign(assign) => match (&assign.lhs.node, &assign.rhs.node) {
                    (AssignTarget::Identifier(target), Expr::Identifier(other))
                        if target.node.ident == name =>
                    {
                        // Another name of a function is that function.
                        return self.follow(source, &other.node.ident, depth + 1);
                    }
                    _ => {
                        let mut assigned = false;
                        assign.lhs.visit_lvalue(|target| assigned |= target.node.ident == name);
                        if assigned {
                            return Some(Meaning::Value {
                                source,
                                position: source.position(statement.span),
                            });
                        }
                    }
                },
                Stmt::Load(load) => {
                    let Some(argument) = load.args.iter().find(|a| a.local.node.ident == name) else {
                        continue;
                    };
                    let other = self.of(source.loads.get(&load.module.node)?)?;
                    return self.follow(other, &argument.their.node, depth + 1);
                }
                _ => {}
            }
        }
        None
    }
}

/// A line and a column of a sheet, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Position {
    /// Where a piece of a text begins.
    pub(crate) fn of(span: &FileSpan) -> Self {
        let begin = span.resolve_span().begin;
        Self { line: begin.line + 1, column: begin.column + 1 }
    }
}

impl Source {
    /// Where a piece of the text begins.
    pub(crate) fn position(&self, span: Span) -> Position {
        Position::of(&self.ast.file_span(span))
    }

    /// A warning about a line, which it shows.
    pub(crate) fn warning(&self, position: Position, message: impl AsRef<str>) -> Diagnostic {
        Diagnostic::warning(self.place(position), self.shown(position, message.as_ref()))
    }

    /// An error about a line, which it shows.
    pub(crate) fn error(&self, position: Position, message: impl AsRef<str>) -> Diagnostic {
        Diagnostic::error(self.place(position), self.shown(position, message.as_ref()))
    }

    fn place(&self, Position { line, column }: Position) -> Place {
        Place::File { path: self.file.display(), position: Some((line, column)) }
    }

    fn shown(&self, Position { line, .. }: Position, message: &str) -> String {
        match self.text.lines().nth(line.saturating_sub(1)) {
            Some(code) => format!("{message}\n  {line} | {}", code.trim_end()),
            None => message.to_owned(),
        }
    }

    /// The names that it defines or loads at its outermost level, with their places.
    pub(crate) fn names(&self) -> BTreeMap<&str, Position> {
        let mut names = BTreeMap::new();
        for statement in outermost(self.ast.statement()) {
            let position = self.position(statement.span);
            match &statement.node {
                Stmt::Def(def) => names.extend([(&*def.name.node.ident, position)]),
                Stmt::Assign(assign) => {
                    assign.lhs.visit_lvalue(|name| names.extend([(&*name.node.ident, position)]))
                }
                Stmt::Load(load) => {
                    names.extend(
                        load.args.iter().map(|a| (&*a.local.node.ident, self.position(a.local.span))),
                    );
                }
                _ => {}
            }
        }
        names
    }
}

struct Gathering {
    roles: HashMap<String, FilePath>,
    done: Vec<Source>,
    /// Files that were begun: a sheet that loads itself is found when it is run.
    seen: Vec<FilePath>,
    errors: Vec<Diagnostic>,
}

impl Gathering {
    /// Reads a sheet and what it loads. `by` is the place that loads it; none if the manifest lists it.
    fn add(&mut self, file: &FilePath, own: &[FilePath], by: Option<&str>) {
        let listed = by.is_none();
        if self.seen.contains(file) {
            if let Some(known) = self.done.iter_mut().find(|source| source.file == *file) {
                known.listed |= listed;
            }
            return;
        }
        self.seen.push(file.clone());
        let name = file.display();
        let text = match file.read() {
            Ok(text) => text,
            Err(problem) => {
                let by = by.map_or("framework.yaml lists it".to_owned(), |place| format!("{place} loads it"));
                return self.errors.push(whole(&name, format!("can't be read: {problem}")).help(by));
            }
        };
        let ast = match language::parse(&name, &text) {
            Ok(ast) => ast,
            Err(problem) => return self.errors.push(whole(&name, problem)),
        };
        let mut loads = BTreeMap::new();
        let mut paths = Vec::new();
        for load in ast.loads() {
            let Position { line, column } = Position::of(&load.span);
            match loaded_by(&self.roles, file, load.module_id) {
                Ok(path) => {
                    paths.push((path.clone(), format!("{name}:{line}")));
                    loads.insert(load.module_id.to_owned(), path);
                }
                Err(problem) => {
                    let place = Place::File { path: name.clone(), position: Some((line, column)) };
                    self.errors.push(Diagnostic::error(place, problem));
                }
            }
        }
        paths.sort_by_key(|(path, _)| path.display());
        paths.iter().for_each(|(path, place)| self.add(path, own, Some(place)));
        let own = own.contains(file);
        let text = text.into_owned();
        self.done.push(Source { file: file.clone(), text, ast, loads, own, listed });
    }
}

/// An error about a file as a whole.
pub(crate) fn whole(path: &str, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Place::File { path: path.to_owned(), position: None }, message)
}
