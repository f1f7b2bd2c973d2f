//! Building the nodes that take the place of others.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use hawkeye_graph::{
    Attribute, Attributes, DType, Derivation, Elements, Graph, Node, NodeId, Origin, Provenance, Tensor,
    Value, ValueId, execution_order,
};

/// How parts of a tensor are taken: front ends know one operator or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spelling {
    /// `Slice`, once per part.
    Slice,
    /// `Split`, once.
    Split,
}

/// A graph to which nodes are appended that take the place of old ones.
///
/// Old values stay as they are until [`Edit::finish`]; new ones get ids after them.
pub struct Edit {
    graph: Graph,
    /// How parts are taken.
    pub spelling: Spelling,
    /// Rule that is at work; names of its nodes begin with it.
    rule: &'static str,
    names: HashSet<String>,
    numbers: HashMap<String, usize>,
    replaced: BTreeMap<ValueId, ValueId>,
    old_values: usize,
    pub(crate) took_parts: bool,
}

/// A graph after an edit.
pub(crate) struct Edited {
    pub(crate) graph: Graph,
    /// Values that the edit made.
    pub(crate) made: BTreeSet<ValueId>,
}

impl Edit {
    pub(crate) fn new(graph: &Graph, rule: &'static str, spelling: Spelling) -> Self {
        Self {
            names: graph.values.iter().map(|value| value.name.clone()).collect(),
            old_values: graph.values.len(),
            graph: graph.clone(),
            spelling,
            rule,
            numbers: HashMap::new(),
            replaced: BTreeMap::new(),
            took_parts: false,
        }
    }

    /// Opset of ONNX's own operators.
    #[must_use]
    pub fn opset(&self) -> i64 {
        self.graph.opset()
    }

    /// Lets everything that reads `old` read `new`, which must be equal to it.
    pub fn replace(&mut self, old: ValueId, new: ValueId) {
        if old != new {
            self.replaced.entry(old).or_insert(new);
        }
    }

    pub(crate) fn is_replaced(&self, value: ValueId) -> bool {
        self.replaced.contains_key(&value)
    }

    fn value(&mut self, name: &str, origin: Origin) -> ValueId {
        let mut unique = name.to_owned();
        while !self.names.insert(unique.clone()) {
            let number = self.numbers.entry(name.to_owned()).or_insert(0);
            *number += 1;
            unique = format!("{name}_{number}");
        }
        let id = ValueId::new(self.graph.values.len());
        self.graph.values.push(Value { name: unique, origin });
        id
    }

    /// A node with that many outputs.
    pub fn node(
        &mut self,
        op: &str,
        inputs: &[Option<ValueId>],
        attributes: &[(&str, Attribute)],
        outputs: usize,
    ) -> Vec<ValueId> {
        let id = NodeId::new(self.graph.nodes.len());
        let name = format!("{}/{op}", self.rule);
        let outputs: Vec<ValueId> = (0..outputs).map(|_| self.value(&name, Origin::Node(id))).collect();
        let mut set = Attributes::default();
        for (name, value) in attributes {
            set.set(name, value.clone());
        }
        let name = outputs.first().map_or(name, |first| self.graph.value(*first).name.clone());
        self.graph.nodes.push(Node {
            name,
            op: op.to_owned(),
            domain: String::new(),
            opset: self.graph.opset(),
            inputs: inputs.to_vec(),
            outputs: outputs.iter().copied().map(Some).collect(),
            attributes: set,
            scope: Arc::default(),
            provenance: Provenance::outside().derive(Derivation::Rewrite, self.rule),
        });
        outputs
    }

    /// A node with one output and attributes.
    pub fn with(&mut self, op: &str, inputs: &[ValueId], attributes: &[(&str, Attribute)]) -> ValueId {
        let inputs: Vec<_> = inputs.iter().copied().map(Some).collect();
        self.node(op, &inputs, attributes, 1)[0]
    }

    /// A node with one output and no attributes.
    pub fn op(&mut self, op: &str, inputs: &[ValueId]) -> ValueId {
        self.with(op, inputs, &[])
    }

    /// A copy of a node that reads other values.
    pub fn like(&mut self, node: &Node, inputs: &[ValueId]) -> ValueId {
        let attributes: Vec<(&str, Attribute)> =
            node.attributes.iter().map(|(name, value)| (name, value.clone())).collect();
        let value = self.with(&node.op, inputs, &attributes);
        let last = self.graph.nodes.len() - 1;
        self.graph.nodes[last].scope.clone_from(&node.scope);
        self.graph.nodes[last].domain.clone_from(&node.domain);
        value
    }

