//! Parameters that a function does not look at.

use std::collections::HashSet;

use hawkeye_graph::Diagnostic;
use starlark::syntax::ast::{AstExpr, AstStmt, Expr, Parameter, Stmt};

use super::sources::Sources;
use crate::entry::is_entry;
use crate::syntax::{identifier, outermost};

/// Only of functions that sheets call by their names: what the tool calls, or what is handed on as a value, is given what
/// its callers have. A name that begins with `_` says that the parameter is there for them.
pub(super) fn findings(sources: &Sources) -> Vec<Diagnostic> {
    let mut values = HashSet::new();
    for source in &sources.0 {
        each_expression(source.ast.statement(), &mut |expression| handed_on(expression, &mut values));
    }
    let mut found = Vec::new();
    for source in sources.0.iter().filter(|source| source.own) {
        for statement in outermost(source.ast.statement()) {
            let Stmt::Def(def) = &statement.node else { continue };
            let function = def.name.node.ident.as_str();
            if is_entry(function) || values.contains(function) {
                continue;
            }
            let mut mentioned = HashSet::new();
            each_expression(&def.body, &mut |expression| mentions(expression, &mut mentioned));
            let names = def.params.iter().filter_map(|parameter| match &parameter.node {
                Parameter::Normal(name, ..) => Some(name.node.ident.as_str()),
                _ => None,
            });
            for name in names.filter(|name| !name.starts_with('_') && !mentioned.contains(name)) {
                let message = format!("{function} does not look at its parameter {name}");
                let help =
                    format!("remove it, or call it _{name} if it is there for those who call {function}");
                found.push(source.warning(source.line(statement.span), message).help(help));
            }
        }
    }
    found
}

fn each_expression<'a>(statement: &'a AstStmt, f: &mut dyn FnMut(&'a AstExpr)) {
    statement.visit_expr(&mut *f);
    statement.visit_stmt(|inner| each_expression(inner, f));
}

/// Names that stand for values: anywhere but before the brackets of a call.
fn handed_on<'a>(expression: &'a AstExpr, names: &mut HashSet<&'a str>) {
    match &expression.node {
        Expr::Identifier(name) => {
            names.insert(&name.node.ident);
        }
        Expr::Call(callee, arguments) if identifier(callee).is_some() => {
            arguments.args.iter().for_each(|argument| handed_on(argument.node.expr(), names));
        }
        _ => expression.visit_expr(|inner| handed_on(inner, names)),
    }
}

fn mentions<'a>(expression: &'a AstExpr, names: &mut HashSet<&'a str>) {
    names.extend(identifier(expression));
    expression.visit_expr(|inner| mentions(inner, names));
}
