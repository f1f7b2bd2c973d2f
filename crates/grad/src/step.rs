//! From a model to its training step.

use std::ops::Range;

use hawkeye_graph::{
    Attribute, DType, Diagnostic, Failure, Graph, Node, NodeId, Origin, Place, Shapes, Table, ValueId,
};

use crate::adjoint::Adjoint;
use crate::builder::StepBuilder;
use crate::loss_nodes::{LossNodes, Operands};
use crate::update::{UpdatedParameter, update};
use crate::upgrade::upgrade;
use crate::{Activity, Loss, Optimizer, Part, rules};

/// What a training step is to do.
#[derive(Clone, Debug)]
pub struct StepSpec {
    /// What is minimized.
    pub loss: Loss,
    /// How parameters follow their gradients.
    pub optimizer: Optimizer,
    /// The number of the step, 1 for the first.
    pub step: u64,
    /// What the loss looks at.
    pub output: ValueId,
    /// The parameters to train.
    pub trained: Vec<ValueId>,
}

/// A training step as a graph.
#[derive(Clone, Debug)]
pub struct StepGraph {
    /// The model's nodes and values with their ids, in one opset of at least 18; loss, backward and
    /// optimizer nodes and values follow. Its inputs are those of the model with their shapes, the
    /// target and the optimizer's state; its outputs are the loss, the new parameters and the new state.
    pub graph: Graph,
    /// The nodes of each part, in the order of [`Activity::parts`]; together they are all nodes after the
    /// model's.
    pub parts: Vec<(Part, Range<usize>)>,
    /// The input for the target, of the shape of the output.
    pub target: ValueId,
    /// The gradient of each value of the model that has one. Where a node hands its gradient on as it
    /// is, several values share one.
    pub gradients: Table<ValueId, Option<ValueId>>,
    /// The loss, a scalar.
    pub loss: ValueId,
}

/// Writes the training step of a model as standard ONNX nodes.
///
/// The step is for the shapes given: constants such as the shape to expand a gradient to are part of
/// it.
///
/// # Errors
/// Every node without a gradient, or which can't be brought to opset 18; an output of unknown shape.
pub fn synthesise(
    graph: &Graph,
    shapes: &Shapes,
    activity: &Activity,
    spec: &StepSpec,
) -> Result<StepGraph, Failure> {
    let name = &graph.value(spec.output).name;
    let unknown = || {
        Failure::from(Diagnostic::error(
            Place::Value(name.clone()),
            "can't be trained, since its shape or type is not known",
        ))
    };
    let shape = dims(shapes, spec.output).ok_or_else(unknown)?;
    let dtype = shapes.facts[spec.output].dtype.filter(|dtype| dtype.is_float()).ok_or_else(unknown)?;
    let mut synthesis = Synthesis {
        graph: StepBuilder::new(graph.clone()),
        model: graph,
        shapes,
        activity,
        known: graph.values.len(),
        gradients: Table::new(vec![None; graph.values.len()]),
        errors: Vec::new(),
    };
    synthesis.fix_inputs();
    synthesis.errors = upgrade(&mut synthesis.graph, shapes);
    synthesis.graph.dtype = dtype;
    let target = synthesis.graph.input("target", dtype, &shape);
    let operands = Operands { output: spec.output, target, shape: &shape };
    let mut nodes = None;
    let mut outputs = Vec::new();
    let mut state = Vec::new();
    let mut parts = Vec::new();
    for part in activity.parts(activity.with_gradient(&spec.trained)) {
        let start = synthesis.graph.graph().nodes.len();
        match part {
            Part::Loss => nodes = Some(synthesis.loss(&operands, spec)),
            Part::LossGradient => {
                if let Some(nodes) = &nodes {
                    synthesis.loss_gradient(&operands, spec, nodes);
                }
            }
            Part::Gradient(node) => synthesis.node(node),
            Part::Update(parameter) => outputs.extend(synthesis.update(parameter, spec, &mut state)),
        }
        parts.push((part, start..synthesis.graph.graph().nodes.len()));
    }
    if !synthesis.errors.is_empty() {
        return Err(Failure(synthesis.errors));
    }
    let loss = nodes.map_or(spec.output, |nodes| nodes.loss);
    synthesis.name_gradients(&outputs, &state, loss);
    let Synthesis { graph, gradients, .. } = synthesis;
    let graph = graph.finish([vec![loss], outputs, state].concat());
    Ok(StepGraph { graph, parts, target, gradients, loss })
}

fn dims(shapes: &Shapes, id: ValueId) -> Option<Vec<i64>> {
    shapes.facts[id].shape()?.into_iter().map(|size| i64::try_from(size).ok()).collect()
}

struct Synthesis<'a> {
    graph: StepBuilder,
    model: &'a Graph,
    shapes: &'a Shapes,
    activity: &'a Activity,
    known: usize,
    gradients: Table<ValueId, Option<ValueId>>,
    errors: Vec<Diagnostic>,
}

