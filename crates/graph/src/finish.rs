//! The last steps of building a graph: order, and dropping what is not needed.

use crate::{Cycle, FileNode, Graph, NodeId, Origin, ValueId, order::stable_order};

/// The kept nodes in an order in which they can run, each as near its place as it can be.
pub(crate) fn execution_order_of(
    graph: &Graph,
    kept: &[usize],
    places: &[Option<NodeId>],
) -> Result<Vec<usize>, Cycle> {
    let mut makers: Vec<Option<usize>> = vec![None; graph.values.len()];
    for (position, index) in kept.iter().enumerate() {
        for output in graph.nodes[*index].present_outputs() {
            makers[output.index()] = Some(position);
        }
    }
    let mut edges = Vec::new();
    for (position, index) in kept.iter().enumerate() {
        let node = &graph.nodes[*index];
        let taken = node.present_inputs().chain(node.captured());
        edges.extend(taken.filter_map(|id| makers[id.index()]).map(|maker| (maker, position)));
    }
    let place = |index: &usize| places[*index].map_or(*index, NodeId::index);
    let priorities: Vec<usize> = kept.iter().map(place).collect();
    let to_builder = |order: Vec<usize>| order.into_iter().map(|position| kept[position]).collect();
    stable_order(&priorities, &edges).map(to_builder).map_err(|cycle| Cycle(to_builder(cycle.0)))
}

/// Drops values that no node makes and nobody takes.
pub(crate) fn drop_unmade(graph: &mut Graph) {
    let mut needed: Vec<bool> =
        graph.values.iter().map(|value| !matches!(value.origin, Origin::Node(_))).collect();
    for node in &graph.nodes {
        let mentioned = node.present_inputs().chain(node.captured()).chain(node.present_outputs());
        mentioned.for_each(|id| needed[id.index()] = true);
    }
    graph.outputs.iter().for_each(|id| needed[id.index()] = true);
    if needed.iter().all(|needed| *needed) {
        return;
    }
    let mut ids = Vec::with_capacity(needed.len());
    let mut next = 0;
    for needed in &needed {
        ids.push(ValueId::new(next));
        next += usize::from(*needed);
    }
    let mut keep = needed.iter();
    // Positions are ids, so whoever is left is renamed everywhere.
    graph.values.retain(|_| keep.next().copied().unwrap_or(false));
    let renamed = |id: ValueId| ids[id.index()];
    for node in &mut graph.nodes {
        node.inputs.iter_mut().chain(&mut node.outputs).flatten().for_each(|id| *id = renamed(*id));
        if node.captured().next().is_some() {
            node.attributes.rename_captured(&renamed);
        }
    }
    graph.inputs.iter_mut().chain(&mut graph.outputs).for_each(|id| *id = renamed(*id));
    let still = |ids: &[ValueId]| ids.iter().filter(|id| needed[id.index()]).map(|id| renamed(*id)).collect();
    let file = graph.file.iter().map(|node| FileNode {
        inputs: still(&node.inputs),
        outputs: still(&node.outputs),
        ..node.clone()
    });
    graph.file = file.collect();
}
