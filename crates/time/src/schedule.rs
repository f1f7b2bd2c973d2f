//! Chains that run at the same time, simulated by events on one processor and one full-duplex link of a party.
//!
//! A task's work waits for the processor, then its message for the link; the message occupies the link while
//! it is transferred and arrives a latency later, so that the link is free for the next one meanwhile. Whatever
//! is ready first goes first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::Task;

/// A task, what it waits for and what it announces. Marks are numbers of the caller's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Event {
    /// What it does.
    pub task: Task,
    /// A mark that must have been announced.
    pub needs: Option<usize>,
    /// The mark that is announced when the message has arrived.
    pub announces: Option<usize>,
}

impl From<Task> for Event {
    fn from(task: Task) -> Self {
        Self { task, ..Self::default() }
    }
}

/// What a simulation found, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Until the last chain is done.
    pub end: f64,
    /// In which the processor works.
    pub work: f64,
    /// In which the link transfers.
    pub transfer: f64,
}

/// A moment in the heap: seconds since the start, which are never negative or NaN, so that their bits
/// are in order; then the number of the chain.
type Moment = (u64, usize);

/// Runs chains at the same time. Every mark that is needed must be announced.
#[must_use]
pub fn simulate(chains: &[Vec<Event>]) -> Outcome {
    let marks = chains.iter().flatten().filter_map(|event| event.announces).max().map_or(0, |mark| mark + 1);
    let mut run =
        ChainRun { announced: vec![None; marks], waiting: vec![Vec::new(); marks], ..ChainRun::default() };
    let mut next = vec![0; chains.len()];
    for (index, chain) in chains.iter().enumerate() {
        if !chain.is_empty() {
            run.ready.push(Reverse((0.0_f64.to_bits(), index)));
        }
    }
    while let Some(Reverse((moment, index))) = run.ready.pop() {
        let Some(event) = chains[index].get(next[index]) else { continue };
        let mut now = f64::from_bits(moment);
        if let Some(mark) = event.needs {
            match run.announced.get(mark).copied().flatten() {
                Some(arrived) => now = now.max(arrived),
                None => {
                    if let Some(waiting) = run.waiting.get_mut(mark) {
                        waiting.push((moment, index));
                    }
                    continue;
                }
            }
        }
        next[index] += 1;
        let done = run.perform(event, now);
        run.ready.push(Reverse((done.to_bits(), index)));
    }
    run.outcome
}

#[derive(Default)]
struct ChainRun {
    ready: BinaryHeap<Reverse<Moment>>,
    announced: Vec<Option<f64>>,
    waiting: Vec<Vec<Moment>>,
    processor: f64,
    link: f64,
    outcome: Outcome,
}

impl ChainRun {
    /// When a task that starts at `now` or later is done.
    fn perform(&mut self, event: &Event, mut now: f64) -> f64 {
        let Task { fixed, work, latency, transfer } = event.task;
        if fixed + work > 0.0 {
            now = now.max(self.processor) + fixed + work;
            self.processor = now;
            self.outcome.work += fixed + work;
        }
        if latency + transfer > 0.0 {
            self.link = now.max(self.link) + transfer;
            self.outcome.transfer += transfer;
            now = self.link + latency;
        }
        if let Some(mark) = event.announces {
            self.announced[mark] = Some(now);
            for moment in std::mem::take(&mut self.waiting[mark]) {
                self.ready.push(Reverse(moment));
            }
        }
        self.outcome.end = self.outcome.end.max(now);
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Task = Task { fixed: 0.0, work: 1.0, latency: 2.0, transfer: 4.0 };

    #[test]
    fn one_chain_runs_in_sequence() {
        let outcome = simulate(&[vec![STEP.into(); 3]]);
        assert_eq!(outcome, Outcome { end: 21.0, work: 3.0, transfer: 12.0 });
    }

    #[test]
    fn two_chains_share_what_is_idle() {
        // Works at 0 and 1; sends from 1 to 5 and from 5 to 9; the last arrives at 11.
        let outcome = simulate(&[vec![STEP.into()], vec![STEP.into()]]);
        assert_eq!(outcome, Outcome { end: 11.0, work: 2.0, transfer: 8.0 });
    }

    #[test]
    fn a_mark_is_waited_for() {
        let first = Event { announces: Some(0), ..STEP.into() };
        let second = Event { needs: Some(0), ..STEP.into() };
        let outcome = simulate(&[vec![second], vec![first]]);
        assert_eq!(outcome, Outcome { end: 14.0, work: 2.0, transfer: 8.0 });
    }
}
