//! The prefix tree of calls.

use std::collections::HashMap;
use std::rc::Rc;

use hawkeye_cost::{Before, CallId, Calls, Communication, Cost, Fold, Item, Overflow, Phase, Share, Symbol};
use hawkeye_report::{CallNode, OWN, PARALLEL, PhaseCost, SIDE, Uncertainty};
use indexmap::IndexMap;

/// Nodes that a tree may have, so that neither it nor a page made of it grows beyond all bounds: a few
/// hundred calls that call one another twice have more chains than there are atoms.
const MOST_NODES: usize = 100_000;

/// Why a tree can't be built.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TreeError {
    Overflow,
    /// It has more than [`MOST_NODES`].
    TooLarge,
}

impl From<Overflow> for TreeError {
    fn from(_: Overflow) -> Self {
        Self::Overflow
    }
}

/// What a node's name comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Name {
    /// A protocol function.
    Function(Symbol),
    /// A module, an operator, or something of the tree's own.
    Text(Rc<str>),
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

/// A node of the tree. What it costs is seen at its place in the program.
#[derive(Clone, Debug, Default)]
struct TreeNode {
    /// The operator, if it is one.
    op: Option<String>,
    /// How often it runs.
    times: u64,
    cost: Cost,
    children: Children,
}

/// An operator to be inserted, with what is below it.
#[derive(Clone, Copy)]
pub(crate) struct Leaf<'a> {
    pub(crate) name: &'a str,
    pub(crate) op: &'a str,
    pub(crate) cost: &'a Cost,
    pub(crate) below: &'a Children,
}

/// Nodes side by side, in order of first appearance: what has the same name is one node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Children {
    nodes: IndexMap<Name, TreeNode>,
    /// How many nodes there are, on all levels.
    size: usize,
}

impl Children {
    /// Adds runs of a node and of what is below it.
    fn add(&mut self, name: Name, times: u64, cost: &Cost, below: &Self) -> Result<(), TreeError> {
        let known = self.nodes.len();
        let node = self.nodes.entry(name).or_default();
        node.times = node.times.checked_add(times).ok_or(Overflow)?;
        node.cost = std::mem::take(&mut node.cost).then(cost)?;
        let size = node.children.size;
        node.children.merge(below, 1)?;
        self.size += node.children.size - size;
        self.size += self.nodes.len() - known;
        if self.size > MOST_NODES { Err(TreeError::TooLarge) } else { Ok(()) }
    }

    /// Adds everything in another tree, a number of times.
    fn merge(&mut self, other: &Self, times: u64) -> Result<(), TreeError> {
        if self.nodes.is_empty() && times == 1 {
            self.clone_from(other);
            return Ok(());
        }
        for (name, node) in &other.nodes {
            let mut below = Self::default();
            let below = if times == 1 {
                &node.children
            } else {
                below.merge(&node.children, times)?;
                &below
            };
            let runs = node.times.checked_mul(times).ok_or(Overflow)?;
            self.add(name.clone(), runs, &node.cost.times(times)?, below)?;
        }
        Ok(())
    }

    /// Adds a run of an operator under its modules, as far as the depth goes.
    pub(crate) fn insert(&mut self, modules: &[&str], depth: usize, leaf: Leaf<'_>) -> Result<(), TreeError> {
        let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
        let Some((module, inner)) = modules.split_first() else {
            self.add(leaf.name.into(), 1, leaf.cost, leaf.below)?;
            self.nodes.entry(leaf.name.into()).or_default().op = Some(leaf.op.to_owned());
            return Ok(());
        };
        let known = self.nodes.len();
        let node = self.nodes.entry((*module).into()).or_default();
        // However many operators it has, a module runs once.
        node.times = 1;
        node.cost = std::mem::take(&mut node.cost).then(leaf.cost)?;
        let size = node.children.size;
        node.children.insert(inner, depth, leaf)?;
        self.size += node.children.size - size;
        self.size += self.nodes.len() - known;
        if self.size > MOST_NODES { Err(TreeError::TooLarge) } else { Ok(()) }
    }

