//! What settling makes of state: keys, buffers, groups and runs, each at its place in the program.

use hawkeye_cost::{
    Call, CallId, Calls, Communication, Cost, Data, Deferral, Fold, Item, Message, Party, Phase, RoundRule,
    Scope, State, Step,
};
use hawkeye_graph::NodeId;
use hawkeye_lower::{
    Ability, Demand, Known, Lowered, Lowering, LoweringError, NodeView, Operation, OperationKind, Program,
    Runs, Settled, settle,
};

/// A resource of ten units, and groups that cost ten bytes for each weight, but for "fixed".
struct Toy;

impl Lowering for Toy {
    fn supports(&self, _: Ability, _: &str, _: &str) -> Result<(), LoweringError> {
        Ok(())
    }

    fn node(&mut self, _: &mut Calls, _: &NodeView) -> Result<Lowered, LoweringError> {
        Ok(Lowered::default())
    }

    fn meet(
        &mut self,
        calls: &mut Calls,
        demand: Demand<'_>,
    ) -> Result<(Data, Option<CallId>), LoweringError> {
        Ok(match demand {
            Demand::Draw { resource: "itself", request, .. } => {
                let again = draw(calls, "itself", request.clone());
                (Data::None, Some(call(calls, "again", vec![again])))
            }
            Demand::Draw { resource: "growing", state, .. } => {
                (Data::List(vec![state.clone(); 10]), Some(call(calls, "more", vec![sent(1)])))
            }
            Demand::Draw { resource: "counting", state, .. } => {
                let next = number(state) + 1;
                (Data::Int(next), Some(call(calls, "another", vec![sent(next.unsigned_abs())])))
            }
            Demand::Draw { state, request, .. } => {
                let (left, request) = (number(state), number(request));
                if left >= request {
                    (Data::Int(left - request), None)
                } else {
                    (Data::Int(left + 10 - request), Some(call(calls, "refill", vec![sent(1000)])))
                }
            }
            Demand::Group { group: "deferring", .. } => {
                let more = defer(calls, "deferring", 1);
                (Data::None, Some(call(calls, "deferring", vec![more])))
            }
            Demand::Group { group: "fixed", .. } => {
                (Data::None, Some(call(calls, "fixed", vec![sent(1600)])))
            }
            Demand::Group { weight, .. } => {
                let inner = call(calls, "inner", vec![sent(7 * weight)]);
                let items = vec![Item::Call { call: inner, times: 1 }, sent(3 * weight)];
                (Data::None, Some(call(calls, "group", items)))
            }
        })
    }
}

fn number(data: &Data) -> i64 {
    if let Data::Int(n) = data { *n } else { 0 }
}

fn sent(bytes: u64) -> Item {
    let message = Message { from: Party(0), to: Party(1), bytes, count: 1, spread: 0 };
    let (phase, channel) = (Phase::Online, "".into());
    Item::Step(Step { phase, channel, messages: vec![message], rounds: 1, flights: 1, tensors: 1 })
}

fn call(calls: &mut Calls, name: &str, items: Vec<Item>) -> CallId {
    let name = calls.symbol(name);
    calls.add(Call { name, items })
}

fn times(call: CallId, times: u64) -> Item {
    Item::Call { call, times }
}

fn once(calls: &mut Calls, scope: Scope, bytes: u64) -> Item {
    let call = call(calls, "keys", vec![sent(bytes)]);
    Item::Own(State::Once { key: "keys".into(), scope, call })
}

fn draw(calls: &mut Calls, resource: &str, request: Data) -> Item {
    Item::Own(State::Draw { resource: calls.symbol(resource), request })
}

fn defer(calls: &mut Calls, group: &str, weight: u64) -> Item {
    Item::Own(State::Defer(Deferral { group: calls.symbol(group), weight }))
}

/// A program of these operations, run so often.
fn settled(calls: &mut Calls, operations: Vec<Vec<Item>>, runs: u64) -> Result<Settled, String> {
    let mut program = Program::default();
    for (index, items) in operations.into_iter().enumerate() {
        let call = Some(call(calls, "operation", items));
        let kind = OperationKind::Node(NodeId::new(index));
        program.operations.push(Operation { kind, call, evidence: Default::default() });
    }
    settle(vec![Runs { program, times: runs }], calls, &mut Toy, &mut Known::default())
        .map_err(|failure| failure.to_string())
}

/// Bytes of each operation.
fn bytes(settled: &Settled) -> Vec<u64> {
    let algebra = Communication(&RoundRule::Flights);
    let fold = Fold::new(&settled.calls, algebra).expect("it is small");
    let sum = |cost: &Cost| cost.links.values().map(|traffic| traffic.bytes).sum();
    settled
        .operations
        .iter()
        .map(|operation| operation.call.map_or(0, |call| sum(fold.value(call))))
        .collect()
}

