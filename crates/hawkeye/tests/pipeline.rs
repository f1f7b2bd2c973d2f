//! What MPC-Pipe's schedules gain for large models: the table of docs/PIPELINE.md.

use hawkeye::time::Network;
use hawkeye::{Bindings, Options, TimeOptions};
use hawkeye_testing::{fixtures, profile};

const SCHEDULES: [&str; 4] = ["inner-layer=2", "inner-layer=4", "inter-batch=4", "inter-linear"];
const START: &str = "<!-- pipelines: written by `make accuracy` -->\n";
const END: &str = "<!-- end -->";

#[test]
fn the_document_has_what_schedules_gain() {
    let networks = [(1e10, 5e-5), (1e9, 3e-4), (4e8, 4e-3), (1e8, 4e-2)];
    let mut table = "| framework | model | Mbit/s | RTT, ms | sequential, s | work, s | transfer, s | inter-linear, % | inner-layer=2, % | \
                     inner-layer=4, % | throughput, inter-batch=4 |\n|---|---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for framework in ["crypten", "spu-semi2k"] {
        for model in ["vgg16", "resnet50", "bert_base"] {
            for (bandwidth, rtt) in networks {
                table.push_str(&row(framework, model, Network::of(Some(bandwidth), rtt)));
            }
        }
    }
    let file = fixtures().join("../docs/PIPELINE.md");
    let written = std::fs::read_to_string(&file).expect("it is there");
    let (before, rest) = written.split_once(START).expect("the document has a place for the table");
    let (_, after) = rest.split_once(END).expect("the place has an end");
    let wanted = format!("{before}{START}{table}{END}{after}");
    if std::env::var_os("HAWKEYE_BLESS").is_some() {
        std::fs::write(&file, wanted).expect("it can be written");
    } else {
        assert!(written == wanted, "docs/PIPELINE.md is out of date: run `make accuracy`");
    }
}

fn row(framework: &str, model: &str, network: Network) -> String {
    // SPU's sheets do not say which weights are known ahead.
    let known = if framework == "crypten" { 4 } else { 3 };
    let schedules = SCHEDULES[..known].iter().map(|text| text.parse().expect("it is a schedule")).collect();
    let time = Some(TimeOptions { schedules, ..TimeOptions::on(network) });
    let dims = [("seq".to_owned(), 128)].into();
    let bindings = Bindings { batch: Some(1), dims, ..Bindings::default() };
    let options = Options { time, bindings, ..Options::default() };
    let file = fixtures().join(format!("models/{model}.onnx"));
    let report = profile(&file, framework, &options).expect("it profiles");
    let time = report.time.expect("a network was given");
    for pipeline in &time.pipelines {
        let busy = time.spent.work.max(time.spent.transfer) * f64::from(pipeline.requests);
        assert!(pipeline.seconds >= busy * (1.0 - 1e-9), "{model}: {pipeline:?}");
        assert!((0.0..1.0).contains(&pipeline.saved), "{model}: {pipeline:?}");
    }
    let saved = |index: usize| {
        time.pipelines.get(index).map_or("-".to_owned(), |pipeline| format!("{:.1}", 100.0 * pipeline.saved))
    };
    let throughput = time.pipelines[2].throughput;
    format!(
        "| {framework} | {model} | {} | {} | {:.1} | {:.1} | {:.1} | {} | {} | {} | {:.2} |\n",
        time.bandwidth.unwrap_or_default() / 1e6,
        time.rtt * 1e3,
        time.seconds,
        time.spent.work,
        time.spent.transfer,
        saved(3),
        saved(0),
        saved(1),
        throughput * time.seconds,
    )
}
