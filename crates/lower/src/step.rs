//! Lowering the parts of a training step.

use std::collections::BTreeSet;
use std::ops::Range;

use hawkeye_cost::{Call, Calls, Data, Item};
use hawkeye_grad::{Part, Pass};
use hawkeye_graph::{Diagnostic, NodeId, Place, ValueId};

use crate::obstacles::{error_at, unplanned};
use crate::program::{Lowerer, Operation, OperationKind};
use crate::{Ability, Lowered, Lowering, NodeView, Training, Visibility};

impl Lowerer<'_> {
    /// What the framework planned for a part of the step; `None` if its plan of the whole step lacks the part.
    fn plan_of(&self, part: Part) -> Option<Data> {
        let Some(step) = &self.step else {
            let planned = if let Part::Gradient(id) = part { self.plan.get(id.index()) } else { None };
            return Some(planned.cloned().unwrap_or_default());
        };
        match part {
            Part::Loss => Some(step.loss.clone()),
            Part::LossGradient => Some(step.gradient.clone()),
            Part::Gradient(id) => step.backward.get(id.index()).cloned(),
            Part::Update(id) => {
                let name = Data::Text(self.views.graph.value(id).name.clone());
                step.updates.iter().find(|(updated, _)| *updated == name).map(|(_, entry)| entry.clone())
            }
        }
    }

    /// Lowers a part by the framework's own function for it, or else as the nodes that the gradient
    /// graph has for it.
    pub(crate) fn part(
        &mut self,
        position: usize,
        training: &Training<'_>,
        calls: &mut Calls,
        lowering: &mut dyn Lowering,
    ) {
        let part = training.parts[position];
        let (domain, op) = training.operator(self.views.graph, part);
        if self.views.visibility[training.output] != Visibility::Secret {
            self.conclude(part, Lowered::default(), training);
        } else if self.step.is_some() || lowering.supports(Ability::Lower(part.pass()), domain, op).is_ok() {
            // What a part needs may be missing after an error.
            if self.errors.is_empty() && self.unsupported.is_empty() {
                match self.own(part, training, calls, lowering) {
                    Ok(lowered) => self.conclude(part, lowered, training),
                    Err(error) => self.errors.push(error),
                }
            }
        } else if let Some((_, nodes)) = training.nodes.and_then(|nodes| nodes.get(position)) {
            self.nodes(part, nodes.clone(), calls, lowering);
        } else {
            let error = untrainable(self.place(part), part.pass(), op);
            let key = (part.pass(), domain.to_owned(), op.to_owned());
            let errors = self.unsupported.entry(key).or_default();
            // Every parameter has an update, but the framework lacks one optimizer.
            if errors.is_empty() || part.pass() == Pass::Backward {
                errors.push(error);
            }
        }
    }

    fn own(
        &self,
        part: Part,
        training: &Training<'_>,
        calls: &mut Calls,
        lowering: &mut dyn Lowering,
    ) -> Result<Lowered, Diagnostic> {
        let place = self.place(part);
        let received = |id: ValueId| self.gradients[id].clone();
        let view = self.views.part(part, training, &received).map_err(|id| {
            let message = format!("the shape of \"{}\" can't be found out", self.views.graph.value(id).name);
            Diagnostic::error(place.clone(), message)
        })?;
        let plan = self.plan_of(part).ok_or_else(|| error_at(place.clone(), unplanned()))?;
        lowering
            .node(calls, &NodeView { plan, planned: self.step.is_some(), ..view })
            .map_err(|error| error_at(place, error))
    }

    fn conclude(&mut self, part: Part, lowered: Lowered, training: &Training<'_>) {
        let evidence = self.notes(&self.place(part), lowered.notes);
        let inputs: &[Option<ValueId>] = match part {
            Part::Gradient(id) => &self.views.graph.node(id).inputs,
            Part::LossGradient => &[Some(training.output)],
            Part::Loss | Part::Update(_) => &[],
        };
        for (position, state) in lowered.inputs {
            if let Some(Some(input)) = inputs.get(position) {
                self.gradients[*input].push(state);
            }
        }
        let operation = Operation { kind: OperationKind::Part(part), call: lowered.call, evidence };
        self.program.operations.push(operation);
    }

    /// Lowers nodes one by one and makes one operation of them.
    fn nodes(&mut self, part: Part, nodes: Range<usize>, calls: &mut Calls, lowering: &mut dyn Lowering) {
        let before = self.program.operations.len();
        for index in nodes {
            self.node(NodeId::new(index), calls, lowering);
        }
        let mut whole = Call { name: calls.symbol(""), items: Vec::new() };
        let mut evidence = BTreeSet::new();
        for operation in self.program.operations.drain(before..) {
            if let Some(call) = operation.call {
                whole.push(Item::Call { call, times: 1 });
            }
            evidence.extend(operation.evidence);
        }
        let call = (!whole.items.is_empty()).then(|| calls.add(whole));
        self.program.operations.push(Operation { kind: OperationKind::Part(part), call, evidence });
    }

    fn place(&self, part: Part) -> Place {
        match part {
            Part::Gradient(id) => Place::node(self.views.graph.node(id)),
            Part::Loss | Part::LossGradient | Part::Update(_) => Place::Model,
        }
    }
}

fn untrainable(place: Place, pass: Pass, op: &str) -> Diagnostic {
    let message = match pass {
        Pass::Forward | Pass::Backward => format!("the framework can't train through {op}"),
        Pass::Loss => format!("the framework has no loss {op}"),
        Pass::Optimizer => format!("the framework has no optimizer {op}"),
    };
    Diagnostic::error(place, message)
}
