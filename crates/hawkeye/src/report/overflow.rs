//! Where a sum comes to more than 64 bits.

use hawkeye_cost::{Call, CallId, Calls, Communication, Fold, Item, Overflow, RoundRule, Share};
use hawkeye_graph::{Diagnostic, Graph, Place};
use hawkeye_lower::{Lowering, OperationKind, Settled};

/// Names the operator and the function in whose calls costs exceed 64 bits; the model, if that takes several
/// operators.
pub(crate) fn located(
    overflow: Overflow,
    graph: &Graph,
    program: &Settled,
    rule: &RoundRule,
    lowering: &dyn Lowering,
) -> Diagnostic {
    let calls = &program.calls;
    let Some(failing) = Fold::first_failing(calls, Communication(rule)) else {
        return Diagnostic::error(Place::Model, overflow.to_string());
    };
    let reaches = reaching(calls, failing);
    let reached = |call: CallId| reaches[call.index()];
    let operation = program.operations.iter().find(|operation| operation.call.is_some_and(reached));
    let place = match operation.map(|operation| operation.kind) {
        Some(OperationKind::Node(id)) => Place::node(graph.node(id)),
        Some(OperationKind::Begin | OperationKind::Part(_) | OperationKind::End) | None => Place::Model,
    };
    let name = calls.iter().nth(failing).map(|call| calls.name(call.name).to_string()).unwrap_or_default();
    let definition = lowering.definition(&name).map(|place| format!(", defined at {place}"));
    Diagnostic::error(place, format!("{overflow} in {name}{}", definition.unwrap_or_default()))
}

/// Of each call, whether it is that one or comes to it.
fn reaching(calls: &Calls<Share>, goal: usize) -> Vec<bool> {
    let mut reaches: Vec<bool> = Vec::with_capacity(calls.iter().len());
    // Callees come before their callers.
    for (position, Call { items, .. }) in calls.iter().enumerate() {
        let reached = |call: &CallId| reaches[call.index()];
        let comes = position == goal
            || items.iter().any(|item| match item {
                Item::Call { call, .. } | Item::Own(Share { call, .. }) => reached(call),
                Item::Parallel(sides) => sides.iter().any(reached),
                Item::Step(_) | Item::Work { .. } | Item::Count { .. } => false,
            });
        reaches.push(comes);
    }
    reaches
}
