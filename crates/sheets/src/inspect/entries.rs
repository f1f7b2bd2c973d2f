//! The functions that the tool calls by their names: whether those names mean anything, and how many arguments
//! they take.

use hawkeye_grad::{Algorithm, Loss};
use hawkeye_graph::{Diagnostic, nearest};
use starlark::syntax::ast::{AstParameter, Parameter};

use super::sources::{Meaning, Position, Source, Sources};
use crate::entry::{ENTRY_POINTS, ENTRY_PREFIXES, is_entry};
use crate::sheets::PLANNED_PART;

pub(super) fn findings(sources: &Sources, operators: &[&str]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for source in sources.0.iter().filter(|source| source.listed) {
        for (name, position) in source.names() {
            if name.starts_with('_') {
                continue;
            }
            if is_entry(name) {
                found.extend(unknown(source, name, position, operators));
                found.extend(miscalled(sources, source, name, position));
            } else if source.own {
                found.extend(misspelt(source, name, position, operators));
            }
        }
    }
    found
}

/// Operators that are gone before anything is lowered.
const UNROLLED: [&str; 3] = ["If", "Loop", "Scan"];

/// What may follow a prefix.
fn suffixes<'a>(prefix: &str, operators: &[&'a str]) -> Vec<&'a str> {
    let losses = Loss::ALL.map(Loss::name);
    match prefix {
        "lower_" | "read_" => operators.to_vec(),
        "loss_" => losses.to_vec(),
        "update_" => Algorithm::ALL.map(Algorithm::name).to_vec(),
        "backward_" => [&losses[..], operators].concat(),
        _ => Vec::new(),
    }
}

/// What the suffixes of a prefix are, for messages.
fn kind(prefix: &str) -> &'static str {
    match prefix {
        "loss_" => "loss",
        "update_" => "optimizer",
        "backward_" => "operator of ONNX, nor a loss",
        _ => "operator of ONNX",
    }
}

/// A name whose prefix is right and whose rest means nothing. Operators of other domains have the domain
/// before them, with an underscore.
fn unknown(source: &Source, name: &str, position: Position, operators: &[&str]) -> Option<Diagnostic> {
    let prefix = ENTRY_PREFIXES.into_iter().find(|prefix| name.starts_with(prefix))?;
    let rest = &name[prefix.len()..];
    let known = suffixes(prefix, operators);
    if let Some((domain, op)) = rest.rsplit_once('_').filter(|_| !matches!(prefix, "loss_" | "update_")) {
        return of_another_domain(source, (prefix, domain, op), position, operators);
    }
    if UNROLLED.contains(&rest) {
        let message = format!("{name} is never called: what is in the bodies of {rest} takes its place");
        return Some(source.error(position, message).help("remove it"));
    }
    if name == PLANNED_PART || known.is_empty() || known.contains(&rest) {
        return None;
    }
    let message = format!("{name} is never called: there is no {} \"{rest}\"", kind(prefix));
    let help = match nearest(rest, known.iter().copied()) {
        Some(near) => format!("did you mean {prefix}{near}?"),
        None if prefix == "loss_" || prefix == "update_" => format!("there are {}", known.join(", ")),
        None => "operators of other domains are named as lower_com_microsoft_BiasGelu".to_owned(),
    };
    Some(source.error(position, message).help(help))
}

/// The domain of ONNX Runtime's operators, as names of functions have it.
const OF_THE_RUNTIME: &str = "com_microsoft";

/// A name of an operator that is almost one of ONNX Runtime. Other domains have operators of any name.
fn of_another_domain(
    source: &Source,
    (prefix, domain, op): (&str, &str, &str),
    position: Position,
    operators: &[&str],
) -> Option<Diagnostic> {
    nearest(domain, [OF_THE_RUNTIME])?;
    let known: Vec<&str> =
        operators.iter().filter_map(|known| known.strip_prefix("com.microsoft.")).collect();
    if domain == OF_THE_RUNTIME && known.contains(&op) {
        return None;
    }
    let near = nearest(op, known)?;
    let message =
        format!("{prefix}{domain}_{op} may never be called: ONNX Runtime is not known to have the operator");
    Some(source.warning(position, message).help(format!("did you mean {prefix}{OF_THE_RUNTIME}_{near}?")))
}

