//! Models rewritten by all exact rules send what the real frameworks sent when they ran them.
#![allow(missing_docs, reason = "tests")]

mod common;

use common::{exact, fixtures, optimized};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Run {
    model: String,
    framework: String,
    bytes: u64,
    rounds: u64,
    /// Largest difference of an output from what ONNX Runtime computes from the original.
    error: f64,
    /// The largest output.
    largest: f64,
}

#[test]
fn rewritten_models_send_what_was_measured() {
    let folder = fixtures().join("optimized");
    let runs = std::fs::read_to_string(folder.join("measured.jsonl")).expect("it is there");
    let runs: Vec<Run> = runs.lines().map(|line| serde_json::from_str(line).expect("it is a run")).collect();
    for run in &runs {
        // CrypTen's own series for Erf is off by as much.
        assert!(run.error < 0.05 * run.largest, "{run:?}");
        let path = folder.join(format!("{}.onnx", run.model));
        let found = optimized(&path, &run.framework, exact(), false).after.expect("it runs");
        assert_eq!((found.bytes, found.rounds), (run.bytes, run.rounds), "{run:?}");
    }
    assert_eq!(runs.len(), 5);
}
