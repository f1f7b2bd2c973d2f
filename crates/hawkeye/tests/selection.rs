//! Selection by secret indices, lengths or conditions is never free.

use hawkeye::{Model, Options, Session, Sessions, Visibility, builtin_names, import};
use hawkeye_onnx::wire::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorShapeProto, TypeProto,
    ValueInfoProto, attribute_proto::AttributeType, tensor_shape_proto, type_proto,
};
use hawkeye_report::Operator;
use hawkeye_testing::{fixtures, in_parallel, profile};
use prost::Message;

const FLOAT: i32 = 1;
const INT: i32 = 7;
const BOOL: i32 = 9;

/// An operator with the kinds and shapes of its inputs, nothing of which is known, and its attributes.
type Selector = (&'static str, &'static [(i32, &'static [i64])], &'static [(&'static str, i64)]);

/// One sample at least of every operator that selects.
const SELECTORS: [Selector; 21] = [
    ("Gather", &[(FLOAT, &[5, 3]), (INT, &[2])], &[]),
    ("Gather", &[(FLOAT, &[2, 5, 3]), (INT, &[4])], &[("axis", 1)]),
    ("GatherElements", &[(FLOAT, &[2, 3]), (INT, &[2, 3])], &[("axis", 1)]),
    ("GatherND", &[(FLOAT, &[2, 3]), (INT, &[4, 2])], &[]),
    ("ScatterElements", &[(FLOAT, &[2, 3]), (INT, &[2, 3]), (FLOAT, &[2, 3])], &[("axis", 1)]),
    ("ScatterND", &[(FLOAT, &[4, 3]), (INT, &[2, 1]), (FLOAT, &[2, 3])], &[]),
    ("ReverseSequence", &[(FLOAT, &[4, 2, 3]), (INT, &[2])], &[]),
    ("Compress", &[(FLOAT, &[4, 3]), (BOOL, &[4])], &[("axis", 0)]),
    ("CumSum", &[(FLOAT, &[4, 3]), (INT, &[])], &[]),
    ("Dropout", &[(FLOAT, &[4, 3]), (FLOAT, &[]), (BOOL, &[])], &[]),
    ("NegativeLogLikelihoodLoss", &[(FLOAT, &[3, 4]), (INT, &[3])], &[]),
    ("SoftmaxCrossEntropyLoss", &[(FLOAT, &[3, 4]), (INT, &[3])], &[]),
    ("TopK", &[(FLOAT, &[2, 4]), (INT, &[1])], &[]),
    ("Trilu", &[(FLOAT, &[4, 4]), (INT, &[])], &[]),
    ("MaxUnpool", &[(FLOAT, &[1, 1, 2, 2]), (INT, &[1, 1, 2, 2])], &[]),
    ("Slice", &[(FLOAT, &[4, 3]), (INT, &[1]), (INT, &[1])], &[]),
    ("OneHot", &[(INT, &[3]), (INT, &[]), (FLOAT, &[2])], &[]),
    ("TensorScatter", &[(FLOAT, &[2, 4, 3]), (FLOAT, &[2, 1, 3]), (INT, &[2])], &[]),
    ("RoiAlign", &[(FLOAT, &[1, 1, 4, 4]), (FLOAT, &[2, 4]), (INT, &[2])], &[]),
    ("Where", &[(BOOL, &[2, 3]), (FLOAT, &[2, 3]), (FLOAT, &[2, 3])], &[]),
    (
        "LSTM",
        &[(FLOAT, &[2, 1, 3]), (FLOAT, &[1, 8, 3]), (FLOAT, &[1, 8, 2]), (FLOAT, &[1, 16]), (INT, &[1])],
        &[("hidden_size", 2)],
    ),
];

fn value(name: String, (kind, dims): (i32, &[i64])) -> ValueInfoProto {
    let dim = |size: &i64| tensor_shape_proto::Dimension {
        value: Some(tensor_shape_proto::dimension::Value::DimValue(*size)),
    };
    let shape = TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let tensor = type_proto::Tensor { elem_type: Some(kind), shape: Some(shape) };
    ValueInfoProto {
        name: Some(name),
        r#type: Some(TypeProto { tensor_type: Some(tensor), ..TypeProto::default() }),
    }
}

fn model((op, inputs, attributes): Selector) -> Model {
    let names = |i: usize| format!("x{i}");
    let attribute = |(name, value): &(&str, i64)| AttributeProto {
        name: Some((*name).to_owned()),
        r#type: Some(AttributeType::Int.into()),
        i: Some(*value),
        ..AttributeProto::default()
    };
    let node = NodeProto {
        op_type: Some(op.to_owned()),
        input: (0..inputs.len()).map(names).collect(),
        output: vec!["y".to_owned()],
        attribute: attributes.iter().map(attribute).collect(),
        ..NodeProto::default()
    };
    let opset = if op == "TensorScatter" { 24 } else { 17 };
    let proto = ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(opset) }],
        graph: Some(GraphProto {
            node: vec![node],
            input: inputs.iter().enumerate().map(|(i, input)| value(names(i), *input)).collect(),
            output: vec![ValueInfoProto { name: Some("y".to_owned()), r#type: None }],
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    };
    import(proto.encode_to_vec().into(), None).expect("it is a model")
}

/// What is wrong with an operator's report where all of its inputs, or all that is not data, are secret.
fn silence(session: &Session, selector: Selector, options: &Options) -> Option<String> {
    let report = session.analyse(&model(selector), selector.0, options).ok()?;
    let totals = [&report.totals.setup, &report.totals.offline, &report.totals.online];
    let sent: u64 = totals.iter().map(|phase| phase.bytes).sum();
    let said = |operator: &Operator| operator.evidence.as_deref().is_some_and(|e| e.contains("local"));
    let silent = sent == 0 && !report.operators.iter().any(said);
    silent.then(|| format!("{} {:?}: {}", selector.0, options.visibility, report.framework.name))
}

#[test]
fn no_framework_selects_in_silence() {
    let sessions = Sessions::default();
    let found = in_parallel(&builtin_names(), |name| {
        let session = sessions.get(name, &Options::default()).expect("it comes with the tool");
        let mut found = Vec::new();
        for selector in SELECTORS {
            let public = |i: usize| selector.1[i].0 == FLOAT;
            let data =
                (0..selector.1.len()).filter(|i| public(*i)).map(|i| (format!("x{i}"), Visibility::Public));
            let secret_data = Options::default();
            let public_data = Options { visibility: data.collect(), ..Options::default() };
            found.extend(silence(&session, selector, &secret_data));
            found.extend(silence(&session, selector, &public_data));
        }
        found
    });
    assert_eq!(found.concat(), Vec::<String>::new());
}

/// What looking rows of a table up gives: an error, unless the indices are public.
fn look_up(framework: &str, indices: Visibility) -> Result<u64, String> {
    let visibility = [("ids".to_owned(), indices)].into();
    let options = Options { visibility, ..Options::default() };
    let report = profile(&fixtures().join("sirnn/models/embedding.onnx"), framework, &options);
    report.map(|report| report.totals.online.bytes).map_err(|failure| failure.to_string())
}

#[test]
fn secret_indices_are_refused() {
    for framework in ["cheetah", "cryptflow2", "cryptflow2-he", "sirnn"] {
        let refusal = look_up(framework, Visibility::Secret).expect_err("it is refused");
        assert!(refusal.contains("secret"), "{framework}: {refusal}");
        assert!(refusal.contains("embedding"), "{framework}: {refusal}");
    }
}

#[test]
fn public_indices_are_local() {
    for framework in ["cheetah", "cryptflow2", "cryptflow2-he", "sirnn"] {
        assert_eq!(
            look_up(framework, Visibility::Public),
            Ok(0),
            "{framework}: the model's rows are the model's"
        );
    }
}
