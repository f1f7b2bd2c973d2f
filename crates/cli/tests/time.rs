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

#[test]
fn several_networks_are_a_table_and_other_commands_take_one() {
    let networks = ["--network", "lan-1g,wan-100m"];
    let table = command_line(&[&LENET[..], &networks, &["--format", "csv"]].concat());
    let table = text(&table.stdout);
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].ends_with(",network,seconds,latency,transfer,work,waiting,refused"), "{table}");
    for (line, name) in lines[1..].iter().zip(["lan-1g", "wan-100m"]) {
        let seconds = json(&["--network", name])["time"]["seconds"].to_string();
        assert!(line.contains(&format!(",{name},{seconds},")), "{line}");
    }
    for command in ["check", "compare", "annotate"] {
        let more: &[&str] = match command {
            "check" => &["--max", "online.seconds=2"],
            "annotate" => &["-o", "never.onnx"],
            _ => &[],
        };
        let refused = command_line(&[&[command], &LENET[1..], &networks, more].concat());
        assert_eq!(refused.status.code(), Some(2), "{command}");
        assert!(text(&refused.stderr).contains("several networks"), "{command}");
    }
    let sides =
        ["compare", "lenet5.onnx", "-f", "crypten", "--network", "lan-1g", "--variant", "network=wan-100m"];
    let compared = command_line(&[&sides[..], &["--format", "json"]].concat());
    let compared: Value = serde_json::from_slice(&compared.stdout).expect("it is JSON");
    let online =
        |side: usize| compared["totals"]["costs"][side]["online"]["seconds"].as_f64().expect("seconds");
    assert!(online(1) > 10.0 * online(0));
}

#[test]
fn sweeps_of_networks_say_what_takes_over_where() {
    let sweep = ["sweep", "lenet5.onnx", "-f", "crypten", "--rtt", "40ms", "--format", "json", "--bandwidth"];
    let swept = |bandwidths: &str| -> Value {
        let output = command_line(&[&sweep[..], &[bandwidths]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("it is JSON")
    };
    let whole = swept("1Mbit/s..10Gbit/s");
    assert_eq!(whole["points"].as_array().map(Vec::len), Some(13));
    let [crossover] = whole["crossovers"].as_array().expect("a list").as_slice() else { panic!("{whole}") };
    assert_eq!(crossover["names"], serde_json::json!(["transfer", "latency"]));
    let limit = crossover["limits"][0].as_f64().expect("a number");
    assert!(crossover["text"].as_str().expect("words").contains("Mbit/s, latency above"));
    // Time is a line over the inverse of the bandwidth, so other points find the same place, where both parts are alike.
    let few = swept("1Mbit/s,1Gbit/s");
    assert!((few["crossovers"][0]["limits"][0].as_f64().expect("a number") / limit - 1.0).abs() < 1e-9);
    let there = json(&["--rtt", "40ms", "--bandwidth", &format!("{limit}bit/s")]);
    let part = |name: &str| there["time"][name].as_f64().expect("a number");
    assert!((part("transfer") / part("latency") - 1.0).abs() < 1e-9);
    let range = command_line(&[&sweep[..], &["10Mbit/s..1Mbit/s"]].concat());
    assert_eq!(range.status.code(), Some(2));
    let svg = ["sweep", "lenet5.onnx", "-f", "crypten", "--rtt", "1ms..1s", "--show", "online.seconds"];
    let svg = command_line(&[&svg[..], &["--format", "svg"]].concat());
    assert!(text(&svg.stdout).contains("polyline"));
}

#[test]
fn a_service_is_simulated_when_requests_arrive() {
    let on = ["--network", "lan-1g"];
    let service = |more: &[&str]| json(&[&on[..], more].concat())["time"]["service"].clone();
    let alone = service(&[]);
    let most = alone["requests_per_second"].as_f64().expect("it takes time");
    assert!(alone.get("arrivals").is_none() && most > 1.0);
    let met = service(&["--arrivals", "1/s"]);
    let latency = met["arrivals"]["latency"].as_f64().expect("it is not too much");
    assert!(latency > 1.0 / most && latency < 3.0 / most);
    let too_many = service(&["--arrivals", "1000/s"]);
    assert!(too_many["arrivals"].get("latency").is_none());
    assert!(error(&["--network", "lan-1g", "--arrivals", "2"]).contains("2/s"));
    assert!(error(&["--arrivals", "2/s"]).contains("required"));
    // Preprocessing in a phase of its own is kept, and takes the same processors and links.
    let model = "../delphi/models/linked_lenet_avg.onnx";
    let delphi = ["profile", model, "-f", "delphi", "--network", "lan-1g", "--arrivals", "1/h"];
    let delphi = command_line(&[&delphi[..], &["--storage", "1GiB", "--format", "json"]].concat());
    let report: Value = serde_json::from_slice(&delphi.stdout).expect("it is JSON");
    let service = &report["time"]["service"];
    let material = service["material"].as_u64().expect("it is kept");
    assert!(material > 0 && service["kept"].as_u64() == Some((1 << 30) / material));
    assert!(service["offline_seconds"].as_f64() > Some(0.0));
}

#[test]
fn calibration_names_the_python_that_lacks_the_framework() {
    let refused = command_line(&["calibrate", "spu-semi2k", "--python", "/no/such/python"]);
    assert_eq!(refused.status.code(), Some(2));
    let said = text(&refused.stderr);
    assert!(said.contains("/no/such/python can't be run") && said.contains("--python"), "{said}");
}
