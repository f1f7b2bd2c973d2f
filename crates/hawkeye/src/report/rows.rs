//! The report's operators: operations that stand for the same node of the file in the same pass.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;
use hawkeye_cost::Overflow;
use hawkeye_grad::Pass;
use hawkeye_graph::{Shapes, ValueId};
use hawkeye_lower::{Operation, OperationKind};
use hawkeye_report::{Operator, OutputInfo};

use super::counters::Counters;
use super::label::{Label, Labels};
use super::overlap::{Timed, counted};
use super::placed::{Priced, placed};
use super::timing::{Timing, spent_info};
use super::tree::{Seen, phases};

/// What the operations of a program come to.
#[derive(Default)]
pub(crate) struct Sums {
    pub(crate) total: Seen,
    pub(crate) passes: BTreeMap<Pass, Seen>,
    pub(crate) rows: OperatorRows,
    /// The row of each operation.
    pub(crate) positions: Vec<usize>,
    /// What operations take, if there is a clock.
    pub(crate) timed: Vec<Timed>,
}

impl Sums {
    /// Adds the operations of a program.
    ///
    /// # Errors
    /// [`Overflow`].
    pub(crate) fn of(priced: Priced<'_, '_>, labels: &Labels<'_>) -> Result<Self, Overflow> {
        let Priced { program, costs, timing } = priced;
        let mut sums = Self::default();
        for placed in placed(priced) {
            let operation = placed.operation;
            let label = labels.of(operation.kind);
            if let (Some(timing), Some(call)) = (timing, placed.call) {
                sums.timed.push(Timed {
                    kind: operation.kind,
                    name: label.name.clone(),
                    op: label.op.clone(),
                    call,
                    spent: timing.counted(&placed.seen.cost, &placed.seen.spent),
                    ahead: counted(&program.calls, costs.value(call), timing.pipelining()),
                });
            }
            sums.total.add(&placed.seen)?;
            sums.passes.entry(label.pass).or_default().add(&placed.seen)?;
            sums.positions.push(sums.rows.add(label, operation, placed.seen)?);
        }
        Ok(sums)
    }
}

struct OperatorRow {
    label: Label,
    /// The first of its operations.
    kind: OperationKind,
    seen: Seen,
    evidence: BTreeSet<String>,
}

impl OperatorRow {
    fn finish(
        self,
        index: usize,
        labels: &Labels<'_>,
        shapes: &Shapes,
        counters: &Counters<'_>,
        timing: Option<&Timing>,
    ) -> Result<Operator, Overflow> {
        let Self { label, kind, seen, evidence } = self;
        let evidence: Vec<String> = evidence.into_iter().collect();
        let spent = timing.map(|timing| timing.counted(&seen.cost, &seen.spent));
        let output =
            |(name, id): (String, ValueId)| OutputInfo { name, shape: shapes.facts[id].dims.clone() };
        Ok(Operator {
            index,
            node: label.node,
            name: label.name,
            op: label.op,
            scope: label.scope,
            pass: label.pass.name().to_owned(),
            of: label.of,
            outputs: labels.outputs(kind).into_iter().map(output).collect(),
            phases: phases(&seen, timing)?,
            seconds: spent.map(|spent| spent.seconds()),
            time: spent.map(spent_info),
            counters: counters.of(&seen.cost)?,
            evidence: (!evidence.is_empty()).then(|| evidence.join(", ")),
        })
    }
}

/// Rows in order of first appearance.
#[derive(Default)]
pub(crate) struct OperatorRows {
    list: Vec<OperatorRow>,
    /// By pass, node of the file, and for what belongs to none of them its name.
    positions: HashMap<(Pass, Option<usize>, String), usize>,
}

impl OperatorRows {
    /// Adds an operation to its row; returns the position of that.
    fn add(&mut self, label: Label, operation: &Operation, seen: Seen) -> Result<usize, Overflow> {
        let name = if label.node.is_some() { String::new() } else { label.name.clone() };
        let next = self.list.len();
        let position = *self.positions.entry((label.pass, label.node, name)).or_insert(next);
        let defined = label.defined.then(|| "defined".to_owned());
        let evidence = operation.evidence.iter().cloned().chain(defined);
        match self.list.get_mut(position) {
            Some(row) => {
                row.seen.add(&seen)?;
                row.evidence.extend(evidence);
            }
            None => {
                let evidence = evidence.collect();
                self.list.push(OperatorRow { label, kind: operation.kind, seen, evidence });
            }
        }
        Ok(position)
    }

    /// The operators.
    ///
    /// # Errors
    /// [`Overflow`].
    pub(crate) fn finish(
        self,
        labels: &Labels<'_>,
        shapes: &Shapes,
        counters: &Counters<'_>,
        timing: Option<&Timing>,
    ) -> Result<Vec<Operator>, Overflow> {
        // Of a model of a hundred thousand nodes a list that grows is copied at the worst moment.
        let mut operators = Vec::with_capacity(self.list.len());
        for (index, row) in self.list.into_iter().enumerate() {
            operators.push(row.finish(index, labels, shapes, counters, timing)?);
        }
        Ok(operators)
    }
}
