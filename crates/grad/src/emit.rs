//! Appending nodes to a graph.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use hawkeye_graph::{
    Attribute, Attributes, DType, DeclaredType, Derivation, Dim, Elements, Graph, Kind, Node, NodeId, Origin,
    Provenance, Tensor, Value, ValueId,
};

/// A graph under construction, to which ONNX nodes are appended. The names of new nodes start with
/// `prefix`; `dtype` is the element type of new constants.
pub(crate) struct Emit {
    pub(crate) graph: Graph,
    pub(crate) dtype: DType,
    pub(crate) prefix: String,
    pub(crate) scope: Arc<[String]>,
    pub(crate) provenance: Provenance,
    names: HashSet<String>,
    /// How many names start like this one; the next gets this number.
    taken: HashMap<String, usize>,
    constants: BTreeMap<String, ValueId>,
}

impl Emit {
    pub(crate) fn new(graph: Graph) -> Self {
        let names = graph.values.iter().map(|value| value.name.clone()).collect();
        Self {
            graph,
            dtype: DType::Float32,
            prefix: String::new(),
            scope: Arc::default(),
            provenance: Provenance::outside(),
            names,
            taken: HashMap::new(),
            constants: BTreeMap::new(),
        }
    }

    /// A name that no value has yet.
    fn unique(&mut self, name: String) -> String {
        if self.names.insert(name.clone()) {
            return name;
        }
        let count = self.taken.entry(name.clone()).or_insert(0);
        loop {
            *count += 1;
            let numbered = format!("{name}_{count}");
            if self.names.insert(numbered.clone()) {
                return numbered;
            }
        }
    }

    pub(crate) fn value(&mut self, name: String, origin: Origin) -> ValueId {
        let name = self.unique(name);
        let id = ValueId::new(self.graph.values.len());
        self.graph.values.push(Value { name, origin });
        id
    }

    /// Gives a value another name.
    pub(crate) fn rename(&mut self, id: ValueId, name: String) {
        let name = self.unique(name);
        self.graph.values[id.index()].name = name;
    }

    /// A new graph input of known shape.
    pub(crate) fn input(&mut self, name: String, dtype: DType, shape: &[i64]) -> ValueId {
        let dims = shape.iter().map(|size| Dim::Fixed(size.unsigned_abs())).collect();
        let id =
            self.value(name, Origin::Input(DeclaredType { dtype, dims: Some(dims), kind: Kind::Tensor }));
        self.graph.inputs.push(id);
        id
    }

    /// A node with the given number of outputs.
    pub(crate) fn node<const N: usize>(
        &mut self,
        op: &str,
        inputs: &[Option<ValueId>],
        attributes: &[(&str, Attribute)],
    ) -> [ValueId; N] {
        let id = NodeId::new(self.graph.nodes.len());
        let name = format!("{}/{op}", self.prefix);
        let outputs = [(); N].map(|()| self.value(name.clone(), Origin::Node(id)));
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
            scope: Arc::clone(&self.scope),
            provenance: self.provenance.derive(Derivation::Gradient, op),
        });
        outputs
    }

    pub(crate) fn op(&mut self, op: &str, inputs: &[ValueId]) -> ValueId {
        self.with(op, inputs, &[])
    }

    pub(crate) fn with(&mut self, op: &str, inputs: &[ValueId], attributes: &[(&str, Attribute)]) -> ValueId {
        let inputs: Vec<_> = inputs.iter().copied().map(Some).collect();
        let [output] = self.node(op, &inputs, attributes);
        output
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
        let id = self.value(name, Origin::Initializer(tensor));
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
