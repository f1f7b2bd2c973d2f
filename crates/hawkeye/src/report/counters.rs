//! Named views: what the framework's own statistics show.

use hawkeye_cost::{Calls, Cost, Link, Overflow, Phase, PhaseMap, Share, Symbol};
use hawkeye_sheets::{Counter, CounterKind};
use indexmap::IndexMap;

/// The counters of a framework, as the costs of one program have them.
pub(crate) struct Counters<'a> {
    views: Vec<CounterView<'a>>,
    /// What they are where nothing is sent.
    zero: IndexMap<String, u64>,
}

struct CounterView<'a> {
    counter: &'a Counter,
    phases: PhaseMap<bool>,
    /// What the program's calls count under the key, if they do.
    key: Option<Symbol>,
}

impl<'a> Counters<'a> {
    pub(crate) fn new(counters: &'a IndexMap<String, Counter>, calls: &Calls<Share>) -> Self {
        let view = |counter: &'a Counter| {
            let mut phases = PhaseMap::default();
            for phase in Phase::ALL {
                let named = |phases: &Vec<String>| phases.iter().any(|p| p == phase.name());
                phases[phase] = counter.phases.as_ref().is_none_or(named);
            }
            let key = counter.key.as_deref().and_then(|key| calls.known_symbol(key));
            CounterView { counter, phases, key }
        };
        let zero = counters.keys().map(|name| (name.clone(), 0)).collect();
        Self { views: counters.values().map(view).collect(), zero }
    }

    /// What they count of a cost.
    ///
    /// # Errors
    /// [`Overflow`].
    pub(crate) fn of(&self, cost: &Cost) -> Result<IndexMap<String, u64>, Overflow> {
        let mut counted = self.zero.clone();
        for (number, view) in counted.values_mut().zip(&self.views) {
            *number = view.value(cost)?;
        }
        Ok(counted)
    }
}

impl CounterView<'_> {
    fn value(&self, cost: &Cost) -> Result<u64, Overflow> {
        let links = || cost.links.iter().filter(|(link, _)| self.selects(link)).map(|(_, traffic)| traffic);
        let phases = || Phase::ALL.into_iter().filter(|phase| self.phases[*phase]);
        match self.counter.sum {
            CounterKind::Bytes => total(links().map(|traffic| traffic.bytes)),
            CounterKind::Messages => total(links().map(|traffic| traffic.messages)),
            CounterKind::Rounds => total(phases().map(|phase| cost.rounds[phase].count)),
            CounterKind::Flights => total(phases().map(|phase| cost.flights[phase].count)),
            CounterKind::Counted => {
                Ok(self.key.and_then(|key| cost.counted.get(&key)).copied().unwrap_or_default())
            }
        }
    }

    fn selects(&self, link: &Link) -> bool {
        let Counter { from, to, channel, .. } = self.counter;
        self.phases[link.phase]
            && from.is_none_or(|from| from == link.from.0)
            && to.is_none_or(|to| to == link.to.0)
            && channel.as_deref().is_none_or(|channel| channel == &*link.channel)
    }
}

fn total(mut numbers: impl Iterator<Item = u64>) -> Result<u64, Overflow> {
    numbers.try_fold(0u64, |sum, n| sum.checked_add(n)).ok_or(Overflow)
}
