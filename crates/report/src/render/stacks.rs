//! The call tree as stacks: every byte, message and round under the function that causes it.

use super::cells::Cells;
use crate::{CallNode, OWN, PARALLEL, PHASES, PhaseCost, Report};

/// Costs under a prefix chain that belong to none of its callees.
#[derive(Clone, Debug)]
pub(crate) struct Stack<'a> {
    /// Modules, operator and protocol functions, outermost first.
    pub(crate) frames: Vec<&'a str>,
    pub(crate) cells: Cells,
}

/// The stacks of a report in order of first appearance; they add up to the totals.
pub(crate) fn stacks(report: &Report) -> Vec<Stack<'_>> {
    let mut walk = StackWalk { frames: Vec::new(), found: Vec::new() };
    report.calls.iter().for_each(|node| walk.node(node, true));
    if report.calls.is_empty() {
        // Cut at no depth at all, the tree is the model.
        let cells = (&report.totals).into();
        walk.found.push(Stack { frames: vec![&report.model.file], cells });
    }
    walk.found
}

struct StackWalk<'a> {
    frames: Vec<&'a str>,
    found: Vec<Stack<'a>>,
}

impl<'a> StackWalk<'a> {
    /// Calls that run side by side share their rounds, so these stay with the node above them; below
    /// it, nodes are visited without `rounds`.
    fn node(&mut self, node: &'a CallNode, rounds: bool) {
        self.frames.push(&node.name);
        let parallel = node.name == PARALLEL && !node.children.is_empty();
        if node.children.is_empty() {
            self.add(node, |cost| PhaseCost { rounds: if rounds { cost.rounds } else { 0 }, ..cost });
        } else if parallel && rounds {
            self.add(node, |cost| PhaseCost { bytes: 0, messages: 0, ..cost });
        }
        for child in &node.children {
            if child.name == OWN {
                let only =
                    |cost: PhaseCost| PhaseCost { rounds: if rounds { cost.rounds } else { 0 }, ..cost };
                self.add(child, only);
            } else {
                self.node(child, rounds && !parallel);
            }
        }
        self.frames.pop();
    }

    fn add(&mut self, node: &CallNode, part: impl Fn(PhaseCost) -> PhaseCost) {
        let mut cells = Cells::default();
        for (phase, name) in PHASES.iter().enumerate() {
            if let Some(cost) = node.costs.get(*name) {
                cells.set(phase, &part(*cost));
            }
        }
        if !cells.is_zero() {
            self.found.push(Stack { frames: self.frames.clone(), cells });
        }
    }
}
