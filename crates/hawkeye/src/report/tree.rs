//! The prefix tree of calls.

use std::collections::HashMap;

use hawkeye_cost::{CallId, Calls, Cost, Item, Overflow, Phase, Summaries};
use indexmap::IndexMap;

use hawkeye_report::{CallNode, OWN, PARALLEL, PhaseCost, SIDE, Uncertainty};

/// A node of the tree while it grows: children of equal names are one.
#[derive(Debug, Default)]
pub(crate) struct Branch {
    op: Option<String>,
    times: u64,
    cost: Cost,
    children: Vec<(String, Branch)>,
    positions: HashMap<String, usize>,
}

impl Branch {
    /// The child of that name, made if need be.
    pub(crate) fn child(&mut self, name: &str) -> &mut Self {
        let position = match self.positions.get(name) {
            Some(position) => *position,
            None => {
                self.positions.insert(name.to_owned(), self.children.len());
                self.children.push((name.to_owned(), Self::default()));
                self.children.len() - 1
            }
        };
        &mut self.children[position].1
    }

    /// Adds a run of this node.
    pub(crate) fn add(&mut self, op: Option<&str>, times: u64, cost: &Cost) -> Result<(), Overflow> {
        self.op = op.map(str::to_owned).or(self.op.take());
        self.times = self.times.checked_add(times).ok_or(Overflow)?;
        self.cost = std::mem::take(&mut self.cost).then(cost)?;
        Ok(())
    }

    /// Marks this as a module, which runs once however many operators it has.
    pub(crate) fn once(&mut self) {
        self.times = 1;
    }

    /// The finished children, in order of first appearance; those that cost nothing are left out.
    pub(crate) fn finish(self) -> Result<Vec<CallNode>, Overflow> {
        let worth_it = |(_, branch): &(String, Self)| !branch.cost.is_zero();
        let node = |(name, branch): (String, Self)| {
            let mut costs = IndexMap::new();
            for phase in Phase::ALL {
                let cost = phase_cost(&branch.cost, phase)?;
                if cost != PhaseCost::default() {
                    costs.insert(phase.to_string(), cost);
                }
            }
            Ok(CallNode {
                name,
                op: branch.op.clone(),
                times: branch.times,
                costs,
                children: branch.finish()?,
            })
        };
        // What only sends itself is a leaf.
        if self.children.iter().all(|(name, _)| name == OWN) {
            return Ok(Vec::new());
        }
        self.children.into_iter().filter(worth_it).map(node).collect()
    }
}

/// The costs of a phase.
pub(crate) fn phase_cost(cost: &Cost, phase: Phase) -> Result<PhaseCost, Overflow> {
    let traffic = cost.traffic(phase)?;
    Ok(PhaseCost {
        bytes: traffic.bytes,
        messages: traffic.messages,
        rounds: cost.rounds[phase].count,
        flights: cost.flights[phase].count,
        uncertainty: (traffic.spread > 0).then_some(Uncertainty { bytes: traffic.spread }),
    })
}

/// A call at its place in the tree.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    /// The call.
    pub(crate) call: CallId,
    /// How often it runs in sequence.
    pub(crate) repeated: u64,
    /// How often that sequence runs, each time in the same context.
    pub(crate) outer: u64,
    /// What comes before.
    pub(crate) before: &'a Cost,
    /// Levels of the tree to grow below it.
    pub(crate) depth: usize,
}

/// Grows trees from the calls of one program.
pub(crate) struct Grower<'a, 'b> {
    pub(crate) calls: &'a Calls,
    pub(crate) summaries: &'b mut Summaries<'a>,
}

impl Grower<'_, '_> {
    /// Grows the tree below a call.
    pub(crate) fn grow(&mut self, branch: &mut Branch, site: Site<'_>) -> Result<(), Overflow> {
        if site.depth == 0 {
            return Ok(());
        }
        self.items(branch, site)?;
        if site.repeated > 1 {
            // From the second run on, what comes before is the run before.
            let before = site.before.clone().then(&*self.summaries.cost(site.call)?)?;
            let outer = site.outer.checked_mul(site.repeated - 1).ok_or(Overflow)?;
            self.items(branch, Site { outer, before: &before, ..site })?;
        }
        Ok(())
    }

    /// Adds what one run of the call does, `outer` times.
    fn items(&mut self, branch: &mut Branch, site: Site<'_>) -> Result<(), Overflow> {
        let Site { outer: times, depth, .. } = site;
        let mut before = site.before.clone();
        let calls = self.calls;
        for item in &calls.call(site.call).items {
            let cost = self.summaries.item(item)?;
            let seen = cost.after(&before).times(times)?;
            match item {
                Item::Call { call, times: inner } => {
                    let name = calls.name(calls.call(*call).name);
                    let runs = times.checked_mul(*inner).ok_or(Overflow)?;
                    let below = Site { call: *call, repeated: *inner, outer: times, before: &before, depth };
                    if name.is_empty() {
                        self.grow(branch, below)?;
                    } else {
                        let child = branch.child(name);
                        child.add(None, runs, &seen)?;
                        self.grow(child, Site { depth: depth - 1, ..below })?;
                    }
                }
                Item::Parallel(sides) => {
                    let child = branch.child(PARALLEL);
                    child.add(None, times, &seen)?;
                    self.sides(child, sides, Site { depth: depth - 1, ..site })?;
                }
                // Another run under the same name may have callees, even if this one has none.
                _ => branch.child(OWN).add(None, times, &seen)?,
            }
            before = before.then(&cost)?;
        }
        Ok(())
    }

    /// Adds calls that run side by side, each as if it ran alone.
    fn sides(&mut self, branch: &mut Branch, sides: &[CallId], site: Site<'_>) -> Result<(), Overflow> {
        if site.depth == 0 {
            return Ok(());
        }
        let alone = Cost::default();
        for call in sides {
            let name = self.calls.name(self.calls.call(*call).name);
            let side = branch.child(if name.is_empty() { SIDE } else { name });
            let cost = self.summaries.cost(*call)?.after(&alone).times(site.outer)?;
            side.add(None, site.outer, &cost)?;
            self.grow(
                side,
                Site { call: *call, repeated: 1, before: &alone, depth: site.depth - 1, ..site },
            )?;
        }
        Ok(())
    }
}
