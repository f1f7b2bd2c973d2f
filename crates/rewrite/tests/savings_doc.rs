//! The table of savings in docs/OPTIMIZE.md is as computed; `make docs` writes it.
#![allow(missing_docs, reason = "tests")]

mod common;

use std::fmt::Write;
use std::path::Path;

use common::{Priced, exact};
use hawkeye_report::render::grouped;
use hawkeye_testing::Unpacked;

const MODELS: [(&str, &str); 10] = [
    ("LeNet-5", "lenet5.ts13"),
    ("AlexNet", "alexnet.ts13"),
    ("SqueezeNet 1.1", "squeezenet1_1.ts13"),
    ("VGG-16 (CIFAR)", "vgg16_cifar.ts13"),
    ("ResNet-18", "resnet18.ts17"),
    ("ResNet-50", "resnet50.ts13"),
    ("MobileNet-V2", "mobilenet_v2.ts13"),
    ("BERT-base", "bert_base.ts17"),
    ("ViT-B/16", "vit_b_16.ts17"),
    ("DenseNet-121", "densenet121.ts13"),
];
const FRAMEWORKS: [&str; 5] = ["crypten", "spu-semi2k", "spu-aby3", "cheetah", "cryptflow2"];

fn table() -> String {
    let corpus = Unpacked::new("corpus");
    let mut text = "| model | framework | bytes before | after | | rounds | rules |\n|---|---|---|---|---|---|---|\n".to_owned();
    for (name, file) in MODELS {
        for framework in FRAMEWORKS {
            let path = corpus.path().join(format!("{file}.onnx"));
            let Some(found) = Priced::new(framework).try_optimized(&path, exact(), false) else { continue };
            let (Some(before), Some(after)) = (found.before, found.after) else { continue };
            let mut rules: Vec<&str> = found.applied.iter().map(|step| step.rule.name).collect();
            rules.dedup();
            writeln!(
                text,
                "| {name} | {framework} | {} | {} | {:+.1} % | {} → {} | {} |",
                grouped(before.bytes.into()),
                grouped(after.bytes.into()),
                (after.bytes as f64 / before.bytes as f64 - 1.0) * 100.0,
                before.rounds,
                after.rounds,
                rules.join(", ")
            )
            .expect("it can be written");
        }
    }
    text
}

#[test]
#[ignore = "searches for fifty whole networks, which takes minutes"]
fn the_table_of_savings_is_as_computed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/OPTIMIZE.md");
    let text = std::fs::read_to_string(&path).expect("the document is there");
    let (begin, end) = ("<!-- savings: written by `make docs` -->\n", "<!-- end of savings -->");
    let (before, rest) = text.split_once(begin).expect("it has the table's place");
    let (_, after) = rest.split_once(end).expect("the table ends");
    let written = format!("{before}{begin}\n{}\n{end}{after}", table());
    if std::env::var_os("HAWKEYE_BLESS").is_some() {
        std::fs::write(&path, &written).expect("it can be written");
    }
    assert!(written == text || std::env::var_os("HAWKEYE_BLESS").is_some(), "run make docs");
}
