//! Tables of the paper about protocols, training and whole security models.

use std::collections::BTreeMap;
use std::fmt::Write;

use hawkeye::time::Network;
use hawkeye::{Loss, Options, Report, Steps, TimeOptions, TrainingOptions};
use hawkeye_testing::{fixtures, profile};

use super::{by_operator, gibibytes, group, report};

/// BERT-base under CrypTen, and what the artifact printed: GiB online and offline.
pub(super) fn table_2(text: &mut String) {
    let report = report("paper/models/bert_base.onnx", "crypten", &[]);
    text.push_str("| part | artifact, online GiB | offline | ours, online GiB |\n|---|---|---|---|\n");
    for (part, operator, online, offline) in [
        ("products", "MatMul", "3.22", "1.37"),
        ("GELU", "Gelu", "18.00", "4.64"),
        ("softmax", "Softmax", "46.73", "13.23"),
    ] {
        let ours = gibibytes(group(&report, &[operator]).0);
        let _ = writeln!(text, "| {part} | {online} | {offline} | {ours} |");
    }
}

/// ResNet-18 under replicated sharing, before an optimiser: the one run of table 5 that was published.
pub(super) fn table_5(text: &mut String) {
    let report = report("models/resnet18.onnx", "mp-spdz-ring", &[]);
    let megabytes = format!("{:.2}", report.totals.online.bytes as f64 / 1e6);
    text.push_str("| | MP-SPDZ `-Z 3 -F`, measured | ours, `-E ring` |\n|---|---|---|\n");
    let _ = writeln!(text, "| ResNet-18, MB of all parties | 286.10 | {megabytes} |");
    let _ = writeln!(text, "| after TASO | 253.59 | - |\n| after the paper's optimiser | 210.92 | - |");
}

/// One step of training on a batch of 128.
fn step(model: &str, framework: &str, optimizer: &str) -> Report {
    let training = TrainingOptions {
        loss: Loss::CrossEntropy,
        optimizer: optimizer.parse().expect("it is one"),
        steps: Steps::Only(1),
        output: None,
        frozen: Vec::new(),
    };
    let mut options = Options { training: Some(training), ..Options::default() };
    options.bindings.batch = Some(128);
    profile(&fixtures().join(model), framework, &options).expect("it can be trained")
}

/// What the artifact printed for its own networks, GiB online, beside a framework's step on exports of the same names.
pub(super) fn training(text: &mut String) {
    text.push_str("| network | part | artifact, GiB online | rounds | ours, GiB online | rounds |\n|---|---|---|---|---|---|\n");
    let networks = [
        ("AlexNet, ABY3", "alexnet", "spu-aby3", "sgd", "step with SGD", "12.34", "435"),
        ("AlexNet, ABY3", "alexnet", "spu-aby3", "adam", "step with Adam", "303.24", "1144"),
        ("VGG-16, ABY3", "vgg16", "spu-aby3", "sgd", "step with SGD", "520.60", "1141"),
        ("VGG-16, ABY3", "vgg16", "spu-aby3", "adam", "step with Adam", "1179.31", "2659"),
    ];
    for (name, file, framework, optimizer, part, artifact, rounds) in networks {
        let online = step(&format!("models/{file}.onnx"), framework, optimizer).totals.online;
        let ours = gibibytes(online.bytes);
        let _ = writeln!(text, "| {name} | {part} | {artifact} | {rounds} | {ours} | {} |", online.rounds);
    }
    let report = step("models/vgg16.onnx", "spu-semi2k", "sgd");
    for (part, pass, artifact, rounds) in [
        ("forward", "forward", "16.77", "791"),
        ("backward", "backward", "19.71", "315"),
        ("update", "optimizer", "0.22", "28"),
    ] {
        let online = &report.passes[pass].phases.online;
        let ours = gibibytes(online.bytes);
        let rounds_of_ours = online.rounds;
        let _ =
            writeln!(text, "| VGG-16, SEMI2K | {part} | {artifact} | {rounds} | {ours} | {rounds_of_ours} |");
    }
}

