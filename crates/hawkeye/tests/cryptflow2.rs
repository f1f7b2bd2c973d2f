//! CryptFlow2 (SCI): reports equal what the running library counts.

use hawkeye::{Options, Report};
use hawkeye_report::CallNode;
use hawkeye_testing::sci::{Outcome, sums, tables, traces};
use hawkeye_testing::{fixtures, profile};

/// Profiles one of the models under these settings.
fn report(model: &str, framework: &str, settings: &[(&str, &str)], depth: usize) -> Report {
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let options = Options { settings, depth, ..Options::default() };
    let model = fixtures().join("cryptflow2/models").join(model);
    profile(&model, framework, &options).expect("it can be profiled")
}

/// The settings of the paper: 60 bit, scale 23, one thread, one cross term per product.
const PAPER: [(&str, &str); 4] =
    [("bitlength", "60"), ("scale", "23"), ("training_flag", "false"), ("layer_statistics", "all")];

#[test]
fn every_run_is_reproduced() {
    let traces = traces("cryptflow2");
    let mut outcome = Outcome::default();
    for trace in &traces {
        match trace.profile_to("cryptflow2", 2) {
            Ok(report) => {
                outcome.add(trace.compare(&report));
                if trace.source == "measured" {
                    let warned = report
                        .diagnostics
                        .iter()
                        .map(|d| format!("{}: it ran, but: {}", trace.name, d.message));
                    outcome.differences.extend(warned);
                }
                outcome.differences.extend(sums(&report));
            }
            Err(failure) => outcome.differences.push(format!("{}: {failure}", trace.name)),
        }
    }
    let measured = traces.iter().filter(|trace| trace.source == "measured").count();
    println!("{measured} measured and {} static runs, {} nodes", traces.len() - measured, outcome.compared);
    let found = &outcome.differences;
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found.join("\n"));
    assert_eq!((measured, traces.len(), outcome.compared), (29, 37, 2657));
}

/// Rounds of the calls of that name.
fn rounds_of(calls: &[CallNode], name: &str) -> u64 {
    let own = |call: &CallNode| call.costs.get("online").map_or(0, |cost| cost.rounds);
    calls.iter().map(|call| if call.name == name { own(call) } else { rounds_of(&call.children, name) }).sum()
}

/// The rounds that the paper published; its statistics miss the divisions in `HardSigmoid`.
#[test]
fn the_networks_of_the_paper_take_the_published_rounds() {
    for (network, published) in [("res", 8175), ("dense", 12377), ("shuffle", 7705), ("mobile", 14995)] {
        let report = report(&format!("hawkeye_{network}.onnx"), "cryptflow2", &PAPER, 4);
        let missed = rounds_of(&report.calls, "ElemWiseVectorPublicDiv");
        assert_eq!(report.totals.online.rounds - missed, published, "{network}");
        assert_eq!(missed, if network == "mobile" { 458 } else { 0 }, "{network}");
    }
}

/// What ShuffleNet-V2's run printed at its end, in MiB.
#[test]
fn the_statistics_by_layer_are_those_of_the_log() {
    let report = report("hawkeye_shuffle.onnx", "cryptflow2", &PAPER, 1);
    let printed = [
        ("conv", "36883.2"),
        ("matmul", "38071.2"),
        ("batchnorm", "2269.62"),
        ("truncation", "3202.17"),
        ("relu", "1507.68"),
        ("maxpool", "606.133"),
        ("avgpool", "2.111"),
    ];
    for (layer, printed) in printed {
        let mebibytes = report.counters[&format!("layerwise_{layer}")] as f64 / f64::from(1 << 20);
        let decimals = printed.len() - printed.find('.').expect("they have decimals") - 1;
        assert_eq!(format!("{mebibytes:.decimals$}"), printed, "{layer}");
    }
}

/// LeNet-5 was also measured layer by layer, by calling the library directly.
#[test]
fn lenet_sends_what_its_layers_sent() {
    let mut compared = 0;
    for framework in ["cryptflow2", "cryptflow2-he"] {
        for table in tables(framework).iter().filter(|table| table.name.contains("_lenet_")) {
            let settings = table.settings();
            let mut settings: Vec<_> =
                settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            settings.push(("append_argmax", "true"));
            let report = report("lenet5_b1.onnx", framework, &settings, 1);
            assert_eq!(sums(&report), Vec::<String>::new());
            assert_eq!(
                [report.counters["total_alice"], report.counters["total_bob"]],
                table.online(),
                "{}",
                table.name
            );
            compared += 1;
        }
    }
    assert_eq!(compared, 7);
}
