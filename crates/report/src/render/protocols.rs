//! Protocol calls, each chain of them cut at a depth below its operator.

use indexmap::IndexMap;

use super::cells::{Cells, Row};
use crate::{CallNode, OWN, PARALLEL, PHASES, PhaseCost, Report, SIDE};

/// One row per chain of protocol calls. A chain is charged with everything under it at `depth`, and
/// with what its last call sends itself above that, so that rows add up to the totals. Transport is
/// what every chain ends in; the cut leaves the protocols that a designer chooses between.
pub(crate) fn protocols(report: &Report, depth: usize) -> Vec<Row> {
    let mut walk = ChainCosts { depth: depth.max(1), rows: IndexMap::new() };
    for node in &report.calls {
        walk.node(node, &Chain { chain: String::new(), level: 0, below_operator: false, rounds: true });
    }
    if report.calls.is_empty() {
        let name = format!("({} itself)", report.model.file);
        walk.rows.insert(name, (1, (&report.totals).into()));
    }
    let nonzero = |(_, (_, cells)): &(String, (u128, Cells))| !cells.is_zero();
    let row = |(name, (calls, cells)): (String, (u128, Cells))| Row {
        times: 1,
        name,
        detail: calls.to_string(),
        operator: None,
        cells,
    };
    walk.rows.into_iter().filter(nonzero).map(row).collect()
}

struct ChainCosts {
    depth: usize,
    /// Calls and costs by chain.
    rows: IndexMap<String, (u128, Cells)>,
}

#[derive(Clone)]
struct Chain {
    chain: String,
    level: usize,
    below_operator: bool,
    /// Calls that run side by side share their rounds, so these stay with the chain above them.
    rounds: bool,
}

impl ChainCosts {
    fn node(&mut self, node: &CallNode, place: &Chain) {
        let mut here = place.clone();
        let structure = [PARALLEL, SIDE, OWN].contains(&node.name.as_str());
        if place.below_operator && !structure {
            here.chain = if place.level == 0 {
                node.name.clone()
            } else {
                format!("{} › {}", place.chain, node.name)
            };
            here.level += 1;
            self.rows.entry(here.chain.clone()).or_default().0 += u128::from(node.times);
        } else if let Some(op) = &node.op {
            here.chain = format!("({op} itself)");
            here.below_operator = true;
        }
        if here.level == self.depth || node.children.is_empty() {
            self.charge(&here, node, |cost| cost);
            return;
        }
        if node.name == PARALLEL {
            self.charge(&here, node, |cost| PhaseCost { bytes: 0, messages: 0, ..cost });
            here.rounds = false;
        }
        node.children.iter().for_each(|child| self.node(child, &here));
    }

    fn charge(&mut self, place: &Chain, node: &CallNode, part: impl Fn(PhaseCost) -> PhaseCost) {
        let mut cells = Cells::default();
        for (phase, name) in PHASES.iter().enumerate() {
            if let Some(cost) = node.costs.get(*name) {
                let cost = part(*cost);
                cells.set(phase, &PhaseCost { rounds: if place.rounds { cost.rounds } else { 0 }, ..cost });
            }
        }
        let chain = if place.chain.is_empty() { node.name.clone() } else { place.chain.clone() };
        self.rows.entry(chain).or_default().1 += cells;
    }
}
