//! Which nodes a rewrite takes away and which it adds.

use std::collections::BTreeSet;

use hawkeye_graph::{Graph, Node};

/// Lines with `-` for nodes that only the first graph has, `+` for those that only the second has, each in
/// execution order.
pub(super) fn between(before: &Graph, after: &Graph) -> String {
    let lines = |graph: &Graph| -> Vec<String> {
        let shown = |node: &&Node| node.op != "Constant";
        graph.nodes.iter().filter(shown).map(|node| line(graph, node)).collect()
    };
    let (old, new) = (lines(before), lines(after));
    let known = |lines: &[String]| lines.iter().cloned().collect::<BTreeSet<_>>();
    let (before, after) = (known(&old), known(&new));
    let mut text = String::from("\n");
    for line in old.iter().filter(|line| !after.contains(*line)) {
        text.push_str(&format!("- {line}\n"));
    }
    for line in new.iter().filter(|line| !before.contains(*line)) {
        text.push_str(&format!("+ {line}\n"));
    }
    text
}

fn line(graph: &Graph, node: &Node) -> String {
    let names = |ids: Vec<hawkeye_graph::ValueId>| {
        ids.into_iter().map(|id| graph.value(id).name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let (inputs, outputs) = (names(node.present_inputs().collect()), names(node.present_outputs().collect()));
    format!("{outputs} = {}({inputs})", node.op)
}
