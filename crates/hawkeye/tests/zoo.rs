//! `docs/ZOO.md` has what well-known networks cost under every framework; `make zoo` rewrites it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hawkeye::time::Network;
use hawkeye::{Failure, Model, Options, Place, Report, Session, Sessions, TimeOptions, builtin_names, load};
use hawkeye_testing::{Unpacked, fixtures, in_parallel};

/// An architecture: its file in the corpus, and the sizes that the file leaves open.
struct Entry {
    name: &'static str,
    file: &'static str,
    dims: &'static [(&'static str, u64)],
}

const fn entry(name: &'static str, file: &'static str, dims: &'static [(&'static str, u64)]) -> Entry {
    Entry { name, file, dims }
}

const TEXT: &[(&str, u64)] = &[("batch", 1), ("seq", 128)];
const IMAGE: &[(&str, u64)] = &[("batch", 1)];

const ZOO: [Entry; 22] = [
    entry("LeNet-5", "lenet5.ts13", IMAGE),
    entry("MLP (MNIST)", "mlp_mnist.ts17", IMAGE),
    entry("AlexNet", "alexnet.ts13", IMAGE),
    entry("VGG-16 (CIFAR)", "vgg16_cifar.ts13", IMAGE),
    entry("VGG-16", "vgg16.ts13", IMAGE),
    entry("ResNet-18 (CIFAR)", "resnet18_cifar.ts13", IMAGE),
    entry("ResNet-32 (CIFAR)", "resnet32_cifar.ts13", IMAGE),
    entry("ResNet-18", "resnet18.ts17", IMAGE),
    entry("ResNet-50", "resnet50.ts13", IMAGE),
    entry("DenseNet-121", "densenet121.ts13", IMAGE),
    entry("Inception-V1", "light_inception_v1.caffe2", &[]),
    entry("SqueezeNet 1.1", "squeezenet1_1.ts13", IMAGE),
    entry("ShuffleNet-V2", "shufflenet_v2.ts13", IMAGE),
    entry("MobileNet-V2", "mobilenet_v2.ts13", IMAGE),
    entry("MobileNet-V3 small", "mobilenet_v3_small.ts17", IMAGE),
    entry("U-Net, 64 x 64", "unet.ts13", &[("batch", 1), ("h", 64), ("w", 64)]),
    entry("LSTM classifier, 128 tokens", "rnn_lstm.ts14", TEXT),
    entry("BERT tiny, 128 tokens", "bert_tiny.ts17", TEXT),
    entry("BERT base, 128 tokens", "bert_base.ts17", TEXT),
    entry("GPT-2, 128 tokens", "gpt2.ts17", TEXT),
    entry("LLaMA-like, 128 tokens", "llama_small.ts17", TEXT),
    entry("ViT-B/16", "vit_b_16.ts17", IMAGE),
];

/// The networks that seconds are predicted for.
const LINKS: [&str; 2] = ["lan-3g", "wan-400m"];

/// Frameworks whose preprocessing is followed batch by batch, for seconds where the network is large: `make zoo` alone
/// prices them.
const SLOW: [&str; 3] = ["mp-spdz-mascot", "mp-spdz-ps-rep-ring", "mp-spdz-spdz2k"];

/// A report, and seconds on each network. Without a profile of the machine, local work takes no time.
fn profile(session: &Session, model: &Model, entry: &Entry) -> Result<(Report, [String; 2]), Failure> {
    let mut options = Options::default();
    options.bindings.dims = entry.dims.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect();
    let timed = |network| {
        let network = Network::named(network).expect("it is a preset");
        let time = TimeOptions::on(network);
        let report = session.analyse(model, entry.file, &Options { time: Some(time), ..options.clone() })?;
        let time = report.time.as_ref().expect("a network was given");
        let seconds = format!("{}{:.2}", if time.machine == "none" { "> " } else { "" }, time.seconds);
        Ok::<_, Failure>((report, seconds))
    };
    let (report, lan) = timed(LINKS[0])?;
    let (_, wan) = timed(LINKS[1])?;
    Ok((report, [lan, wan]))
}

fn quantity(bytes: u64) -> String {
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    if mebibytes < 100.0 { format!("{mebibytes:.2}") } else { format!("{mebibytes:.0}") }
}

