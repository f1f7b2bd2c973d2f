//! Measured runs of Delphi.

use std::collections::BTreeMap;

use hawkeye::{Failure, Options, Report};
use hawkeye_report::Operator;
use serde::Deserialize;

use crate::{fixtures, profile};

/// A measured run. Bytes are from the client to the server, then from the server to the client;
/// offline first. What a run did not log is null.
#[derive(Debug, Deserialize)]
pub struct Trace {
    pub name: String,
    model: String,
    pub totals: [Option<u64>; 4],
    /// Sequential flights offline and online, keys included in the former.
    pub flights: Option<[u64; 2]>,
    /// Name of each node with its costs.
    ops: Vec<(String, [Option<u64>; 4])>,
    /// Offline bytes of what serves the whole network.
    groups: BTreeMap<String, [u64; 2]>,
}

/// All traces.
pub fn traces() -> Vec<Trace> {
    let text = std::fs::read_to_string(fixtures().join("delphi/traces.jsonl")).expect("the fixture is there");
    text.lines().map(|line| serde_json::from_str(line).expect("a trace per line")).collect()
}

impl Trace {
    /// Whether the operators were measured by themselves, too.
    pub fn by_operator(&self) -> bool {
        !self.ops.is_empty()
    }

    /// Profiles the traced model.
    pub fn profile(&self) -> Result<Report, Failure> {
        self.profile_to(1)
    }

    /// The same with a call tree of that depth.
    pub fn profile_to(&self, depth: usize) -> Result<Report, Failure> {
        let options = Options { depth, ..Options::default() };
        profile(&fixtures().join("delphi/models").join(&self.model), "delphi", &options)
    }

    /// Every difference between the trace and the report.
    pub fn differences(&self, report: &Report) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |what: &str, measured: &[Option<u64>], reported: &[u64]| {
            if measured.iter().zip(reported).any(|(m, r)| m.is_some_and(|m| m != *r)) {
                found.push(format!("{}: {what}: measured {measured:?}, reported {reported:?}", self.name));
            }
        };
        compare("totals", &self.totals, &counters(&report.counters));
        for (name, measured) in &self.ops {
            let operator = report.operators.iter().find(|o| o.name == *name);
            let reported = operator.map_or([u64::MAX; 4], |o| counters(&o.counters));
            compare(name, measured, &reported);
        }
        for (name, measured) in &self.groups {
            let members = |o: &&Operator| match name.as_str() {
                "keys" => o.op == "Setup",
                "relu_all_offline" => o.op == "Relu" || o.op == "Clip",
                _ => o.op == "Mul",
            };
            let sum = |counter: &str| {
                report.operators.iter().filter(members).map(|o| o.counters[counter]).sum::<u64>()
            };
            compare(name, &measured.map(Some), &[sum("offline_c2s"), sum("offline_s2c")]);
        }
        if let Some([offline, online]) = self.flights {
            // The keys and the first layer's ciphertexts go in one flight, which the phases split.
            let reported = [
                report.totals.setup.flights + report.totals.offline.flights - 1,
                report.totals.online.flights,
            ];
            compare("flights", &[Some(offline), Some(online)], &reported);
        }
        found
    }
}

fn counters(counters: &indexmap::IndexMap<String, u64>) -> [u64; 4] {
    ["offline_c2s", "offline_s2c", "online_c2s", "online_s2c"].map(|name| counters[name])
}
