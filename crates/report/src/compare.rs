//! Reports set side by side.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde::Serialize;

use crate::{FrameworkInfo, ModelInfo, Phases, Quantity, Report, RunInfo, Scalar};

/// Name and version of the comparison's schema.
pub const COMPARISON_SCHEMA: &str = "hawkeye-comparison/1";

/// Two or more reports side by side; every other one is measured against the first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// [`COMPARISON_SCHEMA`].
    pub schema: &'static str,
    /// What is compared.
    pub sides: Vec<Side>,
    /// Costs of the whole programs.
    pub totals: Columns,
    /// Operators, matched by name; they add up to the totals. The largest change comes first.
    pub operators: Vec<OperatorChange>,
}

/// One side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Side {
    /// In what it differs from the others, in short.
    pub label: String,
    /// The model.
    pub model: ModelInfo,
    /// The framework.
    pub framework: FrameworkInfo,
    /// What was profiled.
    pub run: RunInfo,
}

/// Costs of each side, and what each after the first costs more.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Columns {
    /// Costs of each side; null where a side does not have the operator.
    pub costs: Vec<Option<Phases>>,
    /// For each side after the first, what it costs more than the first.
    pub differences: Vec<PhaseDifferences>,
}

/// Differences by phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PhaseDifferences {
    /// Once per session.
    pub setup: Difference,
    /// Before the inputs are known.
    pub offline: Difference,
    /// On the inputs.
    pub online: Difference,
}

/// What is sent more (or less, if negative).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Payload bytes.
    pub bytes: i128,
    /// Messages.
    pub messages: i128,
    /// Rounds as the framework counts them.
    pub rounds: i128,
    /// Nanoseconds, where networks were given.
    #[serde(skip_serializing_if = "is_zero")]
    pub nanoseconds: i128,
}

fn is_zero(n: &i128) -> bool {
    *n == 0
}

/// An operator on all sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OperatorChange {
    /// The node's name.
    pub name: String,
    /// The operator.
    pub op: String,
    /// What became of it.
    pub change: Change,
    /// Its costs.
    #[serde(flatten)]
    pub columns: Columns,
}

/// What became of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// The first side does not have it.
    Added,
    /// Another side does not have it.
    Removed,
    /// It costs something else.
    Changed,
    /// It costs the same.
    Same,
}

impl Change {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::Changed, Self::Added, Self::Removed, Self::Same];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Same => "same",
        }
    }
}

impl Comparison {
    /// What the reports count.
    pub(crate) fn quantities(&self) -> &'static [Quantity] {
        let timed = |costs: &Phases| costs.each().iter().any(|cost| cost.seconds.is_some());
        let any = self.totals.costs.iter().flatten().any(timed);
        if any { &Quantity::WITH_TIME } else { &Quantity::ALL }
    }

    /// Whether anything costs more or less bytes, messages or rounds than on the first side.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.operators.iter().any(|operator| operator.change != Change::Same) || !self.totals.is_same()
    }
}

impl Columns {
    fn new(costs: Vec<Option<Phases>>) -> Self {
        let first = costs.first().copied().flatten().unwrap_or_default();
        let others = costs.iter().skip(1);
        let differences = others.map(|cost| PhaseDifferences::new(&first, &cost.unwrap_or_default()));
        Self { differences: differences.collect(), costs }
    }

    fn is_same(&self) -> bool {
        self.differences.iter().all(|difference| *difference == PhaseDifferences::default())
    }

    /// The largest change of a side, whatever its sign and phase.
    fn change(&self, quantity: Quantity) -> u128 {
        let of_side = |side: &PhaseDifferences| {
            side.each().into_iter().map(|difference| difference.get(quantity).unsigned_abs()).sum()
        };
        self.differences.iter().map(of_side).max().unwrap_or(0)
    }
}

impl PhaseDifferences {
    fn new(from: &Phases, to: &Phases) -> Self {
        let [setup, offline, online] = [0, 1, 2].map(|phase| {
            let of = |quantity: Quantity| {
                i128::from(quantity.of(to.each()[phase])) - i128::from(quantity.of(from.each()[phase]))
            };
            Difference {
                bytes: of(Quantity::Bytes),
                messages: of(Quantity::Messages),
                rounds: of(Quantity::Rounds),
                nanoseconds: of(Quantity::Seconds),
            }
        });
        Self { setup, offline, online }
    }

    /// The differences in the order of the phases.
    pub(crate) fn each(&self) -> [&Difference; 3] {
        [&self.setup, &self.offline, &self.online]
    }
}

impl Difference {
    /// Its part of a quantity.
    #[must_use]
    pub fn get(&self, quantity: Quantity) -> i128 {
        match quantity {
            Quantity::Bytes => self.bytes,
            Quantity::Messages => self.messages,
            Quantity::Rounds => self.rounds,
            Quantity::Seconds => self.nanoseconds,
        }
    }
}

