//! Constants that blow up are given a shape and never computed.

use std::collections::BTreeMap;
use std::sync::Arc;

use hawkeye_graph::{
    Attributes, DType, Elements, Graph, Node, NodeId, Origin, Provenance, Tensor, Value, ValueId,
};
use hawkeye_shapes::infer;

/// The shape of an operator's output, all of whose inputs are constants.
fn shape(op: &str, inputs: Vec<Tensor>) -> Option<Vec<u64>> {
    let mut graph = Graph::default();
    graph.opsets.insert(String::new(), 17);
    for (index, tensor) in inputs.into_iter().enumerate() {
        graph.values.push(Value { name: format!("x{index}"), origin: Origin::Initializer(tensor) });
    }
    let output = ValueId::new(graph.values.len());
    graph.nodes.push(Node {
        name: String::new(),
        op: op.to_owned(),
        domain: String::new(),
        opset: 17,
        inputs: (0..output.index()).map(|i| Some(ValueId::new(i))).collect(),
        outputs: vec![Some(output)],
        attributes: Attributes::default(),
        scope: Arc::default(),
        provenance: Provenance::of_file(0),
    });
    graph.values.push(Value { name: "y".to_owned(), origin: Origin::Node(NodeId::new(0)) });
    graph.outputs.push(output);
    infer(&graph, &BTreeMap::new()).facts[output].shape()
}

fn scalar(value: i64) -> Tensor {
    Tensor { dtype: DType::Int64, dims: Vec::new(), elements: Some(Elements::Ints(vec![value])) }
}

#[test]
fn constants_of_billions_of_elements() {
    let side = 1 << 20;
    let sides = || Tensor::vector(vec![side, side]);
    let square = Some(vec![1 << 20, 1 << 20]);
    let one = Tensor { dims: vec![1, 1], ..scalar(1) };
    assert_eq!(shape("Expand", vec![one.clone(), sides()]), square);
    assert_eq!(shape("Tile", vec![one.clone(), sides()]), square);
    assert_eq!(shape("Pad", vec![one, Tensor::vector(vec![side - 1, 0, 0, side - 1])]), square);
    assert_eq!(shape("ConstantOfShape", vec![sides()]), square);
    assert_eq!(shape("Range", vec![scalar(0), scalar(1 << 40), scalar(1)]), Some(vec![1 << 40]));
    let values = Tensor::vector(vec![0, 1]);
    assert_eq!(
        shape("OneHot", vec![Tensor::vector(vec![0]), scalar(1 << 40), values]),
        Some(vec![1, 1 << 40])
    );
}

#[test]
fn a_depth_without_elements() {
    let empty = Tensor::vector(Vec::new());
    assert_eq!(shape("OneHot", vec![Tensor::vector(vec![0]), empty, Tensor::vector(vec![0, 1])]), None);
}
