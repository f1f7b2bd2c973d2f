//! Predicted seconds beside measured runs of CrypTen over throttled links, and beside an independent
//! implementation of the same law.

use hawkeye::time::{Machine, Network};
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

    fn framework(&self) -> &str {
        self.0["framework"].as_str().unwrap_or("crypten")
    }

    fn network(&self, burst: bool) -> Network {
        let rate = self.number("bandwidth");
        let burst = if burst { self.number("burst_bytes") } else { 0.0 };
        Network { burst, ..Network::of((rate > 0.0).then_some(rate), self.number("rtt_s")) }
    }

    fn predict(&self, network: Network, machine: MachineChoice) -> Report {
        let mut options = Options { time: Some(timed(network, machine)), ..Options::default() };
        options.parties = Some(u16::try_from(self.0["parties"].as_u64().expect("a number")).expect("few"));
        profile(&fixtures().join("time").join(self.text("onnx")), self.framework(), &options)
            .expect("it profiles")
    }

    fn seconds(&self, burst: bool, machine: MachineChoice) -> f64 {
        self.predict(self.network(burst), machine).time.expect("a network was given").seconds
    }
}

fn timed(network: Network, machine: MachineChoice) -> TimeOptions {
    TimeOptions { machine, ..TimeOptions::on(network) }
}

/// The constants of the independent implementation.
fn constants_of_the_oracle() -> MachineChoice {
    let text = std::fs::read_to_string(fixtures().join("time/oracle.yaml")).expect("the fixture is there");
    MachineChoice::Profile(Box::new(Machine::parse(&text).expect("it is well-formed")))
}

fn runs(file: &str) -> Vec<Run> {
    let file = fixtures().join(format!("time/{file}.jsonl"));
    let text = std::fs::read_to_string(file).expect("the fixture is there");
    text.lines().map(|line| Run(serde_json::from_str(line).expect("a run is JSON"))).collect()
}

#[test]
fn the_law_is_that_of_the_oracle() {
    let runs = runs("runs");
    assert!(runs.len() > 50);
    for run in &runs {
        let (ours, oracle) = (run.seconds(false, constants_of_the_oracle()), run.number("oracle_no_burst_s"));
        assert!((ours / oracle - 1.0).abs() < 1e-6, "{}: {ours}, not {oracle}", run.text("run"));
        // The oracle walks calls of one chain together, which is another order for the token bucket.
        let (ours, oracle) = (run.seconds(true, constants_of_the_oracle()), run.number("oracle_s"));
        assert!((ours / oracle - 1.0).abs() < 0.02, "{}: {ours}, not {oracle}", run.text("run"));
    }
}

const END: &str = "<!-- end -->";

#[test]
fn measured_runs_are_predicted_as_the_document_says() {
    let header = "CrypTen 0.4.1, medians of at least two repetitions; the profile's constants come from primitives, not from \
                  these runs.";
    let wide = Limit { what: "a round trip of 2 ms and more", runs: 18, median: 3.0, largest: 6.0 };
    let local = Limit { what: "less", runs: 35, median: 5.0, largest: 29.0 };
    table_is_up_to_date("accuracy", header, &runs("runs"), &[wide, local]);
    let header = "SPU 0.9.5, SEMI2K with two parties and ABY3 with three, medians of three repetitions on two cores that other \
                  jobs kept busy (about ten runnable processes); the profile's constants come from primitives.";
    let wide = Limit { what: "a round trip of 2 ms and more", runs: 48, median: 7.5, largest: 45.0 };
    table_is_up_to_date("spu", header, &runs("spu_runs"), &[wide]);
}

/// Runs of a kind, how many they are, and below what their errors stay, in percent.
struct Limit {
    what: &'static str,
    runs: usize,
    median: f64,
    largest: f64,
}