#[test]
fn keys_are_charged_where_they_are_first_reached_in_their_scope() {
    for (scope, expected) in [(Scope::Run, [108 * 3, 8 * 3]), (Scope::Session, [100 + 8 * 3, 8 * 3])] {
        let mut calls = Calls::default();
        let keys = once(&mut calls, scope, 100);
        let operation = vec![keys, sent(8)];
        let settled = settled(&mut calls, vec![operation.clone(), operation], 3).expect("it settles");
        assert_eq!(bytes(&settled), expected, "{scope:?}");
    }
}

#[test]
fn buffers_go_on_from_one_operation_and_one_run_to_the_next() {
    let mut calls = Calls::default();
    let six = draw(&mut calls, "pool", Data::Int(6));
    let four = draw(&mut calls, "pool", Data::Int(4));
    // Refilled by the first operation of each run alone: ten units are what a run takes.
    let settled = settled(&mut calls, vec![vec![six], vec![four]], 5).expect("it settles");
    assert_eq!(bytes(&settled), [5000, 0]);
    // Runs that leave the state as they found it are not told apart.
    assert!(settled.calls.iter().len() < 12, "{} calls", settled.calls.iter().len());
}

#[test]
fn repetitions_unroll_until_the_state_comes_back() {
    let mut calls = Calls::default();
    let five = draw(&mut calls, "pool", Data::Int(5));
    let twice = call(&mut calls, "twice", vec![five.clone(), five]);
    let settled = settled(&mut calls, vec![vec![times(twice, 1_000_000_000)]], 1).expect("it settles");
    assert_eq!(bytes(&settled), [1_000_000_000_000]);
}

#[test]
fn shares_of_a_group_add_up_in_each_of_its_parts() {
    let mut calls = Calls::default();
    let weights = [1, 4, 0, 2];
    let deferred = weights.map(|weight| vec![defer(&mut calls, "group", weight)]);
    let settled = settled(&mut calls, deferred.to_vec(), 1).expect("it settles");
    assert_eq!(bytes(&settled), weights.map(|weight| 10 * weight));
    // What a part sends is shared out under its name.
    let names: Vec<&str> = settled.calls.iter().map(|call| &**settled.calls.name(call.name)).collect();
    assert!(names.contains(&"inner") && names.contains(&"group"), "{names:?}");
}

#[test]
fn repeated_deferrals_and_calls_side_by_side_take_shares_too() {
    let mut calls = Calls::default();
    let one = defer(&mut calls, "group", 1);
    let layer = call(&mut calls, "layer", vec![one, sent(5)]);
    let operations = vec![vec![times(layer, 3)], vec![Item::Parallel(vec![layer, layer])]];
    let settled = settled(&mut calls, operations, 2).expect("it settles");
    assert_eq!(bytes(&settled), [2 * 3 * 15, 2 * 2 * 15]);
}

#[test]
fn what_costs_the_same_whatever_its_weight_is_shared_out_once() {
    let mut calls = Calls::default();
    let one = defer(&mut calls, "fixed", 1);
    let layer = call(&mut calls, "layer", vec![one]);
    let pair = call(&mut calls, "pair", vec![Item::Parallel(vec![layer, layer])]);
    // Weights of 2, 6 and 8.
    let operations = vec![vec![times(layer, 2)], vec![times(pair, 3)], vec![times(pair, 4)]];
    let settled = settled(&mut calls, operations, 1).expect("it settles");
    assert_eq!(bytes(&settled), [200, 600, 800]);
}

#[test]
fn what_has_no_end_is_refused() {
    let calls = &mut Calls::default();
    let itself = draw(calls, "itself", Data::Int(1));
    let error = settled(calls, vec![vec![itself]], 1).expect_err("it draws from itself");
    assert!(error.contains("draw_itself draws from \"itself\" itself"), "{error}");
    let deferring = defer(calls, "deferring", 1);
    let error = settled(calls, vec![vec![deferring]], 1).expect_err("its group defers");
    assert!(error.contains("the group \"deferring\" itself defers to a group"), "{error}");
    for (resource, expected) in [
        ("growing", "draw_growing keeps a state of more than 1000 values"),
        ("counting", "the program draws more than 100000 different calls"),
    ] {
        let drawn = draw(calls, resource, Data::None);
        let drawn = call(calls, "drawing", vec![drawn]);
        let error = settled(calls, vec![vec![times(drawn, u64::MAX)]], 1).expect_err("it has no end");
        assert!(error.contains(expected), "{error}");
    }
    let one = defer(calls, "group", u64::MAX);
    let error = settled(calls, vec![vec![one.clone()], vec![one]], 1).expect_err("weights overflow");
    assert!(error.contains("64"), "{error}");
    let mut deep = call(calls, "leaf", vec![sent(1)]);
    for _ in 0..600 {
        deep = call(calls, "level", vec![times(deep, 1)]);
    }
    let error = settled(calls, vec![vec![times(deep, 1)]], 1).expect_err("it nests too deep");
    assert!(error.contains("nest more than 512 deep"), "{error}");
}
