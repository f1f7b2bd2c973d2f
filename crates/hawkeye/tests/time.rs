//! Predicted seconds beside measured runs of CrypTen over throttled links, and beside an independent
//! implementation of the same law.

use hawkeye::time::Network;
use hawkeye::{MachineChoice, Options, Report, TimeOptions};
use hawkeye_testing::{fixtures, profile};
use serde_json::Value;

/// A run of the real framework: the network as its lab measured it, and medians of repetitions.
struct Run(Value);

impl Run {
    fn text(&self, key: &str) -> &str {
        self.0[key].as_str().expect("it is text")
    }

    fn number(&self, key: &str) -> f64 {
        self.0[key].as_f64().expect("it is a number")
    }

    fn network(&self, burst: bool) -> Network {
        let rate = self.number("bandwidth");
        let burst = if burst { self.number("burst_bytes") } else { 0.0 };
        Network { burst, ..Network::of((rate > 0.0).then_some(rate), self.number("rtt_s")) }
    }

    fn predict(&self, network: Network, machine: MachineChoice) -> Report {
        let mut options = Options { time: Some(TimeOptions { network, machine }), ..Options::default() };
        options.parties = Some(u16::try_from(self.0["parties"].as_u64().expect("a number")).expect("few"));
        profile(&fixtures().join("time").join(self.text("onnx")), "crypten", &options).expect("it profiles")
    }

    fn seconds(&self, burst: bool) -> f64 {
        self.predict(self.network(burst), MachineChoice::Default).time.expect("a network was given").seconds
    }
}

fn runs() -> Vec<Run> {
    let text = std::fs::read_to_string(fixtures().join("time/runs.jsonl")).expect("the fixture is there");
    text.lines().map(|line| Run(serde_json::from_str(line).expect("a run is JSON"))).collect()
}

#[test]
fn the_law_is_that_of_the_oracle() {
    let runs = runs();
    assert!(runs.len() > 50);
    for run in &runs {
        let (ours, oracle) = (run.seconds(false), run.number("oracle_no_burst_s"));
        assert!((ours / oracle - 1.0).abs() < 1e-6, "{}: {ours}, not {oracle}", run.text("run"));
        // The oracle walks calls of one chain together, which is another order for the token bucket.
        let (ours, oracle) = (run.seconds(true), run.number("oracle_s"));
        assert!((ours / oracle - 1.0).abs() < 0.02, "{}: {ours}, not {oracle}", run.text("run"));
    }
}

const START: &str = "<!-- accuracy: written by `make accuracy` -->\n";
const END: &str = "<!-- end -->";

#[test]
fn measured_runs_are_predicted_as_the_document_says() {
    let (mut wide, mut local) = (Vec::new(), Vec::new());
    let mut table =
        "| run | RTT, ms | measured, s | predicted, s | error, % |\n|---|---|---|---|---|\n".to_owned();
    for run in runs() {
        let (predicted, measured) = (run.seconds(true), run.number("median_s"));
        let (error, rtt) = (100.0 * (predicted / measured - 1.0), 1e3 * run.number("rtt_s"));
        let name = run.text("run");
        table.push_str(&format!("| {name} | {rtt} | {measured:.3} | {predicted:.3} | {error:+.1} |\n"));
        if rtt >= 2.0 { wide.push(error.abs()) } else { local.push(error.abs()) }
    }
    let mut text = "CrypTen 0.4.1, medians of at least two repetitions; the profile's constants come from \
                    primitives, not from these runs.\n\n"
        .to_owned();
    for (errors, what, runs, most) in
        [(&mut wide, "a round trip of 2 ms and more", 18, 3.0), (&mut local, "less", 35, 11.0)]
    {
        errors.sort_by(f64::total_cmp);
        let (median, largest) = (errors[runs / 2], errors[runs - 1]);
        assert!(errors.len() == runs && median < most, "{errors:?}");
        text.push_str(&format!(
            "* {runs} runs with {what}: median error {median:.1} %, largest {largest:.1} %\n"
        ));
    }
    let wanted = format!("{text}\n{table}");
    let file = fixtures().join("../docs/TIME.md");
    let written = std::fs::read_to_string(&file).expect("it is there");
    let (before, rest) = written.split_once(START).expect("the document has a place for the table");
    let (_, after) = rest.split_once(END).expect("the place has an end");
    let wanted = format!("{before}{START}{wanted}{END}{after}");
    if std::env::var_os("HAWKEYE_BLESS").is_some() {
        std::fs::write(&file, wanted).expect("it can be written");
    } else {
        assert!(written == wanted, "docs/TIME.md is out of date: run `make accuracy`");
    }
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(1.0)
}

#[test]
fn parts_add_up_to_the_seconds_of_the_whole() {
    let run = &runs()[20];
    for burst in [false, true] {
        let report = run.predict(run.network(burst), MachineChoice::Default);
        let time = report.time.expect("a network was given");
        let spent = time.spent;
        assert!(close(spent.latency + spent.transfer + spent.work + spent.wait, time.seconds));
        let operators: f64 = report.operators.iter().filter_map(|operator| operator.seconds).sum();
        assert!(close(operators, time.seconds), "{operators}, not {}", time.seconds);
        let calls: f64 = report.calls.iter().filter_map(|call| call.seconds).sum();
        assert!(close(calls, time.seconds), "{calls}, not {}", time.seconds);
        let phases = [report.totals.setup, report.totals.offline, report.totals.online];
        let phases: f64 = phases.iter().filter_map(|cost| cost.seconds).sum();
        assert!(close(phases, time.seconds), "{phases}, not {}", time.seconds);
    }
}

#[test]
fn without_a_machine_only_the_network_counts() {
    let run = &runs()[0];
    let time = run.predict(Network::of(Some(1e8), 0.04), MachineChoice::None).time.expect("a network");
    assert_eq!((time.machine.as_str(), time.spent.work, time.spent.wait), ("none", 0.0, 0.0));
    assert!(time.spent.latency > 0.0 && time.spent.transfer > 0.0);
}

#[test]
fn a_profile_that_lacks_a_kind_of_work_is_refused_by_name() {
    let text = "{profile: p, machine: m, source: s, evidence: assumed, work: {mul: 1.0}}";
    let machine = hawkeye::time::Machine::parse(text).expect("it is well-formed");
    let network = Network::of(None, 0.04);
    let time = Some(TimeOptions { network, machine: MachineChoice::Profile(Box::new(machine)) });
    let options = Options { time, ..Options::default() };
    let error =
        profile(&fixtures().join("time/mlp_b1.onnx"), "crypten", &options).expect_err("it is refused");
    assert!(error.to_string().contains("the profile p does not say what the work \"AND\" takes"), "{error}");
}

#[test]
fn without_a_network_a_report_has_no_seconds() {
    let report = profile(&fixtures().join("time/mlp_b1.onnx"), "crypten", &Options::default());
    let report = serde_json::to_string(&report.expect("it profiles")).expect("it serializes");
    assert!(!report.contains("seconds") && !report.contains("\"time\""));
}