/// Compares the predicted seconds of runs with the table in docs/TIME.md, or writes it; the first limit is for
/// round trips of 2 ms and more, the second for shorter ones.
fn table_is_up_to_date(name: &str, header: &str, runs: &[Run], limits: &[Limit]) {
    let mut errors = vec![Vec::new(); limits.len()];
    let mut table =
        "| run | RTT, ms | measured, s | predicted, s | error, % |\n|---|---|---|---|---|\n".to_owned();
    for run in runs {
        let (predicted, measured) = (run.seconds(true, MachineChoice::Default), run.number("median_s"));
        let (error, rtt) = (100.0 * (predicted / measured - 1.0), 1e3 * run.number("rtt_s"));
        let name = run.text("run");
        table.push_str(&format!("| {name} | {rtt} | {measured:.3} | {predicted:.3} | {error:+.1} |\n"));
        errors[usize::from(rtt < 2.0)].push(error.abs());
    }
    let mut text = format!("{header}\n\n");
    for (errors, Limit { what, runs, median: most, largest: far }) in errors.iter_mut().zip(limits) {
        errors.sort_by(f64::total_cmp);
        let (median, largest) = (errors[runs / 2], errors[runs - 1]);
        assert!(errors.len() == *runs && median < *most && largest < *far, "{errors:?}");
        text.push_str(&format!(
            "* {runs} runs with {what}: median error {median:.1} %, largest {largest:.1} %\n"
        ));
    }
    let file = fixtures().join("../docs/TIME.md");
    let written = std::fs::read_to_string(&file).expect("it is there");
    let start = format!("<!-- {name}: written by `make accuracy` -->\n");
    let (before, rest) = written.split_once(&start).expect("the document has a place for the table");
    let (_, after) = rest.split_once(END).expect("the place has an end");
    let wanted = format!("{before}{start}{text}\n{table}{END}{after}");
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
    let run = &runs("runs")[20];
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
    let run = &runs("runs")[0];
    let time = run.predict(Network::of(Some(1e8), 0.04), MachineChoice::None).time.expect("a network");
    assert_eq!((time.machine.as_str(), time.spent.work, time.spent.wait), ("none", 0.0, 0.0));
    assert!(time.spent.latency > 0.0 && time.spent.transfer > 0.0);
}

#[test]
fn a_profile_that_lacks_a_kind_of_work_is_refused_by_name() {
    let text = "{profile: p, machine: m, source: s, evidence: assumed, work: {mul: 1.0}}";
    let machine = Machine::parse(text).expect("it is well-formed");
    let network = Network::of(None, 0.04);
    let time = Some(timed(network, MachineChoice::Profile(Box::new(machine))));
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

#[test]
fn schedules_save_time_and_change_nothing_else() {
    let network = Network::of(Some(1e9), 3e-4);
    let mut options = Options { time: Some(timed(network, MachineChoice::Default)), ..Options::default() };
    let model = fixtures().join("time/resnet8_b4.onnx");
    let before = profile(&model, "crypten", &options).expect("it profiles");
    let schedules = ["inter-linear", "inner-layer=2", "inter-batch=4"];
    if let Some(time) = &mut options.time {
        time.schedules = schedules.iter().map(|text| text.parse().expect("it is a schedule")).collect();
    }
    let mut report = profile(&model, "crypten", &options).expect("it profiles");
    let time = report.time.as_mut().expect("a network was given");
    let path = time.critical_path.expect("it is an inference");
    assert!(path < time.seconds && path > 0.5 * time.seconds, "{path} of {}", time.seconds);
    let pipelines = std::mem::take(&mut time.pipelines);
    for (pipeline, scheme) in pipelines.iter().zip(schedules) {
        assert_eq!(pipeline.scheme, scheme);
        // A schedule can't do without the work and the transfer.
        let busy = time.spent.work.max(time.spent.transfer) * f64::from(pipeline.requests);
        assert!(pipeline.seconds >= busy * (1.0 - 1e-9) && pipeline.saved > 0.0, "{pipeline:?}");
    }
    assert!(pipelines[1].operators.iter().all(|gain| gain.seconds < gain.sequential));
    assert!(!pipelines[1].operators.is_empty());
    assert_eq!(report, before);
}
