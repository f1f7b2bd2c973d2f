//! Execution order.

use petgraph::algo::{tarjan_scc, toposort};
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
    if edges.iter().all(|(producer, consumer)| producer < consumer) {
        return Ok((0..nodes).collect());
    }
    let mut graph = DiGraph::<(), ()>::with_capacity(nodes, edges.len());
    for _ in 0..nodes {
        graph.add_node(());
    }
    for &(producer, consumer) in edges {
        graph.add_edge(NodeIndex::new(producer), NodeIndex::new(consumer), ());
    }
    match toposort(&graph, None) {
        Ok(order) => Ok(order.into_iter().map(NodeIndex::index).collect()),
        Err(_) => {
            let mut cycle = tarjan_scc(&graph)
                .into_iter()
                .filter(|c| c.len() > 1 || graph.contains_edge(c[0], c[0]))
                .map(|c| c.into_iter().map(NodeIndex::index).collect::<Vec<_>>())
                .min_by_key(|c| c.iter().min().copied())
                .unwrap_or_default();
            cycle.sort_unstable();
            Err(Cycle(cycle))
        }
    }
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
    fn names_the_members_of_a_cycle() {
        assert_eq!(execution_order(4, &[(0, 1), (2, 1), (1, 2), (2, 3)]), Err(Cycle(vec![1, 2])));
        assert_eq!(execution_order(2, &[(1, 1)]), Err(Cycle(vec![1])));
    }
}
