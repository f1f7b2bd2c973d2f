//! Measured training steps of CrypTen 0.4.1.

use std::collections::BTreeMap;

use hawkeye::{Failure, Options, Report, Steps, TrainingOptions};
use serde::Deserialize;

use crate::crypten::{counters, setting};
use crate::{fixtures, profile};

/// Costs as `[rounds, bytes, provider rounds, provider bytes]`, as CrypTen's communicator of party 0
/// counts them, the provider's part included in the first two.
pub type Counted = [u64; 4];

/// A measured training step.
#[derive(Debug, Deserialize)]
pub struct Trace {
    pub name: String,
    /// Model file, below `crypten/`.
    model: String,
    pub source: String,
    parties: u16,
    provider: String,
    loss: String,
    optimizer: String,
    step: u64,
    settings: BTreeMap<String, serde_json::Value>,
    /// The error that CrypTen stopped with.
    #[serde(default)]
    pub refused: Option<String>,
    #[serde(default)]
    pub totals: Counted,
    /// Elements of the parameters that had a gradient after the step.
    #[serde(default)]
    trained: Option<u64>,
    /// Pass, forward node by the name of its first output, costs. What costs nothing is left out.
    #[serde(default)]
    ops: Vec<(String, String, u64, u64, u64, u64)>,
}

/// Steps that are known to differ, with the cause.
pub const RESIDUALS: [(&str, &str); 3] = [
    (
        "t_gather_noaxis",
        "a Gather without axis indexes the flattened tensor in CrypTen; shapes follow ONNX (and a warning says so)",
    ),
    ("pool_avg_ceil_o13_b2_mse_p2_step1", CEILED),
    ("pool_avg_ceil_o13_b2_mse_p2_step2", CEILED),
];

const CEILED: &str = "CrypTen refuses ceil_mode of average pooling, but ignores it where a gradient is needed; \
                      shapes follow ONNX (and a warning says so)";

/// All steps.
pub fn traces() -> Vec<Trace> {
    let path = fixtures().join("crypten/training/traces.jsonl");
    let text = std::fs::read_to_string(path).expect("the fixture is there");
    text.lines().map(|line| serde_json::from_str(line).expect("a trace per line")).collect()
}

impl Trace {
    /// Whether the operators were measured by themselves, too.
    pub fn by_operator(&self) -> bool {
        !self.ops.is_empty()
    }

    /// Profiles the measured step.
    pub fn profile(&self) -> Result<Report, Failure> {
        let training = TrainingOptions {
            loss: self.loss.parse().expect("a loss"),
            optimizer: self.optimizer.parse().expect("an optimizer"),
            steps: Steps::Only(self.step),
            ..TrainingOptions::default()
        };
        let mut options =
            Options { parties: Some(self.parties), depth: 1, training: Some(training), ..Options::default() };
        options.settings.insert("provider".to_owned(), self.provider.clone());
        options.settings.extend(self.settings.iter().map(|(name, value)| setting(name, value)));
        profile(&fixtures().join("crypten").join(&self.model), "crypten", &options)
    }

    /// Every difference between the measurement and the report: in total, per pass, and per forward
    /// node and pass.
    pub fn differences(&self, report: &Report) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |what: &str, measured: Counted, reported: Counted| {
            if measured != reported {
                found.push(format!("{}: {what}: measured {measured:?}, reported {reported:?}", self.name));
            }
        };
        compare("totals", self.totals, counters(&report.counters));
        if self.ops.is_empty() {
            // Totals alone were recorded.
            return found;
        }
        let (measured, reported) = (self.measured(), reported(report));
        let places: std::collections::BTreeSet<_> = measured.keys().chain(reported.keys()).collect();
        let at = |sums: &Sums, place: &(String, String)| sums.get(place).copied().unwrap_or_default();
        for place in places {
            compare(&format!("{} of {}", place.0, place.1), at(&measured, place), at(&reported, place));
        }
        for pass in ["forward", "loss", "backward", "optimizer"] {
            let stated = report.passes.get(pass).map(|costs| counters(&costs.counters));
            compare(pass, of_pass(&measured, pass), stated.unwrap_or_default());
        }
        let trained = report.run.training.as_ref().map(|training| training.trained);
        if self.trained.is_some() && self.trained != trained {
            found.push(format!("{}: trained: measured {:?}, reported {trained:?}", self.name, self.trained));
        }
        found
    }

    fn measured(&self) -> Sums {
        let op = |op: &(String, String, u64, u64, u64, u64)| {
            ((op.0.clone(), op.1.clone()), [op.2, op.3, op.4, op.5])
        };
        self.ops.iter().map(op).collect()
    }
}

/// Costs by pass and forward node.
type Sums = BTreeMap<(String, String), Counted>;

/// The report's operators, summed alike: a node goes by its first output, loss and optimizer by
/// their pass.
fn reported(report: &Report) -> Sums {
    let forward: BTreeMap<&str, &str> = report
        .operators
        .iter()
        .filter(|o| o.pass == "forward")
        .filter_map(|o| Some((o.name.as_str(), o.outputs.first()?.name.as_str())))
        .collect();
    let mut sums = Sums::new();
    for operator in &report.operators {
        let of = operator.of.as_deref().unwrap_or(&operator.name);
        let node = match operator.pass.as_str() {
            "optimizer" => "(optimizer)",
            "loss" => "(loss)",
            _ => forward.get(of).copied().unwrap_or(of),
        };
        let costs = counters(&operator.counters);
        let sum = sums.entry((operator.pass.clone(), node.to_owned())).or_default();
        for (sum, cost) in sum.iter_mut().zip(costs) {
            *sum += cost;
        }
    }
    sums
}

/// The sum of one pass.
fn of_pass(sums: &Sums, pass: &str) -> Counted {
    let mut total = Counted::default();
    for ((at, _), costs) in sums {
        if at == pass {
            for (sum, cost) in total.iter_mut().zip(costs) {
                *sum += cost;
            }
        }
    }
    total
}
