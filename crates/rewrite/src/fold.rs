//! New nodes over constants become weights.

use std::collections::BTreeSet;
use std::rc::Rc;

use hawkeye_graph::{Attributes, DType, Fact, Origin, Tensor, ValueId};

use crate::finish::{Edited, compact};
use crate::rule::is;
use crate::weights::Recipes;

/// New nodes over constants, with a weight among them, become weights whose values are computed when
/// they are asked for.
pub(crate) fn fold(edited: Edited, recipes: &Rc<Recipes>) -> Option<(Edited, Rc<Recipes>)> {
    let Edited { mut graph, facts, made } = edited;
    let mut recipes = Rc::clone(recipes);
    let mut folded = BTreeSet::new();
    let mut constant = vec![false; graph.values.len()];
    let mut weight = vec![false; graph.values.len()];
    for (index, value) in graph.values.iter().enumerate() {
        if let Origin::Initializer(tensor) = &value.origin {
            constant[index] = true;
            weight[index] = tensor.dtype.is_float();
        }
    }
    for node in &graph.nodes {
        let outputs: Vec<ValueId> = node.present_outputs().collect();
        if is(node, "Constant") {
            outputs.iter().for_each(|output| constant[output.index()] = true);
            continue;
        }
        let mut inputs = node.present_inputs();
        let all = inputs.all(|input| constant[input.index()]);
        let any = node.present_inputs().any(|input| weight[input.index()]);
        let known = outputs.iter().all(|output| facts[*output].shape().is_some());
        if !(all && known && outputs.iter().all(|output| made.contains(output))) {
            continue;
        }
        Rc::make_mut(&mut recipes).note(&graph, node);
        for output in outputs {
            constant[output.index()] = true;
            weight[output.index()] = any;
            if any {
                folded.insert(output);
            }
        }
    }
    if folded.is_empty() {
        return Some((Edited { graph, facts, made }, recipes));
    }
    let mut facts: Vec<Fact> = facts.iter().cloned().collect();
    for output in &folded {
        let fact = &mut facts[output.index()];
        fact.elements = None;
        let dtype = fact.dtype.unwrap_or(DType::Float32);
        let tensor = Tensor { dtype, dims: fact.shape().unwrap_or_default(), elements: None };
        let value = &mut graph.values[output.index()];
        if let Origin::Node(node) = value.origin {
            // It gives nothing any more, and goes with what nobody reads.
            graph.nodes[node.index()].outputs.clear();
            graph.nodes[node.index()].inputs.clear();
            graph.nodes[node.index()].attributes = Attributes::default();
        }
        value.origin = Origin::Initializer(tensor);
    }
    let all = graph.values.len();
    Some((compact(graph, &mut facts, all)?, recipes))
}
