//! What a framework sees of the model.

use std::borrow::Cow;

use hashbrown::HashMap;
use hawkeye_cost::Data;
use hawkeye_grad::Pass;
use hawkeye_graph::Shapes;
use hawkeye_graph::{Attribute, DType, Elements, Graph, Node, Origin, Table, Tensor, ValueId};

use crate::operands::operands;
use crate::secrecy::is_constant;
use crate::{Training, Visibility};

/// A tensor as a framework sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorView {
    /// Name in the model.
    pub name: String,
    /// Elements per dimension.
    pub shape: Vec<u64>,
    /// Element type; `None` if shape inference did not find it.
    pub dtype: Option<DType>,
    /// Who knows it.
    pub visibility: Visibility,
    /// Elements of a small constant.
    pub elements: Option<Elements>,
    /// Whether it is one of the model's own parameters, or an Identity of one.
    pub initializer: bool,
    /// What the framework attached to it.
    pub state: Data,
}

/// A node as a framework sees it, or its part in another pass of a training step. Its name is not
/// part of it, so that equal operators are equal.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeView {
    /// The pass that it is lowered for.
    pub pass: Pass,
    /// Operator; the loss or optimizer for their parts.
    pub op: String,
    /// Operator domain; empty for ONNX's own.
    pub domain: String,
    /// Version of that domain's operator set.
    pub opset: i64,
    /// Inputs; `None` where an optional one is left out.
    pub inputs: Vec<Option<TensorView>>,
    /// Outputs; `None` where an optional one is not wanted.
    pub outputs: Vec<Option<TensorView>>,
    /// Attributes, and operands that other opsets have as attributes.
    pub attributes: Vec<(String, Data)>,
    /// What the framework's compiler planned for it.
    pub plan: Data,
    /// Whether the compiler planned the whole training step ([`crate::Plan::Step`]).
    pub planned: bool,
    /// Which inputs carry a gradient, by position; in inference, none does.
    pub needs: Vec<bool>,
    /// In the backward pass the gradients of the outputs, by position, and for the optimizer the
    /// gradient of the parameter; `None` where there is none.
    pub gradients: Vec<Option<TensorView>>,
}

/// A model as a framework sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelView {
    /// Graph inputs.
    pub inputs: Vec<TensorView>,
    /// Graph outputs.
    pub outputs: Vec<TensorView>,
    /// Nodes in execution order.
    pub nodes: Vec<NodeView>,
    /// The training step, if it is trained.
    pub training: Data,
}

/// Everything that views are made from.
pub(crate) struct Views<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) shapes: &'a Shapes,
    pub(crate) visibility: &'a Table<ValueId, Visibility>,
    pub(crate) states: Table<ValueId, Data>,
    pub(crate) training: Option<Training<'a>>,
    parameters: Table<ValueId, bool>,
}

impl<'a> Views<'a> {
    pub(crate) fn new(
        graph: &'a Graph,
        shapes: &'a Shapes,
        visibility: &'a Table<ValueId, Visibility>,
        training: Option<Training<'a>>,
    ) -> Self {
        let states = Table::new(vec![Data::None; graph.values.len()]);
        Self { graph, shapes, visibility, states, training, parameters: parameters(graph, visibility) }
    }

    /// A value whose shape is known.
    pub(crate) fn tensor(&self, id: ValueId) -> Option<TensorView> {
        let fact = &self.shapes.facts[id];
        Some(TensorView { shape: fact.shape()?, ..self.outline(id) })
    }

    /// A value; its shape is empty if it is not known.
    fn outline(&self, id: ValueId) -> TensorView {
        let value = self.graph.value(id);
        let fact = &self.shapes.facts[id];
        TensorView {
            name: value.name.clone(),
            shape: fact.shape().unwrap_or_default(),
            dtype: fact.dtype,
            visibility: self.visibility[id],
            elements: fact.elements.clone(),
            initializer: self.parameters[id],
            state: self.states[id].clone(),
        }
    }

