//! Explanations: what they add up to, and where they point to.

mod common;

use common::{command_line, text};
use hawkeye::{Explained, Framework, Options, analyse_with_definitions, explain, load};
use hawkeye_grad::Pass;
use hawkeye_report::PhaseCost;
use hawkeye_testing::fixtures;

#[test]
fn texts_of_explanations() {
    let cases: [(&str, &[&str]); 7] = [
        ("relu", &["lenet5.onnx", "Relu_1", "-f", "crypten"]),
        ("conv_depth", &["lenet5.onnx", "Conv_0", "-f", "spu-semi2k", "--depth", "2"]),
        ("operator", &["--op", "Relu", "--shape", "1x64x56x56", "-f", "cheetah"]),
        ("weights", &["--op", "Gemm", "--shape", "1x512", "--weight", "512x10", "-f", "delphi"]),
        ("free", &["lenet5.onnx", "Flatten_6", "-f", "crypten"]),
        ("unknown", &["lenet5.onnx", "relu", "-f", "crypten"]),
        ("units", &["--explain-units", "-f", "cryptflow2"]),
    ];
    for (name, arguments) in cases {
        let output = command_line(&[&["explain"], arguments].concat());
        let text = if output.status.success() { text(&output.stdout) } else { text(&output.stderr) };
        insta::assert_snapshot!(format!("explain_{name}"), text);
    }
}

#[test]
fn every_call_is_found_in_its_sheet_and_messages_add_up() {
    for framework in ["crypten", "spu-semi2k", "spu-aby3", "spu-cheetah", "cryptflow2", "cheetah"] {
        let model = load(&fixtures().join("models/lenet5.onnx")).expect("it loads");
        let options = Options { depth: usize::MAX, ..Options::default() };
        let framework = Framework::open(framework).expect("it is built in");
        let (report, definitions) =
            analyse_with_definitions(&model, "lenet5.onnx", framework, &options).expect("it profiles");
        for operator in &report.operators {
            let explanation =
                explain(&report, &definitions, Pass::Forward, &operator.name).expect("it is a node");
            let top = &explanation.expansion;
            let online = top.costs.get("online").copied().unwrap_or_default();
            assert_eq!(online.bytes, operator.phases.online.bytes);
            check(top);
        }
    }
}

/// Bytes of callees add up, and each is defined where the explanation says.
fn check(call: &Explained) {
    if !call.calls.is_empty() {
        for (phase, cost) in &call.costs {
            let of = |call: &Explained| call.costs.get(phase).map_or(0, |cost: &PhaseCost| cost.bytes);
            assert_eq!(call.calls.iter().map(of).sum::<u64>(), cost.bytes, "{}", call.name);
        }
    }
    if let Some(sheet) = &call.sheet {
        let (file, line) = sheet.rsplit_once(':').expect("file and line");
        let text = std::fs::read_to_string(fixtures().join("..").join(file)).expect("the sheet is there");
        let line = text.lines().nth(line.parse::<usize>().expect("a number") - 1).expect("the line is there");
        let entry = line.starts_with("def lower_")
            || line.starts_with("lower_")
            || ["def begin", "def end"].iter().any(|entry| line.starts_with(entry));
        assert!(entry || line.contains(&call.name), "{sheet}: {line} is not {}", call.name);
    } else {
        let known = ["parallel", "branch", "(messages)"];
        assert!(known.contains(&call.name.as_str()), "{} has no sheet", call.name);
    }
    call.calls.iter().for_each(check);
}

#[test]
fn functions_of_equal_names_are_told_apart() {
    let model = load(&fixtures().join("models/lenet5.onnx")).expect("it loads");
    let options = Options { depth: usize::MAX, ..Options::default() };
    for (framework, sheet) in [("spu-semi2k", "spu/semi2k.star"), ("spu-aby3", "spu/aby3.star")] {
        let framework = Framework::open(framework).expect("it is built in");
        let (report, definitions) =
            analyse_with_definitions(&model, "lenet5.onnx", framework, &options).expect("it profiles");
        let explanation = explain(&report, &definitions, Pass::Forward, "Conv_0").expect("it is a node");
        let mut calls = vec![&explanation.expansion];
        let mut found = None;
        while let Some(call) = calls.pop() {
            if call.name == "mmul_aa" {
                found.clone_from(&call.sheet);
            }
            calls.extend(&call.calls);
        }
        assert!(found.as_ref().is_some_and(|found| found.contains(sheet)), "{found:?}");
    }
}
