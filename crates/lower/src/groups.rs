//! Sharing out what a group costs for the whole program.

use hashbrown::HashMap;
use hawkeye_cost::{Call, CallId, Calls, Deferral, Item, Overflow, Share, Symbol};

/// What serves the whole program and is shared out.
pub(crate) struct Group {
    /// Its name.
    pub(crate) name: Symbol,
    /// The sum of the weights that were deferred to it.
    pub(crate) total: u64,
    /// Its calls; `None` if it costs nothing.
    pub(crate) call: Option<CallId>,
}

/// The weight deferred to each group, and the groups in order of first use.
#[derive(Default)]
pub(crate) struct DeferredWeights {
    order: Vec<Symbol>,
    sums: HashMap<Symbol, u64>,
}

impl DeferredWeights {
    /// Adds what a call defers when it is made that many times.
    pub(crate) fn add(
        &mut self,
        calls: &Calls<Deferral>,
        call: CallId,
        multiplicity: u64,
    ) -> Result<(), Overflow> {
        if !calls.has_own(call) {
            return Ok(());
        }
        for item in &calls.call(call).items {
            match item {
                Item::Own(Deferral { group, weight }) => {
                    let weight = weight.checked_mul(multiplicity).ok_or(Overflow)?;
                    if !self.sums.contains_key(group) {
                        self.order.push(*group);
                    }
                    let sum = self.sums.entry(*group).or_default();
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
                Item::Step(_) | Item::Work { .. } | Item::Count { .. } => {}
            }
        }
        Ok(())
    }

    /// Groups with the sums of their weights, in order of first use.
    pub(crate) fn into_sorted(self) -> impl Iterator<Item = (Symbol, u64)> {
        self.order.into_iter().map(move |group| (group, self.sums[&group]))
    }
}

/// Replaces what operations deferred by their shares of the groups' calls, in an arena of its own.
pub(crate) fn share_groups(
    calls: &Calls<Deferral>,
    operations: &[Option<CallId>],
    groups: &[Group],
) -> Result<(Calls<Share>, Vec<Option<CallId>>), Overflow> {
    let mut sharing = Sharing {
        calls,
        shared: Calls::with_names_of(calls),
        plain: HashMap::new(),
        parts: HashMap::new(),
        given: HashMap::new(),
    };
    // Groups run after everything else of the program, one after the other.
    let unnamed = sharing.shared.symbol("");
    let mut items: Vec<_> = Vec::new();
    for call in operations.iter().flatten() {
        items.push(Item::Call { call: sharing.without_deferred(*call), times: 1 });
    }
    let mut before = sharing.shared.add(Call { name: unnamed, items });
    for group in groups {
        if let Some(call) = group.call {
            let call = sharing.without_deferred(call);
            let parts = sharing.parts(call, &mut before);
            sharing.parts.insert(group.name, (group.total, parts));
        }
    }
    let mut shared = Vec::with_capacity(operations.len());
    for call in operations {
        shared.push(call.map(|call| sharing.call(call)).transpose()?);
    }
    Ok((sharing.shared, shared))
}

/// A group's calls, taken apart as far as each runs once: every part is shared out by itself, so that
/// shares of the parts show under their names and add up to the parts exactly.
enum GroupPart {
    /// A call and what runs before it.
    Leaf(CallId, CallId),
    Call(Symbol, Vec<GroupPart>),
}

struct Sharing<'a> {
    calls: &'a Calls<Deferral>,
    shared: Calls<Share>,
    /// Calls with what they defer left out.
    plain: HashMap<CallId, CallId>,
    /// Of each group that costs anything, the total weight and the parts.
    parts: HashMap<Symbol, (u64, GroupPart)>,
    /// Weight of each group that has been given its share.
    given: HashMap<Symbol, u64>,
}