/// The operators of one kind that send most, with their part of what is sent online.
fn largest(report: &Report) -> String {
    let mut sums = BTreeMap::<&str, u64>::new();
    for operator in &report.operators {
        *sums.entry(&operator.op).or_default() += operator.phases.online.bytes;
    }
    let all = report.totals.online.bytes;
    sums.into_iter().max_by_key(|(_, bytes)| *bytes).filter(|(_, bytes)| *bytes > 0).map_or_else(
        || "-".to_owned(),
        |(op, bytes)| format!("{op} {:.0} %", 100.0 * bytes as f64 / all as f64),
    )
}

/// The operators that stand in the way, or the first cause.
fn cause(Failure(errors): &Failure) -> String {
    let operators: BTreeSet<&str> = errors
        .iter()
        .filter_map(|error| match &error.place {
            Place::Node { op, .. } => Some(op.as_str()),
            Place::Model | Place::Value(_) | Place::Option(_) | Place::File { .. } => None,
        })
        .collect();
    if operators.is_empty() {
        return errors.first().map(|error| error.message.clone()).unwrap_or_default();
    }
    operators.into_iter().collect::<Vec<_>>().join(", ")
}

fn row(framework: &str, profiled: Result<(Report, [String; 2]), Failure>) -> String {
    let (report, seconds) = match profiled {
        Ok(profiled) => profiled,
        Err(failure) => return format!("| {framework} | refused: {} | | | | | |\n", cause(&failure)),
    };
    let totals = &report.totals;
    let [lan, wan] = seconds;
    let (online, offline) = (quantity(totals.online.bytes), quantity(totals.offline.bytes));
    let (rounds, largest) = (totals.online.rounds, largest(&report));
    format!("| {framework} | {online} | {offline} | {rounds} | {lan} | {wan} | {largest} |\n")
}

fn section(entry: &Entry, path: &Path, frameworks: &[String], sessions: &Sessions) -> String {
    let model = load(path).expect(entry.file);
    let mut text = format!(
        "\n## {}\n\n| framework | online MiB | offline MiB | rounds | LAN, s | WAN, s | largest |\n\
         |---|--:|--:|--:|--:|--:|---|\n",
        entry.name
    );
    for framework in frameworks {
        let session = sessions.get(framework, &Options::default()).expect("it is built in");
        text.push_str(&row(framework, profile(&session, &model, entry)));
    }
    text
}

const INTRODUCTION: &str = "# What well-known networks cost

One inference of each, under every framework that HawkEye knows; `make zoo` writes this page. The models are exports
without their weights; inputs are secret, token indices too, and weights are known to whom the framework's convention
says. Bytes are those of all parties. Rounds are counted as each framework counts them, so they compare within a row's
framework, not between two. Seconds are predictions for `lan-3g` (3 Gbit/s, 0.3 ms there and back) and `wan-400m`
(400 Mbit/s, 40 ms), [TIME.md](TIME.md) has their measured errors; where the framework has no profile of a machine, they
are those of the network alone, `> ` before them. Phases that run beforehand don't count. The last column names the kind
of operator that sends most, with its share of the online bytes. Where a framework refuses a model, the operators that
stand in the way are named.
";

#[test]
fn the_zoo_is_up_to_date() {
    let bless = std::env::var_os("HAWKEYE_BLESS").is_some();
    let slow = |name: &str| SLOW.contains(&name);
    // The paper's formulas are not what a framework sends: docs/PAPER.md has those.
    let mut frameworks = builtin_names();
    frameworks.retain(|name| !name.starts_with("paper/") && (bless || !slow(name)));
    let corpus = Unpacked::new("corpus");
    let sessions = Sessions::default();
    let path = |entry: &Entry| corpus.path().join(format!("{}.onnx", entry.file));
    let sections = in_parallel(&ZOO, |entry| section(entry, &path(entry), &frameworks, &sessions));
    let wanted = format!("{INTRODUCTION}{}", sections.concat());
    let file = fixtures().join("../docs/ZOO.md");
    if bless {
        std::fs::write(&file, wanted).expect("it can be written");
        return;
    }
    let written = std::fs::read_to_string(&file).expect("it is there");
    let of_slow =
        |line: &&str| line.split(" | ").next().is_some_and(|cell| slow(cell.trim_start_matches("| ")));
    let written: Vec<&str> = written.lines().filter(|line| !of_slow(line)).collect();
    assert!(written == wanted.lines().collect::<Vec<_>>(), "docs/ZOO.md is out of date: run `make zoo`");
}
