//! What Starlark's own linter and type checker say.

use std::collections::HashMap;

use hawkeye_graph::Diagnostic;
use starlark::analysis::{AstModuleLint, EvalSeverity, Lint};
use starlark::environment::Globals;
use starlark::typing::{AstModuleTypecheck, Interface};

use super::sources::{Position, Source, Sources};
use crate::folder::{FilePath, standard};
use crate::language;

/// What the linter calls a name that nothing defines.
const UNDEFINED: &str = "using-undefined";
/// What the linter says of style, and not of meaning; `any` and `all` are the only way to say what they say in an
/// expression.
const STYLE: [&str; 3] = ["missing-return", "unused-argument", "eager-and-inefficient-bool-check"];

pub(super) fn findings(sources: &Sources, globals: &Globals) -> Vec<Diagnostic> {
    let names = globals.names().map(|name| name.as_str().to_owned()).collect();
    let mut interfaces: HashMap<FilePath, Interface> = HashMap::new();
    let mut found = Vec::new();
    for source in &sources.0 {
        let lints = source.ast.lint(Some(&names)).into_iter();
        let lints = lints.filter(|lint| {
            !STYLE.contains(&lint.short_name.as_str()) && !reexports(source, &lint.short_name)
        });
        let lints = lints.filter(|lint| !counts(source, lint));
        let lints = lints.map(|lint| {
            let position = Position::of(&lint.location);
            match (lint.severity, lint.short_name.as_str()) {
                (_, UNDEFINED) => undefined(source, position, &lint.problem),
                (EvalSeverity::Error, _) => source.error(position, lint.problem),
                _ => source.warning(position, lint.problem),
            }
        });
        let loads = source
            .loads
            .iter()
            .filter_map(|(name, file)| Some((name.clone(), interfaces.get(file)?.clone())));
        let Ok(ast) = language::parse(&source.file.display(), &source.text) else { continue };
        let (errors, _, interface, _) = ast.typecheck(globals, &loads.collect());
        let types = errors.iter().filter_map(|error| {
            let position = error.span().map_or(Position { line: 1, column: 1 }, Position::of);
            let said = error.without_diagnostic().to_string();
            // The linter has said that.
            let twice = (said.starts_with("Variable `") && said.contains("` not found"))
                || said.contains("unresolved ident");
            (!twice).then(|| source.error(position, said.trim()))
        });
        if source.own {
            found.extend(lints.chain(types));
        }
        interfaces.insert(source.file.clone(), interface);
    }
    found
}

/// A name that nothing defines; where it is one of `//std`, how to load it.
fn undefined(source: &Source, position: Position, problem: &str) -> Diagnostic {
    let error = source.error(position, problem);
    let name = problem.split('`').nth(1).unwrap_or_default();
    match standard(name) {
        Some(sheet) => error.help(format!("load(\"{sheet}\", \"{name}\")")),
        None => error,
    }
}

/// A loop may count without looking at its count.
fn counts(source: &Source, lint: &Lint) -> bool {
    let line = source.text.lines().nth(lint.location.resolve_span().begin.line);
    lint.short_name == "unused-assign" && line.is_some_and(|line| line.trim_start().starts_with("for "))
}

/// Listed sheets may load what they only pass on, under the names that the tool calls.
fn reexports(source: &Source, lint: &str) -> bool {
    source.listed && lint == "unused-load"
}

#[cfg(test)]
mod tests {
    use starlark::syntax::ast::{AstLiteral, AstStmt, Expr, Stmt};

    use super::*;
    use crate::folder::{Folder, built_in_sheets};
    use crate::recorder::PartyCounts;
    use crate::syntax::outermost;

    /// Whether a framework's own check looks at a sheet.
    fn is_own(path: &str) -> bool {
        let frameworks = Folder::builtin();
        frameworks
            .iter()
            .any(|name| path.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('/')))
    }

    #[test]
    fn sheets_that_frameworks_share_are_clean() {
        let globals = language::globals(&[], PartyCounts { protocol: 2, all: 2 });
        let names = globals.names().map(|name| name.as_str().to_owned()).collect();
        let mut found = Vec::new();
        for (path, text) in built_in_sheets().filter(|(path, _)| !is_own(path)) {
            let ast = language::parse(path, text).unwrap_or_else(|error| panic!("{error}"));
            let lints = ast.lint(Some(&names)).into_iter();
            let lints = lints.filter(|lint| !STYLE.contains(&lint.short_name.as_str()));
            found.extend(lints.map(|lint| format!("{}: {}", lint.location, lint.problem)));
        }
        assert!(found.is_empty(), "{}", found.join("\n"));
    }

    fn begins_with_text(body: &AstStmt) -> bool {
        match &body.node {
            Stmt::Statements(statements) => statements.first().is_some_and(begins_with_text),
            Stmt::Expression(expression) => {
                matches!(expression.node, Expr::Literal(AstLiteral::String(_)))
            }
            _ => false,
        }
    }

    #[test]
    fn public_functions_that_come_with_the_tool_are_documented() {
        let mut found = Vec::new();
        for (path, text) in built_in_sheets() {
            let ast = language::parse(path, text).unwrap_or_else(|error| panic!("{error}"));
            for statement in outermost(ast.statement()) {
                let Stmt::Def(def) = &statement.node else { continue };
                let name = &def.name.node.ident;
                if !name.starts_with('_') && !begins_with_text(&def.body) {
                    found.push(format!("{path}: {name}"));
                }
            }
        }
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}
