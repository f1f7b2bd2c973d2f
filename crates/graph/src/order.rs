//! Execution order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// Nodes that depend on each other in a circle, as positions in the given list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle(pub Vec<usize>);

/// An order in which `nodes` nodes can run, given `(producer, consumer)` pairs.
///
/// A list that is already in order, as ONNX demands, keeps its order.
///
/// # Errors
/// The smallest-numbered [`Cycle`], if there is one.
pub fn execution_order(nodes: usize, edges: &[(usize, usize)]) -> Result<Vec<usize>, Cycle> {
    stable_order(&(0..nodes).collect::<Vec<_>>(), edges)
}

/// The same; of nodes that could run next, the one of the lowest priority number does, and of equal ones
/// the first.
pub(crate) fn stable_order(priorities: &[usize], edges: &[(usize, usize)]) -> Result<Vec<usize>, Cycle> {
    let nodes = priorities.len();
    if priorities.is_sorted() && edges.iter().all(|(producer, consumer)| producer < consumer) {
        return Ok((0..nodes).collect());
    }
    let mut waits = vec![0usize; nodes];
    let mut consumers: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    for &(producer, consumer) in edges {
        consumers[producer].push(consumer);
        waits[consumer] += 1;
    }
    let entry = |node: usize| Reverse((priorities[node], node));
    let mut ready: BinaryHeap<_> = (0..nodes).filter(|node| waits[*node] == 0).map(entry).collect();
    let mut order = Vec::with_capacity(nodes);
    // A heap, not a queue: of what could run, what stood first in the file runs first.
    while let Some(Reverse((_, node))) = ready.pop() {
        order.push(node);
        for &consumer in &consumers[node] {
            waits[consumer] -= 1;
            if waits[consumer] == 0 {
                ready.push(entry(consumer));
            }
        }
    }
    if order.len() == nodes { Ok(order) } else { Err(smallest_cycle(nodes, edges)) }
}

fn smallest_cycle(nodes: usize, edges: &[(usize, usize)]) -> Cycle {
    let mut graph = DiGraph::<(), ()>::with_capacity(nodes, edges.len());
    for _ in 0..nodes {
        graph.add_node(());
    }
    for &(producer, consumer) in edges {
        graph.add_edge(NodeIndex::new(producer), NodeIndex::new(consumer), ());
    }
    let mut cycle = tarjan_scc(&graph)
        .into_iter()
        .filter(|c| c.len() > 1 || graph.contains_edge(c[0], c[0]))
        .map(|c| c.into_iter().map(NodeIndex::index).collect::<Vec<_>>())
        .min_by_key(|c| c.iter().min().copied())
        .unwrap_or_default();
    cycle.sort_unstable();
    Cycle(cycle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_an_order_that_is_valid() {
        assert_eq!(execution_order(3, &[(0, 2), (0, 1)]), Ok(vec![0, 1, 2]));
    }

    #[test]
    fn sorts_what_is_out_of_order() {
        let order = execution_order(3, &[(2, 0), (0, 1)]).expect("no cycle");
        assert_eq!(order, vec![2, 0, 1]);
    }

    #[test]
    fn of_what_can_run_the_lowest_priority_number_is_first() {
        assert_eq!(stable_order(&[0, 5, 9, 1], &[(0, 1), (1, 2)]), Ok(vec![0, 3, 1, 2]));
    }

    #[test]
    fn names_the_members_of_a_cycle() {
        assert_eq!(execution_order(4, &[(0, 1), (2, 1), (1, 2), (2, 3)]), Err(Cycle(vec![1, 2])));
        assert_eq!(execution_order(2, &[(1, 1)]), Err(Cycle(vec![1])));
    }
}
