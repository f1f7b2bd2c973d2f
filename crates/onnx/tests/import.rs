//! What exporters write, and what the importer makes of it.

use hawkeye_graph::{Attribute, Dim, Elements, Graph, Origin};
use hawkeye_onnx::wire::{
    AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    StringStringEntryProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto,
    attribute_proto::AttributeType, tensor_shape_proto, type_proto,
};
use hawkeye_onnx::{Model, import};
use prost::Message;

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn node(name: &str, op: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    NodeProto {
        name: Some(name.to_owned()),
        op_type: Some(op.to_owned()),
        input: strings(inputs),
        output: strings(outputs),
        ..NodeProto::default()
    }
}

fn value(name: &str, dims: &[Option<&str>]) -> ValueInfoProto {
    let dim = |symbol: &Option<&str>| tensor_shape_proto::Dimension {
        value: symbol.map(|s| tensor_shape_proto::dimension::Value::DimParam(s.to_owned())),
    };
    let shape = TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let tensor = type_proto::Tensor { elem_type: Some(1), shape: Some(shape) };
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto { tensor_type: Some(tensor), ..TypeProto::default() }),
    }
}

fn model(nodes: Vec<NodeProto>, inputs: Vec<ValueInfoProto>, initializers: Vec<TensorProto>) -> ModelProto {
    ModelProto {
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(17) }],
        graph: Some(GraphProto {
            node: nodes,
            input: inputs,
            initializer: initializers,
            output: vec![ValueInfoProto { name: Some("y".to_owned()), r#type: None }],
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    }
}

fn read(model: &ModelProto) -> Model {
    import(model.encode_to_vec().into(), None).expect("the model is fine")
}

fn names(graph: &Graph) -> Vec<&str> {
    graph.nodes.iter().map(|node| node.name.as_str()).collect()
}

#[test]
fn nodes_are_put_into_execution_order() {
    let nodes = vec![node("second", "Relu", &["a"], &["y"]), node("first", "Relu", &["x"], &["a"])];
    assert_eq!(names(&read(&model(nodes, vec![value("x", &[])], vec![])).graph), ["first", "second"]);
}

#[test]
fn unnamed_dimensions_get_symbols() {
    let model =
        read(&model(vec![node("n", "Relu", &["x"], &["y"])], vec![value("x", &[None, Some("seq")])], vec![]));
    let Origin::Input(declared) = &model.graph.value(model.graph.inputs[0]).origin else {
        panic!("x is an input")
    };
    let symbols = [Dim::Symbol("unnamed_1".to_owned()), Dim::Symbol("seq".to_owned())];
    assert_eq!(declared.dims.as_deref(), Some(symbols.as_slice()));
}

#[test]
fn initializers_listed_among_the_inputs_are_no_inputs() {
    let weight = TensorProto {
        name: Some("w".to_owned()),
        dims: vec![2],
        data_type: Some(1),
        ..TensorProto::default()
    };
    let nodes = vec![node("n", "Add", &["x", "w"], &["y"])];
    let model = read(&model(nodes, vec![value("x", &[]), value("w", &[])], vec![weight]));
    assert_eq!(model.graph.inputs.len(), 1);
    assert_eq!(model.parameters, 2);
}

#[test]
fn small_integers_keep_their_values_and_weights_do_not() {
    let shape = TensorProto {
        name: Some("shape".to_owned()),
        dims: vec![2],
        data_type: Some(7),
        int64_data: vec![1, -1],
        ..TensorProto::default()
    };
    let weight = TensorProto {
        name: Some("w".to_owned()),
        dims: vec![65],
        data_type: Some(1),
        raw_data: Some(vec![0; 260].into()),
        ..TensorProto::default()
    };
    let model = read(&model(
        vec![node("n", "Reshape", &["x", "shape"], &["y"])],
        vec![value("x", &[])],
        vec![shape, weight],
    ));
    let elements: Vec<_> = model
        .graph
        .values
        .iter()
        .filter_map(|value| match &value.origin {
            Origin::Initializer(tensor) => Some(tensor.elements.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(elements, [Some(Elements::Ints(vec![1, -1])), None]);
}

#[test]
fn external_data_may_be_missing() {
    let entry = |key: &str, value: &str| StringStringEntryProto {
        key: Some(key.to_owned()),
        value: Some(value.to_owned()),
    };
    let weight = TensorProto {
        name: Some("w".to_owned()),
        dims: vec![3],
        data_type: Some(1),
        data_location: Some(1),
        external_data: vec![entry("location", "weights.bin"), entry("offset", "16")],
        ..TensorProto::default()
    };
    let model =
        read(&model(vec![node("n", "Add", &["x", "w"], &["y"])], vec![value("x", &[])], vec![weight]));
    assert_eq!(model.parameters, 3);
}

/// A function `Scale(x; factor = 2)` that multiplies by a constant, called twice.
#[test]
fn functions_are_expanded_with_their_attributes() {
    let mut constant = node("c", "Constant", &[], &["k"]);
    constant.attribute = vec![AttributeProto {
        name: Some("value_float".to_owned()),
        ref_attr_name: Some("factor".to_owned()),
        r#type: Some(AttributeType::Float.into()),
        ..AttributeProto::default()
    }];
    let factor = |f: f32| AttributeProto {
        name: Some("factor".to_owned()),
        r#type: Some(AttributeType::Float.into()),
        f: Some(f),
        ..AttributeProto::default()
    };
    let scale = FunctionProto {
        name: Some("Scale".to_owned()),
        domain: Some("own".to_owned()),
        input: strings(&["a"]),
        output: strings(&["b"]),
        attribute_proto: vec![factor(2.0)],
        opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(18) }],
        node: vec![constant, node("m", "Mul", &["a", "k"], &["b"])],
        ..FunctionProto::default()
    };
    let call = |name: &str, input: &str, output: &str, attribute: Vec<AttributeProto>| NodeProto {
        domain: Some("own".to_owned()),
        attribute,
        ..node(name, "Scale", &[input], &[output])
    };
    let calls = vec![call("one", "x", "h", vec![]), call("/block/two", "h", "y", vec![factor(3.0)])];
    let mut model = model(calls, vec![value("x", &[])], vec![]);
    model.functions = vec![scale];
    let model = read(&model);
    assert_eq!(names(&model.graph), ["c", "m", "c", "m"]);
    assert_eq!(model.file_nodes, 2);
    let factors: Vec<_> =
        model.graph.nodes.iter().filter_map(|n| n.attributes.get("value_float")).cloned().collect();
    assert_eq!(factors, [Attribute::Float(2.0), Attribute::Float(3.0)]);
    let last = &model.graph.nodes[3];
    assert_eq!((last.opset, last.provenance.node), (18, Some(1)));
    assert_eq!(*last.scope, ["block".to_owned()]);
    let steps: Vec<_> = last.provenance.steps.iter().map(|step| &*step.name).collect();
    assert_eq!(steps, ["m"]);
    assert_eq!(model.graph.value(model.graph.outputs[0]).name, "y");
}

/// Every name that a call makes begins with its own.
#[test]
fn long_names_of_calls_are_cut() {
    let chain = FunctionProto {
        name: Some("Chain".to_owned()),
        domain: Some("own".to_owned()),
        input: strings(&["a"]),
        output: strings(&["b"]),
        opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(18) }],
        node: vec![node(&"é".repeat(9000), "Relu", &["a"], &["t"]), node("", "Relu", &["t"], &["b"])],
        ..FunctionProto::default()
    };
    let call =
        NodeProto { domain: Some("own".to_owned()), ..node(&"c".repeat(9000), "Chain", &["x"], &["y"]) };
    let mut model = model(vec![call], vec![value("x", &[])], vec![]);
    model.functions = vec![chain];
    let graph = read(&model).graph;
    let steps = graph.nodes.iter().flat_map(|node| node.provenance.steps.iter()).map(|step| step.name.len());
    assert_eq!(steps.collect::<Vec<_>>(), [256, 4]);
    assert_eq!(graph.value(graph.nodes[0].outputs[0].expect("it has one")).name.len(), 256 + "@1/t".len());
}

#[test]
fn an_attribute_that_lacks_its_body_is_an_error() {
    let lacking = AttributeProto {
        name: Some("then_branch".to_owned()),
        r#type: Some(AttributeType::Graph.into()),
        ..AttributeProto::default()
    };
    let mut node = node("", "If", &["x"], &["y"]);
    node.attribute.push(lacking);
    let model = model(vec![node], vec![value("x", &[])], Vec::new());
    let failure = import(model.encode_to_vec().into(), None).expect_err("there is no branch");
    assert!(
        failure.to_string().contains("attribute \"then_branch\": graph attribute without a graph"),
        "{failure}"
    );
}
