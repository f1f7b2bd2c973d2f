//! What an operator does, as a chain of steps: local work, then messages.

use std::collections::{HashMap, HashSet};

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
    let mut walk = ChainWalk {
        calls,
        clock,
        selection,
        tasks: Vec::new(),
        open: Task::default(),
        silent: HashMap::new(),
    };
    walk.call(call)?;
    let ChainWalk { mut tasks, open, .. } = walk;
    // Work after the last messages is a task that sends nothing.
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
    /// The work since the last messages.
    open: Task,
    /// Calls that send nothing, and their work: however often they run, they make no task.
    silent: HashMap<CallId, Task>,
}

impl ChainWalk<'_> {
    fn call(&mut self, call: CallId) -> Result<(), TooLong> {
        if let Some(silent) = self.silent.get(&call).copied() {
            self.works(silent, 1);
            return Ok(());
        }
        let (before, tasks) = (self.open, self.tasks.len());
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
                    let mut left = *times;
                    while left > 0 {
                        self.call(*call)?;
                        left -= 1;
                        if let Some(silent) = self.silent.get(call).copied() {
                            self.works(silent, left);
                            left = 0;
                        }
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
        if self.tasks.len() == tasks {
            let (fixed, work) = (self.open.fixed - before.fixed, self.open.work - before.work);
            self.silent.insert(call, Task { fixed, work, ..Task::default() });
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds are no exact numbers")]
    fn works(&mut self, silent: Task, times: u64) {
        self.open.fixed += silent.fixed * times as f64;
        self.open.work += silent.work * times as f64;
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

#[cfg(test)]
mod tests {
    use hawkeye_cost::{Call, Message, Party, Step};

    use super::*;
    use crate::{Machine, Network, Transport};

    const SECONDS: f64 = 0.5;

    fn tasks(items: impl FnOnce(&mut Calls<Share>) -> Vec<Item<Share>>) -> Vec<Task> {
        let mut calls: Calls<Share> = Calls::default();
        let name = calls.symbol("f");
        let items = items(&mut calls);
        let call = calls.add(Call { name, items });
        let machine = "{profile: p, machine: m, source: s, evidence: assumed, work: {mul: 0.5}}";
        let machine = Machine::parse(machine).expect("it is a machine");
        let network = Network::of(Some(8.0), 2.0);
        let clock = Clock::new(&network, &Transport::default(), Some(&machine), 2, &calls, 0);
        let fold =
            Fold::new(&calls, clock.expect("its work is known")).unwrap_or_else(|never| match never {});
        let selection = ChainSelection { phases: &|_| true, fixed: &HashSet::new() };
        let total = Spent { latency: 1.0, transfer: 1.0, ..Spent::default() };
        chain(&calls, call, &fold, &selection, &total).expect("it is short")
    }

    fn work(calls: &mut Calls<Share>, amount: u64) -> Item<Share> {
        Item::Work { phase: Phase::Online, kind: calls.symbol("mul"), amount }
    }

    fn sent() -> Item<Share> {
        let message = Message { from: Party(0), to: Party(1), bytes: 1, count: 1, spread: 0 };
        let (phase, messages) = (Phase::Online, vec![message]);
        Item::Step(Step { phase, channel: "".into(), messages, rounds: 1, flights: 1, tensors: 1 })
    }

    #[test]
    fn work_is_done_before_the_messages_that_follow_it() {
        let chain = tasks(|calls| {
            vec![work(calls, 2), sent(), work(calls, 1), work(calls, 3), sent(), work(calls, 7)]
        });
        let works: Vec<f64> = chain.iter().map(|task| task.work).collect();
        assert_eq!(works, [2.0 * SECONDS, 4.0 * SECONDS, 7.0 * SECONDS]);
        let latencies: Vec<f64> = chain.iter().map(|task| task.latency).collect();
        assert_eq!(latencies, [0.5, 0.5, 0.0], "both steps share what the report says");
    }

    /// Each level of this runs the one below a thousand times and once more: 1001^64 runs of the last.
    #[test]
    fn what_sends_nothing_is_walked_once_however_often_it_runs() {
        let chain = tasks(|calls| {
            let (name, counter) = (calls.symbol("f"), calls.symbol("c"));
            let items = vec![work(calls, 1)];
            let mut call = calls.add(Call { name, items });
            for _ in 0..64 {
                let many = Item::Call { call, times: 1000 };
                let items = vec![many, Item::Count { counter, amount: 1 }, Item::Call { call, times: 1 }];
                call = calls.add(Call { name, items });
            }
            vec![Item::Call { call, times: 1 }, sent()]
        });
        let expected = SECONDS * 1001f64.powi(64);
        assert_eq!(chain.len(), 1);
        assert!((chain[0].work / expected - 1.0).abs() < 1e-9, "{}", chain[0].work);
    }
}
