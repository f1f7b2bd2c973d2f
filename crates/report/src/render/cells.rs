//! A row of a report's tables, and its amounts.

use std::ops::AddAssign;

use super::wrap::shortened;
use crate::{PhaseCost, Phases, Quantity};

/// Amounts by phase and quantity. Sums over phases may be larger than what the report itself holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Cells([[u128; 4]; 3]);

impl Cells {
    pub(crate) fn set(&mut self, phase: usize, cost: &PhaseCost) {
        self.0[phase] = Quantity::WITH_TIME.map(|quantity| quantity.of(cost).into());
    }

    pub(crate) fn get(&self, phase: usize, quantity: Quantity) -> u128 {
        self.0[phase][quantity as usize]
    }

    pub(crate) fn sum(&self, quantity: Quantity) -> u128 {
        (0..3).map(|phase| self.get(phase, quantity)).sum()
    }

    /// As costs; an amount too large for them is the largest that they hold.
    pub(crate) fn phases(&self) -> Phases {
        let [setup, offline, online] = [0, 1, 2].map(|phase| {
            let amount = |quantity| u64::try_from(self.get(phase, quantity)).unwrap_or(u64::MAX);
            PhaseCost {
                bytes: amount(Quantity::Bytes),
                messages: amount(Quantity::Messages),
                rounds: amount(Quantity::Rounds),
                seconds: seconds(self.get(phase, Quantity::Seconds)),
                ..PhaseCost::default()
            }
        });
        Phases { setup, offline, online }
    }

    pub(crate) fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

/// Nanoseconds as seconds, where there are any.
#[expect(clippy::cast_precision_loss, reason = "costs hold seconds as floating point")]
fn seconds(nanoseconds: u128) -> Option<f64> {
    (nanoseconds > 0).then(|| nanoseconds as f64 / 1e9)
}

impl From<&Phases> for Cells {
    fn from(phases: &Phases) -> Self {
        let mut cells = Self::default();
        phases.each().into_iter().enumerate().for_each(|(phase, cost)| cells.set(phase, cost));
        cells
    }
}

impl AddAssign for Cells {
    fn add_assign(&mut self, other: Self) {
        for (sums, more) in self.0.iter_mut().zip(other.0) {
            sums.iter_mut().zip(more).for_each(|(sum, n)| *sum += n);
        }
    }
}

/// One row.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// How many operators alike the row stands for.
    pub(crate) times: usize,
    pub(crate) name: String,
    /// The operator, or how many operators or calls the row stands for.
    pub(crate) detail: String,
    /// Where the row is one operator, its position in the report.
    pub(crate) operator: Option<usize>,
    pub(crate) cells: Cells,
}

impl Row {
    /// The name in at most that many characters, after how often the row counts. Of one that is too long, the
    /// operator at its end goes first, which the next column says.
    pub(crate) fn title(&self, width: usize) -> String {
        let count = if self.times == 1 { String::new() } else { format!("{} x ", self.times) };
        let width = width.saturating_sub(count.len());
        let operator = || self.name.strip_suffix(&self.detail)?.strip_suffix('/');
        let name = match operator() {
            Some(place) if !place.is_empty() && self.name.chars().count() > width => place,
            _ => &self.name,
        };
        format!("{count}{}", shortened(name, width))
    }
}
