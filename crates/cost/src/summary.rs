//! From calls to costs.

use std::rc::Rc;
use std::sync::Arc;

use crate::{CallId, Calls, Cost, Direction, Item, Overflow, Party, Phase, Run, Step};

/// How a framework counts rounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoundRule {
    /// Each step says how many it is.
    Stated,
    /// Every flight is a round.
    Flights,
    /// Every change of direction on one channel is a round.
    DirectionChanges {
        /// The channel.
        channel: Arc<str>,
        /// Sender and receiver of the last message of set-up.
        last: (Party, Party),
    },
}

impl RoundRule {
    pub(crate) fn of_step(&self, step: &Step) -> Run {
        match self {
            Self::Stated => Run { count: step.rounds, ends: None },
            Self::Flights => Run::new(step.flights, step.direction()),
            Self::DirectionChanges { channel, .. } if *channel == step.channel => {
                Run::new(step.flights, step.direction())
            }
            Self::DirectionChanges { .. } => Run::default(),
        }
    }

    /// What comes before the program, so that its first message may continue a direction: nothing
    /// before set-up, set-up's last message before the other phases.
    #[must_use]
    pub fn before(&self) -> Cost {
        let mut cost = Cost::default();
        if let Self::DirectionChanges { last: (from, to), .. } = self {
            for phase in [Phase::Offline, Phase::Online] {
                cost.rounds[phase] = Run::new(1, Direction::OneWay(*from, *to));
            }
        }
        cost
    }
}

/// The cost of every call that was asked for, each computed once.
#[derive(Debug)]
pub struct Summaries<'a> {
    calls: &'a Calls,
    rule: &'a RoundRule,
    costs: Vec<Option<Rc<Cost>>>,
}

/// Costs of settled calls.
#[must_use]
pub fn summarise<'a>(calls: &'a Calls, rule: &'a RoundRule) -> Summaries<'a> {
    Summaries { calls, rule, costs: Vec::new() }
}

impl Summaries<'_> {
    /// The cost of a call, seen on its own.
    ///
    /// # Errors
    /// [`Overflow`].
    ///
    /// # Panics
    /// If the call is not settled.
    pub fn cost(&mut self, id: CallId) -> Result<Rc<Cost>, Overflow> {
        if self.costs.len() <= id.index() {
            self.costs.resize(id.index() + 1, None);
        }
        if let Some(cost) = &self.costs[id.index()] {
            return Ok(cost.clone());
        }
        let mut sum = Cost::default();
        let calls = self.calls;
        for item in &calls.call(id).items {
            sum = self.add(sum, item)?;
        }
        let cost = Rc::new(sum);
        self.costs[id.index()] = Some(cost.clone());
        Ok(cost)
    }

    /// The cost of one item, seen on its own.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn item(&mut self, item: &Item) -> Result<Cost, Overflow> {
        self.add(Cost::default(), item)
    }

    fn add(&mut self, sum: Cost, item: &Item) -> Result<Cost, Overflow> {
        match item {
            Item::Step(step) => sum.then(&Cost::of_step(step, self.rule)?),
            Item::Count { counter, amount } => sum.then(&Cost::of_count(*counter, *amount)),
            Item::Call { call, times: 1 } => sum.then(&*self.cost(*call)?),
            Item::Call { call, times } => sum.then(&self.cost(*call)?.times(*times)?),
            Item::Parallel(calls) => {
                let mut side = Cost::default();
                for call in calls {
                    side = side.beside(&*self.cost(*call)?)?;
                }
                sum.then(&side)
            }
            Item::Settled(cost) => sum.then(cost),
            Item::Once { .. } | Item::Draw { .. } | Item::Defer { .. } => {
                unreachable!("settlement replaces calls with state")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;

    #[test]
    fn the_online_phase_continues_from_setup_but_setup_from_nothing() -> Result<(), Overflow> {
        let channel: Arc<str> = "io".into();
        let rule = RoundRule::DirectionChanges { channel: channel.clone(), last: (Party(1), Party(0)) };
        let message = Message { from: Party(1), to: Party(0), bytes: 0, count: 1, spread: 0 };
        for (phase, rounds) in [(Phase::Setup, 1), (Phase::Online, 0)] {
            let step =
                Step { phase, channel: channel.clone(), messages: vec![message], rounds: 1, flights: 1 };
            assert_eq!(Cost::of_step(&step, &rule)?.after(&rule.before()).rounds[phase].count, rounds);
        }
        Ok(())
    }
}
