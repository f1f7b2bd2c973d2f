//! What a user's sheet must not do in one expression: values grow without bound between two statements, where the
//! limits of an evaluation are looked at (`limits.rs`). Operators, methods and functions whose results may be long
//! are replaced in its text by functions of the host (`bounded.rs`), which look before they compute.

use std::collections::{BTreeMap, HashSet};

use starlark::codemap::{CodeMap, Span};
use starlark::syntax::AstModule;
use starlark::syntax::ast::{
    Argument, AssignOp, AssignTarget, AstArgument, AstAssignTarget, AstExpr, AstStmt, Expr, ForClause,
    Parameter, Stmt,
};

use crate::syntax::{definitions, identifier};
use crate::written::{Written, begin, end, unmatched};

/// Operators, and the functions of the host in their place.
pub(crate) const OPERATORS: [(&str, &str); 13] = [
    ("<<", "__shift_left"),
    ("*", "__multiply"),
    ("+", "__add"),
    ("-", "__subtract"),
    ("%", "__remainder"),
    ("==", "__equal"),
    ("!=", "__different"),
    ("<", "__less"),
    ("<=", "__at_most"),
    (">", "__greater"),
    (">=", "__at_least"),
    ("in", "__within"),
    ("not in", "__not_within"),
];

/// Methods whose results may be longer than what they are made of, and such as look through what they are given or
/// belong to, or move it.
const METHODS: [&str; 37] = [
    "codepoints",
    "count",
    "elems",
    "endswith",
    "find",
    "format",
    "get",
    "index",
    "insert",
    "isalnum",
    "isalpha",
    "isdigit",
    "islower",
    "isspace",
    "istitle",
    "isupper",
    "items",
    "join",
    "keys",
    "lower",
    "lstrip",
    "pop",
    "popitem",
    "remove",
    "replace",
    "rfind",
    "rindex",
    "rsplit",
    "rstrip",
    "setdefault",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "update",
    "upper",
    "values",
];

/// Functions whose results are as long as what they are given.
const FUNCTIONS: [&str; 7] = ["dict", "enumerate", "list", "reversed", "sorted", "tuple", "zip"];

/// Functions that the host has in the place of Starlark's own, by the same name behind two underscores.
const REPLACED: [&str; 5] = ["all", "any", "len", "repr", "str"];

/// Functions that look through whatever they are given, to compare it, to hash it or to write it out.
const LOOKING: [&str; 6] = ["fail", "hash", "max", "min", "print", "sorted"];

/// Values that one text may show.
const MOST_SHOWN: usize = 100;

/// The text of a sheet with what has no bound replaced, line by line, and what it was; `None` if nothing is.
///
/// # Errors
/// What can't be replaced, with its place.
pub(crate) fn guarded(ast: &AstModule, text: &str) -> Result<Option<(String, Written)>, String> {
    let own = definitions(ast).into_iter().collect();
    let mut guard = Guard { text, types: types(ast.statement()), own, edits: BTreeMap::new(), problem: None };
    ast.statement().visit_expr(|expression| guard.expression(expression));
    guard.changes(ast.statement());
    if let Some((span, problem)) = guard.problem {
        return Err(format!("{}: {problem}", ast.file_span(span)));
    }
    if guard.edits.is_empty() {
        return Ok(None);
    }
    let mut edited = String::with_capacity(2 * text.len());
    let name = ast.file_span(ast.statement().span).filename().to_owned();
    let mut edits = Vec::new();
    let mut position = 0;
    for (at, Splice { removed, before, after }) in &guard.edits {
        let Some(between) = text.get(position..*at) else {
            return Err(format!("{name}: comments stand within calls: write them between statements"));
        };
        edited.push_str(between);
        let start = edited.len();
        edited.push_str(before);
        edited.push_str(after);
        edits.push((start..edited.len(), *at..at + removed));
        position = at + removed;
    }
    edited.push_str(&text[position..]);
    Ok(Some((edited, Written { text: CodeMap::new(name, text.to_owned()), edits })))
}

/// What takes the place of some bytes of a text.
#[derive(Default)]
struct Splice {
    removed: usize,
    /// What ends before the place.
    before: String,
    /// What begins at it.
    after: String,
}

struct Guard<'a> {
    text: &'a str,
    /// Where types begin, in which nothing is computed.
    types: HashSet<usize>,
    /// What the sheet defines itself, by whatever name.
    own: HashSet<String>,
    edits: BTreeMap<usize, Splice>,
    problem: Option<(Span, &'static str)>,
}

