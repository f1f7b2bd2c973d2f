//! Training steps of SecretFlow-SPU 0.9.5: the reports equal what the running framework counts.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::spu::{TRAINING_RESIDUALS, training_traces};
use common::{fixtures, profile};
use hawkeye::{Options, TrainingOptions};

#[test]
fn every_measured_step_is_reproduced() {
    let residuals: BTreeMap<_, _> =
        TRAINING_RESIDUALS.iter().flat_map(|r| r.traces.iter().map(move |name| (*name, r))).collect();
    let mut still = BTreeSet::new();
    let mut problems = Vec::new();
    let mut parts = 0;
    let traces = training_traces();
    for trace in &traces {
        let report = match trace.profile() {
            Ok(report) => report,
            Err(failure) => {
                problems.push(format!("{}: {failure}", trace.name));
                continue;
            }
        };
        parts += trace.parts();
        let differences = trace.differences(&report);
        match residuals.get(&*trace.name) {
            _ if differences.is_empty() => {}
            Some(residual) => {
                still.insert(&*trace.name);
                let of_totals =
                    differences.into_iter().filter(|d| d.starts_with(&format!("{}: totals:", trace.name)));
                problems.extend(of_totals.filter(|_| residual.in_total));
            }
            None => problems.extend(differences),
        }
    }
    println!("{} steps compared, {parts} parts of them by themselves", traces.len());
    let repaired = residuals.keys().filter(|name| !still.contains(**name));
    problems.extend(repaired.map(|name| format!("{name} is equal now: take it off the list")));
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// What the running framework can't do, it is not priced for: each was tried.
#[test]
fn what_fails_under_spu_is_refused() {
    let refusals = [
        ("c_mpodd_b2.onnx", "select_and_scatter.cc:92"),
        ("c_dw_b1.onnx", "SPU 0.9.5 can't train a grouped convolution"),
    ];
    for (model, reason) in refusals {
        let options = Options { training: Some(TrainingOptions::default()), ..Options::default() };
        let failure = profile(&fixtures().join("spu/training/models").join(model), "spu-semi2k", &options)
            .expect_err("it can't be trained");
        assert!(failure.to_string().contains(reason), "{model}: {failure}");
    }
}
