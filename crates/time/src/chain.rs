//! What an operator does, as a chain of steps: local work, then messages.

use std::collections::HashSet;

use hawkeye_cost::{CallId, Calls, Fold, Item, Phase, Share, Symbol};

use crate::{Clock, Spent, TooLong};

/// Steps that a chain may have, after equal ones are expanded.
const MOST_STEPS: usize = 2_000_000;

/// Local work, then the messages that need its result; in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Task {
    /// Work that takes as long on a part of the tensor as on the whole.
    pub fixed: f64,
    /// Work in proportion to the tensor.
    pub work: f64,
    /// Until the first byte arrives.
    pub latency: f64,
    /// From the first byte to the last.
    pub transfer: f64,
}

impl Task {
    /// Seconds, if nothing else happens meanwhile.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.fixed + self.work + self.latency + self.transfer
    }

    /// The same step for one of `slices` equal parts of the tensor.
    #[must_use]
    pub fn slice(&self, slices: f64) -> Self {
        Self { work: self.work / slices, transfer: self.transfer / slices, ..*self }
    }
}

/// Which of a program's items a chain has.
pub struct ChainSelection<'a> {
    /// Phases that run in line.
    pub phases: &'a dyn Fn(Phase) -> bool,
    /// Kinds of work that take as long on a part of a tensor.
    pub fixed: &'a HashSet<Symbol>,
}

/// The chain of a call, whose latency and transfer add up to what the report says of it (`total`): flights
/// that go on from one step to the next, and networks with a memory, make a step shorter than it is by itself.
///
/// # Errors
/// [`TooLong`].
pub fn chain(
    calls: &Calls<Share>,
    call: CallId,
    clock: &Fold<Clock>,
    selection: &ChainSelection<'_>,
    total: &Spent,
) -> Result<Vec<Task>, TooLong> {
    let mut walk = ChainWalk { calls, clock, selection, tasks: Vec::new(), open: Task::default() };
    walk.call(call)?;
    let ChainWalk { mut tasks, open, .. } = walk;
    if open != Task::default() {
        tasks.push(open);
    }
    let sum = |part: fn(&Task) -> f64| tasks.iter().map(part).sum::<f64>();
    let factor = |of: f64, sum: f64| if sum > 0.0 { of / sum } else { 1.0 };
    let latency = factor(total.latency + total.wait, sum(|task| task.latency));
    let transfer = factor(total.transfer, sum(|task| task.transfer));
    for task in &mut tasks {
        task.latency *= latency;
        task.transfer *= transfer;
    }
    Ok(tasks)
}

struct ChainWalk<'a> {
    calls: &'a Calls<Share>,
    clock: &'a Fold<Clock>,
    selection: &'a ChainSelection<'a>,
    tasks: Vec<Task>,
    open: Task,
}

impl ChainWalk<'_> {
    fn call(&mut self, call: CallId) -> Result<(), TooLong> {
        let calls = self.calls;
        for item in &calls.call(call).items {
            match item {
                Item::Step(step) => {
                    if (self.selection.phases)(step.phase) {
                        let clock = self.clock.algebra();
                        let spent = clock.of_step(step);
                        self.open.work += spent.work;
                        self.sent(spent.latency + spent.wait + clock.flights(step), spent.transfer)?;
                    }
                }
                Item::Work { phase, kind, amount } => {
                    if (self.selection.phases)(*phase) {
                        let seconds = self.clock.algebra().of_work(*kind, *amount);
                        let fixed = self.selection.fixed.contains(kind);
                        *(if fixed { &mut self.open.fixed } else { &mut self.open.work }) += seconds;
                    }
                }
                Item::Count { .. } => {}
                Item::Call { call, times } => {
                    for _ in 0..*times {
                        self.call(*call)?;
                    }
                }
                Item::Parallel(sides) => {
                    for side in sides {
                        self.call(*side)?;
                    }
                }
                Item::Own(_) => {
                    let value = self.clock.item(item).unwrap_or_else(|never| match never {});
                    for phase in Phase::ALL.into_iter().filter(|phase| (self.selection.phases)(*phase)) {
                        self.open.work += value[phase].work;
                        self.sent(value[phase].latency + value[phase].wait, value[phase].transfer)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn sent(&mut self, latency: f64, transfer: f64) -> Result<(), TooLong> {
        if latency + transfer == 0.0 {
            return Ok(());
        }
        if self.tasks.len() >= MOST_STEPS {
            return Err(TooLong);
        }
        self.tasks.push(Task { latency, transfer, ..std::mem::take(&mut self.open) });
        Ok(())
    }
}
