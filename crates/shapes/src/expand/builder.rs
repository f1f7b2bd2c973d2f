//! Writing nodes in another's place.

use std::sync::Arc;

use hawkeye_graph::{
    Attribute, Attributes, DType, Elements, Fact, Graph, GraphBuilder, Node, NodeId, Origin, Table, Tensor,
    ValueId,
};

/// Writes what stands for one node.
pub(crate) struct DefinitionBuilder<'w, 'a> {
    source: &'a Graph,
    facts: &'a Table<ValueId, Fact>,
    builder: &'w mut GraphBuilder,
    node: &'a Node,
    room: usize,
}

impl<'w, 'a> DefinitionBuilder<'w, 'a> {
    /// For a node, in a graph that may have so many nodes and values.
    pub(crate) fn new(
        source: &'a Graph,
        facts: &'a Table<ValueId, Fact>,
        builder: &'w mut GraphBuilder,
        node: &'a Node,
        room: usize,
    ) -> Self {
        Self { source, facts, builder, node, room }
    }

    /// Whether there is no room for more nodes.
    pub(crate) fn full(&self) -> bool {
        self.builder.size() >= self.room
    }

    /// Whether there is room for so many repetitions of anything.
    pub(crate) fn repeats(&mut self, times: u64) -> Option<()> {
        if usize::try_from(times).is_ok_and(|times| times < self.room) {
            return Some(());
        }
        self.room = 0;
        None
    }

