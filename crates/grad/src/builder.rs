//! Appending nodes to a graph.

use std::collections::HashMap;

use hawkeye_graph::{
    Attribute, DType, DeclaredType, Derivation, Dim, Elements, Graph, GraphBuilder, Node, NodeId, Origin,
    Owner, Tensor, ValueId,
};

/// A graph under construction, to which ONNX nodes are appended; `dtype` is the element type of new
/// constants.
pub(crate) struct StepBuilder {
    builder: GraphBuilder,
    pub(crate) dtype: DType,
    constants: HashMap<String, ValueId>,
}

impl StepBuilder {
    pub(crate) fn new(graph: Graph) -> Self {
        let builder = GraphBuilder::from_graph(graph);
        Self { builder, dtype: DType::Float32, constants: HashMap::new() }
    }

    /// The graph as it stands.
    pub(crate) fn graph(&self) -> &Graph {
        self.builder.graph()
    }

    pub(crate) fn finish(self, outputs: Vec<ValueId>) -> Graph {
        let mut builder = self.builder;
        builder.set_outputs(outputs);
        builder.appended()
    }

    /// What follows belongs to a node; names start with `prefix`.
    pub(crate) fn on_behalf_of(&mut self, node: &Node, prefix: &str) {
        self.builder.set_owner(Owner::of(node, Derivation::Gradient, prefix));
    }

    /// What follows belongs to no node of the file; names start with `prefix`.
    pub(crate) fn outside(&mut self, prefix: &str) {
        self.builder.set_owner(Owner::outside(Derivation::Gradient, prefix));
    }

    /// The operator set of nodes that follow.
    pub(crate) fn set_opset(&mut self, version: i64) {
        self.builder.set_opset("", version);
    }

    /// Writes a node of the model in another way; its outputs stay those that they are.
    pub(crate) fn respell(&mut self, id: NodeId, node: Node) {
        *self.builder.node_mut(id) = node;
    }

    /// An output of a node of the model, which is switched on if the model does not want it.
    pub(crate) fn output(&mut self, id: NodeId, position: usize) -> ValueId {
        self.builder.output(id, position)
    }

    /// Declares that an input of the model has this shape.
    pub(crate) fn fix_input(&mut self, id: ValueId, shape: Vec<u64>) {
        if let Origin::Input(declared) = &self.graph().value(id).origin {
            let dims = Some(shape.into_iter().map(Dim::Fixed).collect());
            let declared = DeclaredType { dims, ..declared.clone() };
            self.builder.declare(id, declared);
        }
    }

    /// Gives a value another name.
    pub(crate) fn rename(&mut self, id: ValueId, name: &str) {
        self.builder.rename(id, name);
    }

    /// A new graph input of known shape.
    pub(crate) fn input(&mut self, name: &str, dtype: DType, shape: &[i64]) -> ValueId {
        let shape: Vec<u64> = shape.iter().map(|size| size.unsigned_abs()).collect();
        self.builder.tensor_input(name, dtype, &shape)
    }

    pub(crate) fn op(&mut self, op: &str, inputs: &[ValueId]) -> ValueId {
        self.builder.op(op, inputs)
    }

    pub(crate) fn with(&mut self, op: &str, inputs: &[ValueId], attributes: &[(&str, Attribute)]) -> ValueId {
        self.builder.op_with(op, inputs, attributes)
    }

    /// A constant; equal ones are stored once.
    pub(crate) fn constant(&mut self, tensor: Tensor) -> ValueId {
        let key = format!("{tensor:?}");
        if let Some(id) = self.constants.get(&key) {
            return *id;
        }
        let name = match &tensor.elements {
            Some(Elements::Ints(ints)) if ints.len() < 8 => format!("constant/{}", list(ints)),
            Some(Elements::Floats(floats)) if floats.len() == 1 => {
                format!("constant/{}", list(floats))
            }
            _ => "constant".to_owned(),
        };
        let id = self.builder.initializer(&name, tensor);
        self.constants.insert(key, id);
        id
    }

    pub(crate) fn ints(&mut self, ints: &[i64]) -> ValueId {
        self.constant(Tensor::vector(ints.to_vec()))
    }

    pub(crate) fn int(&mut self, int: i64) -> ValueId {
        self.constant(Tensor {
            dtype: DType::Int64,
            dims: Vec::new(),
            elements: Some(Elements::Ints(vec![int])),
        })
    }

    pub(crate) fn number(&mut self, number: f64) -> ValueId {
        self.constant(Tensor {
            dtype: self.dtype,
            dims: Vec::new(),
            elements: Some(Elements::Floats(vec![number])),
        })
    }

    /// A tensor of one number.
    pub(crate) fn full(&mut self, shape: &[i64], number: f64) -> ValueId {
        let value = Attribute::Tensor(Tensor {
            dtype: self.dtype,
            dims: vec![1],
            elements: Some(Elements::Floats(vec![number])),
        });
        let shape = self.ints(shape);
        self.with("ConstantOfShape", &[shape], &[("value", value)])
    }

    pub(crate) fn zeros(&mut self, shape: &[i64]) -> ValueId {
        self.full(shape, 0.0)
    }

    pub(crate) fn add(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.op("Add", &[a, b])
    }

