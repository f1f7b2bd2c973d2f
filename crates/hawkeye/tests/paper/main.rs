//! The formulas of the HawkEye paper price its own networks as its artifact does, bit for bit, and `docs/PAPER.md`
//! sets its published tables beside what the frameworks send; `make paper` rewrites it.

mod studies;

use std::collections::BTreeMap;
use std::fmt::Write;

use hawkeye::{Options, Report};
use hawkeye_testing::{fixtures, profile};
use serde::Deserialize;

/// What the artifact printed for one of its networks: bits of all parties, rounds where they are compared.
#[derive(Debug, Deserialize)]
struct Total {
    network: String,
    protocol: String,
    model: String,
    settings: BTreeMap<String, String>,
    online_bits: u64,
    offline_bits: u64,
    online_rounds: Option<u64>,
    offline_rounds: Option<u64>,
    /// Online bits by operator.
    operators: BTreeMap<String, u64>,
}

fn totals() -> Vec<Total> {
    let text = std::fs::read_to_string(fixtures().join("paper/totals.jsonl")).expect("the fixture is there");
    text.lines().map(|line| serde_json::from_str(line).expect("a record per line")).collect()
}

fn report(model: &str, framework: &str, settings: &[(&str, &str)]) -> Report {
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mut options = Options { settings, ..Options::default() };
    options.bindings.batch = Some(1);
    profile(&fixtures().join(model), framework, &options).expect("it can be profiled")
}

impl Total {
    fn report(&self) -> Report {
        let settings: Vec<_> = self.settings.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        report(&self.model, &format!("paper/{}", self.protocol.to_lowercase()), &settings)
    }
}

/// A counter by operator, where it is not zero.
fn by_operator(report: &Report, counter: &str) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for operator in report.operators.iter().filter(|o| o.counters[counter] > 0) {
        *sums.entry(operator.op.clone()).or_default() += operator.counters[counter];
    }
    sums
}

#[test]
fn the_networks_of_the_artifact_cost_what_it_prints() {
    for total in totals() {
        let report = total.report();
        let what = format!("{} under {}", total.network, total.protocol);
        let counter = |name: &str| report.counters[name];
        assert_eq!(counter("online_bits"), total.online_bits, "{what}");
        assert_eq!(counter("offline_bits"), total.offline_bits, "{what}");
        assert!(total.online_rounds.is_none_or(|rounds| rounds == counter("online_rounds")), "{what}");
        assert!(total.offline_rounds.is_none_or(|rounds| rounds == counter("offline_rounds")), "{what}");
        assert_eq!(by_operator(&report, "online_bits"), total.operators, "{what}");
        assert_eq!(report.totals.online.bytes, 0, "{what}: formulas send nothing");
    }
}

/// Online bytes and rounds of the operators that a table puts together.
fn group(report: &Report, operators: &[&str]) -> (u64, u64) {
    let members = report.operators.iter().filter(|o| operators.contains(&o.op.as_str()));
    members.fold((0, 0), |sum, o| (sum.0 + o.phases.online.bytes, sum.1 + o.phases.online.rounds))
}

fn offline(report: &Report, operator: &str) -> u64 {
    report.operators.iter().filter(|o| o.op == operator).map(|o| o.phases.offline.bytes).sum()
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.2}", bytes as f64 / f64::from(1 << 20))
}

fn gibibytes(bytes: u64) -> String {
    format!("{:.2}", bytes as f64 / f64::from(1 << 30))
}

const LINEAR: [&str; 5] = ["Gemm", "BatchNormalization", "AveragePool", "GlobalAveragePool", "Mul"];
const NON_LINEAR: [&str; 3] = ["Relu", "MaxPool", "HardSigmoid"];

/// The networks under CryptFlow2: rounds as SCI counted them and as the artifact did, GiB of the artifact.
struct SciNetwork {
    name: &'static str,
    file: &'static str,
    measured: [u64; 3],
    artifact: [u64; 3],
    gibibytes: [&'static str; 3],
}

const SCI: [SciNetwork; 4] = [
    SciNetwork {
        name: "DenseNet-121",
        file: "dense",
        measured: [10317, 1340, 720],
        artifact: [10278, 1313, 720],
        gibibytes: ["657.06", "26.32", "16.17"],
    },
    SciNetwork {
        name: "ResNet-50",
        file: "res",
        measured: [7155, 582, 438],
        artifact: [7148, 575, 414],
        gibibytes: ["863.11", "18.43", "16.25"],
    },
    SciNetwork {
        name: "MobileNet-V3",
        file: "mobile",
        measured: [12131, 2252, 612],
        artifact: [2232, 2125, 612],
        gibibytes: ["73.33", "18.16", "6.32"],
    },
    SciNetwork {
        name: "ShuffleNet-V2",
        file: "shuffle",
        measured: [6827, 608, 270],
        artifact: [1745, 599, 246],
        gibibytes: ["38.87", "4.15", "2.10"],
    },
];

fn formulas(text: &mut String) {
    text.push_str(
        "| network | protocol | artifact: online bits | offline bits | rounds | ours: online bits | offline bits | rounds |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for total in totals() {
        let report = total.report();
        let rounds = total.online_rounds.map_or_else(|| "fractions".to_owned(), |rounds| rounds.to_string());
        let ours = total
            .online_rounds
            .map_or_else(|| "-".to_owned(), |_| report.counters["online_rounds"].to_string());
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {rounds} | {} | {} | {ours} |",
            total.network,
            total.protocol,
            total.online_bits,
            total.offline_bits,
            report.counters["online_bits"],
            report.counters["offline_bits"],
        );
    }
}

