//! The different calls of a program.

use hashbrown::HashSet;
use hawkeye_cost::{CallId, Calls, Item, State};

/// Different calls that a program may make. All that is known of a program is kept for each of them: its keys, its items
/// as they were recorded and settled, what it costs.
pub(crate) const MOST_CALLS: usize = 100_000;

/// The calls that a program makes by now. What a session has recorded for other programs does not count.
#[derive(Debug, Default)]
pub(crate) struct DistinctCalls(HashSet<CallId>);

impl DistinctCalls {
    /// Adds a call and whatever it calls; says whether the program still makes no more than it may.
    pub(crate) fn add(&mut self, calls: &Calls, call: CallId) -> bool {
        let mut open = vec![call];
        while let Some(id) = open.pop() {
            if !self.0.insert(id) {
                continue;
            }
            for item in &calls.call(id).items {
                match item {
                    Item::Call { call, .. } | Item::Own(State::Once { call, .. }) => open.push(*call),
                    Item::Parallel(all) => open.extend(all),
                    Item::Step(_) | Item::Work { .. } | Item::Count { .. } | Item::Own(_) => {}
                }
            }
        }
        self.0.len() <= MOST_CALLS
    }
}

#[cfg(test)]
mod tests {
    use hawkeye_cost::Call;

    use super::*;

    fn call(calls: &mut Calls, name: &str, callees: &[CallId]) -> CallId {
        let name = calls.symbol(name);
        calls.add(Call {
            name,
            items: callees.iter().map(|call| Item::Call { call: *call, times: 2 }).collect(),
        })
    }

    #[test]
    fn calls_count_once_and_those_of_other_programs_do_not() {
        let mut calls = Calls::default();
        let others: Vec<CallId> = (0..10).map(|i| call(&mut calls, &format!("other{i}"), &[])).collect();
        call(&mut calls, "other", &others);
        let leaf = call(&mut calls, "leaf", &[]);
        let top = (0..100).fold(leaf, |below, i| call(&mut calls, &format!("level{i}"), &[below, leaf]));
        let mut distinct = DistinctCalls::default();
        assert!(distinct.add(&calls, top) && distinct.add(&calls, top));
        assert_eq!(distinct.0.len(), 101);
    }

    #[test]
    fn a_program_makes_so_many_different_calls_and_no_more() {
        let mut calls = Calls::default();
        let all: Vec<CallId> = (0..=MOST_CALLS).map(|i| call(&mut calls, &i.to_string(), &[])).collect();
        let mut distinct = DistinctCalls::default();
        assert!(all[..MOST_CALLS].iter().all(|call| distinct.add(&calls, *call)));
        assert!(!distinct.add(&calls, all[MOST_CALLS]));
    }
}
