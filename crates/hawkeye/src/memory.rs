//! What a worker remembers of the programs that it has profiled under one framework with its settings.

use hawkeye_cost::{Calls, PhaseMap};
use hawkeye_lower::{Known, Settled};
use hawkeye_time::Spent;

use crate::report::TimeOptions;

/// Recorded calls, and settled ones apart for programs with and without a clock.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Calls as they were recorded; what the lowering remembers belongs to them.
    pub(crate) calls: Calls,
    /// Nodes that were lowered: those of the models as they were expanded.
    pub(crate) nodes: usize,
    untimed: Kept,
    /// What the clock was made for that was asked for last.
    timed: Option<(TimeOptions, Kept)>,
}

/// Settled calls, and what a clock says of the first of them.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) known: Known,
    pub(crate) clock: Vec<PhaseMap<Spent>>,
}

impl Memory {
    /// Takes out what is kept of programs with the same clock.
    pub(crate) fn take(&mut self, time: Option<&TimeOptions>) -> Kept {
        let Some(time) = time else { return std::mem::take(&mut self.untimed) };
        match self.timed.take() {
            Some((same, kept)) if same == *time => kept,
            _ => Kept { known: self.untimed.known.apart(), clock: Vec::new() },
        }
    }

    /// Puts it back, with what a program added.
    pub(crate) fn keep(&mut self, mut kept: Kept, program: Settled, time: Option<&TimeOptions>) {
        if !kept.known.keep(program) {
            kept.clock.clear();
        }
        match time {
            Some(time) => self.timed = Some((time.clone(), kept)),
            None => self.untimed = kept,
        }
    }
}
