//! Measured runs of MP-SPDZ.

use hawkeye::Options;
use serde::Deserialize;

use crate::{fixtures, profile};

/// What each party sent and its rounds, preprocessing included.
pub type PerParty = Vec<(u64, u64)>;

/// A network, evaluated layer by layer.
#[derive(Debug, Deserialize)]
pub struct Network {
    pub name: String,
    pub framework: String,
    parties: u16,
    model: String,
    pub segments: Vec<(String, PerParty)>,
    /// Of the run, with what belongs to no layer.
    whole: PerParty,
}

/// The records of a file of the fixture.
pub fn lines<T: for<'a> Deserialize<'a>>(file: &str) -> Vec<T> {
    let text = std::fs::read_to_string(fixtures().join("mp-spdz").join(file)).expect("the fixture is there");
    text.lines().map(|line| serde_json::from_str(line).expect("a record per line")).collect()
}

/// All networks.
pub fn networks() -> Vec<Network> {
    lines("networks.jsonl")
}

/// Preprocessing by oblivious transfer takes more or fewer rounds from run to run.
pub fn has_fixed_rounds(framework: &str) -> bool {
    framework != "mp-spdz-semi2k"
}

/// What differs: all bytes, and rounds where they are fixed.
pub fn difference(framework: &str, measured: &PerParty, reported: &PerParty) -> Option<String> {
    let rounds = has_fixed_rounds(framework);
    let equal = measured.len() == reported.len()
        && measured.iter().zip(reported).all(|(m, r)| m.0 == r.0 && (!rounds || m.1 == r.1));
    (!equal).then(|| format!("measured {measured:?}, reported {reported:?}"))
}

impl Network {
    /// Every layer that differs, and the whole run if it does.
    pub fn differences(&self) -> Vec<String> {
        let options = Options { parties: Some(self.parties), ..Options::default() };
        let model = fixtures().join("mp-spdz/models").join(&self.model);
        let report = profile(&model, &self.framework, &options).expect("it can be profiled");
        let has_layer = |op: &str| !["Flatten", "Setup"].contains(&op);
        let operators: Vec<_> = report.operators.iter().filter(|o| has_layer(&o.op)).collect();
        assert_eq!(operators.len(), self.segments.len(), "{}", self.name);
        let layers = operators.iter().zip(&self.segments).filter_map(|(operator, (label, measured))| {
            let counter = |name: &str, party: u16| operator.counters[&format!("{name}_{party}")];
            let reported = (0..self.parties).map(|p| (counter("sent", p), counter("rounds", p))).collect();
            difference(&self.framework, measured, &reported)
                .map(|found| format!("{}: {label}: {found}", self.name))
        });
        let counter = |name: &str, party: u16| report.counters[&format!("{name}_{party}")];
        let reported = (0..self.parties).map(|p| (counter("sent", p), counter("rounds", p))).collect();
        let whole = difference(&self.framework, &self.whole, &reported);
        layers.chain(whole.map(|found| format!("{}: {found}", self.name))).collect()
    }
}