    /// A constant that all parties know.
    pub fn constant(&mut self, tensor: Tensor) -> ValueId {
        self.node("Constant", &[], &[("value", Attribute::Tensor(tensor))], 1)[0]
    }

    /// A vector of integers.
    pub fn ints(&mut self, ints: &[i64]) -> ValueId {
        self.constant(Tensor::vector(ints.to_vec()))
    }

    /// A number.
    pub fn number(&mut self, number: f64) -> ValueId {
        self.floats(&[], &[number])
    }

    /// A small tensor of numbers that all parties know.
    pub fn floats(&mut self, dims: &[u64], numbers: &[f64]) -> ValueId {
        self.constant(Tensor {
            dtype: DType::Float32,
            dims: dims.to_vec(),
            elements: Some(Elements::Floats(numbers.to_vec())),
        })
    }

    /// `a` in another shape.
    pub fn reshape(&mut self, a: ValueId, shape: &[i64]) -> ValueId {
        if self.opset() < 5 {
            return self.with("Reshape", &[a], &[("shape", Attribute::Ints(shape.to_vec()))]);
        }
        let shape = self.ints(shape);
        self.op("Reshape", &[a, shape])
    }

    /// `a` with its axes in another order.
    pub fn transpose(&mut self, a: ValueId, perm: &[i64]) -> ValueId {
        self.with("Transpose", &[a], &[("perm", Attribute::Ints(perm.to_vec()))])
    }

    /// `a` from `start` to `end` along an axis.
    pub fn slice(&mut self, a: ValueId, axis: i64, start: i64, end: i64) -> ValueId {
        if self.opset() < 10 {
            let list = |i| Attribute::Ints(vec![i]);
            let attributes = [("starts", list(start)), ("ends", list(end)), ("axes", list(axis))];
            return self.with("Slice", &[a], &attributes);
        }
        let [starts, ends, axes] = [start, end, axis].map(|i| self.ints(&[i]));
        self.op("Slice", &[a, starts, ends, axes])
    }

    /// Parts of `a` along an axis, of the given sizes, which add up to the axis.
    pub fn parts(&mut self, a: ValueId, axis: i64, sizes: &[i64]) -> Vec<ValueId> {
        self.took_parts = true;
        match self.spelling {
            Spelling::Slice => {
                let mut start = 0;
                let mut part = |size: &i64| {
                    start += size;
                    self.slice(a, axis, start - size, start)
                };
                sizes.iter().map(&mut part).collect()
            }
            Spelling::Split if self.opset() < 13 => {
                let attributes = [("axis", Attribute::Int(axis)), ("split", Attribute::Ints(sizes.to_vec()))];
                self.node("Split", &[Some(a)], &attributes, sizes.len())
            }
            Spelling::Split => {
                let list = self.ints(sizes);
                self.node("Split", &[Some(a), Some(list)], &[("axis", Attribute::Int(axis))], sizes.len())
            }
        }
    }

    /// `a` with zeros around it: before each axis, then after each.
    pub fn pad(&mut self, a: ValueId, pads: &[i64]) -> ValueId {
        if pads.iter().all(|pad| *pad == 0) {
            return a;
        }
        let mode = ("mode", Attribute::String("constant".to_owned()));
        if self.opset() < 11 {
            return self.with("Pad", &[a], &[mode, ("pads", Attribute::Ints(pads.to_vec()))]);
        }
        let pads = self.ints(pads);
        self.with("Pad", &[a, pads], &[mode])
    }

    /// The sum of tensors of one shape, one after another; nothing of none.
    pub fn sum(&mut self, terms: &[ValueId]) -> Option<ValueId> {
        let (first, rest) = terms.split_first()?;
        Some(rest.iter().fold(*first, |sum, term| self.op("Add", &[sum, *term])))
    }

    /// Tensors one after another along an axis.
    pub fn concat(&mut self, parts: &[ValueId], axis: i64) -> ValueId {
        self.with("Concat", parts, &[("axis", Attribute::Int(axis))])
    }

    /// A reduction over axes, which stay with size 1.
    pub fn reduce(&mut self, op: &str, a: ValueId, axes: &[i64]) -> ValueId {
        let as_input = if op == "ReduceSum" { 13 } else { 18 };
        let keep = ("keepdims", Attribute::Int(1));
        if self.opset() >= as_input {
            let axes = self.ints(axes);
            return self.with(op, &[a, axes], &[keep]);
        }
        self.with(op, &[a], &[("axes", Attribute::Ints(axes.to_vec())), keep])
    }

