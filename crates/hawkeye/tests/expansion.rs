//! Control flow whose course is known costs what its bodies cost; operators that a framework lacks
//! cost what defines them.

use std::collections::BTreeSet;

use hawkeye::{Framework, Options, analyse};
use hawkeye_graph::{Attributes, Node, Provenance};
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
        input: inputs.iter().map(|s| (*s).to_owned()).collect(),
        output: outputs.iter().map(|s| (*s).to_owned()).collect(),
        ..NodeProto::default()
    }
}

fn with(mut node: NodeProto, attribute: AttributeProto) -> NodeProto {
    node.attribute.push(attribute);
    node
}

fn typed(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: Some(name.to_owned()), r#type: Some(kind.into()), ..AttributeProto::default() }
}

fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { i: Some(i), ..typed(name, AttributeType::Int) }
}

fn text(name: &str, s: &str) -> AttributeProto {
    AttributeProto { s: Some(s.to_owned().into_bytes().into()), ..typed(name, AttributeType::String) }
}

fn body(name: &str, inputs: &[&str], outputs: &[&str], nodes: Vec<NodeProto>) -> AttributeProto {
    let named = |name: &&str| ValueInfoProto { name: Some((*name).to_owned()), r#type: None };
    let graph = GraphProto {
        node: nodes,
        input: inputs.iter().map(named).collect(),
        output: outputs.iter().map(named).collect(),
        ..GraphProto::default()
    };
    AttributeProto { g: Some(graph.encode_to_vec().into()), ..typed(name, AttributeType::Graph) }
}

fn input(name: &str, code: i32, dims: &[i64]) -> ValueInfoProto {
    let dim = |size: &i64| tensor_shape_proto::Dimension {
        value: Some(tensor_shape_proto::dimension::Value::DimValue(*size)),
    };
    let shape = TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let tensor = type_proto::Tensor { elem_type: Some(code), shape: Some(shape) };
    let r#type = Some(TypeProto { tensor_type: Some(tensor), ..TypeProto::default() });
    ValueInfoProto { name: Some(name.to_owned()), r#type }
}

fn weight(name: &str, dims: &[i64]) -> TensorProto {
    TensorProto {
        name: Some(name.to_owned()),
        dims: dims.to_vec(),
        data_type: Some(1),
        ..TensorProto::default()
    }
}

fn number(name: &str, code: i32, value: i64) -> TensorProto {
    let raw = if code == 9 { vec![value as u8] } else { value.to_le_bytes().to_vec() };
    TensorProto {
        name: Some(name.to_owned()),
        data_type: Some(code),
        raw_data: Some(raw.into()),
        ..TensorProto::default()
    }
}

/// A model of the input `x`.
fn model(x: &[i64], nodes: Vec<NodeProto>, constants: Vec<TensorProto>) -> Vec<u8> {
    ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(17) }],
        graph: Some(GraphProto {
            node: nodes,
            input: vec![input("x", 1, x), input("flag", 9, &[])],
            output: vec![ValueInfoProto { name: Some("y".to_owned()), r#type: None }],
            initializer: constants,
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    }
    .encode_to_vec()
}

/// Bytes that the model's operators send, or what is wrong.
fn bytes(model: &[u8], framework: &str) -> Result<u64, String> {
    let model = import(model.to_vec().into(), None).map_err(|e| e.to_string())?;
    let framework = Framework::open(framework).expect("it is built in");
    let report = analyse(&model, "model.onnx", framework, &Options::default()).map_err(|e| e.to_string())?;
    let own = report.operators.iter().filter(|operator| !operator.name.starts_with('('));
    Ok(own.map(|operator| operator.phases.offline.bytes + operator.phases.online.bytes).sum())
}

const FRAMEWORKS: [&str; 4] = ["crypten", "spu-semi2k", "cryptflow2", "cheetah"];

/// Both models cost the same everywhere.
fn same(a: &[u8], b: &[u8]) {
    for framework in FRAMEWORKS {
        let (a, b) = (bytes(a, framework).expect("a report"), bytes(b, framework).expect("a report"));
        assert!(a > 0, "{framework}");
        assert_eq!(a, b, "{framework}");
    }
}

#[test]
fn the_branch_that_is_taken() {
    let branches = |nodes| {
        let relu = body("then_branch", &[], &["t"], vec![node("Relu", &["h"], &["t"])]);
        let none = body("else_branch", &[], &["e"], vec![node("Identity", &["h"], &["e"])]);
        with(with(node("If", &[nodes], &["y"]), relu), none)
    };
    let double = || node("Add", &["x", "x"], &["h"]);
    let plain = model(&[1, 8], vec![double(), node("Relu", &["h"], &["y"])], vec![]);
    same(&model(&[1, 8], vec![double(), branches("yes")], vec![number("yes", 9, 1)]), &plain);
    let error = bytes(&model(&[1, 8], vec![double(), branches("flag")], vec![]), "crypten");
    assert!(error.expect_err("no cost").contains("which branch runs depends on the data"));
}

#[test]
fn a_loop_of_three_iterations() {
    let inner = vec![node("Relu", &["s"], &["r"]), node("MatMul", &["r", "w"], &["s1"])];
    let inner = body("body", &["i", "c", "s"], &["c", "s1"], inner);
    let repeated = with(node("Loop", &["three", "", "x"], &["y"]), inner);
    let constants = || vec![weight("w", &[8, 8]), number("three", 7, 3)];
    let unrolled = (0..3).flat_map(|i| {
        let from = if i == 0 { "x".to_owned() } else { format!("y{i}") };
        let to = if i == 2 { "y".to_owned() } else { format!("y{}", i + 1) };
        let middle = format!("r{i}");
        vec![node("Relu", &[&from], &[&middle]), node("MatMul", &[&middle, "w"], &[&to])]
    });
    same(&model(&[4, 8], vec![repeated], constants()), &model(&[4, 8], unrolled.collect(), constants()));
}

#[test]
fn loops_in_loops_and_scans() {
    let innermost = body("body", &["j", "d", "t"], &["d", "t1"], vec![node("Relu", &["t"], &["t1"])]);
    let inner = vec![with(node("Loop", &["two", "", "s"], &["s1"]), innermost)];
    let outer =
        with(node("Loop", &["two", "", "x"], &["y"]), body("body", &["i", "c", "s"], &["c", "s1"], inner));
    let nested = model(&[2, 8], vec![outer], vec![number("two", 7, 2)]);
    let relu = |from: &str, to: &str| node("Relu", &[from], &[to]);
    let four = vec![relu("x", "a"), relu("a", "b"), relu("b", "c"), relu("c", "y")];
    same(&nested, &model(&[2, 8], four, vec![]));

    let sums = vec![node("Add", &["s", "e"], &["s1"]), node("Relu", &["s1"], &["o"])];
    let scan =
        with(node("Scan", &["zero", "x"], &["last", "y"]), body("body", &["s", "e"], &["s1", "o"], sums));
    let scan = with(scan, int("num_scan_inputs", 1));
    let scanned =
        bytes(&model(&[5, 8], vec![scan], vec![weight("zero", &[8])]), "crypten").expect("a report");
    let slice = bytes(&model(&[8], vec![relu("x", "y")], vec![]), "crypten").expect("a report");
    assert_eq!(scanned, 5 * slice);
}

#[test]
fn recurrent_layers() {
    for (op, gates) in [("LSTM", 4), ("GRU", 3), ("RNN", 1)] {
        for (direction, count) in [("forward", 1), ("reverse", 1), ("bidirectional", 2)] {
            let layer = node(op, &["x", "w", "r", "b"], &["y"]);
            let layer = with(with(layer, int("hidden_size", 4)), text("direction", direction));
            let constants = vec![
                weight("w", &[count, gates * 4, 6]),
                weight("r", &[count, gates * 4, 4]),
                weight("b", &[count, gates * 8]),
            ];
            let model = model(&[3, 2, 6], vec![layer], constants);
            for framework in ["spu-semi2k", "spu-aby3", "cryptflow2"] {
                let cost = bytes(&model, framework);
                assert!(
                    cost.as_ref().is_ok_and(|bytes| *bytes > 0),
                    "{op} {direction} {framework}: {cost:?}"
                );
            }
        }
    }
}

#[test]
fn what_a_definition_needs_is_named() {
    let erf = bytes(&model(&[1, 8], vec![node("Erf", &["x"], &["y"])], vec![]), "cryptflow2");
    assert!(erf.expect_err("no lowering").contains("no protocol"));
    let normalized = node("LayerNormalization", &["x", "w"], &["y"]);
    let error = bytes(&model(&[1, 8], vec![normalized], vec![weight("w", &[8])]), "cryptflow2");
    let error = error.expect_err("no square root");
    assert!(error.contains("nor for Sqrt, which its definition"), "{error}");
}

/// What nodes of the file are called, and what passes make of them, each followed by a Relu.
fn made_of_many() -> Vec<(&'static str, Vec<u8>)> {
    let named = |name: &str, mut node: NodeProto| {
        node.name = Some(name.to_owned());
        node
    };
    let relu = |from: &str| named("same", node("Relu", &[from], &["y"]));
    let layer = |op: &str| {
        let layer = with(node(op, &["x", "w", "r"], &["", "h"]), int("hidden_size", 4));
        named("same", layer)
    };
    let weights = |gates: i64| vec![weight("w", &[1, gates * 4, 6]), weight("r", &[1, gates * 4, 4])];
    let branch = |name: &str| body(name, &[], &["t"], vec![node("Sigmoid", &["x"], &["t"])]);
    let branches = with(with(node("If", &["yes"], &["h"]), branch("then_branch")), branch("else_branch"));
    let inner = body("body", &["i", "c", "s"], &["c", "s1"], vec![node("Sigmoid", &["s"], &["s1"])]);
    let repeated = with(node("Loop", &["three", "", "x"], &["h"]), inner);
    let attention = with(
        with(node("Attention", &["x", "x", "x"], &["h"]), int("q_num_heads", 2)),
        int("kv_num_heads", 2),
    );
    let function = FunctionProto {
        name: Some("Twice".to_owned()),
        domain: Some("own".to_owned()),
        input: vec!["a".to_owned()],
        output: vec!["b".to_owned()],
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(17) }],
        node: vec![node("Sigmoid", &["a"], &["m"]), node("Sigmoid", &["m"], &["b"])],
        ..FunctionProto::default()
    };
    let call = NodeProto { domain: Some("own".to_owned()), ..node("Twice", &["x"], &["h"]) };
    let calling = model(&[2, 6], vec![named("same", call), relu("h")], vec![]);
    let mut calling = ModelProto::decode(calling.as_slice()).expect("a model");
    calling.functions.push(function);
    let mut attending = model(&[1, 2, 4], vec![named("same", attention), relu("h")], vec![]);
    attending = {
        let mut model = ModelProto::decode(attending.as_slice()).expect("a model");
        model.opset_import[0].version = Some(23);
        model.encode_to_vec()
    };
    vec![
        ("LSTM", model(&[3, 2, 6], vec![layer("LSTM"), relu("h")], weights(4))),
        ("GRU", model(&[3, 2, 6], vec![layer("GRU"), relu("h")], weights(3))),
        ("If", model(&[2, 6], vec![named("same", branches), relu("h")], vec![number("yes", 9, 1)])),
        ("Loop", model(&[2, 6], vec![named("same", repeated), relu("h")], vec![number("three", 7, 3)])),
        ("Twice", calling.encode_to_vec()),
        ("Attention", attending),
    ]
}

/// Two nodes of one name, of which the first becomes many, are two rows and two calls, and annotations of
/// the file's nodes and of what is outside of them add up to the totals.
#[test]
fn nodes_keep_their_identity() {
    for (op, file) in made_of_many() {
        let mut priced = 0;
        for name in hawkeye::builtin_names() {
            let model = import(file.clone().into(), None).expect("it imports");
            let framework = Framework::open(&name).expect("it is built in");
            let options = Options { depth: 9, ..Options::default() };
            let Ok(report) = analyse(&model, "model.onnx", framework, &options) else { continue };
            priced += 1;
            let rows: Vec<_> = report.operators.iter().filter(|row| row.node.is_some()).collect();
            let found: Vec<_> =
                rows.iter().map(|row| (row.node, row.op.as_str(), row.name.as_str())).collect();
            assert_eq!(found, [(Some(0), op, "same"), (Some(1), "Relu", "same")], "{op} under {name}");
            let calls: Vec<_> = report.calls.iter().filter(|call| call.node.is_some()).collect();
            let counted = |row: &&&hawkeye_report::Operator| {
                row.phases != hawkeye_report::Phases::default() || row.counters.values().any(|n| *n > 0)
            };
            let costly = rows.iter().filter(counted).count();
            assert_eq!(calls.len(), costly, "{op} under {name}");
            if rows[0].evidence.as_deref().is_some_and(|kinds| kinds.contains("defined")) && costly == 2 {
                let levels = &calls[0].children;
                assert!(levels.iter().all(|level| level.op.is_some()), "{op} under {name}: {levels:?}");
            }
            let notes = hawkeye::annotations(&model, &report, &options.bindings).expect("they are made");
            let key = |entry: &&(String, String), what: &str| entry.0.ends_with(what);
            let sum = |entries: &[(String, String)], what: &str| -> u64 {
                entries
                    .iter()
                    .filter(|entry| key(entry, what))
                    .map(|(_, n)| n.parse::<u64>().expect("a number"))
                    .sum()
            };
            for phase in ["setup.bytes", "offline.bytes", "online.bytes", "online.messages", "online.rounds"]
            {
                let nodes: u64 = notes.nodes.values().map(|entries| sum(entries, phase)).sum();
                let outside = sum(&notes.model, &format!("outside.{phase}"));
                assert_eq!(
                    nodes + outside,
                    sum(&notes.model, &format!("total.{phase}")),
                    "{op} under {name}"
                );
            }
        }
        assert!(priced >= 3, "{op} is priced under {priced} frameworks");
    }
}

#[test]
fn what_a_definition_prices_says_so() {
    let (_, file) = made_of_many().swap_remove(0);
    let model = import(file.into(), None).expect("it imports");
    let framework = Framework::open("spu-semi2k").expect("it is built in");
    let options = Options { depth: 9, ..Options::default() };
    let (report, definitions) =
        hawkeye::analyse_with_definitions(&model, "model.onnx", framework, &options).expect("a report");
    let evidence: Vec<_> =
        report.operators.iter().filter(|row| row.node.is_some()).map(|row| row.evidence.as_deref()).collect();
    assert_eq!(evidence[0], Some("defined"));
    assert_ne!(evidence[1], Some("defined"));
    let explained =
        hawkeye::explain(&report, &definitions, hawkeye_grad::Pass::Forward, "same").expect("it is there");
    assert_eq!((explained.node.op.as_str(), explained.expansion.sheet), ("LSTM", None));
    let level = explained.expansion.calls.iter().find(|call| call.name == "MatMul").expect("a level");
    // SPU's sheets trace the whole model, so the level itself has no function of its own.
    assert!(level.calls.iter().all(|call| call.sheet.is_some()) && level.times > 1, "{level:?}");
}

/// Operators that are made of others without a case in `fixtures/definitions.jsonl`: control flow, whose bodies are
/// inlined (above); another name of `FusedMatMul`; and what ONNX Runtime itself defines as the operator on real numbers
/// between `DequantizeLinear` and `QuantizeLinear`.
const WITHOUT_A_CASE: [&str; 7] =
    ["If", "Loop", "QLinearLeakyRelu", "QLinearSigmoid", "QLinearSoftmax", "Scan", "TransposeMatMul"];

/// `crates/shapes/tests/definitions.rs` computes each case.
#[test]
fn every_definition_has_a_case_that_is_computed() {
    let is_defined = |name: &&str| {
        let (domain, op) = name.rsplit_once('.').unwrap_or(("", name));
        hawkeye_shapes::is_defined(&Node {
            name: String::new(),
            op: op.to_owned(),
            domain: domain.to_owned(),
            opset: 1,
            inputs: Vec::new(),
            outputs: Vec::new(),
            attributes: Attributes::default(),
            scope: [].into(),
            provenance: Provenance::outside(),
        })
    };
    let defined: BTreeSet<String> = hawkeye::operators()
        .into_iter()
        .filter(is_defined)
        .map(|name| name.rsplit('.').next().unwrap_or(name).to_owned())
        .collect();
    let cases = std::fs::read_to_string(hawkeye_testing::fixtures().join("definitions.jsonl"));
    let cases = cases.expect("the fixture is there");
    let op = |line: &str| -> String {
        let case: serde_json::Value = serde_json::from_str(line).expect("a case is a line of JSON");
        case["op"].as_str().expect("it names its operator").to_owned()
    };
    let computed: BTreeSet<String> = cases.lines().map(op).collect();
    let without: Vec<&String> = defined.difference(&computed).collect();
    assert_eq!(without, WITHOUT_A_CASE);
    assert!(defined.len() > 50, "{defined:?}");
}
