//! Which functions and parameters anything uses.

use std::collections::{HashMap, HashSet};

use hawkeye_graph::{Diagnostic, nearest};
use starlark::codemap::Span;
use starlark::syntax::ast::{Argument, AstExpr, AstLiteral, AstStmt, Expr, Stmt};

use super::sources::{Position, Source, Sources};
use crate::entry::is_entry;
use crate::folder::FilePath;
use crate::keys::at_key;
use crate::manifest::{DirectionChanges, Manifest, Rounds};
use crate::syntax::{identifier, outermost};

/// A name of a sheet, by the sheet's position.
type SheetName<'a> = (usize, &'a str);

pub(super) fn findings(
    sources: &Sources,
    manifest: &Manifest,
    manifest_file: &(String, String),
) -> Vec<Diagnostic> {
    let uses: Vec<SheetUses<'_>> = sources.0.iter().map(SheetUses::of).collect();
    let mut found = unreached(sources, &uses);
    found.extend(parameters(sources, &uses, manifest, manifest_file));
    found.extend(undrawn(sources, &uses));
    found.extend(unheard(&uses, manifest, manifest_file));
    found.extend(untrained(sources, manifest));
    found
}

/// What a statement at the outermost level defines and mentions.
struct TopLevel<'a> {
    names: Vec<&'a str>,
    position: Position,
    function: bool,
    /// Whether a comment says that it is there for others: `# starlark-lint-disable unreached`.
    kept: bool,
    mentions: HashSet<&'a str>,
}

