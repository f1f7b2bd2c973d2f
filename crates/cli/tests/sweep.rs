//! Sweeps: exact at every point, and every law holds where it is stated.

mod common;

use common::{command_line, text};
use hawkeye::{Options, Sweep, SweepAxis, Variable, load, statements, sweep};
use hawkeye_testing::{fixtures, profile};

fn resnet(framework: &str, batches: std::ops::RangeInclusive<u64>) -> Sweep {
    let model = load(&fixtures().join("models/resnet18.onnx")).expect("it loads");
    let axis = SweepAxis { variable: Variable::Batch, values: batches.map(|n| n.to_string()).collect() };
    sweep(&model, "resnet18.onnx", framework, &[axis], &Options::default(), &|| {}).expect("it sweeps")
}

#[test]
fn points_are_what_profiles_say() {
    let sweep = resnet("crypten", 1..=4);
    for (point, batch) in sweep.points.iter().zip(1..) {
        let mut options = Options::default();
        options.bindings.batch = Some(batch);
        let report =
            profile(&fixtures().join("models/resnet18.onnx"), "crypten", &options).expect("it profiles");
        assert_eq!(point.totals, report.totals);
        assert_eq!(point.operators.len(), report.operators.len());
    }
}

#[test]
fn laws_are_stated() {
    let statements = statements(&resnet("crypten", 1..=6));
    let bytes = statements.iter().find(|s| s.phase == "online" && s.quantity == "bytes").expect("a law");
    assert_eq!(bytes.text, "online bytes = 3793715200*batch + 186862592 at all 6 points");
}

#[test]
fn texts_of_sweeps() {
    let cases: [(&str, &[&str]); 4] = [
        ("batch", &["resnet18.onnx", "-f", "crypten", "--batch", "1..8", "--format", "text"]),
        (
            "breaks",
            &["bert_base.onnx", "-f", "crypten", "--batch", "1", "--dim", "seq=72..96:2", "--format", "text"],
        ),
        (
            "settings",
            &["lenet5.onnx", "-f", "crypten", "-f", "spu-semi2k", "--parties", "2,3", "--format", "csv"],
        ),
        ("fixed_batch", &["lenet5.onnx", "-f", "crypten", "--batch", "2"]),
    ];
    for (name, arguments) in cases {
        let output = command_line(&[&["sweep"], arguments].concat());
        let text = if output.status.success() { text(&output.stdout) } else { text(&output.stderr) };
        insta::assert_snapshot!(format!("sweep_{name}"), text);
    }
}

#[test]
fn json_lists_every_point_and_svg_draws_them() {
    let arguments = ["sweep", "resnet18.onnx", "-f", "crypten", "--batch", "1,2,4"];
    let output = command_line(&[&arguments[..], &["--format", "json"]].concat());
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(json["points"].as_array().map(Vec::len), Some(3));
    assert_eq!(json["laws"][0]["law"], "3793715200*batch + 186862592");
    let output = command_line(&[&arguments[..], &["--format", "svg"]].concat());
    let svg = text(&output.stdout);
    assert!(svg.starts_with("<svg") && svg.contains("polyline") && svg.contains("online bytes"));
    let output =
        command_line(&["sweep", "resnet18.onnx", "-f", "crypten", "--batch", "1", "--format", "svg"]);
    assert_eq!(output.status.code(), Some(2), "one point is no line");
}

/// The points that are told of are the first that fail, however many threads price them.
#[test]
fn the_first_failures_are_told() {
    let output = command_line(&["sweep", "alexnet.onnx", "-f", "delphi", "--batch", "1..64"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    for batch in 1..=64 {
        assert_eq!(said.contains(&format!("batch={batch}:")), batch <= 3, "{said}");
    }
}

#[test]
fn ranges_that_make_no_sense_are_refused() {
    for range in ["5..1", "1..9:0", "1..99999999", "a..b"] {
        let output = command_line(&["sweep", "resnet18.onnx", "-f", "crypten", "--batch", range]);
        assert_eq!(output.status.code(), Some(2), "{range}");
        assert!(output.stdout.is_empty());
    }
}
