//! Named views: what the framework's own statistics show.

use hawkeye_cost::{Calls, Cost, Link, Overflow, Phase, Share, Traffic};
use hawkeye_sheets::{Counter, CounterKind};
use indexmap::IndexMap;

/// The counters of a cost.
///
/// # Errors
/// [`Overflow`].
pub(crate) fn counters(
    views: &IndexMap<String, Counter>,
    calls: &Calls<Share>,
    cost: &Cost,
) -> Result<IndexMap<String, u64>, Overflow> {
    views.iter().map(|(name, view)| Ok((name.clone(), value(view, calls, cost)?))).collect()
}

fn value(view: &Counter, calls: &Calls<Share>, cost: &Cost) -> Result<u64, Overflow> {
    let phases = || Phase::ALL.into_iter().filter(|p| selects_phase(view, *p));
    let total = |mut numbers: Box<dyn Iterator<Item = u64> + '_>| {
        numbers.try_fold(0u64, |sum, n| sum.checked_add(n)).ok_or(Overflow)
    };
    let links = |quantity: fn(&Traffic) -> u64| {
        total(Box::new(cost.links.iter().filter(|(l, _)| selects(view, l)).map(move |(_, t)| quantity(t))))
    };
    match view.sum {
        CounterKind::Bytes => links(|t| t.bytes),
        CounterKind::Messages => links(|t| t.messages),
        CounterKind::Rounds => total(Box::new(phases().map(|p| cost.rounds[p].count))),
        CounterKind::Flights => total(Box::new(phases().map(|p| cost.flights[p].count))),
        CounterKind::Counted => {
            let counted = cost.counted.iter().find(|(k, _)| Some(&**calls.name(**k)) == view.key.as_deref());
            Ok(counted.map_or(0, |(_, amount)| *amount))
        }
    }
}

fn selects_phase(view: &Counter, phase: Phase) -> bool {
    view.phases.as_ref().is_none_or(|phases| phases.iter().any(|p| p == phase.name()))
}

fn selects(view: &Counter, link: &Link) -> bool {
    selects_phase(view, link.phase)
        && view.from.is_none_or(|from| from == link.from.0)
        && view.to.is_none_or(|to| to == link.to.0)
        && view.channel.as_deref().is_none_or(|channel| channel == &*link.channel)
}