impl Guard<'_> {
    /// Puts a text that ends something before others that begin at the same place.
    fn close(&mut self, at: usize, text: &str) {
        self.edits.entry(at).or_default().before.push_str(text);
    }

    fn open(&mut self, at: usize, text: &str) {
        self.edits.entry(at).or_default().after.push_str(text);
    }

    fn replace(&mut self, at: usize, removed: usize, text: &str) {
        let edit = self.edits.entry(at).or_default();
        edit.removed = removed;
        edit.after.push_str(text);
    }

    /// Looks at what statements have changed, behind whatever their expressions end with.
    fn changes(&mut self, statement: &AstStmt) {
        match &statement.node {
            Stmt::Assign(assign) => self.target(&assign.lhs),
            Stmt::AssignModify(target, op, value) => {
                self.target(target);
                self.modification(statement, target, *op, value);
            }
            Stmt::For(all) => self.target(&all.var),
            _ => {}
        }
        statement.visit_stmt(|inner| self.changes(inner));
    }

    fn modification(&mut self, statement: &AstStmt, target: &AstAssignTarget, op: AssignOp, value: &AstExpr) {
        let sign = match op {
            AssignOp::Add | AssignOp::Subtract => None,
            AssignOp::Multiply => Some("*="),
            AssignOp::Percent => Some("%="),
            _ => return,
        };
        let written = &self.text[begin(target.span)..end(target.span)];
        if written.contains('(') {
            self.problem = Some((statement.span, "calls a function to say what it changes: use a variable"));
            return;
        }
        let last = end(statement.span);
        match sign {
            // Lists grow in place, so the statement stays; its result is looked at.
            None => self.close(last, &format!("; __bounded({written})")),
            Some(sign) => {
                let between = end(target.span)..begin(value.span);
                let Some(offset) = self.text[between.clone()].find(sign) else { return };
                let text = format!("= {written} {} (", &sign[..1]);
                self.replace(between.start + offset, sign.len(), &text);
                self.close(last, ")");
            }
        }
    }

    fn expression(&mut self, expression: &AstExpr) {
        if self.types.contains(&begin(expression.span)) {
            return;
        }
        match &expression.node {
            Expr::Call(callee, arguments) => match &callee.node {
                Expr::Dot(value, method) if METHODS.contains(&method.node.as_str()) => {
                    self.method(begin(value.span), method.span, &method.node);
                }
                // What the sheet defines itself is bounded by what it does.
                Expr::Identifier(name) if self.own.contains(&name.node.ident) => {}
                Expr::Identifier(name) if FUNCTIONS.contains(&name.node.ident.as_str()) => {
                    self.open(begin(expression.span), "__room(");
                    self.close(end(expression.span), ")");
                    self.looking(&name.node.ident, &arguments.args);
                    if name.node.ident == "dict" {
                        self.keys(&arguments.args);
                    }
                }
                Expr::Identifier(name) if LOOKING.contains(&name.node.ident.as_str()) => {
                    self.looking(&name.node.ident, &arguments.args);
                }
                Expr::Identifier(name) if REPLACED.contains(&name.node.ident.as_str()) => {
                    self.open(begin(name.span), "__");
                }
                _ => {}
            },
            Expr::ListComprehension(_, first, _) => {
                self.open(begin(expression.span) + 1, "__room(");
                self.comprehension(first);
            }
            Expr::DictComprehension(entry, first, _) => {
                // The syntax tree has no place of the colon; a value may only follow it.
                let colon = self.text[end(entry.0.span)..].find(':').unwrap_or_default();
                self.open(end(entry.0.span) + colon + 1, " __room(");
                self.comprehension(first);
                self.hashed(&entry.0);
            }
            Expr::Dict(entries) => entries.iter().for_each(|(key, _)| self.hashed(key)),
            Expr::Index(both) => self.hashed(&both.1),
            Expr::FString(shown) if shown.expressions.len() > MOST_SHOWN => {
                self.problem = Some((expression.span, "shows more than 100 values: use several texts"));
            }
            Expr::FString(shown) if !shown.expressions.is_empty() => {
                // Looked at before the text is made, whose length they decide; `or` goes on to it, since `__shown` gives None.
                let names: Vec<&str> = shown.expressions.iter().filter_map(identifier).collect();
                self.open(begin(expression.span), &format!("(__shown({}) or ", names.join(", ")));
                self.close(end(expression.span), ")");
            }
            _ => {}
        }
        expression.visit_expr(|inner| self.expression(inner));
    }

    /// Looks at what a statement assigns to, whose keys are hashed.
    fn target(&mut self, target: &AstAssignTarget) {
        match &target.node {
            AssignTarget::Index(both) => self.hashed(&both.1),
            AssignTarget::Tuple(targets) => targets.iter().for_each(|target| self.target(target)),
            AssignTarget::Dot(..) | AssignTarget::Identifier(_) => {}
        }
    }

    /// Looks at a value before it is used; numbers and texts that stand there need not be looked at.
    fn looked(&mut self, value: &AstExpr) {
        self.passed(value, "__looked");
    }

    /// The same before it is hashed.
    fn hashed(&mut self, key: &AstExpr) {
        self.passed(key, "__hashed");
    }

    fn passed(&mut self, value: &AstExpr, through: &str) {
        if !matches!(value.node, Expr::Literal(_)) {
            // Brackets around a tuple are not part of its place.
            self.open(begin(value.span), &format!("{through}(("));
            self.close(end(value.span), "))");
        }
    }

    /// Looks at what a function is given, and at what it orders it by.
    fn looking(&mut self, function: &str, arguments: &[AstArgument]) {
        if !LOOKING.contains(&function) {
            return;
        }
        let is_key = |name: &str| name == "key";
        let keyed = arguments.iter().any(|argument| argument.node.name().is_some_and(is_key));
        for argument in arguments {
            match &argument.node {
                Argument::Positional(value) | Argument::Args(value) if !keyed => self.looked(value),
                Argument::Named(name, value) if is_key(&name.node) => {
                    self.open(begin(value.span), "(lambda __key: lambda __x: __looked(__key(__x)))(");
                    self.close(end(value.span), ")");
                }
                _ => {}
            }
        }
    }

    /// Looks at the keys of a dictionary that is made of pairs.
    fn keys(&mut self, arguments: &[AstArgument]) {
        if let Some(Argument::Positional(pairs)) = arguments.first().map(|first| &first.node) {
            self.open(begin(pairs.span), "__keys(");
            self.close(end(pairs.span), ")");
        }
    }

    /// Ends what is computed for every element.
    fn comprehension(&mut self, first: &ForClause) {
        if let Some(keyword) = self.text[..begin(first.var.span)].rfind("for") {
            self.close(keyword, ") ");
        }
    }

    /// `value.method(` becomes `__method(value, "method", `.
    fn method(&mut self, value: usize, method: Span, name: &str) {
        // Brackets around a value are not part of its place.
        let mut start = value;
        for _ in 0..unmatched(&self.text[value..begin(method)]) {
            match self.text[..start].trim_end().strip_suffix('(') {
                Some(before) => start = before.len(),
                None => {
                    self.problem = Some((method, "follows brackets with a comment: write it without"));
                    return;
                }
            }
        }
        let dot = self.text[..begin(method)].rfind('.').unwrap_or(value);
        let Some(bracket) = self.text[end(method)..].find('(') else { return };
        self.open(start, "__method(");
        self.replace(dot, end(method) + bracket + 1 - dot, &format!(", \"{name}\", "));
    }
}