    pub(crate) fn sub(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.op("Sub", &[a, b])
    }

    pub(crate) fn mul(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.op("Mul", &[a, b])
    }

    pub(crate) fn div(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.op("Div", &[a, b])
    }

    pub(crate) fn neg(&mut self, a: ValueId) -> ValueId {
        self.op("Neg", &[a])
    }

    pub(crate) fn scale(&mut self, a: ValueId, factor: f64) -> ValueId {
        if factor == 1.0 {
            return a;
        }
        let factor = self.number(factor);
        self.mul(a, factor)
    }

    /// `a + number`.
    pub(crate) fn shift(&mut self, a: ValueId, number: f64) -> ValueId {
        let number = self.number(number);
        self.add(a, number)
    }

    /// `number − a`.
    pub(crate) fn minus(&mut self, number: f64, a: ValueId) -> ValueId {
        let number = self.number(number);
        self.sub(number, a)
    }

    pub(crate) fn greater(&mut self, a: ValueId, number: f64) -> ValueId {
        let number = self.number(number);
        self.op("Greater", &[a, number])
    }

    pub(crate) fn choose(&mut self, condition: ValueId, yes: ValueId, no: ValueId) -> ValueId {
        self.op("Where", &[condition, yes, no])
    }

    /// `value` where the condition holds, zero elsewhere.
    pub(crate) fn keep(&mut self, condition: ValueId, value: ValueId) -> ValueId {
        let zero = self.number(0.0);
        self.choose(condition, value, zero)
    }

    pub(crate) fn cast(&mut self, a: ValueId, dtype: DType) -> ValueId {
        self.with("Cast", &[a], &[("to", Attribute::Int(dtype.to_onnx().into()))])
    }

    /// A condition as zeros and ones.
    pub(crate) fn mask(&mut self, condition: ValueId) -> ValueId {
        self.cast(condition, self.dtype)
    }

    pub(crate) fn reshape(&mut self, a: ValueId, shape: &[i64]) -> ValueId {
        // A zero would mean "as in the input"; -1 says the same of an empty tensor.
        if shape.contains(&0) {
            let shape = self.ints(shape);
            return self.with("Reshape", &[a, shape], &[("allowzero", Attribute::Int(1))]);
        }
        let shape = self.ints(shape);
        self.op("Reshape", &[a, shape])
    }

    pub(crate) fn transpose(&mut self, a: ValueId, perm: &[usize]) -> ValueId {
        if perm.iter().enumerate().all(|(i, p)| i == *p) {
            return a;
        }
        let perm = perm.iter().map(|p| *p as i64).collect();
        self.with("Transpose", &[a], &[("perm", Attribute::Ints(perm))])
    }

    pub(crate) fn expand(&mut self, a: ValueId, shape: &[i64]) -> ValueId {
        let shape = self.ints(shape);
        self.op("Expand", &[a, shape])
    }

    pub(crate) fn reduce(&mut self, op: &str, a: ValueId, axes: &[usize], keep: bool) -> ValueId {
        if axes.is_empty() {
            return a;
        }
        let axes: Vec<i64> = axes.iter().map(|axis| *axis as i64).collect();
        let axes = self.ints(&axes);
        self.with(op, &[a, axes], &[("keepdims", Attribute::Int(keep.into()))])
    }

    /// The sum over axes, which stay with size 1 if `keep`.
    pub(crate) fn sum(&mut self, a: ValueId, axes: &[usize], keep: bool) -> ValueId {
        self.reduce("ReduceSum", a, axes, keep)
    }

    /// The sum over all elements, a scalar.
    pub(crate) fn total(&mut self, a: ValueId, rank: usize) -> ValueId {
        let axes: Vec<usize> = (0..rank).collect();
        self.sum(a, &axes, false)
    }

    /// The gradient of broadcasting a tensor of shape `to` to shape `from`.
    pub(crate) fn unbroadcast(&mut self, a: ValueId, from: &[i64], to: &[i64]) -> ValueId {
        let new = from.len().saturating_sub(to.len());
        let stretched = |axis: &usize| *axis < new || (to[axis - new] == 1 && from[*axis] != 1);
        let axes: Vec<usize> = (0..from.len()).filter(stretched).collect();
        if new == 0 {
            return self.sum(a, &axes, true);
        }
        let sum = self.sum(a, &axes, false);
        if axes.len() == new { sum } else { self.reshape(sum, to) }
    }

    pub(crate) fn slice(&mut self, a: ValueId, axes: &[i64], starts: &[i64], ends: &[i64]) -> ValueId {
        let [starts, ends, axes] = [starts, ends, axes].map(|list| self.ints(list));
        self.op("Slice", &[a, starts, ends, axes])
    }

    /// Adds zeros before and after, per axis.
    pub(crate) fn pad(&mut self, a: ValueId, before: &[i64], after: &[i64]) -> ValueId {
        let pads = self.ints(&[before, after].concat());
        let zero = self.number(0.0);
        self.op("Pad", &[a, pads, zero])
    }

    /// The integers from `start` below `end`.
    pub(crate) fn range(&mut self, start: i64, end: i64) -> ValueId {
        let [start, end, step] = [start, end, 1].map(|bound| self.int(bound));
        self.op("Range", &[start, end, step])
    }
}

fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join("x")
}