fn figure_6_and_table_1(rounds: &mut String, bytes: &mut String) {
    rounds.push_str("| network | part | SCI, measured | artifact | ours |\n|---|---|---|---|---|\n");
    bytes.push_str("| network | part | artifact, GiB | ours, GiB |\n|---|---|---|---|\n");
    let settings = [("bitlength", "60"), ("scale", "23"), ("training_flag", "false")];
    for network in SCI {
        let report =
            report(&format!("cryptflow2/models/hawkeye_{}.onnx", network.file), "cryptflow2", &settings);
        let parts = [("convolutions", &["Conv"][..]), ("other linear", &LINEAR), ("non-linear", &NON_LINEAR)];
        for (i, (part, operators)) in parts.into_iter().enumerate() {
            let (sent, counted) = group(&report, operators);
            let SciNetwork { name, measured, artifact, gibibytes: published, .. } = &network;
            let _ = writeln!(rounds, "| {name} | {part} | {} | {} | {counted} |", measured[i], artifact[i]);
            let _ = writeln!(bytes, "| {name} | {part} | {} | {} |", published[i], gibibytes(sent));
        }
        let [measured, artifact] =
            [network.measured, network.artifact].map(|parts| parts.iter().sum::<u64>());
        let all = report.totals.online;
        let _ = writeln!(rounds, "| {} | all | {measured} | {artifact} | {} |", network.name, all.rounds);
    }
}

fn figure_7(text: &mut String) {
    let report = report("paper/models/bert_base.onnx", "crypten", &[]);
    text.push_str("| part | CrypTen, measured | artifact | ours |\n|---|---|---|---|\n");
    for (part, operator, measured, artifact) in
        [("products", "MatMul", 346, 346), ("softmax", "Softmax", 1632, 1740)]
    {
        let (_, rounds) = group(&report, &[operator]);
        let _ = writeln!(text, "| {part} | {measured} | {artifact} | {rounds} |");
    }
}

fn delphi_and_cheetah(delphi: &mut String, cheetah: &mut String) {
    delphi.push_str("| network | operator | Delphi, measured | artifact | ours |\n|---|---|---|---|---|\n");
    cheetah.push_str("| network | operator | artifact | ours |\n|---|---|---|---|\n");
    let networks = [
        (
            "ResNet-32",
            "delphi/models/resnet32.onnx",
            ["212.04", "1.00", "5517.63"],
            ["195.86", "0.85", "5516.39"],
        ),
        ("MiniONN", "delphi/models/minionn.onnx", ["75.52", "1.00", "3150.27"], ["64.29", "0.85", "3148.73"]),
    ];
    for (name, model, measured, artifact) in networks {
        let report = report(model, "delphi", &[]);
        for (i, operator) in ["Conv", "Gemm", "Relu"].into_iter().enumerate() {
            let ours = mebibytes(offline(&report, operator));
            let _ = writeln!(delphi, "| {name} | {operator} | {} | {} | {ours} |", measured[i], artifact[i]);
        }
    }
    let networks = [
        ("ResNet-32", "paper/models/resnet32.onnx", ["52.87", "0.77", "30.10"]),
        ("MiniONN", "delphi/models/minionn.onnx", ["18.34", "0.82", "17.18"]),
    ];
    for (name, model, artifact) in networks {
        let report = report(model, "cheetah", &[]);
        let parts = [("convolutions", &["Conv"][..]), ("other linear", &LINEAR), ("non-linear", &NON_LINEAR)];
        for (i, (part, operators)) in parts.into_iter().enumerate() {
            let (sent, _) = group(&report, operators);
            let _ = writeln!(cheetah, "| {name} | {part} | {} | {} |", artifact[i], mebibytes(sent));
        }
    }
}

#[test]
fn the_page_of_the_paper_is_up_to_date() {
    let mut parts: BTreeMap<&str, String> = BTreeMap::new();
    let [mut rounds, mut bytes, mut delphi, mut cheetah] = [const { String::new() }; 4];
    formulas(parts.entry("formulas").or_default());
    figure_6_and_table_1(&mut rounds, &mut bytes);
    figure_7(parts.entry("figure 7").or_default());
    delphi_and_cheetah(&mut delphi, &mut cheetah);
    studies::models(parts.entry("study").or_default());
    studies::bert(parts.entry("study of BERT-base").or_default());
    studies::table_2(parts.entry("table 2").or_default());
    studies::table_5(parts.entry("table 5").or_default());
    studies::training(parts.entry("tables 4 and 9").or_default());
    studies::figure_8(parts.entry("figure 8").or_default());
    parts.extend([
        ("figure 6", rounds),
        ("table 1", bytes),
        ("tables 6 and 7", delphi),
        ("table 8", cheetah),
    ]);
    let file = fixtures().join("../docs/PAPER.md");
    let written = std::fs::read_to_string(&file).expect("the page is there");
    let mut text = written.clone();
    for (name, table) in parts {
        let (start, end) = (format!("<!-- {name}: written by `make paper` -->\n"), "<!-- end -->");
        let (before, rest) =
            text.split_once(&start).unwrap_or_else(|| panic!("the page has a place for {name}"));
        let (_, after) = rest.split_once(end).expect("the place has an end");
        text = format!("{before}{start}{table}{end}{after}");
    }
    if std::env::var_os("HAWKEYE_BLESS").is_some() {
        std::fs::write(&file, text).expect("it can be written");
    } else {
        assert_eq!(written, text, "docs/PAPER.md is out of date: run `make paper`");
    }
}