/// Sets reports side by side. Operators are matched by name, those of equal names in their order,
/// and sorted by how much of a quantity they change.
#[must_use]
pub fn compare(reports: &[Report], sort: Quantity) -> Comparison {
    let labels = labels(reports);
    let side = |(report, label): (&Report, String)| Side {
        label,
        model: report.model.clone(),
        framework: report.framework.clone(),
        run: report.run.clone(),
    };
    let mut operators = operators(reports);
    operators.sort_by_key(|operator| std::cmp::Reverse(operator.columns.change(sort)));
    Comparison {
        schema: COMPARISON_SCHEMA,
        sides: reports.iter().zip(labels).map(side).collect(),
        totals: Columns::new(reports.iter().map(|report| Some(report.totals)).collect()),
        operators,
    }
}

/// An operator by its pass, its name and how many of that name come before it.
type Key<'a> = (&'a str, &'a str, usize);

/// An operator, and what it costs on each side that has it.
struct Matched {
    op: String,
    costs: Vec<Option<Phases>>,
}

/// The operators of all reports, in the order of the first one that has them.
fn operators(reports: &[Report]) -> Vec<OperatorChange> {
    let mut matched: IndexMap<Key<'_>, Matched> = IndexMap::new();
    for (side, report) in reports.iter().enumerate() {
        let mut seen: HashMap<(&str, &str), usize> = HashMap::new();
        for operator in &report.operators {
            let (pass, name) = (operator.pass.as_str(), operator.name.as_str());
            let occurrence = seen.entry((pass, name)).or_default();
            let key = (pass, name, *occurrence);
            *occurrence += 1;
            let nowhere = || Matched { op: operator.kind(), costs: vec![None; reports.len()] };
            matched.entry(key).or_insert_with(nowhere).costs[side] = Some(operator.phases);
        }
    }
    let change = |((_, name, _), Matched { op, costs }): (Key<'_>, Matched)| {
        let columns = Columns::new(costs);
        let change = match columns.costs.as_slice() {
            [None, ..] => Change::Added,
            costs if costs.iter().any(Option::is_none) => Change::Removed,
            _ if columns.is_same() => Change::Same,
            _ => Change::Changed,
        };
        OperatorChange { name: name.to_owned(), op, change, columns }
    };
    matched.into_iter().map(change).collect()
}

/// What tells the sides apart: the facts in which they differ.
fn labels(reports: &[Report]) -> Vec<String> {
    let facts: Vec<IndexMap<String, String>> = reports.iter().map(facts).collect();
    let differs = |key: &String| facts.iter().any(|other| other.get(key) != facts[0].get(key));
    let mut keys: Vec<&String> = Vec::new();
    for key in facts.iter().flat_map(IndexMap::keys) {
        if differs(key) && !keys.contains(&key) {
            keys.push(key);
        }
    }
    // Parameters belong to their framework: between two frameworks, names suffice.
    let frameworks = keys.iter().any(|key| *key == "framework");
    keys.retain(|key| !(frameworks && (key.starts_with("set ") || *key == "version")));
    if keys.iter().any(|key| *key == "model") {
        keys.retain(|key| *key != "content");
    }
    let label = |(position, facts): (usize, &IndexMap<String, String>)| {
        let part = |key: &String| {
            let value = facts.get(key)?;
            Some(match key.as_str() {
                "model" | "framework" => value.clone(),
                "content" => format!("sha256 {}", value.chars().take(8).collect::<String>()),
                key => format!("{}={value}", key.strip_prefix("set ").unwrap_or(key)),
            })
        };
        let parts: Vec<String> = keys.iter().filter_map(|key| part(key)).collect();
        if parts.is_empty() { format!("report {}", position + 1) } else { parts.join(", ") }
    };
    facts.iter().enumerate().map(label).collect()
}

fn facts(report: &Report) -> IndexMap<String, String> {
    let mut facts = IndexMap::from([
        ("model".to_owned(), report.model.file.clone()),
        ("content".to_owned(), report.model.sha256.clone()),
        ("framework".to_owned(), report.framework.name.clone()),
        ("version".to_owned(), report.framework.version.clone()),
        ("parties".to_owned(), report.framework.parties.to_string()),
        ("batch".to_owned(), report.run.batch.to_string()),
        ("weights".to_owned(), report.run.weights.clone()),
    ]);
    if let Some(time) = &report.time {
        facts.insert("network".to_owned(), time.network.clone());
        facts.insert("machine".to_owned(), time.machine.clone());
    }
    if let Some(training) = &report.run.training {
        facts.insert("loss".to_owned(), training.loss.clone());
        facts.insert("optimizer".to_owned(), training.optimizer.clone());
        facts.insert("first step".to_owned(), training.first_step.to_string());
        facts.insert("steps".to_owned(), training.steps.to_string());
    }
    facts.extend(report.run.dims.iter().map(|(name, size)| (name.clone(), size.to_string())));
    let value = |scalar: &Scalar| match scalar {
        Scalar::Bool(b) => b.to_string(),
        Scalar::Int(i) => i.to_string(),
        Scalar::Float(x) => x.to_string(),
        Scalar::Text(text) => text.clone(),
    };
    let parameters = &report.framework.parameters;
    facts.extend(parameters.iter().map(|(name, scalar)| (format!("set {name}"), value(scalar))));
    facts
}
