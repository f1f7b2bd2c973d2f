//! The prefix tree of calls.

use std::rc::Rc;

use hashbrown::{DefaultHashBuilder, HashMap};
use hawkeye_cost::{
    Before, CallId, Calls, Communication, Cost, Fold, Item, Overflow, Phase, PhaseMap, Share, Symbol,
};
use hawkeye_report::{CallNode, OWN, Operator, PARALLEL, PhaseCost, Phases, SIDE, Uncertainty};
use hawkeye_time::{Clock, Spent};
use indexmap::IndexMap;

use super::timing::Timing;

/// Nodes that a tree may have, so that neither it nor a page made of it grows beyond all bounds: a few
/// hundred calls that call one another twice have more chains than there are atoms.
const MOST_NODES: usize = 20_000;

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
enum NodeName {
    /// A protocol function.
    Function(Symbol),
    /// A module, an operator within an operator, or something of the tree's own.
    Text(Rc<str>),
    /// The operator at that position in the report: two of one name are two.
    Operator(usize, Rc<str>),
}

impl From<&str> for NodeName {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

/// What a node costs at its place in the program.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) cost: Cost,
    /// Seconds besides the latency of flights; nothing without a clock.
    pub(crate) spent: PhaseMap<Spent>,
}

impl Seen {
    pub(crate) fn add(&mut self, other: &Self) -> Result<(), Overflow> {
        self.cost = std::mem::take(&mut self.cost).then(&other.cost)?;
        for phase in Phase::ALL {
            self.spent[phase] += other.spent[phase];
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds are no exact numbers")]
    fn times(&self, n: u64) -> Result<Self, Overflow> {
        let mut spent = self.spent;
        Phase::ALL.iter().for_each(|phase| spent[*phase] = spent[*phase].times(n as f64));
        Ok(Self { cost: self.cost.times(n)?, spent })
    }

    /// Multiplies what is spent on transfer.
    pub(crate) fn scale_transfer(&mut self, factor: f64) {
        Phase::ALL.iter().for_each(|phase| self.spent[*phase].transfer *= factor);
    }

    fn is_zero(&self) -> bool {
        self.cost.is_zero() && self.spent == PhaseMap::default()
    }
}

/// A node of the tree. What it costs is seen at its place in the program.
#[derive(Clone, Debug, Default)]
struct TreeNode {
    /// The operator, if it is one.
    op: Option<String>,
    /// The node of the file, if it is one.
    node: Option<usize>,
    /// How often it runs.
    times: u64,
    seen: Seen,
    children: Children,
}

/// A level of the path to an operation: a module, an operator of the report, or what it is made of.
pub(crate) struct Level<'a> {
    name: &'a str,
    /// The operator, if it is one.
    pub(crate) op: Option<&'a str>,
    /// The row of the report and the node of the file that it stands for, if it is one.
    row: Option<(usize, Option<usize>)>,
}

impl<'a> Level<'a> {
    pub(crate) fn module(name: &'a str) -> Self {
        Self { name, op: None, row: None }
    }

    pub(crate) fn operator(operator: &'a Operator) -> Self {
        let row = Some((operator.index, operator.node));
        Self { name: &operator.name, op: Some(&operator.op), row }
    }

    fn key(&self) -> NodeName {
        match self.row {
            Some((index, _)) => NodeName::Operator(index, self.name.into()),
            None => self.name.into(),
        }
    }
}

/// Nodes side by side, in order of first appearance: what has the same name is one node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Children {
    nodes: IndexMap<NodeName, TreeNode, DefaultHashBuilder>,
    /// How many nodes there are, on all levels.
    size: usize,
}

impl Children {
    /// Adds runs of a node and of what is below it.
    fn add(&mut self, name: NodeName, times: u64, seen: &Seen, below: &Self) -> Result<(), TreeError> {
        let known = self.nodes.len();
        let node = self.nodes.entry(name).or_default();
        node.times = node.times.checked_add(times).ok_or(Overflow)?;
        node.seen.add(seen)?;
        // Sizes are kept as trees grow: counting them anew would take as long as building them.
        let size = node.children.size;
        node.children.merge(below, 1)?;
        self.size += node.children.size - size;
        self.size += self.nodes.len() - known;
        if self.size > MOST_NODES { Err(TreeError::TooLarge) } else { Ok(()) }
    }