    /// The larger of two tensors of one shape, elementwise, with a comparison and no product of its own.
    pub fn larger(&mut self, a: ValueId, b: ValueId) -> ValueId {
        let difference = self.op("Sub", &[b, a]);
        let positive = self.op("Relu", &[difference]);
        self.op("Add", &[a, positive])
    }

    /// The graph after the edit: without what nothing reads any more, nodes in execution order.
    pub(crate) fn finish(mut self) -> Option<Edited> {
        for id in self.replaced.keys().copied().collect::<Vec<_>>() {
            let new = self.resolve(id)?;
            self.replaced.insert(id, new);
        }
        self.outputs()?;
        let new = |id: &ValueId| self.replaced.get(id).copied().unwrap_or(*id);
        for node in &mut self.graph.nodes {
            for input in node.inputs.iter_mut().flatten() {
                *input = new(input);
            }
            node.attributes.rename_captured(&|id| new(&id));
        }
        for output in &mut self.graph.outputs {
            *output = new(output);
        }
        self.compact()
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
    fn outputs(&mut self) -> Option<()> {
        for output in self.graph.outputs.clone() {
            let Some(new) = self.replaced.get(&output).copied() else { continue };
            let made_here = new.index() >= self.old_values;
            let inner = matches!(self.graph.value(new).origin, Origin::Node(_));
            if !(made_here || inner && !self.graph.outputs.contains(&new)) {
                return None;
            }
            let name = std::mem::take(&mut self.graph.values[output.index()].name);
            let spare = std::mem::replace(&mut self.graph.values[new.index()].name, name);
            self.graph.values[output.index()].name = spare;
        }
        Some(())
    }

    fn compact(self) -> Option<Edited> {
        let graph = &self.graph;
        let mut needed = vec![false; graph.values.len()];
        let mut kept = vec![false; graph.nodes.len()];
        let mut open: Vec<ValueId> = graph.outputs.clone();
        while let Some(id) = open.pop() {
            if std::mem::replace(&mut needed[id.index()], true) {
                continue;
            }
            let Origin::Node(node) = graph.value(id).origin else { continue };
            if !std::mem::replace(&mut kept[node.index()], true) {
                let node = graph.node(node);
                open.extend(node.present_inputs().chain(node.captured()));
                // Outputs that nobody reads stay where the node is.
                for output in node.present_outputs() {
                    needed[output.index()] = true;
                }
            }
        }
        for input in &graph.inputs {
            needed[input.index()] = true;
        }
        let nodes: Vec<NodeId> = graph.node_ids().filter(|id| kept[id.index()]).collect();
        let position: HashMap<NodeId, usize> = nodes.iter().enumerate().map(|(i, id)| (*id, i)).collect();
        let mut edges = Vec::new();
        for (index, id) in nodes.iter().enumerate() {
            let node = graph.node(*id);
            for input in node.present_inputs().chain(node.captured()) {
                if let Origin::Node(producer) = graph.value(input).origin {
                    edges.push((*position.get(&producer)?, index));
                }
            }
        }
        let order = execution_order(nodes.len(), &edges).ok()?;
        let mut made = BTreeSet::new();
        let mut ids = HashMap::new();
        let mut node_ids = HashMap::new();
        let mut compacted = Graph { opsets: graph.opsets.clone(), ..Graph::default() };
        for (new, old) in order.iter().enumerate() {
            node_ids.insert(nodes[*old], NodeId::new(new));
        }
        for id in graph.value_ids().filter(|id| needed[id.index()]) {
            let new = ValueId::new(compacted.values.len());
            let mut value = graph.value(id).clone();
            if let Origin::Node(node) = &mut value.origin {
                *node = *node_ids.get(node)?;
            }
            compacted.values.push(value);
            ids.insert(id, new);
            if id.index() >= self.old_values {
                made.insert(new);
            }
        }
        for old in &order {
            let mut node = graph.node(nodes[*old]).clone();
            for id in node.inputs.iter_mut().chain(&mut node.outputs).flatten() {
                *id = *ids.get(id)?;
            }
            node.attributes.rename_captured(&|id| ids.get(&id).copied().unwrap_or(id));
            compacted.nodes.push(node);
        }
        compacted.inputs = graph.inputs.iter().map(|id| ids[id]).collect();
        compacted.outputs = graph.outputs.iter().map(|id| ids[id]).collect();
        Some(Edited { graph: compacted, made })
    }
}