/// A name that is almost one that the tool calls.
fn misspelt(source: &Source, name: &str, position: Position, operators: &[&str]) -> Option<Diagnostic> {
    let meant = match name.split_once('_') {
        Some((word, rest)) => {
            let prefixes = ENTRY_PREFIXES.map(|prefix| prefix.trim_end_matches('_'));
            let near = nearest(word, prefixes)?;
            let prefix = format!("{near}_");
            let known = suffixes(&prefix, operators);
            let suffix = known.iter().find(|known| known.eq_ignore_ascii_case(rest))?;
            format!("{prefix}{suffix}")
        }
        None => ENTRY_POINTS.into_iter().find(|entry| same_but_case(entry, name))?.to_owned(),
    };
    Some(source.error(position, format!("{name} is never called")).help(format!("did you mean {meant}?")))
}

/// Whether a word is an entry point but for its case; others have a right to names like `began`.
fn same_but_case(entry: &str, name: &str) -> bool {
    entry != name && entry.eq_ignore_ascii_case(name)
}

/// A function that can't take the arguments that the tool calls it with.
fn miscalled(sources: &Sources, source: &Source, name: &str, position: Position) -> Option<Diagnostic> {
    let (least, most, signature) = match name {
        "plan" | "plan_training" | "plan_step" | "check" | "begin" | "end" => (0, 1, "model"),
        _ if name.starts_with("draw_") => (2, 2, "state, request"),
        _ if name.starts_with("group_") => (1, 1, "weight"),
        _ => (1, 1, "n"),
    };
    let called = format!("is called as {name}({signature})");
    match sources.meaning(source, name)? {
        Meaning::Value { source, position } => {
            // What an expression gives is known when it is run.
            let text = source.text.lines().nth(position.line - 1).unwrap_or_default();
            let literal = text.split_once('=').is_some_and(|(_, value)| {
                value.trim().starts_with(|c: char| c.is_ascii_digit() || matches!(c, '"' | '\'' | '[' | '{'))
            });
            literal.then(|| source.error(position, format!("{name} is no function, but {called}")))
        }
        Meaning::Function { source: of, name: defined, position: at, parameters } => {
            let (required, all) = arity(parameters);
            if required <= most
                && all.is_none_or(|all| all >= least)
                && (least == 0 || all.is_none_or(|all| all >= most))
            {
                return None;
            }
            let alias = if defined == name { String::new() } else { format!(" ({defined})") };
            let takes = match (required, all) {
                (required, Some(all)) if required == all => format!("{all}"),
                (required, Some(all)) => format!("{required} to {all}"),
                (required, None) => format!("at least {required}"),
            };
            let (source, position) = if defined == name { (of, at) } else { (source, position) };
            let plural = if takes == "1" { "" } else { "s" };
            Some(
                source.error(position, format!("{name}{alias} takes {takes} argument{plural}, but {called}")),
            )
        }
    }
}

/// Arguments without a name that a function needs, and those that it takes; `None` for any number.
fn arity(parameters: &[AstParameter]) -> (usize, Option<usize>) {
    let (mut required, mut all, mut any, mut named_only) = (0, 0, false, false);
    for parameter in parameters {
        match &parameter.node {
            Parameter::Normal(_, _, default) => {
                required += usize::from(default.is_none());
                all += usize::from(!named_only);
            }
            Parameter::Args(..) => (any, named_only) = (true, true),
            Parameter::NoArgs => named_only = true,
            Parameter::KwArgs(..) | Parameter::Slash => {}
        }
    }
    (required, (!any).then_some(all))
}
