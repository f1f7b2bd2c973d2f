//! What the text of a sheet tells before it is run: what it defines, and which functions may send.

use std::collections::HashSet;

use starlark::codemap::FileSpan;
use starlark::syntax::AstModule;
use starlark::syntax::ast::{AssignOp, AstExpr, AstStmt, Expr, Stmt};

/// Host functions through which a function puts something into the call tree.
const EMITTING: [&str; 11] =
    ["send", "exchange", "step", "count", "work", "repeat", "parallel", "in_phase", "once", "draw", "defer"];
/// Methods of Starlark's own values; any other may be a function that somebody put into a record.
const METHODS: [&str; 36] = [
    "append",
    "clear",
    "count",
    "elems",
    "endswith",
    "extend",
    "find",
    "format",
    "get",
    "index",
    "insert",
    "items",
    "join",
    "keys",
    "lower",
    "lstrip",
    "pop",
    "remove",
    "replace",
    "rfind",
    "rstrip",
    "setdefault",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "update",
    "upper",
    "values",
    // of the namespace `math`
    "ceil",
    "f32",
    "floor",
    "log",
    "log2",
    "pow",
    "sqrt",
];

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

/// What the sheet defines. `imported` tells whether what is loaded (file, name) may send, `builtin` whether
/// a name is one of the interpreter's own functions.
pub(crate) fn defined(
    ast: &AstModule,
    imported: &dyn Fn(&str, &str) -> bool,
    builtin: &dyn Fn(&str) -> bool,
) -> Vec<Defined> {
    let mut sending: HashSet<&str> = EMITTING.into();
    let mut known: HashSet<&str> = HashSet::new();
    for load in ast.loads() {
        for (local, their) in load.symbols {
            known.insert(local);
            if imported(load.module_id, their) {
                sending.insert(local);
            }
        }
    }
    let mut inline = HashSet::new();
    let mut found: Vec<(&str, usize, Mentions<'_>)> = Vec::new();
    for statement in outermost(ast.statement()) {
        let line = ast.file_span(statement.span).resolve_span().begin.line + 1;
        let mut mentions = Mentions::default();
        match &statement.node {
            Stmt::Def(def) => {
                mentions.statement(&def.body);
                found.push((&def.name.node.ident, line, mentions));
            }
            Stmt::Assign(assign) => {
                mentions.expression(&assign.rhs);
                assign.lhs.visit_lvalue(|name| found.push((&name.node.ident, line, mentions.clone())));
            }
            Stmt::Expression(expression) => inline.extend(inlined(expression)),
            _ => {}
        }
    }
    known.extend(found.iter().map(|(name, ..)| *name));
    // What calls a function that it was given may send as well.
    let foreign = |name: &&str| !known.contains(name) && !builtin(name);
    let unknown = |mentions: &Mentions<'_>| mentions.unknown || mentions.called.iter().any(foreign);
    sending.extend(found.iter().filter(|(.., mentions)| unknown(mentions)).map(|(name, ..)| *name));
    loop {
        let before = sending.len();
        for (name, _, mentions) in &found {
            if !sending.contains(name) && mentions.names.iter().any(|mentioned| sending.contains(mentioned)) {
                sending.insert(name);
            }
        }
        if sending.len() == before {
            break;
        }
    }
    let finish = |(name, line, _): &(&str, usize, Mentions<'_>)| Defined {
        name: (*name).to_owned(),
        line: *line,
        sends: sending.contains(name),
        inline: inline.contains(name),
    };
    found.iter().map(finish).collect()
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

/// What a function's body names.
#[derive(Clone, Default)]
struct Mentions<'a> {
    names: HashSet<&'a str>,
    called: HashSet<&'a str>,
    /// Whether it calls the value of some expression, or a field that may hold a function.
    unknown: bool,
}

impl<'a> Mentions<'a> {
    fn statement(&mut self, statement: &'a AstStmt) {
        statement.visit_stmt(|inner| self.statement(inner));
        statement.visit_expr(|expression| self.expression(expression));
    }

    fn expression(&mut self, expression: &'a AstExpr) {
        match &expression.node {
            Expr::Identifier(name) => {
                self.names.insert(&name.node.ident);
            }
            Expr::Call(callee, _) => match &callee.node {
                Expr::Identifier(name) => {
                    self.called.insert(&name.node.ident);
                }
                Expr::Dot(_, method) => self.unknown |= !METHODS.contains(&method.node.as_str()),
                _ => self.unknown = true,
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
