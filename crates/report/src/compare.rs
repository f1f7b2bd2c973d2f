//! Reports set side by side.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde::Serialize;

use crate::alike::alike;
use crate::label::labels;
use crate::render::cut;
use crate::{Axis, FrameworkInfo, ModelInfo, Operator, Phases, Quantity, Report, RunInfo};

/// Name and version of the comparison's schema.
pub const COMPARISON_SCHEMA: &str = "hawkeye-comparison/1";

/// Two or more reports side by side; every other one is measured against the first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// [`COMPARISON_SCHEMA`].
    pub schema: &'static str,
    /// What is compared.
    pub sides: Vec<Side>,
    /// Sides that have no report, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused>,
    /// Costs of the whole programs.
    pub totals: Columns,
    /// Whether operators are matched by `name`, or by `structure` where names of another exporter say
    /// nothing; then operators that send nothing are left out.
    pub matched_by: &'static str,
    /// Operators, or what else the rows are; they add up to the totals. The largest change comes first.
    pub operators: Vec<OperatorChange>,
}

/// A side that can't be profiled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The model and the framework.
    pub label: String,
    /// The first cause.
    pub message: String,
    /// How many causes there are.
    pub causes: usize,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
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
    pub(crate) fn new(costs: Vec<Option<Phases>>) -> Self {
        let first = costs.first().copied().flatten().unwrap_or_default();
        let others = costs.iter().skip(1);
        let differences = others.map(|cost| PhaseDifferences::new(&first, &cost.unwrap_or_default()));
        Self { differences: differences.collect(), costs }
    }

    fn is_same(&self) -> bool {
        self.differences.iter().all(|difference| *difference == PhaseDifferences::default())
    }

    /// The largest change of a side, whatever its sign and phase.
    pub(crate) fn change(&self, quantity: Quantity) -> u128 {
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

/// Sets reports side by side, cut into rows of an axis, modules and chains of calls to a depth. Rows are
/// matched by name, those of equal names in their order, and sorted by how much of a quantity they change.
#[must_use]
pub fn compare(reports: &[Report], axis: Axis, depth: usize, sort: Quantity) -> Comparison {
    let labels = labels(reports);
    let side = |(report, label): (&Report, String)| Side {
        label,
        model: report.model.clone(),
        framework: report.framework.clone(),
        run: report.run.clone(),
    };
    let (mut operators, matched_by) = match axis {
        Axis::Operator => operators(reports),
        axis => (rows(reports, axis, depth), "name"),
    };
    operators.sort_by_key(|operator| std::cmp::Reverse(operator.columns.change(sort)));
    Comparison {
        schema: COMPARISON_SCHEMA,
        sides: reports.iter().zip(labels).map(side).collect(),
        refused: Vec::new(),
        totals: Columns::new(reports.iter().map(|report| Some(report.totals)).collect()),
        matched_by,
        operators,
    }
}

/// What matches on all sides: a pass, a name, how many of that name come before it, and the side that
/// alone has it where names are not to be trusted.
type RowKey<'a> = (&'a str, &'a str, usize, usize);

/// An operator, and what it costs on each side that has it.
struct Matched {
    op: String,
    costs: Vec<Option<Phases>>,
}

/// The operators of all reports, in the order of the first one that has them.
fn operators(reports: &[Report]) -> (Vec<OperatorChange>, &'static str) {
    let keys: Vec<Vec<RowKey<'_>>> = reports.iter().map(keys).collect();
    let strange: Vec<bool> = (0..reports.len()).map(|side| strange(reports, &keys, side)).collect();
    let by_structure = strange.contains(&true);
    let mut matched: IndexMap<RowKey<'_>, Matched> = IndexMap::new();
    for (side, report) in reports.iter().enumerate() {
        let mut keys_here = keys[side].clone();
        if strange[side] {
            keys_here.iter_mut().for_each(|key| key.3 = side);
            let pairs = alike(&reports[0].operators, &report.operators).unwrap_or_default();
            pairs.into_iter().for_each(|(first, here)| keys_here[here] = keys[0][first]);
        }
        for (operator, key) in report.operators.iter().zip(keys_here) {
            if by_structure && !operator.sends() {
                continue;
            }
            let nowhere = || Matched { op: operator.kind(), costs: vec![None; reports.len()] };
            matched.entry(key).or_insert_with(nowhere).costs[side] = Some(operator.phases);
        }
    }
    let changes = matched.into_iter().map(|((_, name, ..), matched)| change(name.to_owned(), matched));
    (changes.collect(), if by_structure { "structure" } else { "name" })
}

fn keys(report: &Report) -> Vec<RowKey<'_>> {
    let mut seen: HashMap<(&str, &str), usize> = HashMap::new();
    let key = |operator| {
        let Operator { pass, name, .. }: &Operator = operator;
        let occurrence = seen.entry((pass, name)).or_default();
        *occurrence += 1;
        (pass.as_str(), name.as_str(), *occurrence, 0)
    };
    report.operators.iter().map(key).collect()
}

/// Whether less than half of the operators of a side that send something have a name of the first side's,
/// and the same operator with it.
fn strange(reports: &[Report], keys: &[Vec<RowKey<'_>>], side: usize) -> bool {
    let first: HashMap<&RowKey<'_>, &str> = keys[0]
        .iter()
        .zip(&reports[0].operators)
        .map(|(key, operator)| (key, operator.op.as_str()))
        .collect();
    let sending = keys[side].iter().zip(&reports[side].operators).filter(|(_, operator)| operator.sends());
    let (mut all, mut same) = (0, 0);
    for (key, operator) in sending {
        all += 1;
        same += usize::from(first.get(key) == Some(&operator.op.as_str()));
    }
    2 * same < all
}

/// Rows of another axis than operators, matched by name.
fn rows(reports: &[Report], axis: Axis, depth: usize) -> Vec<OperatorChange> {
    let mut matched: IndexMap<String, Matched> = IndexMap::new();
    for (side, report) in reports.iter().enumerate() {
        for row in cut(report, axis, depth) {
            let nowhere = || Matched { op: String::new(), costs: vec![None; reports.len()] };
            matched.entry(row.name).or_insert_with(nowhere).costs[side] = Some(row.cells.phases());
        }
    }
    matched.into_iter().map(|(name, matched)| change(name, matched)).collect()
}

fn change(name: String, Matched { op, costs }: Matched) -> OperatorChange {
    let columns = Columns::new(costs);
    let change = match columns.costs.as_slice() {
        [None, ..] => Change::Added,
        costs if costs.iter().any(Option::is_none) => Change::Removed,
        _ if columns.is_same() => Change::Same,
        _ => Change::Changed,
    };
    OperatorChange { name, op, change, columns }
}
