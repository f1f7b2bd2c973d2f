//! Annotated models are the models they were, and carry what the report says.

use bytes::Bytes;
use hawkeye::{Annotated, Framework, Model, Options, PREFIX, Report, analyse, annotations, import, read};
use hawkeye_onnx::wire::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto,
    TensorShapeProto, TypeProto, ValueInfoProto, tensor_shape_proto, type_proto,
};
use hawkeye_testing::fixtures;
use prost::Message;
use tract_onnx::prelude::{Framework as _, *};

fn annotated(bytes: &Bytes, options: &Options) -> (Model, Report, Vec<u8>) {
    let model = import(bytes.clone(), None).expect("it imports");
    let framework = Framework::open("crypten").expect("it is built in");
    let report = analyse(&model, "model.onnx", framework, options).expect("it profiles");
    let notes = annotations(&model, &report, &options.bindings).expect("they are made");
    let mut out = Vec::new();
    Annotated::new(bytes, &notes).expect("it is a model").write(&mut out).expect("it writes");
    (model, report, out)
}

fn entry<'a>(entries: &'a [StringStringEntryProto], key: &str) -> Option<&'a str> {
    entries.iter().find(|entry| entry.key() == format!("{PREFIX}{key}")).map(|entry| entry.value())
}

fn batch_of_one() -> Options {
    let mut options = Options::default();
    options.bindings.batch = Some(1);
    options
}

#[test]
fn nodes_carry_their_costs_and_add_up() {
    for name in ["lenet5", "resnet18", "resnet50"] {
        let bytes = read(&fixtures().join(format!("models/{name}.onnx"))).expect("it is read");
        let (_, report, out) = annotated(&bytes, &batch_of_one());
        let graph = ModelProto::decode(out.as_slice()).expect("it decodes").graph.expect("a graph");
        let amounts: Vec<u64> = graph
            .node
            .iter()
            .map(|node| {
                entry(&node.metadata_props, "online.bytes").expect("a cost").parse().expect("a number")
            })
            .collect();
        assert_eq!(amounts.iter().sum::<u64>(), report.totals.online.bytes, "{name}");
        let largest = report.operators.iter().map(|o| o.phases.online.bytes).max();
        assert_eq!(amounts.into_iter().max(), largest);
    }
}

#[test]
fn everything_else_stays_byte_for_byte() {
    let bytes = read(&fixtures().join("models/resnet18.onnx")).expect("it is read");
    let (_, _, out) = annotated(&bytes, &batch_of_one());
    let mut before = ModelProto::decode(bytes.clone()).expect("it decodes");
    let mut after = ModelProto::decode(out.as_slice()).expect("it decodes");
    for model in [&mut before, &mut after] {
        for node in &mut model.graph.as_mut().expect("a graph").node {
            node.metadata_props.retain(|entry| !entry.key().starts_with(PREFIX));
        }
    }
    assert_eq!(before, after);
    // Annotating again replaces what was there.
    let (_, _, again) = annotated(&Bytes::from(out.clone()), &batch_of_one());
    assert_eq!(again, out);
}

#[test]
fn the_command_writes_a_model_that_costs_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("annotated.onnx");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_hawkeye"))
        .args(["annotate", "lenet5.onnx", "-f", "crypten", "-o"])
        .arg(&out)
        .current_dir(fixtures().join("models"))
        .output()
        .expect("the program starts");
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty());
    let options = Options::default();
    let before = hawkeye_testing::profile(&fixtures().join("models/lenet5.onnx"), "crypten", &options);
    let after = hawkeye_testing::profile(&out, "crypten", &options);
    assert_eq!(before.expect("it profiles").operators, after.expect("it profiles").operators);
}

#[test]
fn a_file_that_is_no_model_is_an_error() {
    let notes = hawkeye::Annotations::default();
    for bytes in [&b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"[..], b"\x3a\x05\x0a", b"\x0b"] {
        assert!(Annotated::new(bytes, &notes).is_err(), "{bytes:?}");
    }
}

/// y = Relu(x w) for any batch, with real weights.
fn perceptron() -> Bytes {
    let dim = |value| tensor_shape_proto::Dimension { value: Some(value) };
    let symbol = tensor_shape_proto::dimension::Value::DimParam("batch".to_owned());
    let fixed = tensor_shape_proto::dimension::Value::DimValue;
    let info = |name: &str, width: i64| ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto {
            tensor_type: Some(type_proto::Tensor {
                elem_type: Some(1),
                shape: Some(TensorShapeProto { dim: vec![dim(symbol.clone()), dim(fixed(width))] }),
            }),
            ..TypeProto::default()
        }),
    };
    let node = |op: &str, inputs: &[&str], output: &str| NodeProto {
        name: Some(op.to_owned()),
        op_type: Some(op.to_owned()),
        input: inputs.iter().map(|name| (*name).to_owned()).collect(),
        output: vec![output.to_owned()],
        ..NodeProto::default()
    };
    let weights: Vec<u8> = (0..12).flat_map(|i| (i as f32 - 5.5).to_le_bytes()).collect();
    let model = ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(13) }],
        graph: Some(GraphProto {
            name: Some("perceptron".to_owned()),
            node: vec![node("MatMul", &["x", "w"], "h"), node("Relu", &["h"], "y")],
            input: vec![info("x", 3)],
            output: vec![info("y", 4)],
            initializer: vec![TensorProto {
                name: Some("w".to_owned()),
                dims: vec![3, 4],
                data_type: Some(1),
                raw_data: Some(weights.into()),
                ..TensorProto::default()
            }],
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    };
    Bytes::from(model.encode_to_vec())
}

#[test]
fn tract_runs_an_annotated_model_at_any_batch() -> TractResult<()> {
    let bytes = perceptron();
    let (_, _, out) = annotated(&bytes, &batch_of_one());
    assert_ne!(out, bytes);
    for batch in [1, 5] {
        let input = tract_ndarray::Array2::from_shape_fn((batch, 3), |(i, j)| (i * 3 + j) as f32 - 4.0);
        let run = |mut model: &[u8]| {
            let fact = f32::fact([batch, 3]);
            let model = tract_onnx::onnx().model_for_read(&mut model)?.with_input_fact(0, fact.into())?;
            let plan = model.into_optimized()?.into_runnable()?;
            plan.run(tvec![input.clone().into_tensor().into()])
        };
        assert_eq!(run(&out)?[0], run(&bytes)?[0], "batch {batch}");
    }
    Ok(())
}

#[test]
fn nodes_carry_their_seconds_where_a_network_is_given() {
    let network = hawkeye::time::Network::of(Some(1e8), 0.04);
    let options = Options { time: Some(hawkeye::TimeOptions::on(network)), ..batch_of_one() };
    let bytes = read(&fixtures().join("models/lenet5.onnx")).expect("it is read");
    let (_, report, out) = annotated(&bytes, &options);
    let graph = ModelProto::decode(out.as_slice()).expect("it decodes").graph.expect("a graph");
    for operator in &report.operators {
        let Some(node) = operator.node else { continue };
        let seconds = entry(&graph.node[node].metadata_props, "seconds").expect("a prediction");
        assert_eq!(Some(seconds.parse::<f64>().expect("a number")), operator.seconds, "{}", operator.name);
    }
    assert!(report.time.expect("a network was given").seconds > 1.0);
    let total = b"hawkeye.total.seconds";
    assert!(out.windows(total.len()).any(|window| window == total));
}
