//! The graph after an edit, and what is known of its values: only new nodes are looked at.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hawkeye_graph::{
    DType, DeclaredType, Dim, Fact, Graph, Kind, NodeId, Origin, Table, Tensor, Value, ValueId,
    execution_order,
};
use hawkeye_shapes::infer;

use crate::edit::Edit;

/// A graph after an edit.
pub(crate) struct Edited {
    pub(crate) graph: Graph,
    pub(crate) facts: Table<ValueId, Fact>,
    /// Values that the edit made.
    pub(crate) made: BTreeSet<ValueId>,
}

impl Edit {
    /// The graph after the edit: without what nothing reads any more, nodes in execution order. `None` if that is
    /// no graph, or what takes a value's place has another shape.
    pub(crate) fn finish(mut self, graph: &Graph, facts: &Table<ValueId, Fact>) -> Option<Edited> {
        let mut facts: Vec<Fact> = facts.iter().cloned().chain(self.new_facts(graph, facts)).collect();
        for id in self.replaced.keys().copied().collect::<Vec<_>>() {
            let new = self.resolve(id)?;
            let (was, is) = (facts[id.index()].shape(), facts[new.index()].shape());
            if was.is_some() && was != is {
                return None;
            }
            self.replaced.insert(id, new);
        }
        let mut whole = graph.clone();
        whole.nodes.append(&mut self.nodes);
        whole.values.append(&mut self.values);
        self.outputs(&mut whole)?;
        let new = |id: &ValueId| self.replaced.get(id).copied().unwrap_or(*id);
        for node in &mut whole.nodes {
            node.inputs.iter_mut().flatten().for_each(|input| *input = new(input));
            node.attributes.rename_captured(&|id| new(&id));
        }
        whole.outputs.iter_mut().for_each(|output| *output = new(output));
        compact(whole, &mut facts, self.old_values)
    }

    /// What a rule says takes a node's place though it is of another type or shape.
    pub(crate) fn misfit(&self, graph: &Graph, facts: &Table<ValueId, Fact>) -> Option<(NodeId, String)> {
        if self.claims.is_empty() {
            return None;
        }
        let made = self.new_facts(graph, facts);
        let fact = |id: ValueId| match id.index().checked_sub(self.old_values) {
            Some(index) => &made[index],
            None => &facts[id],
        };
        self.claims.iter().find_map(|claim| {
            let (was, is) = (fact(claim.old), fact(claim.new));
            let differs = was.shape().is_some() && (was.dtype, was.shape()) != (is.dtype, is.shape());
            differs.then(|| {
                let was = said(was);
                let problem = match is.shape() {
                    Some(_) => format!("it makes {} where {was} was", said(is)),
                    None => format!(
                        "the shape of what it makes where {was} was is not known: an operator or its operands are wrong"
                    ),
                };
                (claim.node, problem)
            })
        })
    }

    /// What is known of new values: inference of the new nodes alone, over what is known of old ones.
    fn new_facts(&self, graph: &Graph, facts: &Table<ValueId, Fact>) -> Vec<Fact> {
        let mut part = Graph { opsets: graph.opsets.clone(), ..Graph::default() };
        let mut ids: HashMap<ValueId, ValueId> = HashMap::new();
        for node in &self.nodes {
            let mut node = node.clone();
            for input in node.inputs.iter_mut().flatten() {
                let known = ids.entry(*input).or_insert_with(|| {
                    let origin = known_origin(&graph.value(*input).origin, &facts[*input]);
                    part.values.push(Value { name: String::new(), origin });
                    ValueId::new(part.values.len() - 1)
                });
                *input = *known;
            }
            for output in node.outputs.iter_mut().flatten() {
                let id = ValueId::new(part.values.len());
                let origin = Origin::Node(NodeId::new(part.nodes.len()));
                part.values.push(Value { name: String::new(), origin });
                ids.insert(*output, id);
                *output = id;
            }
            part.nodes.push(node);
        }
        let found = infer(&part, &BTreeMap::new()).facts;
        let new = |index| ids.get(&ValueId::new(self.old_values + index)).map(|id| found[*id].clone());
        (0..self.values.len()).map(|index| new(index).unwrap_or_default()).collect()
    }

    /// What stands for a value in the end; `None` if replacements go in a circle.
    fn resolve(&self, id: ValueId) -> Option<ValueId> {
        let (mut last, mut steps) = (id, 0);
        while let Some(next) = self.replaced.get(&last) {
            last = *next;
            steps += 1;
            if steps > self.replaced.len() {
                return None;
            }
        }
        Some(last)
    }

