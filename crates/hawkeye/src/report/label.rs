//! How operations are named.

use std::collections::HashMap;

use hawkeye_grad::{Part, Pass};
use hawkeye_graph::{Graph, NodeId, ValueId};
use hawkeye_lower::Subject;

use hawkeye_report::TrainingInfo;

/// How an operation is named in the report.
pub(crate) struct Label {
    pub(crate) name: String,
    pub(crate) op: String,
    pub(crate) pass: Pass,
    /// The forward operator that it belongs to, outside the forward pass.
    pub(crate) of: Option<String>,
    pub(crate) scope: Vec<String>,
    /// What it computes: names, and values of the same shape.
    pub(crate) outputs: Vec<(String, ValueId)>,
}

/// Makes labels.
pub(crate) struct Labels<'a> {
    graph: &'a Graph,
    training: Option<&'a TrainingInfo>,
    /// In training, the first node that takes each value.
    users: HashMap<ValueId, NodeId>,
}

/// The name of the loss, which belongs to no node.
const LOSS: &str = "(loss)";

impl<'a> Labels<'a> {
    pub(crate) fn new(graph: &'a Graph, training: Option<&'a TrainingInfo>) -> Self {
        let mut users = HashMap::new();
        if training.is_some() {
            for id in graph.node_ids() {
                for input in graph.node(id).present_inputs() {
                    users.entry(input).or_insert(id);
                }
            }
        }
        Self { graph, training, users }
    }

    pub(crate) fn of(&self, subject: Subject) -> Label {
        match subject {
            Subject::Begin => self.outside("(setup)", "Setup", Pass::Forward),
            Subject::End => self.outside("(output)", "Output", Pass::Forward),
            Subject::Node(id) => {
                let node = self.graph.node(id);
                let outputs = node.present_outputs().map(|id| (self.value(id).to_owned(), id)).collect();
                Label { outputs, ..self.node(id) }
            }
            Subject::Part(part) => self.part(part),
        }
    }

    fn part(&self, part: Part) -> Label {
        let loss = self.training.map_or("", |training| &training.loss);
        let gradient = |id| (format!("grad/{}", self.value(id)), id);
        match part {
            Part::Loss => self.outside(LOSS, loss, Pass::Loss),
            Part::LossGradient => {
                Label { of: Some(LOSS.to_owned()), ..self.outside(LOSS, loss, Pass::Backward) }
            }
            Part::Gradient(id) => {
                let forward = self.node(id);
                Label {
                    pass: Pass::Backward,
                    of: Some(forward.name.clone()),
                    outputs: self.graph.node(id).present_inputs().map(gradient).collect(),
                    ..forward
                }
            }
            Part::Update(id) => {
                let user = self.users.get(&id).map(|user| self.node(*user));
                let optimizer = self.training.map_or("", |training| &training.optimizer);
                Label {
                    of: user.as_ref().map(|user| user.name.clone()),
                    scope: user.map(|user| user.scope).unwrap_or_default(),
                    outputs: vec![(self.value(id).to_owned(), id)],
                    ..self.outside(
                        self.value(id),
                        optimizer.split(':').next().unwrap_or(optimizer),
                        Pass::Optimizer,
                    )
                }
            }
        }
    }

    fn outside(&self, name: &str, op: &str, pass: Pass) -> Label {
        Label {
            name: name.to_owned(),
            op: op.to_owned(),
            pass,
            of: None,
            scope: Vec::new(),
            outputs: Vec::new(),
        }
    }

    fn node(&self, id: NodeId) -> Label {
        let node = self.graph.node(id);
        let name = match node.provenance.node {
            Some(index) if node.name.is_empty() => format!("{}_{index}", node.op),
            _ => node.name.clone(),
        };
        Label { scope: node.scope.to_vec(), ..self.outside(&name, &node.op, Pass::Forward) }
    }

    fn value(&self, id: ValueId) -> &str {
        &self.graph.value(id).name
    }
}
