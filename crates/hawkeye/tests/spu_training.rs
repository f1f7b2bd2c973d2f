//! Training steps of SecretFlow-SPU 0.9.5: the reports equal what the running framework counts.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::spu::{TRAINING_RESIDUALS, training_traces};

#[test]
fn every_measured_step_is_reproduced() {
    let residuals: BTreeMap<_, _> = TRAINING_RESIDUALS.into_iter().collect();
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
        if residuals.contains_key(&*trace.name) && !differences.is_empty() {
            still.insert(&*trace.name);
            let of_totals = format!("{}: totals:", trace.name);
            problems.extend(differences.into_iter().filter(|d| d.starts_with(&of_totals)));
        } else {
            problems.extend(differences);
        }
    }
    println!("{} steps compared, {parts} parts of them by themselves", traces.len());
    let repaired = residuals.keys().filter(|name| !still.contains(**name));
    problems.extend(repaired.map(|name| format!("{name} is equal now: take it off the list")));
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}
