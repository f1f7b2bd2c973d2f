//! Building the nodes that take the place of others.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use hawkeye_graph::{
    Attribute, Attributes, DType, Derivation, Elements, Graph, Node, NodeId, Origin, Provenance, Tensor,
    Value, ValueId,
};

/// How parts of a tensor are taken: front ends know one operator or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spelling {
    /// `Slice`, once per part.
    Slice,
    /// `Split`, once.
    Split,
}

/// That a value takes the place of what a node makes.
pub(crate) struct Claim {
    pub(crate) node: NodeId,
    pub(crate) old: ValueId,
    pub(crate) new: ValueId,
}

/// Nodes to append to a graph, and whose place they take.
///
/// Old values stay as they are until [`Edit::finish`]; new ones get ids after them.
pub struct Edit {
    /// How parts are taken.
    pub spelling: Spelling,
    /// What is appended.
    pub(crate) nodes: Vec<Node>,
    pub(crate) values: Vec<Value>,
    /// What takes the place of old values.
    pub(crate) replaced: BTreeMap<ValueId, ValueId>,
    pub(crate) old_values: usize,
    old_nodes: usize,
    opset: i64,
    /// Rule that is at work; names of its nodes begin with it.
    rule: Rc<str>,
    /// What rules of users say takes the place of nodes.
    pub(crate) claims: Vec<Claim>,
    taken: Rc<HashSet<String>>,
    names: HashSet<String>,
    numbers: HashMap<String, usize>,
    pub(crate) took_parts: bool,
}

impl Edit {
    /// An edit of a graph by a rule; `taken` are the names of the graph's values.
    pub(crate) fn new(graph: &Graph, taken: Rc<HashSet<String>>, rule: &str, spelling: Spelling) -> Self {
        Self {
            spelling,
            nodes: Vec::new(),
            values: Vec::new(),
            replaced: BTreeMap::new(),
            old_values: graph.values.len(),
            old_nodes: graph.nodes.len(),
            opset: graph.opset(),
            rule: rule.into(),
            claims: Vec::new(),
            taken,
            names: HashSet::new(),
            numbers: HashMap::new(),
            took_parts: false,
        }
    }

    /// Opset of ONNX's own operators.
    #[must_use]
    pub fn opset(&self) -> i64 {
        self.opset
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
        while self.taken.contains(&unique) || !self.names.insert(unique.clone()) {
            let number = self.numbers.entry(name.to_owned()).or_insert(0);
            *number += 1;
            unique = format!("{name}_{number}");
        }
        let id = ValueId::new(self.old_values + self.values.len());
        self.values.push(Value { name: unique, origin });
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
        let id = NodeId::new(self.old_nodes + self.nodes.len());
        let name = format!("{}/{op}", self.rule);
        let outputs: Vec<ValueId> = (0..outputs).map(|_| self.value(&name, Origin::Node(id))).collect();
        let mut set = Attributes::default();
        for (name, value) in attributes {
            set.set(name, value.clone());
        }
        let name =
            outputs.first().map_or(name, |first| self.values[first.index() - self.old_values].name.clone());
        self.nodes.push(Node {
            name,
            op: op.to_owned(),
            domain: String::new(),
            opset: self.opset,
            inputs: inputs.to_vec(),
            outputs: outputs.iter().copied().map(Some).collect(),
            attributes: set,
            scope: Arc::default(),
            provenance: Provenance::outside().derive(Derivation::Rewrite, &self.rule),
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
        if let Some(last) = self.nodes.last_mut() {
            last.scope.clone_from(&node.scope);
            last.domain.clone_from(&node.domain);
        }
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

    /// The smaller of two tensors of one shape, as [`Edit::larger`].
    pub fn smaller(&mut self, a: ValueId, b: ValueId) -> ValueId {
        let difference = self.op("Sub", &[a, b]);
        let positive = self.op("Relu", &[difference]);
        self.op("Sub", &[a, positive])
    }
}
