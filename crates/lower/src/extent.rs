//! How many different calls a program makes.

use hashbrown::HashSet;
use hawkeye_cost::{CallId, Calls, Item, State};
use hawkeye_grad::Part;
use hawkeye_graph::{Diagnostic, Failure, Graph, Place};

use crate::{Operation, OperationKind};

/// Different calls that a program may make. All that is known of a program is kept for each of them: its keys, its items
/// as they were recorded and settled, what it costs.
pub(crate) const MOST_CALLS: usize = 100_000;

/// The calls of a program by now. What a session has recorded for other programs does not count.
#[derive(Debug, Default)]
pub(crate) struct Extent {
    seen: HashSet<CallId>,
    /// Operations whose calls were counted.
    operations: usize,
}

impl Extent {
    /// Counts the calls of operations behind those that were counted before.
    ///
    /// # Errors
    /// If the program makes more than it may; what else is wrong with it does not matter then.
    pub(crate) fn measure(
        &mut self,
        operations: &[Operation],
        calls: &Calls,
        graph: &Graph,
    ) -> Result<(), Failure> {
        let new = &operations[self.operations..];
        self.operations = operations.len();
        match new.iter().find(|operation| operation.call.is_some_and(|call| !self.add(calls, call))) {
            None => Ok(()),
            Some(operation) => {
                let place = match operation.kind {
                    OperationKind::Node(id) | OperationKind::Part(Part::Gradient(id)) => {
                        Place::node(graph.node(id))
                    }
                    OperationKind::Begin | OperationKind::End | OperationKind::Part(_) => Place::Model,
                };
                let message = format!(
                    "the model is too large to be priced under this framework: up to here it makes more than \
                     {MOST_CALLS} different calls"
                );
                Err(Diagnostic::error(place, message).into())
            }
        }
    }

    /// Adds a call and whatever it calls; says whether the program still makes no more than it may.
    pub(crate) fn add(&mut self, calls: &Calls, call: CallId) -> bool {
        let mut open = vec![call];
        while let Some(id) = open.pop() {
            if !self.seen.insert(id) {
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
        self.seen.len() <= MOST_CALLS
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
        let mut extent = Extent::default();
        assert!(extent.add(&calls, top) && extent.add(&calls, top));
        assert_eq!(extent.seen.len(), 101);
    }

    #[test]
    fn a_program_makes_so_many_different_calls_and_no_more() {
        let mut calls = Calls::default();
        let all: Vec<CallId> = (0..=MOST_CALLS).map(|i| call(&mut calls, &i.to_string(), &[])).collect();
        let mut extent = Extent::default();
        assert!(all[..MOST_CALLS].iter().all(|call| extent.add(&calls, *call)));
        assert!(!extent.add(&calls, all[MOST_CALLS]));
    }
}
