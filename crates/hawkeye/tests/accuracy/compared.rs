//! What was compared, for how many runs.

use std::fmt::Write;

/// How the rounds of a run are compared.
#[derive(Clone, Copy)]
pub(crate) enum Rounds {
    Equal,
    /// A run may save up to a tenth.
    Near,
    Ignored,
}

/// The runs that are compared alike.
#[derive(Default)]
pub(crate) struct Compared {
    pub(crate) runs: String,
    pub(crate) number: usize,
    /// Runs that are compared operator by operator, too.
    pub(crate) by_operator: usize,
    /// Runs whose rounds are equal, near, ignored.
    pub(crate) rounds: [usize; 3],
    pub(crate) exact: usize,
    /// Runs that are exact or within the stated band.
    pub(crate) within: usize,
}

impl Compared {
    pub(crate) fn new(runs: impl Into<String>) -> Self {
        Self { runs: runs.into(), ..Self::default() }
    }

    pub(crate) fn add(&mut self, by_operator: bool, rounds: Rounds, exact: bool, within: bool) {
        self.number += 1;
        self.by_operator += usize::from(by_operator);
        self.rounds[rounds as usize] += 1;
        self.exact += usize::from(exact);
        self.within += usize::from(within);
    }
}

pub(crate) fn table<'a>(all: impl Iterator<Item = &'a Compared>) -> String {
    let mut text = String::from(
        "| runs | number | by operator too | rounds equal | rounds to a tenth | rounds not compared | exact | within band | differ |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for Compared { runs, number, by_operator, rounds: [equal, near, ignored], exact, within } in all {
        let (banded, differ) = (within - exact, number - within);
        let _ = writeln!(
            text,
            "| {runs} | {number} | {by_operator} | {equal} | {near} | {ignored} | {exact} | {banded} | {differ} |"
        );
    }
    text
}
