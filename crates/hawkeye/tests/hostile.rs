//! Models that are broken or hostile: a clear error, never a panic.

use hawkeye::{Bindings, Failure, Framework, Options, analyse};
use hawkeye_onnx::import;
use hawkeye_onnx::wire::{
    AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TypeProto, ValueInfoProto, attribute_proto::AttributeType, tensor_shape_proto,
    type_proto,
};
use prost::Message;

fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    NodeProto {
        op_type: Some(op.to_owned()),
        name: Some(format!("the {op}")),
        input: inputs.iter().map(|s| (*s).to_owned()).collect(),
        output: outputs.iter().map(|s| (*s).to_owned()).collect(),
        ..NodeProto::default()
    }
}

fn input(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dim = |size: &i64| tensor_shape_proto::Dimension {
        value: Some(tensor_shape_proto::dimension::Value::DimValue(*size)),
    };
    let shape = TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let tensor = type_proto::Tensor { elem_type: Some(1), shape: Some(shape) };
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto { tensor_type: Some(tensor), ..TypeProto::default() }),
    }
}

fn output(name: &str) -> ValueInfoProto {
    ValueInfoProto { name: Some(name.to_owned()), r#type: None }
}

fn model(nodes: Vec<NodeProto>) -> ModelProto {
    ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(13) }],
        graph: Some(GraphProto {
            node: nodes,
            input: vec![input("x", &[1, 4])],
            output: vec![output("y")],
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    }
}

fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        r#type: Some(AttributeType::Ints.into()),
        ints: ints.to_vec(),
        ..AttributeProto::default()
    }
}

fn initializer(name: &str, dims: &[i64]) -> TensorProto {
    TensorProto {
        name: Some(name.to_owned()),
        dims: dims.to_vec(),
        data_type: Some(1),
        ..TensorProto::default()
    }
}

/// What profiling the bytes says.
fn complaint(bytes: Vec<u8>) -> String {
    let result = import(bytes.into(), None).and_then(|model| {
        let options = Options { bindings: Bindings::default(), ..Options::default() };
        analyse(&model, "hostile.onnx", Framework::open("crypten")?, &options)
    });
    match result {
        Err(Failure(diagnostics)) => {
            diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        }
        Ok(_) => "no error".to_owned(),
    }
}

