//! What stands for an operator computes what the operator does: each case of `fixtures/definitions.jsonl`,
//! decomposed into a few operators, gives in tract what ONNX Runtime gives for the operator itself
//! (`fixtures/tools/definitions`).

use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::Path;

use hawkeye_graph::{DType, DeclaredType, Derivation, Dim, Fact, Graph, Kind, Table, ValueId, verify};
use hawkeye_shapes::{Bindings, Expanded, bind, expand};
use serde::Deserialize;
use tract_onnx::prelude::{Framework, InferenceModelExt, IntoRunnable, IntoTValue, Tensor};

/// What a framework would have that is asked to have little.
const BASIC: [&str; 29] = [
    "Add",
    "Cast",
    "Clip",
    "Concat",
    "Constant",
    "Conv",
    "Div",
    "Erf",
    "Exp",
    "Gather",
    "Gemm",
    "Greater",
    "Identity",
    "Less",
    "Log",
    "MatMul",
    "Mul",
    "Neg",
    "Not",
    "ReduceMean",
    "Relu",
    "Reshape",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Sqrt",
    "Sub",
    "Tanh",
    "Transpose",
];

#[derive(Deserialize)]
struct Case {
    name: String,
    op: String,
    /// The bytes of the model, in hexadecimal digits.
    model: String,
    /// Elements of the model's inputs.
    inputs: Vec<Vec<f32>>,
    /// Elements of the model's outputs.
    outputs: Vec<Vec<f32>>,
}

fn cases() -> Vec<Case> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/definitions.jsonl");
    let text = std::fs::read_to_string(file).expect("the fixture is there");
    text.lines().map(|line| serde_json::from_str(line).expect("a case is a line of JSON")).collect()
}

fn bytes(digits: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("two digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// What tract computes.
fn run(graph: &Graph, facts: &Table<ValueId, Fact>, inputs: &[Vec<f32>]) -> Result<Vec<Vec<f32>>, String> {
    let declared = |id: &ValueId| DeclaredType {
        dtype: facts[*id].dtype.unwrap_or(DType::Float32),
        dims: facts[*id].shape().map(|shape| shape.into_iter().map(Dim::Fixed).collect()),
        kind: Kind::Tensor,
    };
    let types: Vec<DeclaredType> = graph.outputs.iter().map(declared).collect();
    let exported = hawkeye_onnx::export(graph, &types, None).map_err(|failure| failure.to_string())?.bytes;
    let attempt = || -> tract_onnx::prelude::TractResult<Vec<Vec<f32>>> {
        let model = tract_onnx::onnx().model_for_read(&mut Cursor::new(exported))?;
        let model = model.into_typed()?.into_runnable()?;
        let mut tensors = tract_onnx::prelude::tvec!();
        for (id, data) in graph.inputs.iter().zip(inputs) {
            let shape: Vec<usize> =
                facts[*id].shape().unwrap_or_default().iter().map(|size| *size as usize).collect();
            tensors.push(Tensor::from_shape(&shape, data)?.into_tvalue());
        }
        let outputs = model.run(tensors)?;
        let numbers = |tensor: &tract_onnx::prelude::TValue| {
            Ok(tensor.cast_to::<f32>()?.try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
        };
        outputs.iter().map(numbers).collect()
    };
    attempt().map_err(|error| format!("{error:?}"))
}

/// What is wrong with a case.
fn check(case: &Case) -> Result<(), String> {
    let model =
        hawkeye_onnx::import(bytes(&case.model).into(), None).map_err(|failure| failure.to_string())?;
    let inputs = bind(&model.graph, &Bindings::default()).map_err(|failure| failure.to_string())?;
    let has = |domain: &str, op: &str| domain.is_empty() && BASIC.contains(&op);
    let Expanded { graph, shapes, lacking, .. } = expand(&model.graph, &inputs, &has).expect("there is room");
    verify(&graph).map_err(|failure| failure.to_string())?;
    let ops: BTreeSet<&str> = graph.nodes.iter().map(|node| node.op.as_str()).collect();
    if let Some(op) = ops.iter().find(|op| !BASIC.contains(*op)) {
        return Err(format!("{op} is left, {lacking:?}"));
    }
    let made = |by| graph.nodes.iter().all(|node| node.provenance.is_by(by));
    if !made(Derivation::Decomposition) && !made(Derivation::Canonicalization) {
        return Err(format!("not all nodes know that they stand for {}", case.op));
    }
    let found = run(&graph, &shapes.facts, &case.inputs)?;
    if found.len() != case.outputs.len() {
        return Err(format!("gives {} outputs instead of {}", found.len(), case.outputs.len()));
    }
    for (position, (found, expected)) in found.iter().zip(&case.outputs).enumerate() {
        let near =
            |(found, expected): (&f32, &f32)| (found - expected).abs() <= 1e-4 * (1.0 + expected.abs());
        if found.len() != expected.len() || !found.iter().zip(expected).all(near) {
            return Err(format!("output {position} is {found:?}, should be {expected:?}"));
        }
    }
    Ok(())
}

#[test]
fn definitions_compute_what_they_define() {
    let wrong: Vec<String> = cases()
        .iter()
        .filter_map(|case| check(case).err().map(|error| format!("{}: {error}", case.name)))
        .collect();
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}
