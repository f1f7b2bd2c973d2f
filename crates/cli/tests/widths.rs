//! Widths of single layers, and `hawkeye optimize --widths`.

mod common;

use std::path::Path;

use common::{command_line, text};
use serde_json::Value;

const LAYERS: [&str; 3] = ["Conv_0", "Conv_3", "Gemm_7"];
/// Bits of weights and of activations, and what they add to the sum.
const CHOICES: [(u32, u32, f64); 3] = [(8, 8, 0.0), (4, 6, 0.25), (2, 4, 0.5)];

fn framework() -> [&'static str; 4] {
    ["-f", "sirnn", "--set", "protocol=privquant"]
}

/// Online bytes with the widths in a file.
fn online_bytes(file: &Path) -> u64 {
    let file = file.to_string_lossy();
    let arguments =
        [&["profile", "lenet5.onnx", "--format", "json", "--widths", &file], &framework()[..]].concat();
    let output = command_line(&arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    report["totals"]["online"]["bytes"].as_u64().expect("a number")
}

/// A file in which the layers have these choices.
fn fixed(folder: &Path, choices: [usize; 3]) -> u64 {
    let line = |(layer, choice): (&str, usize)| {
        let (weights, activations, _) = CHOICES[choice];
        format!("  {layer}: {{weight_bits: {weights}, activation_bits: {activations}}}\n")
    };
    let file = folder.join("fixed.yaml");
    let lines: String = LAYERS.into_iter().zip(choices).map(line).collect();
    std::fs::write(&file, format!("layers:\n{lines}")).expect("it can be written");
    online_bytes(&file)
}

#[test]
fn the_cheapest_widths_within_the_bound_are_found() {
    let folder = tempfile::tempdir().expect("there is room");
    let choice = |(w, a, s)| format!("{{weight_bits: {w}, activation_bits: {a}, sensitivity: {s}}}");
    let choices = CHOICES.map(choice).join(", ");
    let layers: String = LAYERS.map(|layer| format!("  {layer}: [{choices}]\n")).concat();
    let (open, chosen) = (folder.path().join("open.yaml"), folder.path().join("chosen.yaml"));
    std::fs::write(&open, format!("most: 0.5\nlayers:\n{layers}")).expect("it can be written");
    let (open, out) = (open.to_string_lossy(), chosen.to_string_lossy());
    let arguments = [&["optimize", "lenet5.onnx", "--widths", &open, "-o", &out], &framework()[..]].concat();
    let output = command_line(&arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let all = (0..3).flat_map(|a| (0..3).flat_map(move |b| (0..3).map(move |c| [a, b, c])));
    let within = |choices: &[usize; 3]| choices.iter().map(|c| CHOICES[*c].2).sum::<f64>() <= 0.5;
    let least = all.filter(within).map(|choices| fixed(folder.path(), choices)).min();
    assert_eq!(Some(online_bytes(&chosen)), least);
    assert!(least < Some(fixed(folder.path(), [0, 0, 0])));
}

#[test]
fn what_is_wrong_with_widths_is_said_all_at_once() {
    let folder = tempfile::tempdir().expect("there is room");
    let file = folder.path().join("widths.yaml");
    let refused = |text_of: &str, framework: &str, parts: &[&str]| {
        std::fs::write(&file, text_of).expect("it can be written");
        let path = file.to_string_lossy();
        let output = command_line(&["profile", "lenet5.onnx", "-f", framework, "--widths", &path]);
        let message = text(&output.stderr);
        assert!(!output.status.success());
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    };
    let wrong = "layers: {Conv_1: {weight_bits: 8}, Conv_3: {weight_bits: 40}}";
    refused(wrong, "sirnn", &["no layer \"Conv_1\"", "did you mean", "layer Conv_3", "more than 16"]);
    refused("layers: {Conv_0: {weight_bits: 8}}", "crypten", &["crypten has one width"]);
    refused("layers: {Conv_0: [{weight_bits: 8, sensitivity: 1}]}", "sirnn", &["no `most:`"]);
    let open = "{most: 1, layers: {Conv_0: [{weight_bits: 8, sensitivity: 1}]}}";
    refused(open, "sirnn", &["several to choose from", "hawkeye optimize"]);
}