#[test]
fn every_hostile_model_is_refused_with_its_place() {
    let relu = || vec![node("Relu", &["x"], &["y"])];
    let with = |change: &dyn Fn(&mut ModelProto)| {
        let mut model = model(relu());
        change(&mut model);
        model.encode_to_vec()
    };
    let graph = |change: &dyn Fn(&mut GraphProto)| {
        with(&|model| change(model.graph.as_mut().expect("there is a graph")))
    };
    let nodes = |nodes: Vec<NodeProto>| model(nodes).encode_to_vec();
    let valid = nodes(relu());
    let mut not_utf8 = valid.clone();
    let position = not_utf8.windows(4).position(|w| w == b"Relu").expect("the operator is there");
    not_utf8[position] = 0xff;
    let conv = |attributes: Vec<AttributeProto>| {
        let mut conv = node("MaxPool", &["x"], &["y"]);
        conv.attribute = attributes;
        graph(&move |graph| {
            graph.input = vec![input("x", &[1, 1, 8, 8])];
            graph.node = vec![conv.clone()];
        })
    };
    let call = |name: &str| NodeProto { domain: Some("own".to_owned()), ..node(name, &["a"], &["b"]) };
    let recursive = with(&|model| {
        model.functions = vec![FunctionProto {
            name: Some("F".to_owned()),
            domain: Some("own".to_owned()),
            input: vec!["a".to_owned()],
            output: vec!["b".to_owned()],
            node: vec![call("F")],
            ..FunctionProto::default()
        }];
        let graph = model.graph.as_mut().expect("there is a graph");
        graph.node = vec![NodeProto { domain: Some("own".to_owned()), ..node("F", &["x"], &["y"]) }];
    });
    let external = graph(&|graph| {
        let entry = |key: &str, value: &str| hawkeye_onnx::wire::StringStringEntryProto {
            key: Some(key.to_owned()),
            value: Some(value.to_owned()),
        };
        let mut tensor = initializer("w", &[2]);
        tensor.data_location = Some(1);
        tensor.external_data = vec![entry("location", "../../etc/passwd")];
        graph.initializer = vec![tensor];
    });
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty file", Vec::new(), "the file is empty"),
        ("text file", b"this is not a model".to_vec(), "not an ONNX file"),
        ("truncated", valid[..valid.len() - 7].to_vec(), "not an ONNX file"),
        ("no graph", with(&|m| m.graph = None), "holds no graph"),
        ("name that is not UTF-8", not_utf8, "UTF-8"),
        ("no such opset", with(&|m| m.opset_import[0].version = Some(0)), "does not exist"),
        ("no opset", with(&|m| m.opset_import.clear()), "imports no version"),
        (
            "cycle",
            nodes(vec![
                node("Relu", &["b"], &["a"]),
                node("Relu", &["a"], &["b"]),
                node("Relu", &["a"], &["y"]),
            ]),
            "node 0 \"the Relu\" (Relu, opset 13): depends on itself",
        ),
        (
            "dangling input",
            nodes(vec![node("Relu", &["nowhere"], &["y"])]),
            "input \"nowhere\" is not defined",
        ),
        ("dangling output", graph(&|g| g.output = vec![output("z")]), "value \"z\": is a graph output"),
        (
            "defined twice",
            nodes(vec![node("Relu", &["x"], &["y"]), node("Relu", &["x"], &["y"])]),
            "value \"y\": defined more than once",
        ),
        ("no operator", nodes(vec![node("", &["x"], &["y"])]), "has no operator"),
        (
            "huge dimension",
            graph(&|g| g.input = vec![input("x", &[1 << 62, 4])]),
            "value \"x\": input: shape",
        ),
        ("dimensions that overflow", graph(&|g| g.input = vec![input("x", &[1 << 40; 3])]), "2^48"),
        ("negative dimension", graph(&|g| g.input = vec![input("x", &[-3, 4])]), "negative dimension -3"),
        (
            "negative weight",
            graph(&|g| g.initializer = vec![initializer("w", &[-1])]),
            "negative dimension -1",
        ),
        ("huge weight", graph(&|g| g.initializer = vec![initializer("w", &[1 << 62])]), "2^48"),
        (
            "unknown type",
            graph(&|g| g.initializer = vec![TensorProto { data_type: Some(99), ..initializer("w", &[2]) }]),
            "unknown element type 99",
        ),
        ("external data outside", external, "outside the model's folder"),
        ("endless functions", recursive, "call themselves"),
        (
            "unsupported operators",
            nodes(vec![node("NoSuchOp", &["x"], &["y"])]),
            "(NoSuchOp, opset 13): the framework has no protocol",
        ),
        (
            "window larger than the image",
            conv(vec![ints("kernel_shape", &[99, 99]), ints("strides", &[1, 1])]),
            "does not fit",
        ),
        ("absurd strides", conv(vec![ints("kernel_shape", &[2, 2]), ints("strides", &[0, 0])]), "strides"),
        (
            "absurd window",
            conv(vec![
                ints("kernel_shape", &[i64::MAX, i64::MAX]),
                ints("strides", &[1, 1]),
                ints("pads", &[i64::MAX - 1; 4]),
            ]),
            "too many positions",
        ),
    ];
    for (name, bytes, expected) in cases {
        let said = complaint(bytes);
        assert!(said.contains(expected), "{name}: expected \"{expected}\" in:\n{said}");
    }
}

#[test]
fn all_unsupported_operators_are_named_at_once() {
    let nodes = vec![node("Foo", &["x"], &["a"]), node("Bar", &["a"], &["b"]), node("Relu", &["b"], &["y"])];
    let said = complaint(model(nodes).encode_to_vec());
    assert!(said.contains("(Foo, opset 13)") && said.contains("(Bar, opset 13)"), "{said}");
    assert!(!said.contains("Relu"), "{said}");
}

