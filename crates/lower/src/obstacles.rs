//! What is said of nodes that can't be lowered.

use std::collections::BTreeSet;

use hawkeye_graph::{Diagnostic, Graph, Node, Origin, Place, ValueId};

use crate::LoweringError;

/// An error about a selection that would be free.
pub(crate) fn selects_in_secret(node: &Node, value: &str, remedy: Option<String>) -> Diagnostic {
    let message = format!(
        "selects by \"{value}\": by secret indices, lengths or conditions, for which the framework has no protocol"
    );
    let known = format!(
        "if every party knows them, say so: --input \"NAME=public\" for the input that \"{value}\" comes from"
    );
    Diagnostic::error(Place::node(node), message)
        .help(remedy.map_or_else(|| known.clone(), |remedy| format!("{known}; {remedy}")))
}

/// An error about control flow that could not be resolved.
pub(crate) fn unknown_course(graph: &Graph, node: &Node) -> Diagnostic {
    let message = match node.op.as_str() {
        "If" => "which branch runs depends on the data, so the cost is not known before the model runs",
        _ => "how often its body runs is not known before the model runs, so neither is the cost",
    };
    let error = Diagnostic::error(Place::node(node), message);
    match steering(graph, node) {
        Some(inputs) => {
            let flags: Vec<String> =
                inputs.iter().map(|id| format!("--value \"{}=NUMBER\"", graph.value(*id).name)).collect();
            error.help(format!("if the inputs that decide it never change, give them: {}", flags.join(" ")))
        }
        None => error.help("export the model with a constant condition or trip count"),
    }
}

/// The graph inputs that alone decide which branch runs or how often a body does, if each holds one number.
fn steering(graph: &Graph, node: &Node) -> Option<BTreeSet<ValueId>> {
    let deciding = if node.op == "Loop" { 2 } else { 1 };
    let mut waiting: Vec<ValueId> = node.inputs.iter().take(deciding).copied().flatten().collect();
    let mut seen: BTreeSet<ValueId> = BTreeSet::new();
    let mut inputs = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if !seen.insert(id) {
            continue;
        }
        match &graph.value(id).origin {
            Origin::Input(declared) => {
                declared.single()?;
                inputs.insert(id);
            }
            Origin::Node(maker) => {
                let maker = graph.node(*maker);
                waiting.extend(maker.present_inputs().chain(maker.captured()));
            }
            Origin::Initializer(_) | Origin::Outer(_) => {}
        }
    }
    (!inputs.is_empty()).then_some(inputs)
}

/// An error about a value without a shape.
pub(crate) fn unknown_shape(node: &Node, value: &str) -> Diagnostic {
    Diagnostic::error(Place::node(node), format!("the shape of \"{value}\" can't be found out")).help(
        "if it depends on the data, export the model with fixed sizes; else the warnings below tell why",
    )
}

/// An error about a plan of the whole step that lacks a part of it.
pub(crate) fn unplanned() -> LoweringError {
    LoweringError::Broken("the plan of the training step has no entry for this part".to_owned())
}

/// A lowering error at a place.
pub(crate) fn error_at(place: Place, error: LoweringError) -> Diagnostic {
    Diagnostic::error(place, error.to_string())
}