    /// What takes an output's place takes its name; `None` if it is an input or constant, or another
    /// output, which must keep their own.
    fn outputs(&self, whole: &mut Graph) -> Option<()> {
        for output in whole.outputs.clone() {
            let Some(new) = self.replaced.get(&output).copied() else { continue };
            let made_here = new.index() >= self.old_values;
            let inner = matches!(whole.value(new).origin, Origin::Node(_));
            if !(made_here || inner && !whole.outputs.contains(&new)) {
                return None;
            }
            // Both names are exchanged, so that names stay unique.
            let name = std::mem::take(&mut whole.values[output.index()].name);
            let spare = std::mem::replace(&mut whole.values[new.index()].name, name);
            whole.values[output.index()].name = spare;
        }
        Some(())
    }
}

/// Type and shape of a value.
fn said(fact: &Fact) -> String {
    let sizes = fact.shape().unwrap_or_default();
    let sizes: Vec<String> = sizes.iter().map(u64::to_string).collect();
    format!("{} [{}]", fact.dtype.map_or("an unknown type", DType::name), sizes.join(", "))
}

/// A value that is known as much about as of an old one.
fn known_origin(origin: &Origin, fact: &Fact) -> Origin {
    if matches!(origin, Origin::Initializer(_)) {
        return origin.clone();
    }
    let dtype = fact.dtype.unwrap_or(DType::Float32);
    match (&fact.elements, fact.shape()) {
        (Some(elements), Some(dims)) => {
            Origin::Initializer(Tensor { dtype, dims, elements: Some(elements.clone()) })
        }
        (_, shape) => {
            let dims = shape.map(|shape| shape.into_iter().map(Dim::Fixed).collect());
            Origin::Input(DeclaredType { dtype, dims, kind: Kind::Tensor })
        }
    }
}

/// A graph without what nothing reads, nodes in execution order; values from `old` on are new.
pub(crate) fn compact(graph: Graph, facts: &mut [Fact], old: usize) -> Option<Edited> {
    let (values, nodes) = needed(&graph);
    let Graph { nodes: all_nodes, values: all_values, inputs, outputs, opsets, .. } = graph;
    let mut compacted = Graph { opsets, ..Graph::default() };
    let kept: Vec<usize> = (0..nodes.len()).filter(|node| nodes[*node]).collect();
    let mut position = vec![usize::MAX; nodes.len()];
    kept.iter().enumerate().for_each(|(index, node)| position[*node] = index);
    let mut edges = Vec::new();
    for (index, node) in kept.iter().enumerate() {
        let node = &all_nodes[*node];
        for input in node.present_inputs().chain(node.captured()) {
            if let Origin::Node(producer) = all_values[input.index()].origin {
                edges.push((position[producer.index()], index));
            }
        }
    }
    // New nodes stand at the end of the list, while what they replace stood anywhere.
    let order = execution_order(kept.len(), &edges).ok()?;
    for (new, index) in order.iter().enumerate() {
        position[kept[*index]] = new;
    }
    let mut ids = vec![None; values.len()];
    let mut made = BTreeSet::new();
    let mut known = Vec::new();
    for (index, mut value) in all_values.into_iter().enumerate().filter(|(index, _)| values[*index]) {
        let id = ValueId::new(compacted.values.len());
        if let Origin::Node(node) = &mut value.origin {
            *node = NodeId::new(position[node.index()]);
        }
        compacted.values.push(value);
        known.push(std::mem::take(&mut facts[index]));
        ids[index] = Some(id);
        // Values keep their order, so these are what the edit made.
        if index >= old {
            made.insert(id);
        }
    }
    let new = |id: ValueId| ids[id.index()].unwrap_or(id);
    let mut nodes: Vec<_> = all_nodes.into_iter().map(Some).collect();
    for index in order {
        let mut node = nodes[kept[index]].take()?;
        node.inputs.iter_mut().chain(&mut node.outputs).flatten().for_each(|id| *id = new(*id));
        node.attributes.rename_captured(&new);
        compacted.nodes.push(node);
    }
    compacted.inputs = inputs.into_iter().map(new).collect();
    compacted.outputs = outputs.into_iter().map(new).collect();
    Some(Edited { graph: compacted, facts: Table::new(known), made })
}

/// Which values and nodes the outputs need; inputs always stay.
fn needed(graph: &Graph) -> (Vec<bool>, Vec<bool>) {
    let mut values = vec![false; graph.values.len()];
    let mut nodes = vec![false; graph.nodes.len()];
    let mut open: Vec<ValueId> = graph.outputs.clone();
    while let Some(id) = open.pop() {
        if std::mem::replace(&mut values[id.index()], true) {
            continue;
        }
        let Origin::Node(node) = graph.value(id).origin else { continue };
        if !std::mem::replace(&mut nodes[node.index()], true) {
            let node = graph.node(node);
            open.extend(node.present_inputs().chain(node.captured()));
            // Outputs that nobody reads stay where the node is.
            node.present_outputs().for_each(|output| values[output.index()] = true);
        }
    }
    graph.inputs.iter().for_each(|input| values[input.index()] = true);
    (values, nodes)
}
