//! Where an operator that a framework lacks could be left out of what is computed in secret.

use std::collections::BTreeSet;

use hawkeye_graph::{Graph, Node, NodeId, Origin, ValueId};

/// Operators for which a way around them is looked for, each time through the whole graph.
pub(crate) const MOST_AVOIDED: usize = 16;

/// What to do in place of a node that nothing with weights comes before, or behind; `None` if it stands among them.
pub(crate) fn avoided(graph: &Graph, id: NodeId) -> Option<String> {
    let node = graph.node(id);
    let weighs = |node: &Node| node.present_inputs().any(|input| is_weight(graph, input));
    if weighs(node) {
        return None;
    }
    let name = |value: ValueId| graph.value(value).name.as_str();
    let mut reached: BTreeSet<ValueId> = node.present_outputs().collect();
    let mut behind = graph.nodes[id.index() + 1..].iter().filter(|later| {
        let follows = later.present_inputs().chain(later.captured()).any(|input| reached.contains(&input));
        reached.extend(later.present_outputs().filter(|_| follows));
        follows
    });
    if !behind.any(weighs) {
        let input =
            node.present_inputs().find(|input| matches!(graph.value(*input).origin, Origin::Node(_)))?;
        return Some(format!(
            "no weights come behind it, so that a model which ends at \"{}\" leaves it to who gets the output",
            name(input)
        ));
    }
    let mut needed: BTreeSet<ValueId> = node.present_inputs().collect();
    let mut before = graph.nodes[..id.index()].iter().rev().filter(|earlier| {
        let leads = earlier.present_outputs().any(|output| needed.contains(&output));
        needed.extend(earlier.present_inputs().chain(earlier.captured()).filter(|_| leads));
        leads
    });
    let output = node.present_outputs().next()?;
    (!before.any(weighs)).then(|| {
        format!(
            "no weights come before it, so that a model which begins with \"{}\" leaves it to who has the input",
            name(output)
        )
    })
}

fn is_weight(graph: &Graph, id: ValueId) -> bool {
    match &graph.value(id).origin {
        Origin::Initializer(tensor) => tensor.dtype.is_float() && !tensor.dims.is_empty(),
        Origin::Input(_) | Origin::Node(_) | Origin::Outer(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use hawkeye_graph::{DType, GraphBuilder, Tensor};

    use super::*;

    #[test]
    fn before_behind_and_among_weights() {
        let mut builder = GraphBuilder::default();
        builder.set_opset("", 13);
        let weight = Tensor { dtype: DType::Float32, dims: vec![3, 3], elements: None };
        let weight = builder.initializer("w", weight);
        let x = builder.tensor_input("x", DType::Float32, &[3, 3]);
        let mut value = x;
        for op in ["Sinh", "MatMul", "Sinh", "MatMul", "Sinh", "Relu"] {
            value = match op {
                "MatMul" => builder.op(op, &[value, weight]),
                _ => builder.op(op, &[value]),
            };
        }
        builder.set_outputs(vec![value]);
        let graph = builder.finish().expect("it has an order");
        let said: Vec<Option<String>> = graph.node_ids().map(|id| avoided(&graph, id)).collect();
        assert!(said[0].as_ref().is_some_and(|text| text.contains("begins with")), "{said:?}");
        assert!(said[4].as_ref().is_some_and(|text| text.contains("ends at")), "{said:?}");
        assert_eq!([&said[1], &said[2], &said[3]], [&None, &None, &None]);
    }
}
