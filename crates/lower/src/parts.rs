//! The parts of a training step as a framework sees them.

use hawkeye_cost::Data;
use hawkeye_grad::{Part, Pass};
use hawkeye_graph::ValueId;

use crate::Visibility;
use crate::training::Training;
use crate::view::{NodeView, TensorView};
use crate::views::Views;

impl Views<'_> {
    /// A part of the step, or a value whose shape is not known. `received` is what the parts before it
    /// attached to the gradients of a value.
    pub(crate) fn part(
        &self,
        part: Part,
        training: &Training<'_>,
        received: &dyn Fn(ValueId) -> Vec<Data>,
    ) -> Result<NodeView, ValueId> {
        let gradient = |id: ValueId| -> Result<TensorView, ValueId> {
            let view = self.tensor(id).ok_or(id)?;
            Ok(TensorView {
                name: format!("grad/{}", view.name),
                visibility: Visibility::Secret,
                elements: None,
                initializer: false,
                state: Data::List(received(id)),
                ..view
            })
        };
        match part {
            Part::Loss | Part::LossGradient => {
                let output = self.tensor(training.output).ok_or(training.output)?;
                let target = TensorView {
                    name: "target".to_owned(),
                    visibility: training.target,
                    elements: None,
                    initializer: false,
                    state: Data::None,
                    ..output.clone()
                };
                let loss = TensorView { name: "loss".to_owned(), shape: Vec::new(), ..target.clone() };
                Ok(NodeView {
                    pass: part.pass(),
                    op: training.loss.name().to_owned(),
                    domain: String::new(),
                    opset: self.graph.opset(),
                    inputs: vec![Some(output), Some(target)],
                    outputs: vec![Some(TensorView { visibility: Visibility::Secret, ..loss })],
                    attributes: Vec::new(),
                    plan: Data::None,
                    planned: false,
                    needs: vec![training.activity.varied[training.output], false],
                    gradients: Vec::new(),
                })
            }
            Part::Gradient(id) => {
                let node = self.graph.node(id);
                // The gradient graph may give a node one more output, such as the indices of a maximum.
                let is_active = |id: &ValueId| training.activity.active.get(*id).copied().unwrap_or(false);
                let active = |id: &Option<ValueId>| id.filter(is_active);
                let gradients = node
                    .outputs
                    .iter()
                    .map(|id| active(id).map(gradient).transpose())
                    .collect::<Result<_, _>>()?;
                Ok(NodeView { pass: Pass::Backward, gradients, ..self.node(node)? })
            }
            Part::Update(id) => {
                let parameter = self.tensor(id).ok_or(id)?;
                let settings = training.settings().into_iter().filter_map(|(name, value)| match name {
                    Data::Text(name) => Some((name, value)),
                    _ => None,
                });
                Ok(NodeView {
                    pass: Pass::Optimizer,
                    op: training.optimizer.algorithm.name().to_owned(),
                    domain: String::new(),
                    opset: self.graph.opset(),
                    outputs: vec![Some(parameter.clone())],
                    inputs: vec![Some(parameter)],
                    attributes: settings.collect(),
                    plan: Data::None,
                    planned: false,
                    needs: vec![true],
                    gradients: vec![Some(gradient(id)?)],
                })
            }
        }
    }
}