/// Where the types of parameters, results and variables begin.
fn types(statement: &AstStmt) -> HashSet<usize> {
    let mut begins = HashSet::new();
    match &statement.node {
        Stmt::Def(def) => {
            let typed = def.params.iter().filter_map(|parameter| match &parameter.node {
                Parameter::Normal(_, typed, _) | Parameter::Args(_, typed) | Parameter::KwArgs(_, typed) => {
                    typed.as_deref()
                }
                Parameter::NoArgs | Parameter::Slash => None,
            });
            begins.extend(typed.chain(def.return_type.as_deref()).map(|typed| begin(typed.span)));
        }
        Stmt::Assign(assign) => begins.extend(assign.ty.iter().map(|typed| begin(typed.span))),
        _ => {}
    }
    statement.visit_stmt(|inner| begins.extend(types(inner)));
    begins
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language;

    fn edited(text: &str) -> String {
        let ast = language::parse("s.star", text).expect("it is Starlark");
        let edited =
            guarded(&ast, text).expect("it can be guarded").map_or(text.to_owned(), |(text, _)| text);
        language::parse("s.star", &edited).expect("it is Starlark still");
        edited
    }

    #[test]
    fn what_has_no_bound_is_replaced() {
        for (text, expected) in [
            ("def f(n):\n    n += (1)  # more\n", "def f(n):\n    n += (1); __bounded(n)  # more\n"),
            ("def f(n):\n    n += list(m)\n", "def f(n):\n    n += __room(list(m)); __bounded(n)\n"),
            ("def f(n):\n    n.x[1] *= 2 + 3\n", "def f(n):\n    n.x[1] = n.x[1] * ( 2 + 3)\n"),
            ("X = (a + b).replace(c, d)\n", "X = __method((a + b), \"replace\", c, d)\n"),
            ("X = ((a)).b.join(c).split()\n", "X = __method(__method(((a)).b, \"join\", c), \"split\", )\n"),
            ("X = [(i) for i in y if i]\n", "X = [__room((i) ) for i in y if i]\n"),
            ("X = {i: (i) for i in y}\n", "X = {__hashed((i)): __room( (i) ) for i in y}\n"),
            ("X = list(str(y))\n", "X = __room(list(__str(y)))\n"),
            ("X = sorted(y)\n", "X = __room(sorted(__looked((y))))\n"),
            ("d[a], X = 1, d[\"k\"]\n", "d[__hashed((a))], X = 1, d[\"k\"]\n"),
            ("X = {(a): f\"{b}\"}\n", "X = {(__hashed((a))): (__shown(b) or f\"{b}\")}\n"),
            (
                "X = max(y, key = f)\n",
                "X = max(y, key = (lambda __key: lambda __x: __looked(__key(__x)))(f))\n",
            ),
            ("X = \"a\".upper()\n", "X = __method(\"a\", \"upper\", )\n"),
        ] {
            assert_eq!(edited(text), expected);
        }
    }

    #[test]
    fn what_is_bounded_stays() {
        for text in [
            "X = [1, 2]\n",
            "X = f(a.append(1))\n",
            "def f(x: str | None, y: dict[str, int] = {}) -> list[int]:\n    return x\n",
        ] {
            assert_eq!(edited(text), text);
        }
    }
}
