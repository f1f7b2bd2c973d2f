//! The file format of speedscope (<https://www.speedscope.app/file-format-schema.json>).

use indexmap::IndexSet;
use serde::Serialize;

use super::stacks::stacks;
use crate::{PHASES, Quantity, Report};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct File<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    name: String,
    exporter: &'static str,
    shared: Shared<'a>,
    profiles: Vec<Profile>,
}

#[derive(Serialize)]
struct Shared<'a> {
    frames: Vec<Frame<'a>>,
}

#[derive(Serialize)]
struct Frame<'a> {
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    unit: &'static str,
    start_value: u128,
    end_value: u128,
    samples: Vec<Vec<usize>>,
    weights: Vec<u128>,
}

/// One profile per phase that has any of the weight, its stacks in execution order.
#[must_use]
pub fn speedscope(report: &Report, weight: Quantity) -> String {
    let stacks = stacks(report);
    let mut frames = IndexSet::new();
    let mut profiles = Vec::new();
    for (phase, name) in PHASES.iter().enumerate() {
        let mut profile = Profile {
            kind: "sampled",
            name: format!("{name} {}", weight.name()),
            unit: match weight {
                Quantity::Bytes => "bytes",
                Quantity::Seconds => "nanoseconds",
                Quantity::Messages | Quantity::Rounds => "none",
            },
            start_value: 0,
            end_value: 0,
            samples: Vec::new(),
            weights: Vec::new(),
        };
        for stack in &stacks {
            let amount = stack.cells.get(phase, weight);
            if amount > 0 {
                profile.samples.push(stack.frames.iter().map(|frame| frames.insert_full(*frame).0).collect());
                profile.weights.push(amount);
                profile.end_value += amount;
            }
        }
        if profile.end_value > 0 {
            profiles.push(profile);
        }
    }
    let file = File {
        schema: "https://www.speedscope.app/file-format-schema.json",
        name: format!("{} under {}", report.model.file, report.framework.name),
        exporter: "hawkeye",
        shared: Shared { frames: frames.into_iter().map(|name| Frame { name }).collect() },
        profiles,
    };
    serde_json::to_string(&file).expect("strings and numbers serialize") + "\n"
}