#[test]
fn truncation_anywhere_is_an_error_or_a_model() {
    let bytes = model(vec![node("Relu", &["x"], &["y"])]).encode_to_vec();
    for length in 0..bytes.len() {
        complaint(bytes[..length].to_vec());
    }
}

fn scalar(name: &str, data_type: i32, value: i64) -> TensorProto {
    let raw = if data_type == 9 { vec![u8::from(value != 0)] } else { value.to_le_bytes().to_vec() };
    TensorProto {
        name: Some(name.to_owned()),
        data_type: Some(data_type),
        raw_data: Some(raw.into()),
        ..TensorProto::default()
    }
}

/// A `Loop` that runs its body `trips` times: an `inner` node, and what is stored with the body.
fn repeated(x: &str, y: &str, inner: NodeProto, stored: Vec<TensorProto>) -> NodeProto {
    let body = GraphProto {
        node: vec![node("Identity", &["going"], &["goes_on"]), inner],
        input: ["number", "going", "before"].map(output).into(),
        output: ["goes_on", "after"].map(output).into(),
        initializer: stored,
        ..GraphProto::default()
    };
    let mut node = node("Loop", &["trips", "true", x], &[y]);
    node.attribute = vec![AttributeProto {
        name: Some("body".to_owned()),
        r#type: Some(AttributeType::Graph.into()),
        g: Some(body.encode_to_vec().into()),
        ..AttributeProto::default()
    }];
    node
}

/// Small models that stand for large ones.
#[test]
fn what_would_grow_without_bound_is_refused_at_its_node() {
    let with = |node: NodeProto, trips: i64| {
        let mut model = model(vec![node]);
        let graph = model.graph.as_mut().expect("there is a graph");
        graph.initializer = vec![scalar("trips", 7, trips), scalar("true", 9, 1)];
        model.encode_to_vec()
    };
    let relu = || node("Relu", &["before"], &["after"]);
    let nested = (0..8).fold(relu(), |inner, _| repeated("before", "after", inner, Vec::new()));
    let outer = |inner| repeated("x", "y", inner, Vec::new());
    let stored = (0..1000).map(|i| initializer(&format!("unused{i}"), &[1])).collect();
    // Its body takes `before` of the one around it, so that each repetition has a body of its own.
    let within = node("Add", &["before", "before2"], &["after"]);
    let captures = repeated("before2", "after", within, stored);
    let mut input = node("Identity", &["before"], &["before2"]);
    input.name = None;
    let cases = [
        ("loops in loops", with(outer(nested), 10)),
        ("a loop of many", with(outer(relu()), 1 << 40)),
        ("a body stored with much", {
            let mut node = outer(captures);
            let body = node.attribute[0].g.take().expect("there is a body");
            let mut body = GraphProto::decode(body).expect("it is one");
            body.node.insert(1, input);
            node.attribute[0].g = Some(body.encode_to_vec().into());
            with(node, 100_000)
        }),
    ];
    for (name, bytes) in cases {
        let said = complaint(bytes);
        assert!(
            said.contains("node 0 \"the Loop\" (Loop, opset 13): expands to more than"),
            "{name}: {said}"
        );
    }
}

/// What is copied with each repetition of a body, or each call of a function, counts by its size.
#[test]
fn large_nodes_are_not_copied_without_bound() {
    let looped = |inner: NodeProto| {
        let mut model = model(vec![repeated("x", "y", inner, Vec::new())]);
        let graph = model.graph.as_mut().expect("there is a graph");
        graph.initializer = vec![scalar("trips", 7, 20_000), scalar("true", 9, 1)];
        model.encode_to_vec()
    };
    let named = NodeProto { name: Some("n".repeat(200_000)), ..node("Relu", &["before"], &["after"]) };
    let mut listed = node("Relu", &["before"], &["after"]);
    listed.attribute = vec![ints("long", &[1; 100_000])];
    for inner in [named, listed, node("Sum", &vec!["before"; 50_000], &["after"])] {
        let said = complaint(looped(inner));
        assert!(said.contains("(Loop, opset 13): expands to more than"), "{said}");
    }
    let mut attribute = node("Relu", &["a"], &["b"]);
    attribute.attribute = vec![ints("long", &[1; 100_000])];
    for (depth, last) in [(40, Vec::new()), (12, vec![attribute])] {
        let said = complaint(doubling(depth, last).encode_to_vec());
        assert!(said.contains("its functions make more than"), "{said}");
    }
}

