//! Nodes that share a name, told apart.

use std::collections::HashMap;

use hawkeye::{Diagnostic, Model, Place, Report};

/// Gives each node that shares its name with another a name of its own, `name#3` with its position in the
/// file; costs do not depend on names.
pub(super) fn name_apart(model: &mut Model) {
    let mut bearers: HashMap<String, usize> = HashMap::new();
    let mut nodes = model.graph.file.to_vec();
    for node in &nodes {
        *bearers.entry(node.name.clone()).or_default() += 1;
    }
    for (position, node) in nodes.iter_mut().enumerate() {
        if !node.name.is_empty() && bearers.get(&node.name).is_some_and(|count| *count > 1) {
            node.name = format!("{}#{}", node.name, position);
        }
    }
    model.graph.file = nodes.into();
}

/// Asks which of the nodes of a name is meant, if it is one that nodes share.
pub(super) fn which(report: &Report, name: &str) -> Option<Diagnostic> {
    let numbered = |other: &str| {
        other
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('#'))
            .is_some_and(|n| n.parse::<u64>().is_ok())
    };
    let bearers: Vec<String> = report
        .operators
        .iter()
        .filter(|operator| operator.pass == "forward" && numbered(&operator.name))
        .map(|operator| format!("{} ({})", operator.name, operator.op))
        .collect();
    let message = format!("{} nodes of the model are named \"{name}\"", bearers.len());
    let help = format!("which one? {}", bearers.join(", "));
    (!bearers.is_empty()).then(|| Diagnostic::error(Place::Model, message).help(help))
}
