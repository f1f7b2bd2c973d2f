//! How operations are named.

use hashbrown::HashMap;
use hawkeye_grad::{Part, Pass};
use hawkeye_graph::{Derivation, FileNode, Graph, NodeId, ValueId};
use hawkeye_lower::OperationKind;

use hawkeye_report::TrainingInfo;

use super::tree::Level;

/// Which row of the report an operation belongs to, and what that row is called.
pub(crate) struct Label {
    /// The node of the file.
    pub(crate) node: Option<usize>,
    pub(crate) name: String,
    pub(crate) op: String,
    pub(crate) pass: Pass,
    /// The forward operator that it belongs to, outside the forward pass.
    pub(crate) of: Option<String>,
    pub(crate) scope: Vec<String>,
    /// Whether a definition stands for the node's operator, which the framework lacks.
    pub(crate) defined: bool,
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

    pub(crate) fn of(&self, kind: OperationKind) -> Label {
        match kind {
            OperationKind::Begin => self.outside("(setup)", "Setup", Pass::Forward),
            OperationKind::End => self.outside("(output)", "Output", Pass::Forward),
            OperationKind::Node(id) => self.node(id),
            OperationKind::Part(part) => self.part(part),
        }
    }

    /// What the row of an operation computes: names, and values of the same shape. All operations of a row have the same,
    /// so that it is asked for once: a call of a function may make thousands.
    pub(crate) fn outputs(&self, kind: OperationKind) -> Vec<(String, ValueId)> {
        let named = |ids: Vec<ValueId>, prefix: &str| {
            ids.into_iter().map(|id| (format!("{prefix}{}", self.value(id)), id)).collect()
        };
        match kind {
            OperationKind::Node(id) => {
                let outputs = self.in_file(id).map(|file| file.outputs.clone());
                named(outputs.unwrap_or_else(|| self.graph.node(id).present_outputs().collect()), "")
            }
            OperationKind::Part(Part::Gradient(id)) => {
                let inputs = self.in_file(id).map(|file| file.inputs.clone());
                named(inputs.unwrap_or_else(|| self.graph.node(id).present_inputs().collect()), "grad/")
            }
            OperationKind::Part(Part::Update(id)) => named(vec![id], ""),
            OperationKind::Begin
            | OperationKind::End
            | OperationKind::Part(Part::Loss | Part::LossGradient) => Vec::new(),
        }
    }

    /// Levels of the row's call tree that lead to an operation, none if it is all of the row.
    pub(crate) fn levels(&self, kind: OperationKind) -> Vec<Level<'a>> {
        let id = match kind {
            OperationKind::Node(id) | OperationKind::Part(Part::Gradient(id)) => id,
            OperationKind::Begin
            | OperationKind::End
            | OperationKind::Part(Part::Loss | Part::LossGradient | Part::Update(_)) => return Vec::new(),
        };
        let node = self.graph.node(id);
        let mut levels: Vec<Level<'a>> =
            node.provenance.steps.iter().map(|step| Level::module(&step.name)).collect();
        if let Some(last) = levels.last_mut() {
            last.op = Some(&node.op);
        }
        levels
    }

    fn part(&self, part: Part) -> Label {
        let loss = self.training.map_or("", |training| &training.loss);
        match part {
            Part::Loss => self.outside(LOSS, loss, Pass::Loss),
            Part::LossGradient => {
                Label { of: Some(LOSS.to_owned()), ..self.outside(LOSS, loss, Pass::Backward) }
            }
            Part::Gradient(id) => {
                let forward = self.node(id);
                Label { pass: Pass::Backward, of: Some(forward.name.clone()), ..forward }
            }
            Part::Update(id) => {
                let user = self.users.get(&id).map(|user| self.node(*user));
                let optimizer = self.training.map_or("", |training| &training.optimizer);
                let optimizer = optimizer.split(':').next().unwrap_or(optimizer);
                Label {
                    of: user.as_ref().map(|user| user.name.clone()),
                    scope: user.map(|user| user.scope).unwrap_or_default(),
                    ..self.outside(self.value(id), optimizer, Pass::Optimizer)
                }
            }
        }
    }

    fn outside(&self, name: &str, op: &str, pass: Pass) -> Label {
        Label {
            node: None,
            name: name.to_owned(),
            op: op.to_owned(),
            pass,
            of: None,
            scope: Vec::new(),
            defined: false,
        }
    }

    /// The node of the file for which a node stands.
    fn in_file(&self, id: NodeId) -> Option<&FileNode> {
        self.graph.file.get(self.graph.node(id).provenance.node?)
    }

    fn node(&self, id: NodeId) -> Label {
        let node = self.graph.node(id);
        let named = |name: &str, op: &str| match node.provenance.node {
            Some(index) if name.is_empty() => format!("{op}_{index}"),
            _ => name.to_owned(),
        };
        let (name, op) = match self.in_file(id) {
            Some(file) => (named(&file.name, &file.op), file.op.as_str()),
            None => (named(&node.name, &node.op), node.op.as_str()),
        };
        Label {
            node: node.provenance.node,
            scope: node.scope.to_vec(),
            defined: node.provenance.is_by(Derivation::Decomposition),
            ..self.outside(&name, op, Pass::Forward)
        }
    }

    fn value(&self, id: ValueId) -> &str {
        &self.graph.value(id).name
    }
}
