//! Communication as an algebra.

use crate::{Algebra, Before, Cost, Overflow, Phase, RoundRule, Share, Step, Symbol};

/// The algebra of what is sent: its values are [`Cost`]s, with rounds by the framework's rule.
#[derive(Clone, Copy, Debug)]
pub struct Communication<'a>(pub &'a RoundRule);

impl Algebra for Communication<'_> {
    type Value = Cost;
    type Error = Overflow;

    fn nothing(&self) -> Cost {
        Cost::default()
    }

    fn step(&self, step: &Step) -> Result<Cost, Overflow> {
        Cost::of_step(step, self.0)
    }

    fn work(&self, _: Phase, _: Symbol, _: u64) -> Result<Cost, Overflow> {
        Ok(Cost::default())
    }

    fn count(&self, counter: Symbol, amount: u64) -> Cost {
        Cost::of_count(counter, amount)
    }

    fn then(&self, first: Cost, next: &Cost) -> Result<Cost, Overflow> {
        first.then(next)
    }

    fn beside(&self, one: Cost, other: &Cost) -> Result<Cost, Overflow> {
        one.beside(other)
    }

    fn repeat(&self, value: &Cost, times: u64) -> Result<Cost, Overflow> {
        value.times(times)
    }

    fn after(&self, value: &Cost, before: &Cost) -> Result<Cost, Overflow> {
        Ok(value.after(&Before::program(self.0).then(before)))
    }

    fn share(&self, value: &Cost, share: &Share) -> Result<Cost, Overflow> {
        value.share(share.start, share.end, share.total)
    }
}
