//! Measured runs of CrypTen 0.4.1.

use std::collections::BTreeMap;

use hawkeye::{Failure, Options, Report, Visibility};
use serde::Deserialize;

use crate::{fixtures, profile};

/// A measured run. Costs are `[rounds, bytes, provider rounds, provider bytes]` as CrypTen's
/// communicator of party 0 counts them, the provider's part included in the first two.
#[derive(Debug, Deserialize)]
pub struct Trace {
    pub name: String,
    pub model: String,
    pub source: String,
    parties: u16,
    provider: String,
    weights: String,
    settings: BTreeMap<String, serde_json::Value>,
    pub totals: [u64; 4],
    /// Output name of each node with its costs.
    ops: Vec<(String, u64, u64, u64, u64)>,
    #[serde(default)]
    plain_inputs: Vec<String>,
}

/// Runs that are known to differ, with the cause.
pub const RESIDUALS: [(&str, &str); 3] = [
    (
        "p_equal_bcast",
        "CrypTen takes tensors of different shapes as different, without a protocol; we price the comparison",
    ),
    (
        "p_gather_noaxis",
        "a Gather without axis indexes the flattened tensor in CrypTen; shapes follow ONNX (and a warning says so)",
    ),
    (
        "p_graph_dead_after",
        "CrypTen stops at the output and never runs a dead node behind it; we price every node",
    ),
];

/// All traces.
pub fn traces() -> Vec<Trace> {
    let text =
        std::fs::read_to_string(fixtures().join("crypten/traces.jsonl")).expect("the fixture is there");
    text.lines().map(|line| serde_json::from_str(line).expect("a trace per line")).collect()
}

/// Names of the project's reference traces of a phase that have an ONNX model; those of modules written in
/// CrypTen have none to profile.
pub fn references(phase: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Reference {
        name: String,
        phase: String,
        model: bool,
    }
    let text =
        std::fs::read_to_string(fixtures().join("crypten/reference.jsonl")).expect("the fixture is there");
    let all = text.lines().map(|line| serde_json::from_str::<Reference>(line).expect("a trace per line"));
    let names: Vec<String> =
        all.filter(|trace| trace.phase == phase && trace.model).map(|trace| trace.name).collect();
    assert!(!names.is_empty(), "no reference trace is of {phase}");
    names
}

impl Trace {
    /// Whether the operators were measured by themselves, too.
    pub fn by_operator(&self) -> bool {
        !self.ops.is_empty()
    }

    /// Profiles the traced model under the trace's settings.
    pub fn profile(&self) -> Result<Report, Failure> {
        self.profile_to(1)
    }

    /// The same with a call tree of that depth.
    pub fn profile_to(&self, depth: usize) -> Result<Report, Failure> {
        let mut options = Options { parties: Some(self.parties), depth, ..Options::default() };
        options.settings.insert("provider".to_owned(), self.provider.clone());
        options.settings.extend(self.settings.iter().map(|(name, value)| setting(name, value)));
        if self.weights == "public" {
            options.weights = Some(Visibility::Public);
        }
        options.visibility.extend(self.plain_inputs.iter().map(|name| (name.clone(), Visibility::Public)));
        profile(&fixtures().join("crypten/models").join(&self.model), "crypten", &options)
    }

    /// Every difference between the trace and the report.
    pub fn differences(&self, report: &Report) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |what: &str, measured: [u64; 4], reported: [u64; 4]| {
            if measured != reported {
                found.push(format!("{}: {what}: measured {measured:?}, reported {reported:?}", self.name));
            }
        };
        compare("totals", self.totals, counters(&report.counters));
        for (name, rounds, bytes, provider_rounds, provider_bytes) in &self.ops {
            let operator =
                report.operators.iter().find(|o| o.outputs.iter().any(|output| output.name == *name));
            let reported = operator.map_or([u64::MAX; 4], |o| counters(&o.counters));
            compare(name, [*rounds, *bytes, *provider_rounds, *provider_bytes], reported);
        }
        found
    }
}

/// A setting of CrypTen as a parameter of the framework.
pub fn setting(name: &str, value: &serde_json::Value) -> (String, String) {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    // CrypTen takes a number here, on whose value no cost depends.
    let text = if name == "reciprocal_initial" { "number".to_owned() } else { text };
    (name.to_owned(), text)
}

/// `[rounds, bytes, provider rounds, provider bytes]`.
pub fn counters(counters: &indexmap::IndexMap<String, u64>) -> [u64; 4] {
    ["rounds", "bytes", "provider_rounds", "provider_bytes"].map(|name| counters[name])
}