    /// Adds everything in another tree, a number of times.
    fn merge(&mut self, other: &Self, times: u64) -> Result<(), TreeError> {
        // Most trees have one call of a name, into which a tree is put that is there already.
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
            self.add(name.clone(), runs, &node.seen.times(times)?, below)?;
        }
        Ok(())
    }

    /// Adds a run of an operation at the end of a path, as far as the depth goes.
    pub(crate) fn insert(
        &mut self,
        path: &[Level<'_>],
        depth: usize,
        seen: &Seen,
        below: &Self,
    ) -> Result<(), TreeError> {
        let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
        let Some((level, inner)) = path.split_first() else { return Ok(()) };
        // At the end of the path the operation itself is added; before it, the levels that lead there.
        if inner.is_empty() {
            self.add(level.key(), 1, seen, below)?;
        }
        let known = self.nodes.len();
        let node = self.nodes.entry(level.key()).or_default();
        node.op = level.op.map(str::to_owned);
        node.node = level.row.and_then(|(_, node)| node);
        if inner.is_empty() {
            return Ok(());
        }
        // However many operations it is made of, a module or an operator runs once.
        node.times = node.times.max(1);
        node.seen.add(seen)?;
        let size = node.children.size;
        node.children.insert(inner, depth, seen, below)?;
        self.size += node.children.size - size;
        self.size += self.nodes.len() - known;
        if self.size > MOST_NODES { Err(TreeError::TooLarge) } else { Ok(()) }
    }

    /// Multiplies what is spent on transfer, everywhere.
    pub(crate) fn scale_transfer(&mut self, factor: f64) {
        for node in self.nodes.values_mut() {
            node.seen.scale_transfer(factor);
            node.children.scale_transfer(factor);
        }
    }

    /// The nodes as the report has them; those that cost nothing are left out.
    pub(crate) fn finish(
        self,
        calls: &Calls<Share>,
        timing: Option<&Timing>,
    ) -> Result<Vec<CallNode>, Overflow> {
        let own = NodeName::from(OWN);
        let costly: Vec<_> = self.nodes.into_iter().filter(|(_, node)| !node.seen.is_zero()).collect();
        // What only sends itself is a leaf.
        if costly.iter().all(|(name, _)| *name == own) {
            return Ok(Vec::new());
        }
        let node = |(name, node): (NodeName, TreeNode)| {
            let mut costs = IndexMap::new();
            for phase in Phase::ALL {
                let cost = phase_cost(&node.seen, phase, timing)?;
                let silent =
                    PhaseCost { seconds: cost.seconds.filter(|s| *s == 0.0), ..PhaseCost::default() };
                if cost != silent {
                    costs.insert(phase.to_string(), cost);
                }
            }
            let name = match name {
                NodeName::Function(symbol) => calls.name(symbol).to_string(),
                NodeName::Text(text) | NodeName::Operator(_, text) => text.to_string(),
            };
            let seconds = timing.map(|timing| timing.counted(&node.seen.cost, &node.seen.spent).seconds());
            Ok(CallNode {
                name,
                op: node.op,
                node: node.node,
                times: node.times,
                seconds,
                costs,
                children: node.children.finish(calls, timing)?,
            })
        };
        costly.into_iter().map(node).collect()
    }
}

/// What is seen, by phase.
///
/// # Errors
/// [`Overflow`].
pub(crate) fn phases(seen: &Seen, timing: Option<&Timing>) -> Result<Phases, Overflow> {
    Ok(Phases {
        setup: phase_cost(seen, Phase::Setup, timing)?,
        offline: phase_cost(seen, Phase::Offline, timing)?,
        online: phase_cost(seen, Phase::Online, timing)?,
    })
}

/// The costs of a phase.
fn phase_cost(seen: &Seen, phase: Phase, timing: Option<&Timing>) -> Result<PhaseCost, Overflow> {
    let cost = &seen.cost;
    let seconds = timing.map(|timing| timing.of_phase(cost, &seen.spent, phase).seconds());
    let traffic = cost.traffic(phase)?;
    Ok(PhaseCost {
        bytes: traffic.bytes,
        messages: traffic.messages,
        rounds: cost.rounds[phase].count,
        flights: cost.flights[phase].count,
        uncertainty: (traffic.spread > 0).then_some(Uncertainty { bytes: traffic.spread }),
        seconds,
    })
}

/// Builds trees from the calls of one program.
///
/// What is below a call depends on the call, on how deep the tree goes, and on what comes before it: a
/// flight that goes on is not counted again. A call is run in few different contexts, since all that
/// counts of a context is in which direction the last message went; so each is built once.
pub(crate) struct CallTreeBuilder<'a, 'rule> {
    calls: &'a Calls<Share>,
    costs: &'a Fold<Communication<'rule>>,
    clock: Option<&'a Fold<Clock>>,
    built: HashMap<(CallId, usize, Before), Rc<Children>>,
}

impl<'a, 'rule> CallTreeBuilder<'a, 'rule> {
    pub(crate) fn new(
        calls: &'a Calls<Share>,
        costs: &'a Fold<Communication<'rule>>,
        clock: Option<&'a Fold<Clock>>,
    ) -> Self {
        Self { calls, costs, clock, built: HashMap::new() }
    }

    /// The tree below one run of a call.
    pub(crate) fn build(
        &mut self,
        call: CallId,
        depth: usize,
        before: Before,
    ) -> Result<Rc<Children>, TreeError> {
        // Each call adds two levels at most, itself and a side of what runs side by side, so that deeper trees are no different.
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
            let spent = self.clock.map(|clock| clock.item(item).unwrap_or_else(|never| match never {}));
            let seen = Seen { cost: cost.after(&before), spent: spent.unwrap_or_default() };
            match item {
                Item::Call { call, times } => {
                    let name = calls.call(*call).name;
                    // A mere sequence is no level of the tree; what it does stands among its caller's own.
                    if calls.name(name).is_empty() {
                        children.merge(&*self.repeated(*call, *times, depth, before)?, 1)?;
                    } else {
                        let below = self.repeated(*call, *times, depth - 1, before)?;
                        children.add(NodeName::Function(name), *times, &seen, &below)?;
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
            let name = if self.calls.name(name).is_empty() { SIDE.into() } else { NodeName::Function(name) };
            let below = self.build(*call, depth - 1, Before::default())?;
            let cost = self.costs.value(*call).after(&Before::default());
            let spent = self.clock.map(|clock| *clock.value(*call)).unwrap_or_default();
            children.add(name, 1, &Seen { cost, spent }, &below)?;
        }
        Ok(children)
    }
}