/// A model whose functions call the next one twice, as many as the depth, and the last of these nodes.
fn doubling(depth: usize, last: Vec<NodeProto>) -> ModelProto {
    let call = |callee: usize, input: &str, output: &str| NodeProto {
        domain: Some("own".to_owned()),
        ..node(&format!("F{callee}"), &[input], &[output])
    };
    let function = |number: usize, nodes: Vec<NodeProto>| FunctionProto {
        name: Some(format!("F{number}")),
        domain: Some("own".to_owned()),
        input: vec!["a".to_owned()],
        output: vec!["b".to_owned()],
        node: nodes,
        ..FunctionProto::default()
    };
    let mut model = model(vec![call(0, "x", "y")]);
    let both = |number: usize| vec![call(number + 1, "a", "m"), call(number + 1, "m", "b")];
    model.functions = (0..depth).map(|number| function(number, both(number))).collect();
    model.functions.push(function(depth, last));
    model
}

#[test]
fn a_model_has_a_bounded_number_of_nodes_and_a_node_of_attributes() {
    let chain = (0..=100_000).map(|i| node("Relu", &["x"], &[format!("y{i}").as_str()])).collect();
    let said = complaint(model(chain).encode_to_vec());
    assert!(said.ends_with("has 100001 nodes, where 100000 are the most"), "{said}");
    let mut relu = node("Relu", &["x"], &["y"]);
    relu.attribute = (0..1001).map(|i| ints(&format!("a{i}"), &[])).collect();
    let said = complaint(model(vec![relu]).encode_to_vec());
    assert!(said.contains("(Relu, opset 13): has 1001 attributes, where 1000 are the most"), "{said}");
}

#[test]
fn a_node_has_a_bounded_number_of_operands() {
    let sum = node("Sum", &vec!["x"; 100_001], &["y"]);
    let said = complaint(model(vec![sum]).encode_to_vec());
    assert!(said.contains("(Sum, opset 13): has 100001 inputs, where 100000 are the most"), "{said}");
}

/// Each size is priced on its own, and all that was priced is kept until the report is made.
#[test]
fn a_program_makes_a_bounded_number_of_different_calls() {
    let nodes = (1..=10_000).map(|i| node("Relu", &[&format!("x{i}")], &[&format!("y{i}")])).collect();
    let mut model = model(nodes);
    let graph = model.graph.as_mut().expect("there is a graph");
    graph.input = (1..=10_000).map(|i| input(&format!("x{i}"), &[1, i])).collect();
    graph.output = vec![output("y1")];
    let said = complaint(model.encode_to_vec());
    assert!(said.contains("(Relu, opset 13): the model is too large"), "{said}");
    assert!(said.ends_with("it makes more than 100000 different calls"), "{said}");
}

#[cfg(unix)]
#[test]
fn external_data_is_not_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status();
    assert!(made.expect("there is mkfifo").success());
    let mut model = model(vec![node("Add", &["x", "w"], &["y"])]);
    let location = hawkeye_onnx::wire::StringStringEntryProto {
        key: Some("location".to_owned()),
        value: Some("pipe".to_owned()),
    };
    model.graph.as_mut().expect("there is a graph").initializer =
        vec![TensorProto { data_location: Some(1), external_data: vec![location], ..initializer("w", &[4]) }];
    let model = import(model.encode_to_vec().into(), Some(folder.path())).expect("only shapes matter");
    assert_eq!(model.parameters, 4);
}

#[test]
fn no_matrix_is_made_for_its_shape() {
    let mut model = model(vec![node("EyeLike", &["x"], &["y"])]);
    model.graph.as_mut().expect("there is a graph").input = vec![input("x", &[1 << 20, 1 << 20])];
    assert!(complaint(model.encode_to_vec()).ends_with("the framework has no protocol for EyeLike"));
}
