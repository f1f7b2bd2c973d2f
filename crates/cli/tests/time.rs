//! Networks and machines on the command line.

mod common;

use common::{command_line, text};
use serde_json::Value;

const LENET: [&str; 4] = ["profile", "lenet5.onnx", "-f", "crypten"];

fn json(more: &[&str]) -> Value {
    let output = command_line(&[&LENET[..], more, &["--format", "json"]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("it is JSON")
}

fn error(more: &[&str]) -> String {
    let output = command_line(&[&LENET[..], more].concat());
    assert_eq!(output.status.code(), Some(2));
    text(&output.stderr)
}

#[test]
fn presets_files_and_plain_numbers_are_networks() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("net.yaml");
    std::fs::write(&path, "{network: wan-100m, bandwidth: 100Mbit/s, rtt: 40ms}").expect("it can be written");
    let preset = json(&["--network", "wan-100m"]);
    let seconds = |report: &Value| report["time"]["seconds"].as_f64().expect("it is there");
    assert!(seconds(&preset) > 10.0);
    assert_eq!(json(&["--network", &path.display().to_string()]), preset);
    let plain = json(&["--bandwidth", "100Mbit/s", "--rtt", "40ms"]);
    assert_eq!(seconds(&plain).to_bits(), seconds(&preset).to_bits());
    assert!(seconds(&json(&["--network", "wan-100m", "--rtt", "2ms"])) < seconds(&preset));
    assert!(seconds(&json(&["--network", "wan-100m", "--machine", "none"])) < seconds(&preset));
}

#[test]
fn what_is_no_network_or_machine_is_an_error_that_says_why() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("net.yaml");
    std::fs::write(&path, "{bandwidth: 0Mbit/s, rtt: -4ms}").expect("it can be written");
    let file = error(&["--network", &path.display().to_string()]);
    assert!(file.contains("a bandwidth of zero sends nothing") && file.contains("is negative"), "{file}");
    assert!(error(&["--network", "wan-100"]).contains("wan-100m"));
    assert!(error(&["--bandwidth", "NaNMbit/s"]).contains("is no bandwidth"));
    assert!(error(&["--bandwidth", "100"]).contains("has no unit"));
    assert!(error(&["--rtt", "40 hours"]).contains("is no unit of a time"));
    assert!(error(&["--rtt", "4ms", "--machine", "abacus"]).contains("crypten-cpu"));
    assert!(error(&["--machine", "none"]).contains("required"));
    assert!(error(&["--format", "perfetto"]).contains("--network"));
}

#[test]
fn seconds_are_sorted_limited_and_compared() {
    let wan = ["--network", "wan-100m"];
    let table = command_line(&[&LENET[..], &wan, &["--sort", "seconds", "--format", "csv"]].concat());
    assert!(text(&table.stdout).lines().next().expect("a header").contains("online_seconds"));
    for (limit, code) in [("online.seconds=60", 0), ("online.seconds=0.5", 1)] {
        let check = ["check", "lenet5.onnx", "-f", "crypten", "--max", limit];
        assert_eq!(command_line(&[&check[..], &wan].concat()).status.code(), Some(code), "{limit}");
    }
    let check = ["check", "lenet5.onnx", "-f", "crypten", "--max", "online.seconds=1"];
    let refused = command_line(&check);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("has no seconds"));
}

#[test]
fn a_timeline_has_every_party_and_ends_when_the_program_does() {
    let wan = ["--network", "wan-100m", "--parties", "3"];
    let output = command_line(&[&LENET[..], &wan, &["--format", "perfetto"]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let trace: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let events = trace["traceEvents"].as_array().expect("a list");
    let number = |event: &Value, key: &str| event[key].as_f64().unwrap_or_default();
    let slices: Vec<&Value> = events.iter().filter(|event| event["ph"] == "X").collect();
    let parties: std::collections::BTreeSet<u64> = slices.iter().filter_map(|e| e["pid"].as_u64()).collect();
    assert_eq!(parties.len(), 3);
    assert!(slices.iter().all(|slice| number(slice, "dur") > 0.0 && slice["name"].is_string()));
    let end = slices.iter().map(|slice| number(slice, "ts") + number(slice, "dur")).fold(0.0, f64::max);
    let seconds = json(&wan)["time"]["seconds"].as_f64().expect("it is there");
    assert!((end / 1e6 / seconds - 1.0).abs() < 1e-9, "{end}, not {seconds}");
}

#[test]
fn schedules_are_asked_for_by_name() {
    let asked = ["--network", "lan-1g", "--pipeline", "inter-linear,inner-layer=2"];
    let pipelines = &json(&asked)["time"]["pipelines"];
    let schemes: Vec<_> = pipelines.as_array().expect("a list").iter().map(|one| &one["scheme"]).collect();
    assert_eq!(schemes, ["inter-linear", "inner-layer=2"]);
    let shown = command_line(&[&LENET[..], &asked, &["--format", "text"]].concat());
    assert!(text(&shown.stdout).contains("inner-layer=2: "));
    assert!(error(&["--network", "lan-1g", "--pipeline", "inner-layer=1"]).contains("from 2 to 1024"));
    assert!(error(&["--pipeline", "inter-linear"]).contains("required"));
    let other =
        ["profile", "lenet5.onnx", "-f", "cryptflow2", "--network", "lan-1g", "--pipeline", "inter-linear"];
    let refused = command_line(&other);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("does not say what can be pipelined"));
}
