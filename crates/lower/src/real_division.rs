//! Sizes and positions of a front end that divides integers as real numbers: what is computed of a quotient is
//! a fraction too, and cut where a whole number is wanted.

use std::collections::BTreeMap;

use hawkeye_graph::{DType, Fact, Graph, Node, NodeId, Shapes, ValueId};

use crate::Reading;

/// The operands of a graph that such a front end reads differently, each as what it reads.
///
/// Fractions are in single precision, in which such front ends hold numbers of the model.
#[must_use]
pub fn real_division(graph: &Graph, shapes: &Shapes) -> Vec<(NodeId, Reading)> {
    let mut fractions: BTreeMap<ValueId, Vec<f32>> = BTreeMap::new();
    let mut readings = Vec::new();
    for id in graph.node_ids() {
        let node = graph.node(id);
        let touched = node.present_inputs().any(|input| fractions.contains_key(&input));
        if !node.domain.is_empty() || !(touched || node.op == "Div") {
            continue;
        }
        if let Some(found) = computed(node, shapes, &fractions) {
            let output = node.present_outputs().next().map(|output| (output, &shapes.facts[output]));
            if let Some((output, fact)) = output
                && integers(fact).is_some_and(|ints| ints.iter().map(|i| *i as f32).ne(found.iter().copied()))
            {
                fractions.insert(output, found);
            }
        } else if touched {
            readings.extend(cut(node, shapes, &fractions).map(|reading| (id, reading)));
        }
    }
    readings
}

/// The numbers that a node makes of integers; `None` if it is no arithmetic on them.
fn computed(node: &Node, shapes: &Shapes, fractions: &BTreeMap<ValueId, Vec<f32>>) -> Option<Vec<f32>> {
    let operand = |position: usize| {
        let id = node.inputs.get(position).copied().flatten()?;
        let exact = || integers(&shapes.facts[id]).map(|ints| ints.iter().map(|i| *i as f32).collect());
        fractions.get(&id).cloned().or_else(exact)
    };
    let pairs = |f: fn(f32, f32) -> f32| {
        let (a, b) = (operand(0)?, operand(1)?);
        let count = a.len().max(b.len());
        let fits = [&a, &b].iter().all(|side| side.len() == 1 || side.len() == count);
        let at = |side: &[f32], i: usize| if side.len() == 1 { side[0] } else { side[i] };
        fits.then(|| (0..count).map(|i| f(at(&a, i), at(&b, i))).collect())
    };
    match node.op.as_str() {
        "Add" => pairs(|a, b| a + b),
        "Sub" => pairs(|a, b| a - b),
        "Mul" => pairs(|a, b| a * b),
        "Div" => pairs(|a, b| a / b),
        "Cast" => operand(0).map(|numbers| numbers.into_iter().map(f32::trunc).collect()),
        "Identity" | "Reshape" | "Squeeze" | "Unsqueeze" => operand(0),
        "Concat" => {
            let parts: Option<Vec<Vec<f32>>> = (0..node.inputs.len()).map(operand).collect();
            parts.map(|parts| parts.concat())
        }
        _ => None,
    }
}

/// The integers that a value is known to hold.
fn integers(fact: &Fact) -> Option<&[i64]> {
    let whole = matches!(fact.dtype, Some(DType::Int64 | DType::Int32));
    fact.elements.as_ref().filter(|_| whole)?.ints()
}

/// Vectors of fractions at which a node wants whole numbers.
fn cut(
    node: &Node,
    shapes: &Shapes,
    fractions: &BTreeMap<ValueId, Vec<f32>>,
) -> impl Iterator<Item = Reading> {
    let whole = move |(position, id): (usize, &Option<ValueId>)| {
        let id = (*id)?;
        let vector = shapes.facts[id].dims.as_ref().is_some_and(|dims| dims.len() == 1);
        let numbers = fractions.get(&id).filter(|numbers| vector && numbers.iter().all(|x| x.is_finite()))?;
        Some(Reading::Input(position, numbers.iter().map(|x| *x as i64).collect()))
    };
    node.inputs.iter().enumerate().filter_map(whole)
}
