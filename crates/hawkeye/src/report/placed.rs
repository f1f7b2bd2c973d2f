//! The operations of a program, each at its place.

use hawkeye_cost::{Before, CallId, Communication, Fold, Phase};
use hawkeye_lower::{Operation, OperationKind, Settled};

use super::timing::Timing;
use super::tree::Seen;

/// An operation where it stands in the program. As many as a model has nodes are gone through twice, and never kept.
pub(crate) struct Placed<'a> {
    pub(crate) operation: &'a Operation,
    /// Nothing if the operation sends nothing.
    pub(crate) call: Option<CallId>,
    pub(crate) before: Before,
    /// What it costs there.
    pub(crate) seen: Seen,
    /// By how much its transfers take longer where it stands than alone.
    pub(crate) transfer_factor: f64,
}

/// A program and what its calls cost.
#[derive(Clone, Copy)]
pub(crate) struct Priced<'a, 'rule> {
    pub(crate) program: &'a Settled,
    pub(crate) costs: &'a Fold<Communication<'rule>>,
    /// Its clock, if there is a network.
    pub(crate) timing: Option<&'a Timing>,
}

/// Every operation of a program, in its order.
pub(crate) fn placed<'a>(priced: Priced<'a, '_>) -> impl Iterator<Item = Placed<'a>> {
    let Priced { program, costs, timing } = priced;
    let mut before = Before::program(costs.algebra().0);
    program.operations.iter().enumerate().map(move |(index, operation)| {
        let mut placed =
            Placed { operation, call: operation.call, before, seen: Seen::default(), transfer_factor: 1.0 };
        if let Some(call) = operation.call {
            let cost = costs.value(call);
            placed.seen.cost = cost.after(&before);
            if let Some(timing) = timing {
                let spent = timing.clock.value(call);
                placed.seen.spent = *spent;
                placed.transfer_factor = timing.transfer_factor(index, spent);
                placed.seen.scale_transfer(placed.transfer_factor);
                if !cost.is_zero() {
                    let work = timing.operator() * runs(program, operation.kind);
                    placed.seen.spent[Phase::Online].work += work;
                }
            }
            before = before.then(cost);
        }
        placed
    })
}

/// How often an operation of a program runs.
#[expect(clippy::cast_precision_loss, reason = "seconds are no exact numbers")]
fn runs(program: &Settled, kind: OperationKind) -> f64 {
    if kind == OperationKind::Begin { 1.0 } else { program.runs as f64 }
}
