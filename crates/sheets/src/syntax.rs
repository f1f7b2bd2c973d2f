//! What the text of a sheet tells before it is run: what it defines, and which functions may send.

use std::collections::{HashMap, HashSet};

use starlark::codemap::FileSpan;
use starlark::syntax::AstModule;
use starlark::syntax::ast::{AssignOp, AstExpr, AstStmt, Expr, Stmt};

/// Host functions through which a function puts something into the call tree.
const EMITTING: [&str; 11] =
    ["send", "exchange", "step", "count", "work", "repeat", "parallel", "in_phase", "once", "draw", "defer"];
/// Whether a method is of Starlark's own values, or of the namespace `math`; any other may be a function that
/// somebody put into a record.
fn is_method(name: &str) -> bool {
    matches!(
        name,
        "append"
            | "clear"
            | "count"
            | "elems"
            | "endswith"
            | "extend"
            | "find"
            | "format"
            | "get"
            | "index"
            | "insert"
            | "items"
            | "join"
            | "keys"
            | "lower"
            | "lstrip"
            | "pop"
            | "remove"
            | "replace"
            | "rfind"
            | "rstrip"
            | "setdefault"
            | "split"
            | "splitlines"
            | "startswith"
            | "strip"
            | "update"
            | "upper"
            | "values"
            | "ceil"
            | "f32"
            | "floor"
            | "log"
            | "log2"
            | "pow"
            | "sqrt"
    )
}

/// A name that a sheet defines at its outermost level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Defined {
    pub(crate) name: String,
    /// Line of the definition, from 1.
    pub(crate) line: usize,
    /// Whether a function of that name may put something into the call tree.
    pub(crate) sends: bool,
    /// Whether the sheet declares it to open no frame, by `inline(name)`.
    pub(crate) inline: bool,
}

/// What statements define. `given` are the names that they find, and whether what those stand for may send; `inline`
/// the functions that open no frame, beside those that the statements declare; `builtin` tells whether a name is one
/// of the interpreter's own functions.
pub(crate) fn defined<'a>(
    ast: &'a AstModule,
    given: impl Iterator<Item = (&'a str, bool)>,
    inline: &HashSet<&str>,
    builtin: &dyn Fn(&str) -> bool,
) -> Vec<Defined> {
    let mut known: HashMap<&str, Callee> = EMITTING.map(|name| (name, Callee::Given { sends: true })).into();
    known.extend(given.map(|(name, sends)| (name, Callee::Given { sends })));
    let mut declared = HashSet::new();
    let mut own: Vec<(&str, usize, &AstStmt)> = Vec::new();
    for statement in outermost(ast.statement()) {
        let line = ast.file_span(statement.span).resolve_span().begin.line + 1;
        match &statement.node {
            Stmt::Def(def) => own.push((&def.name.node.ident, line, statement)),
            Stmt::Assign(assign) => {
                assign.lhs.visit_lvalue(|name| own.push((&name.node.ident, line, statement)));
            }
            Stmt::Expression(expression) => declared.extend(inlined(expression)),
            _ => {}
        }
    }
    known.extend(own.iter().enumerate().map(|(position, (name, ..))| (*name, Callee::Own(position))));
    let mut mentions: Vec<Mentions<'_>> = own
        .iter()
        .map(|(.., statement)| {
            let mut mentions = Mentions { known: &known, builtin, sends: false, own: Vec::new() };
            match &statement.node {
                Stmt::Def(def) => def.body.visit_expr(|expression| mentions.expression(expression)),
                Stmt::Assign(assign) => mentions.expression(&assign.rhs),
                _ => {}
            }
            mentions
        })
        .collect();
    // Whoever calls what sends may send itself. Functions call each other in any order, so that is asked for until nothing
    // changes.
    loop {
        let sends: Vec<bool> = mentions.iter().map(|mentions| mentions.sends).collect();
        for mentions in &mut mentions {
            mentions.sends = mentions.sends || mentions.own.iter().any(|callee| sends[*callee]);
        }
        if mentions.iter().zip(sends).all(|(mentions, before)| mentions.sends == before) {
            break;
        }
    }
    let finish = |((name, line, _), mentions): (&(&str, usize, &AstStmt), &Mentions<'_>)| Defined {
        name: (*name).to_owned(),
        line: *line,
        sends: mentions.sends,
        inline: declared.contains(name) || inline.contains(name),
    };
    own.iter().zip(&mentions).map(finish).collect()
}

