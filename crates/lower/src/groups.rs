//! Sharing out what a group costs for the whole program.

use std::collections::HashMap;

use hawkeye_cost::{Call, CallId, Calls, Cost, Item, Overflow, RoundRule, Summaries, Symbol, summarise};
use hawkeye_graph::{Diagnostic, Failure, Place};

use crate::program::complain;
use crate::{Lowering, Program};

/// Replaces deferred items by their share of their group's calls.
pub(crate) fn share_groups(
    mut program: Program,
    calls: &mut Calls,
    rule: &RoundRule,
    lowering: &mut dyn Lowering,
) -> Result<Program, Failure> {
    let mut totals = Totals { order: Vec::new(), weights: HashMap::new() };
    for call in program.operations.iter().filter_map(|o| o.call) {
        totals.add(calls, call, 1).map_err(overflow)?;
    }
    if totals.order.is_empty() {
        return Ok(program);
    }
    let mut trees = HashMap::new();
    for group in &totals.order {
        let weight = totals.weights[group];
        let name = calls.name(*group).clone();
        let call = lowering.group(calls, &name, weight).map_err(|e| complain(Place::Model, e))?;
        trees.insert(*group, (weight, call));
    }
    // Groups run after everything else of the program, one after the other.
    let own: Vec<CallId> = program.operations.iter().filter_map(|o| o.call).collect();
    let own = own.into_iter().map(|call| without_deferred(calls, call)).collect::<Vec<_>>();
    let costs = {
        let mut summaries = summarise(calls, rule);
        let mut before = rule.before();
        for call in own {
            before = before.then(&*summaries.cost(call).map_err(overflow)?).map_err(overflow)?;
        }
        let mut costs = HashMap::new();
        for group in &totals.order {
            if let (_, Some(call)) = trees[group] {
                let tree = leaves(calls, &mut summaries, call, &mut before).map_err(overflow)?;
                costs.insert(*group, tree);
            }
        }
        costs
    };
    let mut shares = Shares { calls, totals: &totals.weights, costs: &costs, given: HashMap::new() };
    for operation in &mut program.operations {
        if let Some(call) = operation.call {
            operation.call = Some(shares.call(call).map_err(overflow)?);
        }
    }
    Ok(program)
}

fn overflow(error: Overflow) -> Failure {
    Diagnostic::error(Place::Model, error.to_string()).into()
}

/// The weight deferred to each group, and the groups in order of first use.
struct Totals {
    order: Vec<Symbol>,
    weights: HashMap<Symbol, u64>,
}

impl Totals {
    fn add(&mut self, calls: &Calls, call: CallId, multiplicity: u64) -> Result<(), Overflow> {
        if !calls.stateful(call) {
            return Ok(());
        }
        for item in &calls.call(call).items {
            match item {
                Item::Defer { group, weight } => {
                    let weight = weight.checked_mul(multiplicity).ok_or(Overflow)?;
                    if !self.weights.contains_key(group) {
                        self.order.push(*group);
                    }
                    let sum = self.weights.entry(*group).or_default();
                    *sum = sum.checked_add(weight).ok_or(Overflow)?;
                }
                Item::Call { call, times } => {
                    self.add(calls, *call, multiplicity.checked_mul(*times).ok_or(Overflow)?)?;
                }
                Item::Parallel(parallel) => {
                    for call in parallel {
                        self.add(calls, *call, multiplicity)?;
                    }
                }
                Item::Step(_)
                | Item::Count { .. }
                | Item::Once { .. }
                | Item::Draw { .. }
                | Item::Settled(_) => {}
            }
        }
        Ok(())
    }
}

/// The call with its deferred items left out.
fn without_deferred(calls: &mut Calls, id: CallId) -> CallId {
    if !calls.stateful(id) {
        return id;
    }
    let mut call = calls.call(id).clone();
    call.items.retain(|item| !matches!(item, Item::Defer { .. }));
    for item in &mut call.items {
        match item {
            Item::Call { call, .. } => *call = without_deferred(calls, *call),
            Item::Parallel(parallel) => {
                for call in parallel {
                    *call = without_deferred(calls, *call);
                }
            }
            _ => {}
        }
    }
    calls.add(call)
}

/// A group's call tree with the cost of every leaf at its place in the program.
enum Tree {
    Leaf(Cost),
    Call(Symbol, Vec<Tree>),
}

fn leaves(
    calls: &Calls,
    summaries: &mut Summaries<'_>,
    id: CallId,
    before: &mut Cost,
) -> Result<Tree, Overflow> {
    let call = calls.call(id);
    let mut children = Vec::with_capacity(call.items.len());
    for item in &call.items {
        if let Item::Call { call, times: 1 } = item {
            children.push(leaves(calls, summaries, *call, before)?);
            continue;
        }
        let cost = summaries.item(item)?;
        let leaf = Tree::Leaf(cost.after(before));
        *before = std::mem::take(before).then(&cost)?;
        children.push(match item {
            Item::Call { call, .. } => Tree::Call(calls.call(*call).name, vec![leaf]),
            _ => leaf,
        });
    }
    Ok(Tree::Call(call.name, children))
}

struct Shares<'a> {
    calls: &'a mut Calls,
    totals: &'a HashMap<Symbol, u64>,
    costs: &'a HashMap<Symbol, Tree>,
    /// Weight of each group that has been given its share.
    given: HashMap<Symbol, u64>,
}

impl Shares<'_> {
    fn call(&mut self, id: CallId) -> Result<CallId, Overflow> {
        if !self.calls.stateful(id) {
            return Ok(id);
        }
        let call = self.calls.call(id).clone();
        let mut shared = Call { name: call.name, items: Vec::with_capacity(call.items.len()) };
        for item in call.items {
            match item {
                Item::Defer { group, weight } => self.defer(group, weight, &mut shared)?,
                Item::Call { call, times } if self.calls.stateful(call) => {
                    for _ in 0..times {
                        let call = self.call(call)?;
                        shared.push(Item::Call { call, times: 1 });
                    }
                }
                Item::Parallel(parallel) => {
                    let parallel =
                        parallel.into_iter().map(|call| self.call(call)).collect::<Result<_, _>>()?;
                    shared.push(Item::Parallel(parallel));
                }
                item => shared.push(item),
            }
        }
        Ok(self.calls.add(shared))
    }

    fn defer(&mut self, group: Symbol, weight: u64, shared: &mut Call) -> Result<(), Overflow> {
        let start = *self.given.get(&group).unwrap_or(&0);
        let end = start + weight;
        self.given.insert(group, end);
        if let (Some(tree), true) = (self.costs.get(&group), weight > 0) {
            let item = share(self.calls, tree, start, end, self.totals[&group])?;
            shared.push(item);
        }
        Ok(())
    }
}

/// The part of a tree that belongs to the weights from `start` to `end`.
fn share(calls: &mut Calls, tree: &Tree, start: u64, end: u64, total: u64) -> Result<Item, Overflow> {
    Ok(match tree {
        Tree::Leaf(cost) => Item::Settled(Box::new(cost.share(start, end, total)?)),
        Tree::Call(name, children) => {
            let mut call = Call { name: *name, items: Vec::with_capacity(children.len()) };
            for child in children {
                call.push(share(calls, child, start, end, total)?);
            }
            Item::Call { call: calls.add(call), times: 1 }
        }
    })
}
