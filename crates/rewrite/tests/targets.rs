//! Whole exports get as cheap as rewriting them by hand made them.
#![allow(missing_docs, reason = "tests")]

mod common;

use common::{exact, fixtures, optimized};

/// The share of the bytes that is left, in thousandths.
fn left(model: &str, framework: &str) -> u64 {
    let rewritten = optimized(&fixtures().join("models").join(model), framework, exact(), false);
    let (before, after) = (rewritten.before.expect("it runs"), rewritten.after.expect("it runs"));
    // What the steps saved adds up to the difference of the two reports.
    let saved: i128 = rewritten
        .applied
        .iter()
        .map(|step| i128::from(step.before.expect("it ran").bytes) - i128::from(step.after.bytes))
        .sum();
    assert_eq!(saved, i128::from(before.bytes) - i128::from(after.bytes));
    after.bytes * 1000 / before.bytes
}

#[test]
fn maxima_under_crypten_are_trees_of_relus() {
    for (model, most) in [("lenet5.onnx", 303), ("resnet18.onnx", 396), ("alexnet.onnx", 556)] {
        let left = left(model, "crypten");
        assert!(left <= most, "{model}: {left}");
    }
}

#[test]
fn lenet5_under_crypten_costs_what_was_measured() {
    let path = fixtures().join("models/lenet5.onnx");
    let rewritten = optimized(&path, "crypten", exact(), false);
    let after = rewritten.after.expect("it runs");
    // crypten 0.4.1 ran the rewritten LeNet-5 with 4,044,256 bytes and 77 rounds.
    assert!(after.bytes <= 4_044_256 && after.rounds <= 77, "{after:?}");
}