/// The functions that a sheet defines.
pub(crate) fn definitions(ast: &AstModule) -> Vec<String> {
    let mut names = Vec::new();
    for statement in outermost(ast.statement()) {
        match &statement.node {
            Stmt::Def(def) => names.push(def.name.node.ident.clone()),
            Stmt::Assign(assign) => assign.lhs.visit_lvalue(|name| names.push(name.node.ident.clone())),
            _ => {}
        }
    }
    names
}

/// What a name stands for at the outermost level.
enum Callee {
    /// What another sheet, or the host, defines.
    Given { sends: bool },
    /// The definition at that position.
    Own(usize),
}

/// What a definition mentions.
struct Mentions<'a> {
    known: &'a HashMap<&'a str, Callee>,
    builtin: &'a dyn Fn(&str) -> bool,
    /// Whether it may send: it mentions what sends, or calls what nobody knows, which may.
    sends: bool,
    /// Definitions of the same sheet.
    own: Vec<usize>,
}

impl Mentions<'_> {
    fn expression(&mut self, expression: &AstExpr) {
        if self.sends {
            return;
        }
        match &expression.node {
            Expr::Identifier(name) => match self.known.get(name.node.ident.as_str()) {
                Some(Callee::Given { sends }) => self.sends |= sends,
                Some(Callee::Own(position)) => self.own.push(*position),
                None => {}
            },
            Expr::Call(callee, _) => match &callee.node {
                // A function that it was given, or a field that may hold one.
                Expr::Identifier(name) => {
                    let name = name.node.ident.as_str();
                    self.sends |= !self.known.contains_key(name) && !(self.builtin)(name);
                }
                Expr::Dot(_, method) => self.sends |= !is_method(&method.node),
                _ => self.sends = true,
            },
            _ => {}
        }
        expression.visit_expr(|inner| self.expression(inner));
    }
}

/// The functions that a statement `inline(f, g)` declares to open no frame.
fn inlined(statement: &AstExpr) -> Vec<&str> {
    match &statement.node {
        Expr::Call(callee, arguments) if identifier(callee) == Some("inline") => {
            arguments.args.iter().filter_map(|argument| identifier(argument.node.expr())).collect()
        }
        _ => Vec::new(),
    }
}

pub(crate) fn identifier(expression: &AstExpr) -> Option<&str> {
    match &expression.node {
        Expr::Identifier(name) => Some(&name.node.ident),
        _ => None,
    }
}

/// Where a sheet assigns by `<<=`, which Starlark computes in 32 bits without notice.
pub(crate) fn shift_assignment(ast: &AstModule) -> Option<FileSpan> {
    fn search(statement: &AstStmt) -> Option<&AstStmt> {
        if matches!(&statement.node, Stmt::AssignModify(_, AssignOp::LeftShift, _)) {
            return Some(statement);
        }
        let mut found = None;
        statement.visit_stmt(|inner| found = found.or_else(|| search(inner)));
        found
    }
    search(ast.statement()).map(|statement| ast.file_span(statement.span))
}

/// The statements of a block, those of its parts among them.
pub(crate) fn outermost(statement: &AstStmt) -> Vec<&AstStmt> {
    match &statement.node {
        Stmt::Statements(statements) => statements.iter().flat_map(outermost).collect(),
        _ => vec![statement],
    }
}