    /// A node, or the first of its values whose shape is not known.
    pub(crate) fn node(&self, node: &Node) -> Result<NodeView, ValueId> {
        let tensors = |ids: &[Option<ValueId>]| {
            ids.iter()
                .map(|id| id.map(|id| self.tensor(id).ok_or(id)).transpose())
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(self.view(node, tensors(&node.inputs)?, tensors(&node.outputs)?))
    }

    /// A node; shapes that are not known are left empty.
    pub(crate) fn outlined(&self, node: &Node) -> NodeView {
        let outlines = |ids: &[Option<ValueId>]| ids.iter().map(|id| id.map(|id| self.outline(id))).collect();
        self.view(node, outlines(&node.inputs), outlines(&node.outputs))
    }

    /// The model; shapes that are not known are left empty.
    pub(crate) fn model(&self) -> ModelView {
        let outlines = |ids: &[ValueId]| ids.iter().map(|id| self.outline(*id)).collect();
        let forward = self.training.map_or(self.graph.nodes.len(), |training| training.forward(self.graph));
        ModelView {
            inputs: outlines(&self.graph.inputs),
            outputs: outlines(&self.graph.outputs),
            nodes: self.graph.nodes.iter().take(forward).map(|node| self.outlined(node)).collect(),
            training: self.training.map_or(Data::None, |training| training.data(self.graph)),
        }
    }

    fn view(
        &self,
        node: &Node,
        inputs: Vec<Option<TensorView>>,
        outputs: Vec<Option<TensorView>>,
    ) -> NodeView {
        let mut attributes: Vec<_> =
            node.attributes.iter().map(|(name, a)| (name.to_owned(), attribute(a))).collect();
        attributes.extend(operands(node, &inputs));
        NodeView {
            pass: Pass::Forward,
            op: node.op.clone(),
            domain: node.domain.clone(),
            opset: node.opset,
            inputs,
            outputs,
            attributes,
            plan: Data::None,
            planned: false,
            needs: node.inputs.iter().map(|id| id.is_some_and(|id| self.carries(id))).collect(),
            gradients: Vec::new(),
        }
    }

    /// Whether a gradient is computed for the value where the loss depends on it.
    fn carries(&self, id: ValueId) -> bool {
        self.training.and_then(|training| training.sweep.carries.get(id).copied()).unwrap_or(false)
    }
}

/// Which values are the model's own parameters. Exporters store equal ones once, and make the others
/// with Identity.
fn parameters(graph: &Graph, visibility: &Table<ValueId, Visibility>) -> Table<ValueId, bool> {
    let stored = |id| matches!(graph.value(id).origin, Origin::Initializer(_));
    let mut table = Table::new(graph.value_ids().map(stored).collect());
    for node in &graph.nodes {
        if is_constant(node) {
            node.present_outputs().for_each(|id| table[id] = visibility[id] != Visibility::Public);
        }
        if let ("Identity", "", [Some(input)], [Some(output)]) =
            (&*node.op, &*node.domain, &node.inputs[..], &node.outputs[..])
        {
            table[*output] = table[*input];
        }
    }
    table
}

fn attribute(attribute: &Attribute) -> Data {
    match attribute {
        Attribute::Int(i) => Data::Int(*i),
        Attribute::Float(f) => f64::from(*f).into(),
        Attribute::String(s) => Data::Text(s.clone()),
        Attribute::Ints(v) => Data::List(v.iter().copied().map(Data::Int).collect()),
        Attribute::Floats(v) => Data::List(v.iter().map(|f| f64::from(*f).into()).collect()),
        Attribute::Strings(v) => Data::List(v.iter().cloned().map(Data::Text).collect()),
        Attribute::Tensor(Tensor { elements, .. }) => elements.as_ref().map_or(Data::None, list),
        Attribute::Graph(_) | Attribute::Other => Data::None,
    }
}

/// Elements as a flat list.
pub(crate) fn list(elements: &Elements) -> Data {
    Data::List(match elements {
        Elements::Ints(v) => v.iter().copied().map(Data::Int).collect(),
        Elements::Floats(v) => v.iter().copied().map(Data::from).collect(),
        Elements::Strings(v) => v.iter().cloned().map(Data::Text).collect(),
    })
}

impl NodeView {
    /// This as the record that sheets see.
    #[must_use]
    pub fn data(&self) -> Data {
        self.record(&mut TensorView::data)
    }

