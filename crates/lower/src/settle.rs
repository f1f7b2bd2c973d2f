//! Charging what has state, in program order.

use std::collections::{HashMap, HashSet};

use hawkeye_cost::{Call, CallId, Calls, Data, Item, RoundRule, Symbol};
use hawkeye_graph::{Diagnostic, Failure, Place};

use crate::groups::share_groups;
use crate::program::complain;
use crate::{Lowering, Program};

/// Stateful items that one program may expand to.
const MOST_STEPS: u64 = 20_000_000;

/// Replaces every call with state by what it costs at its place in the program: keys are sent by
/// the first call that needs them, buffers refill where they run dry, and what a group costs for
/// the whole program is shared out to the operations that deferred to it.
///
/// # Errors
/// If the framework's description is wrong, or costs exceed 64 bits.
pub fn settle(
    program: Program,
    calls: &mut Calls,
    rule: &RoundRule,
    lowering: &mut dyn Lowering,
) -> Result<Program, Failure> {
    let mut settlement =
        Settlement { calls, lowering, reached: HashSet::new(), states: HashMap::new(), changes: 0, steps: 0 };
    let mut settled = program;
    for operation in &mut settled.operations {
        if let Some(call) = operation.call {
            operation.call = Some(settlement.call(call)?);
        }
    }
    share_groups(settled, calls, rule, lowering)
}

struct Settlement<'a> {
    calls: &'a mut Calls,
    lowering: &'a mut dyn Lowering,
    reached: HashSet<Data>,
    states: HashMap<Symbol, Data>,
    /// How often the state changed.
    changes: u64,
    steps: u64,
}

impl Settlement<'_> {
    fn call(&mut self, id: CallId) -> Result<CallId, Failure> {
        if !self.calls.stateful(id) {
            return Ok(id);
        }
        self.steps += 1;
        if self.steps > MOST_STEPS {
            let message = format!("the program draws on stateful resources more than {MOST_STEPS} times");
            return Err(Diagnostic::error(Place::Model, message).into());
        }
        let call = self.calls.call(id).clone();
        let mut settled = Call { name: call.name, items: Vec::with_capacity(call.items.len()) };
        for item in call.items {
            self.item(item, &mut settled)?;
        }
        Ok(self.calls.add(settled))
    }

    fn item(&mut self, item: Item, settled: &mut Call) -> Result<(), Failure> {
        match item {
            Item::Call { call, times } => self.repeat(call, times, settled)?,
            Item::Parallel(calls) => {
                let calls = calls.into_iter().map(|call| self.call(call)).collect::<Result<_, _>>()?;
                settled.push(Item::Parallel(calls));
            }
            Item::Once { key, call } => {
                if self.reached.insert(key) {
                    self.changes += 1;
                    let call = self.call(call)?;
                    settled.push(Item::Call { call, times: 1 });
                }
            }
            Item::Draw { resource, request } => {
                let state = self.states.get(&resource).cloned().unwrap_or_default();
                let name = self.calls.name(resource).clone();
                let drawn = self.lowering.draw(self.calls, &name, &state, &request);
                let (next, call) = drawn.map_err(|e| complain(Place::Model, e))?;
                if next != state {
                    self.changes += 1;
                    self.states.insert(resource, next);
                }
                if let Some(call) = call {
                    let call = self.call(call)?;
                    settled.push(Item::Call { call, times: 1 });
                }
            }
            Item::Defer { .. } => {
                // Shares differ from one repetition to the next.
                self.changes += 1;
                settled.push(item);
            }
            Item::Step(_) | Item::Count { .. } | Item::Settled(_) => settled.push(item),
        }
        Ok(())
    }

    /// A repetition unrolls only as long as it changes the state.
    fn repeat(&mut self, call: CallId, times: u64, settled: &mut Call) -> Result<(), Failure> {
        let mut left = times;
        while left > 0 {
            let before = self.changes;
            let once = self.call(call)?;
            let same = if self.changes == before { left } else { 1 };
            settled.push(Item::Call { call: once, times: same });
            left -= same;
        }
        Ok(())
    }
}