    /// The nodes as the report has them; those that cost nothing are left out.
    pub(crate) fn finish(self, calls: &Calls<Share>) -> Result<Vec<CallNode>, Overflow> {
        let own = Name::from(OWN);
        let costly: Vec<_> = self.nodes.into_iter().filter(|(_, node)| !node.cost.is_zero()).collect();
        // What only sends itself is a leaf.
        if costly.iter().all(|(name, _)| *name == own) {
            return Ok(Vec::new());
        }
        let node = |(name, node): (Name, TreeNode)| {
            let mut costs = IndexMap::new();
            for phase in Phase::ALL {
                let cost = phase_cost(&node.cost, phase)?;
                if cost != PhaseCost::default() {
                    costs.insert(phase.to_string(), cost);
                }
            }
            let name = match name {
                Name::Function(symbol) => calls.name(symbol).to_string(),
                Name::Text(text) => text.to_string(),
            };
            Ok(CallNode {
                name,
                op: node.op,
                times: node.times,
                costs,
                children: node.children.finish(calls)?,
            })
        };
        costly.into_iter().map(node).collect()
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

/// Builds trees from the calls of one program.
///
/// What is below a call depends on the call, on how deep the tree goes, and on what comes before it: a
/// flight that goes on is not counted again. A call is run in few different contexts, since all that
/// counts of a context is in which direction the last message went; so each is built once.
pub(crate) struct CallTreeBuilder<'a> {
    calls: &'a Calls<Share>,
    costs: &'a Fold<Communication<'a>>,
    built: HashMap<(CallId, usize, Before), Rc<Children>>,
}

impl<'a> CallTreeBuilder<'a> {
    pub(crate) fn new(calls: &'a Calls<Share>, costs: &'a Fold<Communication<'a>>) -> Self {
        Self { calls, costs, built: HashMap::new() }
    }

    /// The tree below one run of a call.
    pub(crate) fn build(
        &mut self,
        call: CallId,
        depth: usize,
        before: Before,
    ) -> Result<Rc<Children>, TreeError> {
        let key = (call, depth.min(2 * self.calls.height(call)), before);
        if let Some(built) = self.built.get(&key) {
            return Ok(built.clone());
        }
        let mut children = Children::default();
        if depth > 0 {
            self.items(&mut children, call, depth, before)?;
        }
        let built = Rc::new(children);
        self.built.insert(key, built.clone());
        Ok(built)
    }

    fn items(
        &mut self,
        children: &mut Children,
        call: CallId,
        depth: usize,
        mut before: Before,
    ) -> Result<(), TreeError> {
        let calls = self.calls;
        let nothing = Children::default();
        for item in &calls.call(call).items {
            let cost = self.costs.item(item)?;
            let seen = cost.after(&before);
            match item {
                Item::Call { call, times } => {
                    let name = calls.call(*call).name;
                    if calls.name(name).is_empty() {
                        children.merge(&*self.repeated(*call, *times, depth, before)?, 1)?;
                    } else {
                        let below = self.repeated(*call, *times, depth - 1, before)?;
                        children.add(Name::Function(name), *times, &seen, &below)?;
                    }
                }
                Item::Parallel(sides) => {
                    let below = self.sides(sides, depth - 1)?;
                    children.add(PARALLEL.into(), 1, &seen, &below)?;
                }
                // Another run under the same name may have callees, even if this one has none.
                Item::Step(_) | Item::Work { .. } | Item::Count { .. } | Item::Own(_) => {
                    children.add(OWN.into(), 1, &seen, &nothing)?;
                }
            }
            before = before.then(&cost);
        }
        Ok(())
    }

    /// The tree below all runs of a call: from the second run on, what comes before is the run before.
    fn repeated(
        &mut self,
        call: CallId,
        times: u64,
        depth: usize,
        before: Before,
    ) -> Result<Rc<Children>, TreeError> {
        let first = self.build(call, depth, before)?;
        if times <= 1 || depth == 0 {
            return Ok(first);
        }
        let later = self.build(call, depth, before.then(self.costs.value(call)))?;
        let mut all = Children::default();
        all.merge(&first, 1)?;
        all.merge(&later, times - 1)?;
        Ok(Rc::new(all))
    }

    /// The tree below calls that run side by side, each as if it ran alone.
    fn sides(&mut self, sides: &[CallId], depth: usize) -> Result<Children, TreeError> {
        let mut children = Children::default();
        for call in sides.iter().filter(|_| depth > 0) {
            let name = self.calls.call(*call).name;
            let name = if self.calls.name(name).is_empty() { SIDE.into() } else { Name::Function(name) };
            let below = self.build(*call, depth - 1, Before::default())?;
            children.add(name, 1, &self.costs.value(*call).after(&Before::default()), &below)?;
        }
        Ok(children)
    }
}
