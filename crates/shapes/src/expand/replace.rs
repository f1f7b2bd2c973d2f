//! A graph in which some nodes are replaced; values keep their ids.

use std::collections::{BTreeSet, HashMap};

use hawkeye_graph::{Cycle, Derivation, Graph, GraphBuilder, Mark, Node, NodeId, Owner, Shapes, ValueId};

use super::builder::DefinitionBuilder;
use super::{DEEPEST, Decomposition, definition};

pub(crate) struct Replacer<'a> {
    source: &'a Graph,
    shapes: &'a Shapes,
    builder: GraphBuilder,
    /// Where the last attempt began.
    mark: Mark,
    changed: bool,
    /// Nodes and values that there may be.
    room: usize,
    /// Whether the last attempt needed more.
    full: bool,
}

impl<'a> Replacer<'a> {
    pub(crate) fn new(source: &'a Graph, shapes: &'a Shapes, room: usize) -> Self {
        let builder = GraphBuilder::from_graph(source.clone());
        let mark = builder.mark();
        // What is replaced is still there until the end.
        let room = room.saturating_add(source.size() - source.values.len());
        Self { source, shapes, builder, mark, changed: false, room, full: false }
    }

    pub(crate) fn changed(&self) -> bool {
        self.changed
    }

    /// Whether the last attempt needed more room than there is.
    pub(crate) fn full(&self) -> bool {
        self.full
    }

    /// Keeps nothing of the last attempt.
    pub(crate) fn give_up(&mut self) {
        self.builder.go_back(self.mark);
    }

    /// Tries a rule on a node; gives what stands for the node's outputs, if the rule gives all that are
    /// wanted.
    pub(crate) fn attempt(
        &mut self,
        id: NodeId,
        by: Derivation,
        rule: Decomposition,
    ) -> Option<Vec<Option<ValueId>>> {
        let node = self.source.node(id);
        let first = node.present_outputs().next();
        let prefix = first.map(|id| self.source.value(id).name.as_str()).unwrap_or_default();
        let owner = Owner::of(node, by, prefix);
        self.builder.set_owner(Owner { name: Some(node.name.clone()), place: Some(id), ..owner });
        self.mark = self.builder.mark();
        let mut emitter =
            DefinitionBuilder::new(self.source, &self.shapes.facts, &mut self.builder, node, self.room);
        let outputs = rule(&mut emitter, node);
        self.full = emitter.full();
        let outputs = outputs.filter(|_| !self.full)?;
        let given = |(position, wanted): (usize, &Option<ValueId>)| {
            wanted.is_none() || outputs.get(position).is_some_and(Option::is_some)
        };
        node.outputs.iter().enumerate().all(given).then_some(outputs)
    }

    /// Operators of the last attempt that are neither there nor defined by such that are.
    pub(crate) fn lacking(&self, has: &dyn Fn(&str, &str) -> bool) -> BTreeSet<String> {
        let missing = |node: &&Node| !node.inputs.is_empty() && !available(node, has, DEEPEST);
        self.builder.since(self.mark).iter().filter(missing).map(|node| node.op.clone()).collect()
    }

    /// Puts what the last attempt made in a node's place.
    pub(crate) fn replace(&mut self, id: NodeId, outputs: &[Option<ValueId>]) {
        let made: BTreeSet<ValueId> =
            self.builder.since(self.mark).iter().flat_map(Node::present_outputs).collect();
        let mut renamed: HashMap<ValueId, ValueId> = HashMap::new();
        for (wanted, found) in self.source.node(id).outputs.iter().zip(outputs) {
            let (Some(wanted), Some(found)) = (*wanted, *found) else { continue };
            // What comes from elsewhere, or stands for two outputs, can't take the output's place itself.
            let own = made.contains(&found) && !renamed.contains_key(&found);
            let own = if own { found } else { self.builder.op("Identity", &[found]) };
            renamed.insert(own, wanted);
        }
        self.builder.substitute(self.mark, &renamed);
        self.builder.remove(id);
        self.changed = true;
    }

    /// The new graph.
    ///
    /// # Errors
    /// Definitions that depend on themselves, which is their fault.
    pub(crate) fn finish(self) -> Result<Graph, Cycle> {
        self.builder.finish()
    }
}

/// Whether the operator is there, or has a definition; what that needs is seen when it is expanded.
fn available(node: &Node, has: &dyn Fn(&str, &str) -> bool, depth: usize) -> bool {
    has(&node.domain, &node.op) || (depth > 0 && definition(node).is_some())
}
