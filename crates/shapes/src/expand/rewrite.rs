//! A graph that is being rewritten: values keep their ids, nodes are put in one by one.

use std::collections::{BTreeMap, BTreeSet};

use hawkeye_graph::{Fact, Graph, Node, NodeId, Origin, Shapes, Table, Value, ValueId};

use super::emit::Emitter;
use super::{DEEPEST, MOST_NODES, Rule, definition};

pub(crate) struct Rewriter<'a> {
    source: &'a Graph,
    facts: &'a Table<ValueId, Fact>,
    values: Vec<Value>,
    nodes: Vec<Node>,
    /// What the last attempt made, not yet part of the graph.
    draft: Vec<Node>,
    /// Values before the last attempt.
    mark: usize,
    changed: bool,
}

impl<'a> Rewriter<'a> {
    pub(crate) fn new(source: &'a Graph, shapes: &'a Shapes) -> Self {
        Self {
            source,
            facts: &shapes.facts,
            values: source.values.clone(),
            nodes: Vec::with_capacity(source.nodes.len()),
            draft: Vec::new(),
            mark: source.values.len(),
            changed: false,
        }
    }

    pub(crate) fn changed(&self) -> bool {
        self.changed
    }

    /// Keeps a node as it is, and nothing of the last attempt.
    pub(crate) fn keep(&mut self, node: &Node) {
        self.values.truncate(self.mark.max(self.source.values.len()));
        self.draft.clear();
        self.nodes.push(node.clone());
        self.mark = self.values.len();
    }

    /// Tries a rule on a node.
    pub(crate) fn attempt(&mut self, node: &Node, rule: Rule) -> Option<Vec<Option<ValueId>>> {
        self.mark = self.values.len();
        self.draft.clear();
        let room = MOST_NODES.saturating_sub(self.nodes.len());
        let mut emitter =
            Emitter::new(self.source, self.facts, &mut self.values, &mut self.draft, node, room);
        let outputs = rule(&mut emitter, node)?;
        (!emitter.full()).then_some(outputs)
    }

    /// Operators of the last attempt that are neither there nor defined by such that are.
    pub(crate) fn lacking(&self, has: &dyn Fn(&str, &str) -> bool) -> BTreeSet<String> {
        let missing = |node: &&Node| !node.inputs.is_empty() && !available(node, has, DEEPEST);
        self.draft.iter().filter(missing).map(|node| node.op.clone()).collect()
    }

    /// Puts what the last attempt made in a node's place.
    pub(crate) fn replace(&mut self, node: &Node, outputs: &[Option<ValueId>]) {
        let mut renamed: BTreeMap<ValueId, ValueId> = BTreeMap::new();
        let made: BTreeSet<ValueId> = self.draft.iter().flat_map(Node::present_outputs).collect();
        let mut copies = Vec::new();
        for (position, wanted) in node.outputs.iter().enumerate() {
            let (Some(wanted), Some(Some(found))) = (wanted, outputs.get(position)) else { continue };
            if made.contains(found) && !renamed.contains_key(found) {
                renamed.insert(*found, *wanted);
            } else {
                copies.push((*found, *wanted));
            }
        }
        let name = |id: &mut Option<ValueId>| {
            if let Some(new) = id.and_then(|id| renamed.get(&id)) {
                *id = Some(*new);
            }
        };
        for mut made in self.draft.drain(..) {
            made.inputs.iter_mut().chain(&mut made.outputs).for_each(name);
            if made.attributes.bodies().next().is_some() {
                made.attributes.rename_captured(&|id| renamed.get(&id).copied().unwrap_or(id));
            }
            self.nodes.push(made);
        }
        for (from, to) in copies {
            let from = renamed.get(&from).copied().unwrap_or(from);
            self.nodes.push(Node {
                op: "Identity".to_owned(),
                inputs: vec![Some(from)],
                outputs: vec![Some(to)],
                attributes: hawkeye_graph::Attributes::default(),
                domain: String::new(),
                ..node.clone()
            });
        }
        self.mark = self.values.len();
        self.changed = true;
    }

    /// The new graph, without values that nothing makes.
    pub(crate) fn finish(mut self) -> Graph {
        let old = self.source.values.len();
        let mut made: Vec<bool> = vec![false; self.values.len()];
        for node in &self.nodes {
            node.present_outputs().for_each(|id| made[id.index()] = true);
        }
        let mut ids: Vec<ValueId> = Vec::with_capacity(self.values.len());
        let mut values = Vec::with_capacity(self.values.len());
        for (index, value) in self.values.into_iter().enumerate() {
            ids.push(ValueId::new(values.len()));
            if index < old || made[index] || matches!(value.origin, Origin::Initializer(_)) {
                values.push(value);
            }
        }
        for (position, node) in self.nodes.iter_mut().enumerate() {
            for id in node.inputs.iter_mut().chain(&mut node.outputs).flatten() {
                *id = ids[id.index()];
            }
            if node.attributes.bodies().next().is_some() {
                node.attributes.rename_captured(&|id| ids[id.index()]);
            }
            for output in node.outputs.iter().flatten() {
                values[output.index()].origin = Origin::Node(NodeId::new(position));
            }
        }
        Graph { nodes: self.nodes, values, ..self.source.clone() }
    }
}

/// Whether the operator is there, or has a definition; what that needs is seen when it is expanded.
fn available(node: &Node, has: &dyn Fn(&str, &str) -> bool, depth: usize) -> bool {
    has(&node.domain, &node.op) || (depth > 0 && definition(node).is_some())
}