    fn record<'a>(&'a self, tensor: &mut dyn FnMut(&'a TensorView) -> Data) -> Data {
        let mut tensors = |views: &'a [Option<TensorView>]| {
            Data::List(views.iter().map(|v| v.as_ref().map_or(Data::None, &mut *tensor)).collect())
        };
        let attributes =
            self.attributes.iter().map(|(name, value)| (Data::Text(name.clone()), value.clone()));
        let fields = [
            ("op".into(), Data::Text(self.op.clone())),
            ("domain".into(), Data::Text(self.domain.clone())),
            ("opset".into(), Data::Int(self.opset)),
            ("inputs".into(), tensors(&self.inputs)),
            ("outputs".into(), tensors(&self.outputs)),
            ("attrs".into(), Data::Dict(attributes.collect())),
            ("plan".into(), self.plan.clone()),
            ("needs".into(), Data::List(self.needs.iter().copied().map(Data::Bool).collect())),
            ("gradients".into(), tensors(&self.gradients)),
        ];
        Data::Struct(fields.into())
    }
}

impl TensorView {
    fn fields(&self) -> [(Cow<'static, str>, Data); 8] {
        // Importer and rules bound element counts by 2^48, so sizes fit.
        let int = |n: u64| Data::Int(i64::try_from(n).unwrap_or(i64::MAX));
        let size = self.shape.iter().try_fold(1u64, |n, d| n.checked_mul(*d)).unwrap_or(u64::MAX);
        [
            ("shape".into(), Data::Tuple(self.shape.iter().copied().map(int).collect())),
            ("size".into(), int(size)),
            ("rank".into(), int(self.shape.len() as u64)),
            ("dtype".into(), self.dtype.map_or(Data::None, |d| d.name().into())),
            ("visibility".into(), self.visibility.data()),
            ("value".into(), self.elements.as_ref().map_or(Data::None, list)),
            ("initializer".into(), Data::Bool(self.initializer)),
            ("state".into(), self.state.clone()),
        ]
    }

    /// This as the record that sheets see.
    #[must_use]
    pub fn data(&self) -> Data {
        Data::Struct(self.fields().into())
    }

    /// This with its name.
    fn named(&self) -> Data {
        let name = ("name".into(), Data::Text(self.name.clone()));
        Data::Struct(self.fields().into_iter().chain([name]).collect())
    }
}

impl ModelView {
    /// This as the record that sheets see, with the names of tensors.
    #[must_use]
    pub fn data<'a>(&'a self) -> Data {
        // Every tensor is an output once and an input any number of times.
        let mut known: HashMap<&str, (&'a TensorView, Data)> = HashMap::new();
        let mut named = |view: &'a TensorView| match known.get(view.name.as_str()) {
            Some((same, data)) if *same == view => data.clone(),
            _ => {
                let data = view.named();
                known.insert(&view.name, (view, data.clone()));
                data
            }
        };
        let fields = [
            ("inputs".into(), Data::List(self.inputs.iter().map(&mut named).collect())),
            ("outputs".into(), Data::List(self.outputs.iter().map(&mut named).collect())),
            ("nodes".into(), Data::List(self.nodes.iter().map(|node| node.record(&mut named)).collect())),
            ("training".into(), self.training.clone()),
        ];
        Data::Struct(fields.into())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hawkeye_graph::{Attributes, NodeId, Provenance, Value};

    use super::*;

    #[test]
    fn identities_of_parameters_are_parameters() {
        let node = |op: &str, from: usize| Node {
            name: String::new(),
            op: op.to_owned(),
            domain: String::new(),
            opset: 17,
            inputs: vec![Some(ValueId::new(from))],
            outputs: vec![Some(ValueId::new(from + 1))],
            attributes: Attributes::default(),
            scope: Arc::default(),
            provenance: Provenance::of_file(from),
        };
        let nodes = vec![node("Identity", 0), node("Identity", 1), node("Relu", 2), node("Identity", 3)];
        let stored = Origin::Initializer(Tensor { dtype: DType::Float32, dims: vec![2], elements: None });
        let made = (0..nodes.len()).map(|i| Origin::Node(NodeId::new(i)));
        let values = std::iter::once(stored).chain(made).map(|origin| Value { name: String::new(), origin });
        let graph = Graph { values: values.collect(), nodes, ..Graph::default() };
        let visibility = Table::new(vec![Visibility::Secret; graph.values.len()]);
        assert!(parameters(&graph, &visibility).iter().eq(&[true, true, true, false, false]));
    }
}
