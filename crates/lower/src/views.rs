//! How a model's tensors and nodes become what a framework sees.

use hawkeye_cost::Data;
use hawkeye_grad::Pass;
use hawkeye_graph::{Attribute, Graph, Node, Origin, Shapes, Table, Tensor, ValueId};

use crate::Visibility;
use crate::operands::operands;
use crate::training::Training;
use crate::view::{ModelView, NodeView, TensorView, list};
use crate::weights::is_constant;

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
            needs: node.inputs.iter().map(|id| id.is_some_and(|id| self.is_varied(id))).collect(),
            gradients: Vec::new(),
        }
    }

    /// Whether a gradient is computed for the value where the loss depends on it.
    fn is_varied(&self, id: ValueId) -> bool {
        self.training.and_then(|training| training.activity.varied.get(id).copied()).unwrap_or(false)
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hawkeye_graph::{Attributes, DType, NodeId, Provenance, Value};

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
