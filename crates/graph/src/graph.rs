//! Graph, nodes and values.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{Attributes, DType, NodeId, Provenance, Tensor, ValueId};

/// One dimension as the model declares it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Dim {
    /// A fixed number of elements.
    Fixed(u64),
    /// A symbol (or expression over symbols), e.g. `batch`, to be bound before analysis. Unnamed
    /// dimensions get a symbol from the importer.
    Symbol(String),
}

/// Type of a graph input as the model declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredType {
    /// Element type.
    pub dtype: DType,
    /// Dimensions; `None` if even the rank is not declared.
    pub dims: Option<Vec<Dim>>,
    /// What it is; sequences and maps have no shape that could be bound.
    pub kind: Kind,
}

impl DeclaredType {
    /// The shape of an input that holds one number; `None` if it may hold more. What declares no shape is a scalar.
    #[must_use]
    pub fn single(&self) -> Option<Vec<u64>> {
        let one = |dim: &Dim| matches!(dim, Dim::Fixed(1));
        let dims = self.dims.as_deref().unwrap_or_default();
        (self.kind == Kind::Tensor && dims.iter().all(one)).then(|| vec![1; dims.len()])
    }
}

/// Kind of a graph input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A tensor.
    Tensor,
    /// A tensor or nothing.
    Optional,
    /// A sequence of tensors, declared as if they were stacked along a new leading dimension.
    Sequence,
    /// A map, or a type that is not declared.
    Other,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// An input of the graph.
    Input(DeclaredType),
    /// A constant stored with the model.
    Initializer(Tensor),
    /// An output of a node.
    Node(NodeId),
    /// A value of the graph around this one, which is the body of a node.
    Outer(ValueId),
}

/// A tensor that flows through the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Name, unique within the graph.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// An operator applied to values.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Name as the exporter gave it; may be empty.
    pub name: String,
    /// Operator, e.g. `Conv`.
    pub op: String,
    /// Operator domain; empty for ONNX's own.
    pub domain: String,
    /// Version of that domain's operator set.
    pub opset: i64,
    /// Inputs; `None` where an optional one is left out.
    pub inputs: Vec<Option<ValueId>>,
    /// Outputs; `None` where an optional one is not wanted.
    pub outputs: Vec<Option<ValueId>>,
    /// Attributes.
    pub attributes: Attributes,
    /// Module path of the exporting framework, outermost first, e.g. `[layer1, 0, conv1]`.
    pub scope: Arc<[String]>,
    /// Which node of the file it stands for.
    pub provenance: Provenance,
}

/// What a name takes beyond names as they usually are, in nodes.
pub(crate) fn excess(name: &str) -> usize {
    name.len().saturating_sub(256) / 32
}

impl Node {
    /// What it takes beyond one node, in nodes and values: its bodies, long attributes and
    /// lists of operands, and a long name.
    #[must_use]
    pub fn bulk(&self) -> usize {
        let lists = (self.inputs.len() + self.outputs.len()) / 16 + self.attributes.elements() / 256;
        self.attributes.size() + lists + excess(&self.name)
    }

    /// Inputs that are not left out.
    pub fn present_inputs(&self) -> impl Iterator<Item = ValueId> {
        self.inputs.iter().flatten().copied()
    }

    /// Whether it is control flow: `If`, `Loop` or `Scan`.
    #[must_use]
    pub fn is_control_flow(&self) -> bool {
        self.domain.is_empty() && matches!(self.op.as_str(), "If" | "Loop" | "Scan")
    }

    /// Values of the graph around it that the node's bodies take.
    pub fn captured(&self) -> impl Iterator<Item = ValueId> {
        self.attributes.bodies().flat_map(|(_, body)| &body.values).filter_map(|value| match value.origin {
            Origin::Outer(id) => Some(id),
            Origin::Input(_) | Origin::Initializer(_) | Origin::Node(_) => None,
        })
    }

    /// Outputs that are wanted.
    pub fn present_outputs(&self) -> impl Iterator<Item = ValueId> {
        self.outputs.iter().flatten().copied()
    }
}

/// A node of the file, which stays one row of a report whatever passes make of it.
#[derive(Clone, Debug, PartialEq)]
pub struct FileNode {
    /// Name as the exporter gave it; may be empty.
    pub name: String,
    /// Operator, or the function that it calls.
    pub op: String,
    /// Module path of the exporting framework, outermost first.
    pub scope: Arc<[String]>,
    /// Inputs that are not left out.
    pub inputs: Vec<ValueId>,
    /// Outputs that are wanted.
    pub outputs: Vec<ValueId>,
    /// Whether the exporter says that it folded a BatchNormalization into it.
    pub folds_normalization: bool,
}

/// A model's computation graph; nodes in execution order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// Nodes; position = [`NodeId`].
    pub nodes: Vec<Node>,
    /// Values; position = [`ValueId`].
    pub values: Vec<Value>,
    /// Graph inputs that are not initializers.
    pub inputs: Vec<ValueId>,
    /// Graph outputs.
    pub outputs: Vec<ValueId>,
    /// Operator set versions by domain; ONNX's own domain is the empty string.
    pub opsets: BTreeMap<String, i64>,
    /// The nodes of the file, to whose positions [`Provenance::node`] leads; empty in bodies.
    pub file: Arc<[FileNode]>,
}

impl Graph {
    /// The node with this id.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The value with this id.
    #[must_use]
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.index()]
    }

    /// Node ids in execution order.
    pub fn node_ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len()).map(NodeId::new)
    }

    /// Value ids in ascending order.
    pub fn value_ids(&self) -> impl Iterator<Item = ValueId> + use<> {
        (0..self.values.len()).map(ValueId::new)
    }

    /// Nodes and values, those of bodies too.
    #[must_use]
    pub fn size(&self) -> usize {
        let within: usize = self.nodes.iter().map(Node::bulk).sum();
        let names: usize = self.values.iter().map(|value| excess(&value.name)).sum();
        self.nodes.len() + self.values.len() + within + names
    }

    /// The opset of ONNX's own operators; 0 if the model uses none.
    #[must_use]
    pub fn opset(&self) -> i64 {
        self.opsets.get("").copied().unwrap_or(0)
    }
}