/// Shares of ResNet-50's online bits by the artifact's formulas, in percent of the whole.
pub(super) fn figure_8(text: &mut String) {
    text.push_str("| protocol | operator | artifact | ours |\n|---|---|---|---|\n");
    let published = [
        ("Falcon", ["69.16", "11.70", "11.70", "7.44"]),
        ("ABY3", ["62.85", "15.19", "15.19", "6.77"]),
        ("ABY", ["44.37", "50.69", "0.14", "4.78"]),
        ("SPDZ", ["28.66", "67.94", "0.28", "3.08"]),
    ];
    for (protocol, shares) in published {
        let framework = format!("paper/{}", protocol.to_lowercase());
        // The artifact's numbers under SPDZ are those of 59 bits.
        let mut settings = vec![("max_pool_ignores_padding", "true")];
        if protocol == "SPDZ" {
            settings.push(("bits", "59"));
        }
        let report = report("cryptflow2/models/hawkeye_res.onnx", &framework, &settings);
        let bits = by_operator(&report, "online_bits");
        let all = report.counters["online_bits"] as f64;
        let operators = ["Relu", "Conv", "BatchNormalization", "MaxPool"];
        for (operator, artifact) in operators.into_iter().zip(shares) {
            let share = bits[operator] as f64 * 100.0 / all;
            let _ = writeln!(text, "| {protocol} | {operator} | {artifact} % | {share:.2} % |");
        }
    }
}

/// A protocol of the study, and what its parties may do.
type Studied = (&'static str, &'static str, &'static str);

const PROTOCOLS: [Studied; 14] = [
    ("mp-spdz-ring", "semi-honest, one of three", "honest"),
    ("mp-spdz-rep4", "malicious, one of four", "honest"),
    ("mp-spdz-mal-rep-ring", "malicious, one of three", "honest"),
    ("mp-spdz-ps-rep-ring", "malicious, one of three", "honest"),
    ("mp-spdz-shamir", "semi-honest, one of three", "honest"),
    ("mp-spdz-semi2k", "semi-honest, one of two", "dishonest"),
    ("mp-spdz-mascot", "malicious, one of two", "dishonest"),
    ("mp-spdz-spdz2k", "malicious, one of two", "dishonest"),
    ("spu-aby3", "semi-honest, one of three", "honest"),
    ("spu-semi2k", "semi-honest, one of two, with a dealer", "dishonest"),
    ("spu-cheetah", "semi-honest, one of two", "dishonest"),
    ("crypten", "semi-honest, one of two, with a dealer", "dishonest"),
    ("cryptflow2", "semi-honest, one of two", "dishonest"),
    ("cheetah", "semi-honest, one of two", "dishonest"),
];

/// Those whose front end runs BERT-base.
const OF_BERT: [&str; 4] = ["spu-aby3", "spu-semi2k", "spu-cheetah", "crypten"];

pub(super) fn models(text: &mut String) {
    study(text, "models/resnet50.onnx", &PROTOCOLS);
}

pub(super) fn bert(text: &mut String) {
    let of_bert: Vec<Studied> = PROTOCOLS.into_iter().filter(|(name, ..)| OF_BERT.contains(name)).collect();
    study(text, "models/bert_base.onnx", &of_bert);
}

fn study(text: &mut String, model: &str, protocols: &[Studied]) {
    text.push_str(
        "| framework | corruption | majority | parties | preprocessing, GB | online, GB | rounds | seconds |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for (framework, corruption, majority) in protocols {
        let network = Network::named("lan-1g").expect("it is a preset");
        let mut options = Options { time: Some(TimeOptions::on(network)), ..Options::default() };
        options.bindings.batch = Some(1);
        if model.contains("bert") {
            options.bindings.dims = BTreeMap::from([("seq".to_owned(), 128)]);
        }
        let report = profile(&fixtures().join(model), framework, &options).expect("it can be profiled");
        let gigabytes = |bytes: u64| format!("{:.2}", bytes as f64 / 1e9);
        // Two digits are what a prediction is good for.
        let seconds = report.time.as_ref().map_or(0.0, |time| time.seconds);
        let unit = 10f64.powi(seconds.log10().floor() as i32 - 1);
        let _ = writeln!(
            text,
            "| `{framework}` | {corruption} | {majority} | {} | {} | {} | {} | {} |",
            report.framework.parties,
            gigabytes(report.totals.offline.bytes),
            gigabytes(report.totals.online.bytes),
            report.totals.online.rounds,
            (seconds / unit).round() * unit,
        );
    }
}
