//! Which nodes have a backward part.

use hawkeye_graph::{Graph, Node, NodeId, Shapes, Table, ValueId};

/// The backward pass as far as the graph decides it, in the words of Griewank and Walther's textbook.
#[derive(Clone, Debug, PartialEq)]
pub struct Activity {
    /// Values that depend on a trained parameter, through nodes that have a gradient.
    pub varied: Table<ValueId, bool>,
    /// Values that are varied and that the loss depends on: those whose gradient is computed.
    pub active: Table<ValueId, bool>,
    /// Nodes with a backward part, in the order in which it runs: the last first.
    pub order: Vec<NodeId>,
}

/// Follows the gradient of `output` back to the trained parameters. `cut` says of a node that the
/// framework does not differentiate it.
///
/// Gradients are defined for real numbers only, and no gradient passes a node whose output does not
/// change with its input, such as `Shape` or `Greater`.
#[must_use]
pub fn activity(
    graph: &Graph,
    shapes: &Shapes,
    output: ValueId,
    trained: &[ValueId],
    cut: &dyn Fn(&Node) -> bool,
) -> Activity {
    let real = |id: ValueId| shapes.facts[id].dtype.is_none_or(|dtype| dtype.is_float());
    let mut varied = Table::new(vec![false; graph.values.len()]);
    for id in trained {
        varied[*id] = true;
    }
    for node in &graph.nodes {
        // No gradient passes it, whatever its inputs.
        if is_flat(node) || cut(node) || !differentiated(node).any(|id| varied[id]) {
            continue;
        }
        for id in node.present_outputs() {
            varied[id] = real(id);
        }
    }
    let mut active = Table::new(vec![false; graph.values.len()]);
    active[output] = varied[output];
    let mut order = Vec::new();
    // Consumers come before producers, so that whether an output is active is settled when its node is reached.
    for id in graph.node_ids().rev() {
        let node = graph.node(id);
        if !node.present_outputs().any(|output| active[output]) {
            continue;
        }
        order.push(id);
        for input in differentiated(node) {
            active[input] |= varied[input];
        }
    }
    Activity { varied, active, order }
}

/// Inputs with respect to which a node is differentiated: not those that say how, such as shapes.
pub(crate) fn differentiated(node: &Node) -> impl Iterator<Item = ValueId> + use<'_> {
    let count = match node.op.as_str() {
        _ if !node.domain.is_empty() => usize::MAX,
        "Reshape" | "Expand" | "Pad" | "Slice" | "Tile" | "Dropout" | "Resize" | "Upsample" | "Clip" => 1,
        _ => usize::MAX,
    };
    node.inputs.iter().take(count).flatten().copied()
}

/// Operators whose derivative is zero wherever it exists, or that do not look at the elements.
fn is_flat(node: &Node) -> bool {
    flat(&node.domain, &node.op)
}

/// Whether the operator is such a one.
pub(crate) fn flat(domain: &str, op: &str) -> bool {
    domain.is_empty()
        && matches!(
            op,
            "Shape"
                | "Size"
                | "Constant"
                | "ConstantOfShape"
                | "Range"
                | "Equal"
                | "Greater"
                | "GreaterOrEqual"
                | "Less"
                | "LessOrEqual"
                | "And"
                | "Or"
                | "Xor"
                | "Not"
                | "IsNaN"
                | "IsInf"
                | "ArgMax"
                | "ArgMin"
                | "NonZero"
                | "Mod"
                | "Sign"
                | "Floor"
                | "Ceil"
                | "Round"
                | "OneHot"
                | "EyeLike"
                | "RandomNormal"
                | "RandomNormalLike"
                | "RandomUniform"
                | "RandomUniformLike"
                | "Bernoulli"
                | "Multinomial"
        )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hawkeye_graph::{Attributes, DType, DeclaredType, Fact, Kind, Origin, Provenance, Tensor, Value};

    use super::*;
    use crate::Part;

    /// input 0 and weights 1, 2; MatMul(0,1)=3, Relu(3)=4, MatMul(4,2)=5, Shape(5)=6.
    fn network() -> (Graph, Shapes) {
        let node = |op: &str, inputs: &[usize], output: usize| Node {
            name: String::new(),
            op: op.to_owned(),
            domain: String::new(),
            opset: 17,
            inputs: inputs.iter().map(|i| Some(ValueId::new(*i))).collect(),
            outputs: vec![Some(ValueId::new(output))],
            attributes: Attributes::default(),
            scope: Arc::default(),
            provenance: Provenance::of_file(0),
        };
        let nodes = vec![
            node("MatMul", &[0, 1], 3),
            node("Relu", &[3], 4),
            node("MatMul", &[4, 2], 5),
            node("Shape", &[5], 6),
        ];
        let weight =
            || Origin::Initializer(Tensor { dtype: DType::Float32, dims: vec![2, 2], elements: None });
        let input = Origin::Input(DeclaredType { dtype: DType::Float32, dims: None, kind: Kind::Tensor });
        let origins = [input, weight(), weight()]
            .into_iter()
            .chain((0..nodes.len()).map(|i| Origin::Node(NodeId::new(i))));
        let values = origins.map(|origin| Value { name: String::new(), origin }).collect();
        let shapes = Shapes { facts: Table::new(vec![Fact::default(); 7]), diagnostics: Vec::new() };
        (Graph { nodes, values, ..Graph::default() }, shapes)
    }

    fn run(output: usize, trained: &[usize], cut: &dyn Fn(&Node) -> bool) -> Activity {
        let (graph, shapes) = network();
        let trained: Vec<_> = trained.iter().copied().map(ValueId::new).collect();
        activity(&graph, &shapes, ValueId::new(output), &trained, cut)
    }

    fn order(activity: &Activity) -> Vec<usize> {
        activity.order.iter().map(|id| id.index()).collect()
    }

    #[test]
    fn the_input_needs_no_gradient() {
        let activity = run(5, &[1, 2], &|_| false);
        assert_eq!(order(&activity), [2, 1, 0]);
        let active: Vec<_> = activity.active.iter().copied().collect();
        assert_eq!(active, [false, true, true, true, true, true, false]);
    }

    #[test]
    fn nothing_runs_before_the_first_trained_parameter() {
        assert_eq!(order(&run(5, &[2], &|_| false)), [2]);
    }

    #[test]
    fn a_cut_stops_the_gradient() {
        assert_eq!(order(&run(5, &[1, 2], &|node| node.op == "Relu")), [2]);
        assert_eq!(order(&run(4, &[1, 2], &|node| node.op == "Relu")), [] as [usize; 0]);
    }

    #[test]
    fn parameters_without_gradient_are_told_apart() {
        let trained = [1, 2].map(ValueId::new);
        let activity = run(5, &[1, 2], &|node| node.op == "Relu");
        assert_eq!(activity.with_gradient(&trained).collect::<Vec<_>>(), [trained[1]]);
        let updates = |parts: Vec<Part>| parts.iter().filter(|part| matches!(part, Part::Update(_))).count();
        assert_eq!(updates(activity.parts(activity.with_gradient(&trained))), 1);
        assert_eq!(updates(activity.parts(trained)), 2);
    }

    #[test]
    fn no_gradient_passes_shape() {
        assert_eq!(order(&run(6, &[1, 2], &|_| false)), [] as [usize; 0]);
    }
}
