//! Weights in nodes: what of a model's constants is learnt, and not a number that its author wrote down.

use hawkeye_graph::{Attribute, Derivation, Elements, Graph, Node, Origin, Table, ValueId, element_count};

/// Whether the node is a constant, written as a node instead of an initializer.
#[must_use]
pub fn is_constant(node: &Node) -> bool {
    node.domain.is_empty() && matches!(node.op.as_str(), "Constant" | "ConstantOfShape")
}

/// Constants of fewer elements that a linear operator takes are taken for numbers that the model's author wrote down.
const FEWEST: u64 = 17;

/// What of the constants that are nodes is a weight: real numbers, more than a few, which a linear operator
/// takes, and however many a normalisation scales and shifts by; as they are or in another shape, or what is
/// computed of constants alone.
#[must_use]
pub fn constant_weights(graph: &Graph) -> Vec<ValueId> {
    // From how many elements on a constant is a weight, where one is wanted.
    let mut wanted: Table<ValueId, Option<u64>> = Table::new(vec![None; graph.values.len()]);
    let constant = of_constants(graph);
    for node in graph.nodes.iter().rev().filter(|node| node.domain.is_empty()) {
        let least = node.present_outputs().filter_map(|id| wanted[id]).min();
        let (positions, least) = match node.op.as_str() {
            "Conv" | "ConvTranspose" | "Einsum" | "Gemm" | "MatMul" => (0..usize::MAX, Some(FEWEST)),
            // Not the states that they start with.
            "GRU" | "LSTM" | "RNN" => (0..4, Some(FEWEST)),
            "Gather" => (0..1, Some(FEWEST)),
            "BatchNormalization"
            | "GroupNormalization"
            | "InstanceNormalization"
            | "LayerNormalization"
            | "PRelu"
            | "RMSNormalization" => (1..usize::MAX, Some(1)),
            "Cast" | "Flatten" | "Identity" | "Reshape" | "Squeeze" | "Transpose" | "Unsqueeze" => {
                (0..1, least)
            }
            _ if node.present_outputs().any(|id| constant[id]) => (0..usize::MAX, least),
            _ => continue,
        };
        let Some(least) = least else { continue };
        for (_, id) in node.inputs.iter().enumerate().filter(|(position, _)| positions.contains(position)) {
            if let Some(id) = id {
                wanted[*id] = Some(wanted[*id].map_or(least, |other| other.min(least)));
            }
        }
    }
    let made = |node: &&Node| is_constant(node) && !node.provenance.is_by(Derivation::Decomposition);
    let weight = |node: &Node| {
        let output = node.present_outputs().next()?;
        (real_elements(graph, node)? >= wanted[output]?).then_some(output)
    };
    graph.nodes.iter().filter(made).filter_map(weight).collect()
}

/// Which values are computed of constants alone, stored ones or nodes.
fn of_constants(graph: &Graph) -> Table<ValueId, bool> {
    let stored = |id| matches!(graph.value(id).origin, Origin::Initializer(_));
    let mut constant = Table::new(graph.value_ids().map(stored).collect());
    for node in &graph.nodes {
        let given = node.present_inputs().chain(node.captured()).all(|id| constant[id]);
        let drawn = node.op.starts_with("Random");
        node.present_outputs().for_each(|id| constant[id] = given && !drawn);
    }
    constant
}

/// How many real numbers a constant node gives.
fn real_elements(graph: &Graph, node: &Node) -> Option<u64> {
    let value = match node.attributes.get("value") {
        Some(Attribute::Tensor(tensor)) => Some(tensor),
        _ => None,
    };
    if let Some(Attribute::Floats(numbers)) = node.attributes.get("value_floats") {
        return Some(numbers.len() as u64);
    }
    if node.op == "Constant" {
        let value = value.filter(|tensor| tensor.dtype.is_float())?;
        return element_count(&value.dims).ok();
    }
    let shape = elements(graph, node.inputs.first().copied().flatten()?)?;
    let real = value.is_none_or(|tensor| tensor.dtype.is_float());
    let count = shape.ints()?.iter().try_fold(1u64, |n, dim| n.checked_mul(u64::try_from(*dim).ok()?))?;
    real.then_some(count)
}

/// The elements of a constant that is stored or a node.
fn elements(graph: &Graph, id: ValueId) -> Option<&Elements> {
    match &graph.value(id).origin {
        Origin::Initializer(tensor) => tensor.elements.as_ref(),
        Origin::Node(maker) => match graph.node(*maker).attributes.get("value") {
            Some(Attribute::Tensor(tensor)) if graph.node(*maker).op == "Constant" => {
                tensor.elements.as_ref()
            }
            _ => None,
        },
        Origin::Input(_) | Origin::Outer(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use hawkeye_graph::{DType, GraphBuilder, Tensor};

    use super::*;

    /// How many weights a model has of which one comes out of `path`, operators on constants of 18 numbers, and is
    /// taken by `op`.
    fn weights(path: &[&str], op: &str) -> usize {
        let mut builder = GraphBuilder::default();
        builder.set_opset("", 13);
        let x = builder.tensor_input("x", DType::Float32, &[2, 18]);
        let constant = |builder: &mut GraphBuilder| {
            let value = Tensor { dtype: DType::Float32, dims: vec![18], elements: None };
            builder.op_with("Constant", &[], &[("value", Attribute::Tensor(value))])
        };
        let mut weight = constant(&mut builder);
        for op in path {
            let inputs = match *op {
                "Concat" | "Mul" => vec![weight, constant(&mut builder)],
                _ => vec![weight],
            };
            weight = builder.op(op, &inputs);
        }
        let y = builder.op(op, &[x, weight]);
        builder.set_outputs(vec![y]);
        constant_weights(&builder.finish().expect("it has an order")).len()
    }

    #[test]
    fn whatever_is_computed_of_constants_alone_leads_to_weights() {
        assert_eq!(weights(&[], "MatMul"), 1);
        assert_eq!(weights(&["Transpose", "Split", "Slice", "Expand"], "MatMul"), 1);
        assert_eq!(weights(&["Mul", "Concat"], "Gemm"), 3);
        assert_eq!(weights(&[], "PRelu"), 1);
        assert_eq!(weights(&["Mul"], "Add"), 0);
    }
}