/// What a sheet uses.
#[derive(Default)]
struct SheetUses<'a> {
    definitions: Vec<TopLevel<'a>>,
    /// Local name: module, and the name there.
    loads: HashMap<&'a str, (&'a str, &'a str)>,
    /// Parameters that are looked at, with their place.
    parameters: Vec<(&'a str, Span)>,
    /// Whether `params` is passed on, so that all may be looked at.
    passes_parameters: bool,
    /// First arguments of `draw` and `defer` with their places, if they are literal.
    resources: Vec<(&'a str, Span)>,
    groups: Vec<(&'a str, Span)>,
    /// Whether one of them is computed.
    computed: bool,
    /// What is counted, and the channels that are sent on; `None` for one that is computed.
    counted: HashSet<Option<&'a str>>,
    channels: HashSet<Option<&'a str>>,
}

impl<'a> SheetUses<'a> {
    fn of(source: &'a Source) -> Self {
        let mut uses = Self::default();
        for statement in outermost(source.ast.statement()) {
            let mut mentions = HashSet::new();
            uses.statement(statement, &mut mentions);
            let position = source.position(statement.span);
            match &statement.node {
                Stmt::Def(def) => {
                    let names = vec![&*def.name.node.ident];
                    let kept = source.ast.is_suppressed("unreached", def.name.span);
                    uses.definitions.push(TopLevel { names, position, function: true, kept, mentions });
                }
                Stmt::Assign(assign) => {
                    let mut names = Vec::new();
                    assign.lhs.visit_lvalue(|name| names.push(&*name.node.ident));
                    uses.definitions.push(TopLevel {
                        names,
                        position,
                        function: false,
                        kept: false,
                        mentions,
                    });
                }
                Stmt::Load(load) => {
                    let names = load
                        .args
                        .iter()
                        .map(|a| (&*a.local.node.ident, (&*load.module.node, &*a.their.node)));
                    uses.loads.extend(names);
                }
                // `inline(f)` is no use of f.
                Stmt::Expression(expression) if is_call_of(expression, "inline") => {}
                _ => uses.definitions.push(TopLevel {
                    names: Vec::new(),
                    position,
                    function: false,
                    kept: false,
                    mentions,
                }),
            }
        }
        uses
    }

    /// What is asked for that functions of a prefix give.
    fn asked(&self, prefix: &str) -> &[(&'a str, Span)] {
        if prefix == "draw_" { &self.resources } else { &self.groups }
    }

    fn statement(&mut self, statement: &'a AstStmt, mentions: &mut HashSet<&'a str>) {
        statement.visit_expr(|expression| self.expression(expression, mentions));
        statement.visit_stmt(|inner| self.statement(inner, mentions));
    }

    fn expression(&mut self, expression: &'a AstExpr, mentions: &mut HashSet<&'a str>) {
        match &expression.node {
            Expr::Dot(of, field) if identifier(of) == Some("params") => {
                self.parameters.push((&field.node, expression.span));
                return;
            }
            Expr::Identifier(name) => {
                self.passes_parameters |= name.node.ident == "params";
                mentions.insert(&name.node.ident);
            }
            Expr::Call(callee, arguments) => {
                for argument in &arguments.args {
                    match &argument.node {
                        Argument::Named(name, value) if name.node == "channel" => {
                            self.channels.insert(literal(value));
                        }
                        _ => {}
                    }
                }
                if identifier(callee) == Some("count") {
                    let key = arguments.args.first().map(|argument| argument.node.expr());
                    self.counted.insert(key.and_then(literal));
                }
                let drawn = match identifier(callee) {
                    Some("draw") => Some(&mut self.resources),
                    Some("defer") => Some(&mut self.groups),
                    _ => None,
                };
                if let Some(drawn) = drawn {
                    match arguments.args.first().and_then(|argument| literal(argument.node.expr())) {
                        Some(name) => drawn.push((name, expression.span)),
                        None => self.computed = true,
                    }
                }
            }
            _ => {}
        }
        expression.visit_expr(|inner| self.expression(inner, mentions));
    }
}

/// A text that is written out.
fn literal(expression: &AstExpr) -> Option<&str> {
    match &expression.node {
        Expr::Literal(AstLiteral::String(text)) => Some(&text.node),
        _ => None,
    }
}

fn is_call_of(expression: &AstExpr, name: &str) -> bool {
    matches!(&expression.node, Expr::Call(callee, _) if identifier(callee) == Some(name))
}

/// Functions of the framework's own sheets that nothing leads to which the tool calls.
fn unreached(sources: &Sources, uses: &[SheetUses<'_>]) -> Vec<Diagnostic> {
    let position: HashMap<&FilePath, usize> =
        sources.0.iter().enumerate().map(|(i, source)| (&source.file, i)).collect();
    let mut reached: HashSet<SheetName<'_>> = HashSet::new();
    let mut todo: Vec<SheetName<'_>> = Vec::new();
    for (index, (source, uses)) in sources.0.iter().zip(uses).enumerate() {
        let called = |name: &str| source.listed && (is_entry(name) || name == "OPERATORS");
        let defined = uses.definitions.iter().flat_map(|d| d.names.iter().copied());
        todo.extend(
            defined.chain(uses.loads.keys().copied()).filter(|name| called(name)).map(|name| (index, name)),
        );
        // What a statement that defines nothing mentions is run when the sheet is loaded.
        let kept = uses.definitions.iter().filter(|d| d.kept).flat_map(|d| &d.names);
        todo.extend(kept.map(|name| (index, *name)));
        let bare = uses.definitions.iter().filter(|d| d.names.is_empty());
        todo.extend(bare.flat_map(|d| d.mentions.iter().map(|name| (index, *name))));
    }
    while let Some((index, name)) = todo.pop() {
        if !reached.insert((index, name)) {
            continue;
        }
        if let Some((module, their)) = uses[index].loads.get(name)
            && let Some(other) = sources.0[index].loads.get(*module).and_then(|file| position.get(file))
        {
            todo.push((*other, their));
        }
        let defining = uses[index].definitions.iter().filter(|d| d.names.contains(&name));
        todo.extend(defining.flat_map(|d| d.mentions.iter().map(|name| (index, *name))));
    }
    let mut found = Vec::new();
    for (index, (source, uses)) in
        sources.0.iter().zip(uses).enumerate().filter(|(_, (source, _))| source.own)
    {
        for definition in uses.definitions.iter().filter(|d| d.function) {
            let name = definition.names[0];
            if !reached.contains(&(index, name)) {
                let message = format!("nothing that is called leads to {name}");
                found.push(source.warning(definition.position, message).help("call it, or remove it"));
            }
        }
    }
    found
}

/// Parameters that no sheet looks at, and those that are looked at but are none.
fn parameters(
    sources: &Sources,
    uses: &[SheetUses<'_>],
    manifest: &Manifest,
    file: &(String, String),
) -> Vec<Diagnostic> {
    let known: Vec<&str> = manifest.parameters.keys().map(String::as_str).collect();
    let mut found = Vec::new();
    for (source, uses) in sources.0.iter().zip(uses).filter(|(source, _)| source.own) {
        for (name, span) in uses.parameters.iter().filter(|(name, _)| !known.contains(name)) {
            let message = format!("the manifest has no parameter \"{name}\"");
            let help = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("parameters: {}", known.join(", ")),
            };
            found.push(source.error(source.position(*span), message).help(help));
        }
    }
    if uses.iter().any(|uses| uses.passes_parameters) {
        return found;
    }
    let used: HashSet<&str> =
        uses.iter().flat_map(|uses| uses.parameters.iter().map(|(name, _)| *name)).collect();
    let idle = manifest.parameters.iter().filter(|(_, parameter)| parameter.effect && !parameter.is_fixed());
    for name in idle.map(|(name, _)| name.as_str()).filter(|name| !used.contains(name)) {
        let message = format!("no sheet looks at the parameter {name}");
        let help = format!(
            "use params.{name}, or remove it, or say effect: false if the framework sends the same whatever it is"
        );
        found.push(at_key(file, name, Diagnostic::warning, message).help(help));
    }
    found
}

/// `draw_` and `group_` functions for which nothing asks, and those that are asked for but not there.
fn undrawn(sources: &Sources, uses: &[SheetUses<'_>]) -> Vec<Diagnostic> {
    let computed = uses.iter().any(|uses| uses.computed);
    let mut found = Vec::new();
    for (prefix, function, signature) in
        [("draw_", "draw", "(state, request)"), ("group_", "defer", "(weight)")]
    {
        let listed = || sources.0.iter().filter(|source| source.listed);
        let defined: HashSet<&str> = listed().flat_map(Source::names).map(|(name, _)| name).collect();
        for (source, uses) in sources.0.iter().zip(uses).filter(|(source, _)| source.own) {
            for (name, span) in uses.asked(prefix) {
                let entry = format!("{prefix}{name}");
                if !defined.contains(entry.as_str()) {
                    let message =
                        format!("no sheet defines {entry}, which {function}(\"{name}\", ...) needs");
                    let help = format!("define {entry}{signature} in a sheet that the manifest lists");
                    found.push(source.error(source.position(*span), message).help(help));
                }
            }
        }
        let asked: HashSet<&str> =
            uses.iter().flat_map(|uses| uses.asked(prefix)).map(|(name, _)| *name).collect();
        for source in listed().filter(|source| source.own && !computed) {
            for (name, position) in source.names() {
                let Some(rest) = name.strip_prefix(prefix) else { continue };
                if !asked.contains(rest) {
                    let message =
                        format!("{name} is never called: no sheet calls {function}(\"{rest}\", ...)");
                    found.push(source.warning(position, message));
                }
            }
        }
    }
    found
}

/// Channels and counts that counters sum up, and that no sheet names.
fn unheard(uses: &[SheetUses<'_>], manifest: &Manifest, file: &(String, String)) -> Vec<Diagnostic> {
    let counted: HashSet<Option<&str>> = uses.iter().flat_map(|uses| uses.counted.iter().copied()).collect();
    let channels: HashSet<Option<&str>> =
        uses.iter().flat_map(|uses| uses.channels.iter().copied()).collect();
    let named = |names: &HashSet<Option<&str>>, name| names.contains(&None) || names.contains(&Some(name));
    let mut unheard: Vec<(&str, String)> = Vec::new();
    for (name, counter) in &manifest.counters {
        for channel in
            counter.channel.iter().filter(|channel| !channel.is_empty() && !named(&channels, channel))
        {
            unheard
                .push((name, format!("counter {name} is of channel \"{channel}\", on which no sheet sends")));
        }
        for key in counter.key.iter().filter(|key| !named(&counted, key)) {
            unheard.push((name, format!("counter {name} sums up \"{key}\", which no sheet counts")));
        }
    }
    if let Rounds::DirectionChanges { direction_changes: DirectionChanges { channel, .. } } = &manifest.rounds
        && !channel.is_empty()
        && !named(&channels, channel)
    {
        unheard.push(("rounds", format!("rounds are of channel \"{channel}\", on which no sheet sends")));
    }
    unheard.into_iter().map(|(key, message)| at_key(file, key, Diagnostic::warning, message)).collect()
}

/// Functions for training, where the manifest refuses it.
fn untrained(sources: &Sources, manifest: &Manifest) -> Vec<Diagnostic> {
    if manifest.training.refused.is_none() {
        return Vec::new();
    }
    let trains = |name: &str| {
        ["backward_", "loss_", "update_"].iter().any(|prefix| name.starts_with(prefix))
            || ["plan_training", "plan_step"].contains(&name)
    };
    let mut found = Vec::new();
    for source in sources.0.iter().filter(|source| source.listed && source.own) {
        for (name, line) in source.names().into_iter().filter(|(name, _)| trains(name)) {
            let message = format!("{name} is never called: the manifest refuses training");
            found.push(source.warning(line, message).help("remove it, or training: {refused: ...}"));
        }
    }
    found
}
