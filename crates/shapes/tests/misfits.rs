//! Models whose operands do not fit together: each case of `fixtures/misfits.tar.gz` is an operator of ONNX's own
//! tests with one thing changed, and whether ONNX Runtime 1.32 refuses it (`fixtures/tools/misfits`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use hawkeye_graph::Shapes;
use hawkeye_shapes::{Bindings, bind, infer};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    op: String,
    /// What was changed.
    change: String,
    /// Whether ONNX Runtime refuses the model.
    refused: bool,
    /// The bytes of the model, in hexadecimal digits.
    model: String,
}

/// Cases that ONNX Runtime refuses and inference takes: labels, lengths and places that are data; settings that no
/// shape depends on; stacks of matrices in a `Gemm`, which frameworks multiply; `LRN` of other than pictures, and lists
/// of two dimensions, which ONNX allows.
const TAKEN: &[(&str, usize)] = &[
    ("EyeLike", 1),
    ("Gemm", 2),
    ("LRN", 2),
    ("LpPool", 1),
    ("MaxUnpool", 7),
    ("NegativeLogLikelihoodLoss", 4),
    ("ReverseSequence", 5),
    ("SoftmaxCrossEntropyLoss", 4),
    ("SplitToSequence", 1),
    ("Unsqueeze", 1),
];

fn cases() -> Vec<Case> {
    let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/misfits.tar.gz");
    let output = Command::new("tar").arg("-xzOf").arg(&archive).output().expect("tar runs");
    assert!(output.status.success(), "{} can't be unpacked", archive.display());
    let text = String::from_utf8(output.stdout).expect("it is text");
    text.lines().map(|line| serde_json::from_str(line).expect("a case is a line of JSON")).collect()
}

fn bytes(text: &str) -> Vec<u8> {
    let digits = (0..text.len()).step_by(2);
    digits.map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal digits")).collect()
}

/// The shapes of a case's model, or nothing if it is refused before.
fn shapes(case: &Case) -> Option<Shapes> {
    let model = hawkeye_onnx::import(bytes(&case.model).into(), None).ok()?;
    let inputs = bind(&model.graph, &Bindings::default()).ok()?;
    let shapes = infer(&model.graph, &inputs);
    let known = model.graph.outputs.iter().all(|id| shapes.facts[*id].shape().is_some());
    (known || shapes.misfits().next().is_some()).then_some(shapes)
}

#[test]
fn what_onnx_runtime_refuses_is_refused_and_what_it_takes_is_taken() {
    let cases = cases();
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    let mut silent = BTreeSet::new();
    let mut refused = Vec::new();
    for case in &cases {
        let Some(shapes) = shapes(case) else { continue };
        match (case.refused, shapes.misfits().next()) {
            (true, None) => {
                *taken.entry(&case.op).or_default() += 1;
                silent.insert(format!("{}: {}", case.op, case.change));
            }
            (false, Some(misfit)) => refused.push(format!("{}, {}: {misfit}", case.op, case.change)),
            (true, Some(_)) | (false, None) => {}
        }
    }
    assert_eq!(refused, Vec::<String>::new());
    assert_eq!(taken, TAKEN.iter().copied().collect(), "{silent:#?}");
    assert!(cases.iter().filter(|case| case.refused).count() > 500);
}

#[test]
fn misfits_name_operand_and_what_is_wanted() {
    let said = |op: &str, change: &str| -> String {
        let cases = cases();
        let case = cases.iter().find(|case| case.op == op && case.change == change).expect("it is a case");
        shapes(case).and_then(|shapes| Some(shapes.misfits().next()?.message.clone())).unwrap_or_default()
    };
    let expected = [
        ("BatchNormalization", "in1.dim0+1", "scale (\"s\", [4]) should be [3]: one for each channel of X"),
        ("Split", "axis=7", "there is no axis 7: a tensor of 1 dimension has axes -1 to 0"),
        ("Split", "in1[0]=9", "split [9, 4] does not add up to the 6 positions of axis 0"),
        ("TopK", "in1[0]=9", "K is 9, but axis 1 has 4 positions"),
        ("Add", "only 1 inputs", "input 1 is not given; Add has at least 2"),
    ];
    for (op, change, message) in expected {
        assert_eq!(said(op, change), message, "{op}, {change}");
    }
}