    /// What is known of a value of the old graph.
    pub(crate) fn fact(&self, id: ValueId) -> Option<&'a Fact> {
        (id.index() < self.source.values.len()).then(|| &self.facts[id])
    }

    /// Whether the value is stored with the model and holds nothing but zeros.
    pub(crate) fn is_zero_initializer(&self, id: ValueId) -> bool {
        match self.source.values.get(id.index()).map(|value| &value.origin) {
            Some(Origin::Initializer(Tensor { elements: Some(Elements::Floats(all)), .. })) => {
                all.iter().all(|x| *x == 0.0)
            }
            _ => false,
        }
    }

    /// The shape of an input of the node.
    pub(crate) fn shape(&self, input: usize) -> Option<Vec<u64>> {
        self.fact(self.input(input)?)?.shape()
    }

    /// The integers of a constant input of the node.
    pub(crate) fn ints(&self, input: usize) -> Option<Vec<i64>> {
        self.fact(self.input(input)?)?.elements.as_ref()?.ints().map(<[i64]>::to_vec)
    }

    pub(crate) fn input(&self, input: usize) -> Option<ValueId> {
        self.node.inputs.get(input).copied().flatten()
    }

    pub(crate) fn opset(&self) -> i64 {
        self.source.opset()
    }

    /// A new value of the graph.
    fn value(&mut self, label: &str, origin: Origin) -> ValueId {
        let name = format!("{}/{label}", self.builder.owner().prefix);
        self.builder.value(&name, origin)
    }

    /// The node itself on other inputs, without its attributes.
    pub(crate) fn plain(&mut self, inputs: Vec<Option<ValueId>>) -> ValueId {
        let output = self.value(&self.node.op, Origin::Node(NodeId::new(0)));
        let outputs = vec![Some(output)];
        self.builder.push(Node { inputs, outputs, attributes: Attributes::default(), ..self.node.clone() });
        output
    }

    /// An operator of one output.
    pub(crate) fn op(&mut self, op: &str, inputs: &[ValueId]) -> ValueId {
        self.builder.op(op, inputs)
    }

    /// An operator of one output, with attributes.
    pub(crate) fn op_with(
        &mut self,
        op: &str,
        inputs: &[ValueId],
        attributes: &[(&str, Attribute)],
    ) -> ValueId {
        self.builder.op_with(op, inputs, attributes)
    }

    /// A constant, which everybody knows.
    pub(crate) fn constant(&mut self, tensor: Tensor) -> ValueId {
        self.builder.constant(tensor)
    }

    pub(crate) fn number(&mut self, number: f64) -> ValueId {
        let dtype = self.input(0).and_then(|id| self.fact(id)?.dtype).filter(|d| d.is_float());
        self.builder.number(dtype.unwrap_or(DType::Float32), number)
    }

    /// The value times a number.
    pub(crate) fn scaled(&mut self, value: ValueId, factor: f64) -> ValueId {
        let factor = self.number(factor);
        self.op("Mul", &[value, factor])
    }

    /// The value plus a number.
    pub(crate) fn shifted(&mut self, value: ValueId, summand: f64) -> ValueId {
        let summand = self.number(summand);
        self.op("Add", &[value, summand])
    }

    pub(crate) fn expand(&mut self, value: ValueId, dims: &[u64]) -> ValueId {
        let dims: Vec<i64> = dims.iter().map(|d| i64::try_from(*d).unwrap_or(i64::MAX)).collect();
        let shape = self.builder.ints(&dims);
        self.op("Expand", &[value, shape])
    }

    pub(crate) fn reshape(&mut self, value: ValueId, dims: &[u64]) -> ValueId {
        let dims: Vec<i64> = dims.iter().map(|d| i64::try_from(*d).unwrap_or(i64::MAX)).collect();
        if self.opset() < 5 {
            return self.op_with("Reshape", &[value], &[("shape", Attribute::Ints(dims))]);
        }
        let shape = self.builder.ints(&dims);
        self.op("Reshape", &[value, shape])
    }

    pub(crate) fn transpose(&mut self, value: ValueId, perm: &[i64]) -> ValueId {
        self.op_with("Transpose", &[value], &[("perm", Attribute::Ints(perm.to_vec()))])
    }

    /// Elements `from..to` along an axis.
    pub(crate) fn slice(&mut self, value: ValueId, axis: usize, from: u64, to: u64) -> ValueId {
        let int = |n: u64| vec![i64::try_from(n).unwrap_or(i64::MAX)];
        let (starts, ends, axes) = (int(from), int(to), int(axis as u64));
        if self.opset() < 10 {
            let ints = Attribute::Ints;
            let attributes = [("starts", ints(starts)), ("ends", ints(ends)), ("axes", ints(axes))];
            return self.op_with("Slice", &[value], &attributes);
        }
        let bounds = [starts, ends, axes].map(|ints| self.builder.ints(&ints));
        self.op("Slice", &[value, bounds[0], bounds[1], bounds[2]])
    }

    pub(crate) fn concat(&mut self, values: &[ValueId], axis: i64) -> ValueId {
        match values {
            [one] => *one,
            _ => self.op_with("Concat", values, &[("axis", Attribute::Int(axis))]),
        }
    }

    /// A reduction over axes; the dimensions stay if `keep`.
    pub(crate) fn reduce(&mut self, op: &str, value: ValueId, axes: Vec<i64>, keep: bool) -> ValueId {
        let keepdims = ("keepdims", Attribute::Int(keep.into()));
        let since = if op == "ReduceSum" { 13 } else { 18 };
        if self.opset() < since {
            return self.op_with(op, &[value], &[("axes", Attribute::Ints(axes)), keepdims]);
        }
        let axes = self.builder.ints(&axes);
        self.op_with(op, &[value, axes], &[keepdims])
    }

    /// Inlines a body on the given inputs; gives its outputs.
    pub(crate) fn inline(&mut self, body: &Graph, inputs: &[ValueId]) -> Option<Vec<ValueId>> {
        if self.full() || body.inputs.len() != inputs.len() {
            return None;
        }
        // A body may hold any number of constants that nobody takes.
        let mut used = vec![false; body.values.len()];
        let taken = |node: &Node| {
            let ids = node.present_inputs().chain(node.captured()).chain(node.present_outputs());
            ids.collect::<Vec<_>>()
        };
        let mentioned = body.nodes.iter().flat_map(taken).chain(body.outputs.iter().copied());
        mentioned.for_each(|id| used[id.index()] = true);
        let mut ids: Vec<Option<ValueId>> = vec![None; body.values.len()];
        for (formal, actual) in body.inputs.iter().zip(inputs) {
            ids[formal.index()] = Some(*actual);
        }
        for (index, value) in body.values.iter().enumerate().filter(|(index, _)| used[*index]) {
            ids[index] = match &value.origin {
                Origin::Input(_) => ids[index],
                Origin::Outer(id) => Some(*id),
                Origin::Initializer(_) | Origin::Node(_) => {
                    Some(self.value(&value.name, value.origin.clone()))
                }
            };
        }
        let rename = |id: ValueId| ids.get(id.index()).copied().flatten();
        for node in &body.nodes {
            let mut copy = Node {
                inputs: node.inputs.iter().map(|id| id.and_then(rename)).collect(),
                outputs: node.outputs.iter().map(|id| id.and_then(rename)).collect(),
                ..node.clone()
            };
            copy.attributes.rename_captured(&|id| rename(id).unwrap_or(id));
            self.builder.push(copy);
        }
        body.outputs.iter().map(|id| rename(*id)).collect()
    }
}

/// The body that a node has under a name.
pub(crate) fn body(node: &Node, name: &str) -> Option<Arc<Graph>> {
    match node.attributes.get(name) {
        Some(Attribute::Graph(body)) => Some(Arc::clone(body)),
        _ => None,
    }
}