impl Sharing<'_> {
    /// The call with its deferred items left out.
    fn without_deferred(&mut self, id: CallId) -> CallId {
        if let Some(plain) = self.plain.get(&id) {
            return *plain;
        }
        let Call { name, items } = self.calls.call(id);
        let mut call = Call { name: *name, items: Vec::with_capacity(items.len()) };
        for item in items {
            match item {
                Item::Own(_) => {}
                Item::Call { call: callee, times } => {
                    call.push(Item::Call { call: self.without_deferred(*callee), times: *times });
                }
                Item::Parallel(sides) => {
                    let sides = sides.iter().map(|side| self.without_deferred(*side)).collect();
                    call.push(Item::Parallel(sides));
                }
                Item::Step(step) => call.push(Item::Step(step.clone())),
                Item::Work { phase, kind, amount } => {
                    call.push(Item::Work { phase: *phase, kind: *kind, amount: *amount });
                }
                Item::Count { counter, amount } => {
                    call.push(Item::Count { counter: *counter, amount: *amount });
                }
            }
        }
        let plain = self.shared.add(call);
        self.plain.insert(id, plain);
        plain
    }

    /// Takes a call of a group apart; `before` moves on past it.
    fn parts(&mut self, id: CallId, before: &mut CallId) -> GroupPart {
        let call = self.shared.call(id).clone();
        let unnamed = self.shared.symbol("");
        let mut parts = Vec::with_capacity(call.items.len());
        for item in call.items {
            // What runs several times stays whole: its runs differ in how their first flight joins what was sent before,
            // so that a share of one run, times the number of runs, would not add up.
            if let Item::Call { call, times: 1 } = item {
                parts.push(self.parts(call, before));
                continue;
            }
            let callee =
                if let Item::Call { call, .. } = &item { Some(self.shared.call(*call).name) } else { None };
            let alone = self.shared.add(Call { name: unnamed, items: vec![item] });
            let leaf = GroupPart::Leaf(alone, *before);
            // A chain of pairs, not one call that grows: each shares all but its last item with the one before.
            let sequence = [*before, alone].map(|call| Item::Call { call, times: 1 }).to_vec();
            *before = self.shared.add(Call { name: unnamed, items: sequence });
            parts.push(match callee {
                Some(name) => GroupPart::Call(name, vec![leaf]),
                None => leaf,
            });
        }
        GroupPart::Call(call.name, parts)
    }

    /// The call with its shares in place of what it deferred.
    fn call(&mut self, id: CallId) -> Result<CallId, Overflow> {
        if !self.calls.has_own(id) {
            return Ok(self.without_deferred(id));
        }
        let Call { name, items } = self.calls.call(id);
        let mut call = Call { name: *name, items: Vec::with_capacity(items.len()) };
        for item in items {
            match item {
                Item::Own(deferral) => self.defer(*deferral, &mut call)?,
                Item::Call { call: callee, times } if self.calls.has_own(*callee) => {
                    // Runs of a call that defers get shares that follow each other, which rounding makes unequal.
                    for _ in 0..*times {
                        let callee = self.call(*callee)?;
                        call.push(Item::Call { call: callee, times: 1 });
                    }
                }
                Item::Call { call: callee, times } => {
                    call.push(Item::Call { call: self.without_deferred(*callee), times: *times });
                }
                Item::Parallel(sides) => {
                    let sides = sides.iter().map(|side| self.call(*side)).collect::<Result<_, _>>()?;
                    call.push(Item::Parallel(sides));
                }
                Item::Step(step) => call.push(Item::Step(step.clone())),
                Item::Work { phase, kind, amount } => {
                    call.push(Item::Work { phase: *phase, kind: *kind, amount: *amount });
                }
                Item::Count { counter, amount } => {
                    call.push(Item::Count { counter: *counter, amount: *amount });
                }
            }
        }
        Ok(self.shared.add(call))
    }

    fn defer(&mut self, deferral: Deferral, call: &mut Call<Share>) -> Result<(), Overflow> {
        let Deferral { group, weight } = deferral;
        let start = *self.given.get(&group).unwrap_or(&0);
        let end = start.checked_add(weight).ok_or(Overflow)?;
        self.given.insert(group, end);
        // Both ends go into the share, not its length: parts cut at the same places add up whatever their rounding.
        if let (Some((total, part)), true) = (self.parts.get(&group), weight > 0) {
            call.push(share(&mut self.shared, part, start, end, *total));
        }
        Ok(())
    }
}

/// The part of a group's part that belongs to the weights from `start` to `end`.
fn share(calls: &mut Calls<Share>, part: &GroupPart, start: u64, end: u64, total: u64) -> Item<Share> {
    match part {
        GroupPart::Leaf(call, before) => Item::Own(Share { call: *call, before: *before, start, end, total }),
        GroupPart::Call(name, parts) => {
            let mut call = Call { name: *name, items: Vec::with_capacity(parts.len()) };
            for part in parts {
                call.push(share(calls, part, start, end, total));
            }
            Item::Call { call: calls.add(call), times: 1 }
        }
    }
}