impl Synthesis<'_> {
    /// The step is for these shapes only.
    fn fix_inputs(&mut self) {
        for id in &self.model.inputs {
            if let Some(shape) = self.shapes.facts[*id].shape() {
                self.graph.fix_input(*id, shape);
            }
        }
    }

    fn loss(&mut self, operands: &Operands<'_>, spec: &StepSpec) -> LossNodes {
        self.graph.outside("loss");
        let nodes = operands.loss(&mut self.graph, spec.loss);
        self.graph.rename(nodes.loss, "loss");
        nodes
    }

    fn loss_gradient(&mut self, operands: &Operands<'_>, spec: &StepSpec, nodes: &LossNodes) {
        self.graph.outside("loss.grad");
        let gradient = operands.gradient(&mut self.graph, spec.loss, nodes);
        self.gradients[operands.output] = Some(gradient);
    }

    /// Appends the gradients of a node's inputs and adds them to what is known of them.
    fn node(&mut self, id: NodeId) {
        let node = self.graph.graph().node(id).clone();
        let place = Place::node(self.model.node(id));
        let name =
            if node.name.is_empty() { format!("{}_{}", node.op, id.index()) } else { node.name.clone() };
        self.graph.on_behalf_of(&node, &format!("{name}.grad"));
        let real = |ids: &[Option<ValueId>]| {
            let dtypes = ids.iter().flatten().filter(|id| id.index() < self.known);
            dtypes.filter_map(|id| self.shapes.facts[*id].dtype).find(|dtype| dtype.is_float())
        };
        self.graph.dtype = real(&node.outputs).or_else(|| real(&node.inputs)).unwrap_or(DType::Float32);
        let Some(rule) = rules::rule(&node) else {
            let error = Diagnostic::error(place, "has no gradient");
            self.errors
                .push(error.help("freeze every parameter before it with --frozen, or train another output"));
            return;
        };
        // Without a gradient of an output there is none of the inputs: the loss does not depend on them,
        // or a node between failed, which was said.
        let gradient = |id: ValueId| if id.index() < self.known { self.gradients[id] } else { None };
        let gradients: Vec<_> = node.outputs.iter().map(|output| output.and_then(gradient)).collect();
        if gradients.iter().all(Option::is_none) {
            return;
        }
        let wanted = node
            .inputs
            .iter()
            .map(|input| input.is_some_and(|id| id.index() < self.known && self.activity.varied[id]));
        let mut adjoint = Adjoint {
            id,
            facts: &self.shapes.facts,
            known: self.known,
            gradients,
            wanted: wanted.collect(),
            found: Vec::new(),
            graph: &mut self.graph,
            node,
        };
        let outcome = sane(&adjoint.node).and_then(|()| rule(&mut adjoint));
        let (found, inputs) = (adjoint.found, adjoint.node.inputs);
        if let Err(message) = outcome {
            self.errors.push(Diagnostic::error(place, message));
            return;
        }
        for (index, gradient) in found {
            if let Some(input) = inputs[index] {
                self.gradients[input] = Some(match self.gradients[input] {
                    Some(other) => self.graph.add(other, gradient),
                    None => gradient,
                });
            }
        }
    }

    /// Appends the update of a parameter; its new value.
    fn update(&mut self, id: ValueId, spec: &StepSpec, state: &mut Vec<ValueId>) -> Option<ValueId> {
        let name = self.graph.graph().value(id).name.clone();
        let Some(shape) = dims(self.shapes, id) else {
            self.errors.push(Diagnostic::error(
                Place::Value(name),
                "can't be trained, since its shape is not known",
            ));
            return None;
        };
        self.graph.outside(&format!("{name}.update"));
        self.graph.dtype = self.shapes.facts[id].dtype.unwrap_or(DType::Float32);
        // A parameter may be reached only through operands that do not change the result.
        let gradient = match self.gradients[id] {
            Some(gradient) => gradient,
            None => self.graph.zeros(&shape),
        };
        let parameter = UpdatedParameter { value: id, gradient, name: name.clone(), shape };
        let new = update(&mut self.graph, &spec.optimizer, spec.step, &parameter, state);
        self.graph.rename(new, &format!("new/{name}"));
        Some(new)
    }

    /// Names gradients after the values that they belong to.
    fn name_gradients(&mut self, outputs: &[ValueId], state: &[ValueId], loss: ValueId) {
        let mut named: Vec<bool> = vec![false; self.graph.graph().values.len()];
        for id in outputs.iter().chain(state).chain([&loss]) {
            named[id.index()] = true;
        }
        for index in 0..self.known {
            let id = ValueId::new(index);
            let Some(gradient) = self.gradients[id] else { continue };
            let own = matches!(self.graph.graph().value(gradient).origin, Origin::Node(_));
            if own && gradient.index() >= self.known && !named[gradient.index()] {
                named[gradient.index()] = true;
                let name = format!("grad/{}", self.graph.graph().value(id).name);
                self.graph.rename(gradient, &name);
            }
        }
    }
}

/// Attributes beyond any real model's would overflow the arithmetic of the rules.
fn sane(node: &Node) -> Result<(), String> {
    let most = 1 << 31;
    let fine = |value: &Attribute| match value {
        Attribute::Int(i) => i.unsigned_abs() <= most,
        Attribute::Ints(list) => list.iter().all(|i| i.unsigned_abs() <= most),
        _ => true,
    };
    match node.attributes.iter().find(|(_, value)| !fine(value)) {
        None => Ok(()),
        Some((name, _)) => Err(format!("has an attribute {name} beyond 2^31")),
    }
}
