//! What sheets write out in calls of host functions, and can be seen to be wrong.

use hawkeye_graph::{Diagnostic, nearest};
use starlark::syntax::ast::{AstArgument, AstExpr, AstLiteral, AstStmt, Expr};

use super::sources::{Source, Sources};
use crate::protocol::OVERLAY;
use crate::syntax::identifier;

/// What a sheet may say that an operator's costs rest on.
const KINDS: [&str; 6] = ["measured", "modelled", "composed", "defined", "formula", "local"];

pub(super) fn findings(sources: &Sources) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for source in sources.0.iter().filter(|source| source.own) {
        statement(source, source.ast.statement(), &mut found);
    }
    found
}

fn statement(source: &Source, of: &AstStmt, found: &mut Vec<Diagnostic>) {
    of.visit_expr(|inner| expression(source, inner, found));
    of.visit_stmt(|inner| statement(source, inner, found));
}

fn expression(source: &Source, of: &AstExpr, found: &mut Vec<Diagnostic>) {
    if let Expr::Call(callee, arguments) = &of.node {
        let line = source.line(of.span);
        match (identifier(callee), arguments.args.first().and_then(text)) {
            (Some("evidence"), Some(kind)) if kind != OVERLAY && !KINDS.contains(&kind) => {
                let near = nearest(kind, KINDS);
                let help = near.map_or_else(
                    || format!("kinds: {}", KINDS.join(", ")),
                    |near| format!("did you mean {near}?"),
                );
                found.push(source.error(line, format!("\"{kind}\" is no kind of evidence")).help(help));
            }
            (Some("fail"), reason)
                if arguments.args.is_empty() || reason.is_some_and(|text| text.trim().is_empty()) =>
            {
                let error = source.error(line, "fail without a reason");
                found.push(error.help("say in it what the framework can't do, and what the user can do"));
            }
            _ => {}
        }
    }
    of.visit_expr(|inner| expression(source, inner, found));
}

/// An argument's text, if it is written out.
fn text(argument: &AstArgument) -> Option<&str> {
    match &argument.node.expr().node {
        Expr::Literal(AstLiteral::String(text)) => Some(&text.node),
        _ => None,
    }
}
