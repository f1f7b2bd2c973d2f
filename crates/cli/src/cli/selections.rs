//! Inputs that select rows of tables, such as the words of a text: what secret ones cost.

use hawkeye::{Model, Options, Report, Session, Visibility};
use hawkeye_graph::{Graph, Origin, ValueId};
use hawkeye_report::render::binary;
use hawkeye_report::{DiagnosticInfo, PhaseCost};

/// The operator, and which of its operands selects.
const SELECTS: (&str, usize) = ("Gather", 1);
/// Operators whose first operand is what comes out, but for its type or layout.
const PASSING: [&str; 5] = ["Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze"];
/// What has to be saved to be worth a line: a part of the whole.
const WORTH: u64 = 20;

/// What the model would send if everybody knew the inputs that select; nothing if that is little less, or there are none.
pub(super) fn in_the_clear(
    model: &Model,
    session: &Session,
    options: &Options,
    report: &Report,
) -> Option<DiagnosticInfo> {
    let names = selecting(&model.graph, options);
    if names.is_empty() || options.training.is_some() {
        return None;
    }
    let mut clear = Options { time: None, depth: 0, ..options.clone() };
    clear.visibility.extend(names.iter().map(|name| (name.clone(), Visibility::Public)));
    let other = session.analyse(model, &report.model.file, &clear).ok()?;
    let (before, after) = (sent(report), sent(&other));
    before.checked_sub(after).filter(|less| *less > before / WORTH)?;
    let options: Vec<String> = names.iter().map(|name| format!("--input \"{name}=public\"")).collect();
    Some(DiagnosticInfo {
        severity: "warning".to_owned(),
        place: names.join(", "),
        message: format!(
            "what selects rows of a table is secret; if everybody may know it, {} are sent in place of {}",
            binary(after),
            binary(before)
        ),
        help: Some(format!("say {}", options.join(" "))),
    })
}

/// The model's inputs that select, and of which nothing is said yet.
fn selecting(graph: &Graph, options: &Options) -> Vec<String> {
    let told = |name: &String| {
        options.visibility.contains_key(name)
            || options.known_to.contains_key(name)
            || options.bindings.values.contains_key(name)
    };
    let (operator, position) = SELECTS;
    let gathers = graph.nodes.iter().filter(|node| node.op == operator);
    let mut names: Vec<String> = gathers
        .filter_map(|node| input_behind(graph, *node.inputs.get(position)?.as_ref()?))
        .filter(|name| !told(name))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The input that a value is, but for its type or layout.
fn input_behind(graph: &Graph, mut id: ValueId) -> Option<String> {
    // Each step leads to an earlier node.
    loop {
        let value = graph.value(id);
        match value.origin {
            Origin::Input(_) => return Some(value.name.clone()),
            Origin::Node(node) if PASSING.contains(&graph.node(node).op.as_str()) => {
                id = (*graph.node(node).inputs.first()?)?;
            }
            _ => return None,
        }
    }
}

fn sent(report: &Report) -> u64 {
    let bytes = |cost: &PhaseCost| cost.bytes;
    let totals = &report.totals;
    [&totals.setup, &totals.offline, &totals.online].map(bytes).into_iter().fold(0, u64::saturating_add)
}
