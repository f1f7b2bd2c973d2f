//! Lowering every node, in execution order.

use std::collections::{BTreeMap, BTreeSet};

use hawkeye_cost::{CallId, Calls, Data, Item};
use hawkeye_grad::{Part, Pass};
use hawkeye_graph::{Diagnostic, Failure, Graph, Node, NodeId, Place, Shapes, Table, ValueId};

use crate::avoid::{MOST_AVOIDED, avoided};
use crate::distinct::{DistinctCalls, MOST_CALLS};
use crate::obstacles::{error_at, selects_in_secret, unknown_course, unknown_shape, unplanned};
use crate::operands::selectors;
use crate::views::Views;
use crate::{
    Ability, Compiled, Lowered, Lowering, LoweringError, NodeView, Note, Plan, StepPlan, Training, Visibility,
};

/// What an operation of the program belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// What the framework does before the first node.
    Begin,
    /// A node of the graph.
    Node(NodeId),
    /// A part of a training step after the forward nodes.
    Part(Part),
    /// What the framework does after the last node.
    End,
}

/// A step of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What it belongs to.
    pub kind: OperationKind,
    /// Its protocol calls; `None` if it costs nothing.
    pub call: Option<CallId>,
    /// What the numbers rest on, where that differs from the framework's own evidence.
    pub evidence: BTreeSet<String>,
}

/// The lowered model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// Operations in execution order, one for each node at least.
    pub operations: Vec<Operation>,
    /// Warnings.
    pub diagnostics: Vec<Diagnostic>,
}

/// Expands every node through the framework, and the parts of a training step after them.
///
/// A node whose inputs are all public, or all known to one party, is computed in the clear and
/// costs nothing. In training no output is revealed, so what a framework does after the last node of
/// an inference is left out.
///
/// # Errors
/// Every node that can't be lowered, with the reason.
pub fn lower(
    graph: &Graph,
    shapes: &Shapes,
    visibility: &Table<ValueId, Visibility>,
    training: Option<Training<'_>>,
    calls: &mut Calls,
    lowering: &mut dyn Lowering,
) -> Result<Program, Failure> {
    let mut lowerer = Lowerer {
        views: Views::new(graph, shapes, visibility, training),
        failed: Table::new(vec![false; graph.values.len()]),
        gradients: Table::new(vec![Vec::new(); graph.values.len()]),
        planned: true,
        plan: Vec::new(),
        step: None,
        program: Program::default(),
        made: DistinctCalls::default(),
        counted: 0,
        errors: Vec::new(),
        unsupported: BTreeMap::new(),
    };
    let mut failed = Vec::new(); // What a compiler stumbles over may be a node that can't be lowered.
    match lowering.compile(calls, training.is_some(), &|| lowerer.views.model()) {
        Ok(Compiled { plan, notes, begin }) => {
            match plan {
                Plan::Nodes(entries) => lowerer.plan = entries,
                Plan::Step(mut step) => {
                    lowerer.plan = std::mem::take(&mut step.forward);
                    lowerer.step = Some(step);
                }
            }
            lowerer.notes(&Place::Model, notes);
            lowerer.boundary(OperationKind::Begin, Ok(begin));
        }
        Err(errors) => {
            lowerer.planned = false;
            for error in errors {
                let later = error.is_fault() && training.is_none();
                let list = if later { &mut failed } else { &mut lowerer.errors };
                list.push(error_at(Place::Model, error));
            }
            // Without the plan of a step its parts can't be told.
            if training.is_some() {
                return Err(Failure(lowerer.errors));
            }
        }
    }
    let forward = training.map_or(graph.nodes.len(), |training| training.forward(graph));
    for id in graph.node_ids().take(forward) {
        lowerer.node(id, calls, lowering);
        lowerer.count(calls)?;
    }
    lowerer.unsupported(lowering);
    // What the nodes tell comes first; what the compiler said is kept for where they tell nothing.
    if lowerer.errors.is_empty() {
        lowerer.errors.append(&mut failed);
    }
    if let Some(training) = training {
        for position in 0..training.parts.len() {
            lowerer.part(position, &training, calls, lowering);
            lowerer.count(calls)?;
        }
        lowerer.unsupported(lowering);
    } else if lowerer.errors.is_empty() {
        let end = lowering.end(calls, &|| lowerer.views.model());
        lowerer.boundary(OperationKind::End, end);
        lowerer.count(calls)?;
    }
    if !lowerer.errors.is_empty() {
        // Shape problems and warnings may explain why nodes could not be lowered.
        lowerer.errors.extend(shapes.diagnostics.iter().cloned());
        lowerer.errors.append(&mut lowerer.program.diagnostics);
        return Err(Failure(lowerer.errors));
    }
    Ok(lowerer.program)
}

/// Why a node can't be expanded.
enum Obstacle {
    /// The framework has no lowering for the operator.
    Unsupported(Diagnostic),
    /// The framework can't run it.
    Refused(Diagnostic),
    /// The framework's description failed on it.
    Broken(Diagnostic),
    /// A shape is not known.
    Shape(Diagnostic),
}

/// What lowering a model has come to.
pub(crate) struct Lowerer<'a> {
    pub(crate) views: Views<'a>,
    failed: Table<ValueId, bool>,
    /// What backward parts attached to the gradients of each value.
    pub(crate) gradients: Table<ValueId, Vec<Data>>,
    /// Whether the framework's compiler took the model: if not, only what has no lowering is told of nodes.
    planned: bool,
    pub(crate) plan: Vec<Data>,
    /// In training, if the framework compiles the whole step.
    pub(crate) step: Option<StepPlan>,
    pub(crate) program: Program,
    /// The calls of the operations that were counted.
    made: DistinctCalls,
    counted: usize,
    pub(crate) errors: Vec<Diagnostic>,
    /// Errors about what has no lowering, by pass, domain and operator.
    pub(crate) unsupported: BTreeMap<(Pass, String, String), Vec<Diagnostic>>,
}

impl Lowerer<'_> {
    pub(crate) fn node(&mut self, id: NodeId, calls: &mut Calls, lowering: &mut dyn Lowering) {
        let node = self.views.graph.node(id);
        let behind_failure = node.present_inputs().any(|input| self.failed[input]);
        match self.lower_node(id, calls, lowering) {
            Ok(lowered) => self.accept(id, lowered),
            // What its inputs should have carried is missing, which may be all that is wrong.
            Err(Obstacle::Broken(_) | Obstacle::Shape(_)) if behind_failure => self.fail(node),
            Err(Obstacle::Unsupported(error)) => {
                let key = (Pass::Forward, node.domain.clone(), node.op.clone());
                let few = self.unsupported.len() < MOST_AVOIDED;
                let all = self.unsupported.entry(key).or_default();
                let way = if few && all.is_empty() { avoided(self.views.graph, id) } else { None };
                all.push(Diagnostic { help: way, ..error });
                self.fail(node);
            }
            Err(Obstacle::Refused(error) | Obstacle::Broken(error) | Obstacle::Shape(error)) => {
                self.errors.push(error);
                self.fail(node);
            }
        }
        if behind_failure {
            self.fail(node);
        }
    }

    /// Counts the different calls of the operations behind those that were counted before.
    ///
    /// # Errors
    /// If the program makes more than it may; what else is wrong with it does not matter then.
    fn count(&mut self, calls: &Calls) -> Result<(), Failure> {
        let new = &self.program.operations[self.counted..];
        self.counted = self.program.operations.len();
        let made = &mut self.made;
        let Some(large) = new.iter().find(|new| new.call.is_some_and(|call| !made.add(calls, call))) else {
            return Ok(());
        };
        let place = match large.kind {
            OperationKind::Node(id) | OperationKind::Part(Part::Gradient(id)) => {
                Place::node(self.views.graph.node(id))
            }
            OperationKind::Begin | OperationKind::End | OperationKind::Part(_) => Place::Model,
        };
        let message = format!(
            "the model is too large to be priced under this framework: up to here it makes more than {MOST_CALLS} \
             different calls"
        );
        Err(Diagnostic::error(place, message).into())
    }

    fn lower_node(
        &self,
        id: NodeId,
        calls: &mut Calls,
        lowering: &mut dyn Lowering,
    ) -> Result<Lowered, Obstacle> {
        let node = self.views.graph.node(id);
        if in_the_clear(node, self.views.visibility) {
            return Ok(Lowered::default());
        }
        let plan = match self.plan.get(id.index()) {
            Some(entry) => entry.clone(),
            None if self.step.is_some() => {
                return Err(Obstacle::Broken(error_at(Place::node(node), unplanned())));
            }
            None => Data::None,
        };
        // The compiler removed the node, or computed it ahead.
        if let Some(Data::List(outputs) | Data::Tuple(outputs)) = plan.field("outputs") {
            return Ok(Lowered { outputs: outputs.clone(), ..Lowered::default() });
        }
        let obstacle = |error| match error {
            LoweringError::Unsupported => {
                let message = format!("the framework has no protocol for {}", node.op);
                Obstacle::Unsupported(Diagnostic::error(Place::node(node), message))
            }
            error if error.is_fault() => Obstacle::Broken(error_at(Place::node(node), error)),
            error => Obstacle::Refused(error_at(Place::node(node), error)),
        };
        if node.is_control_flow() {
            return Err(Obstacle::Refused(unknown_course(self.views.graph, node)));
        }
        // A plan of the whole step says of every part itself whether it can be run.
        if self.step.is_none() {
            lowering.supports(Ability::Lower(Pass::Forward), &node.domain, &node.op).map_err(obstacle)?;
        }
        let unknown = |id| Obstacle::Shape(unknown_shape(node, &self.views.graph.value(id).name));
        let view = self.views.node(node).map_err(unknown)?;
        // The compiler refused the model, so what a sheet says of single nodes would mislead.
        if !self.planned {
            return Ok(Lowered::default());
        }
        let lowered = lowering
            .node(calls, &NodeView { plan, planned: self.step.is_some(), ..view })
            .map_err(obstacle)?;
        match self.silent_selector(node, &lowered, calls) {
            Some(value) => {
                let remedy = lowering.selection_remedy(&node.domain, &node.op);
                Err(Obstacle::Refused(selects_in_secret(node, value, remedy)))
            }
            None => Ok(lowered),
        }
    }

    /// The secret input by which a node selects, although it sends nothing and its sheet does not say that
    /// this is right.
    fn silent_selector(&self, node: &Node, lowered: &Lowered, calls: &Calls) -> Option<&str> {
        if lowered.call.is_some_and(|call| may_send(calls, call))
            || lowered.notes.contains(&Note::Evidence(LOCAL.to_owned()))
        {
            return None;
        }
        let inputs = selectors(node).iter().filter_map(|position| *node.inputs.get(*position)?);
        let mut secret = inputs.filter(|id| self.views.visibility[*id] == Visibility::Secret);
        secret.next().map(|id| self.views.graph.value(id).name.as_str())
    }

    fn accept(&mut self, id: NodeId, lowered: Lowered) {
        let node = self.views.graph.node(id);
        for (output, state) in node.outputs.iter().zip(lowered.outputs) {
            if let Some(output) = output {
                self.views.states[*output] = state;
            }
        }
        for (position, state) in lowered.inputs {
            if let Some(Some(input)) = node.inputs.get(position) {
                self.views.states[*input] = state;
            }
        }
        let evidence = self.notes(&Place::node(node), lowered.notes);
        let operation = Operation { kind: OperationKind::Node(id), call: lowered.call, evidence };
        self.program.operations.push(operation);
    }

    fn boundary(&mut self, kind: OperationKind, lowered: Result<Lowered, LoweringError>) {
        match lowered {
            Ok(Lowered { call: None, notes, .. }) => {
                self.notes(&Place::Model, notes);
            }
            Ok(Lowered { call, notes, .. }) => {
                let evidence = self.notes(&Place::Model, notes);
                self.program.operations.push(Operation { kind, call, evidence });
            }
            Err(error) => self.errors.push(error_at(Place::Model, error)),
        }
    }

    /// One error for each operator without a lowering, however many nodes it has.
    fn unsupported(&mut self, lowering: &dyn Lowering) {
        for ((pass, domain, op), nodes) in std::mem::take(&mut self.unsupported) {
            let count = nodes.len();
            let told = nodes.into_iter().take(1).map(|first| match count {
                1 => first,
                _ => Diagnostic { message: format!("{} ({count} nodes)", first.message), ..first },
            });
            let remedy = lowering.remedy(pass, &domain, &op);
            let help = |way: Option<&String>| way.map_or(remedy.clone(), |way| format!("{remedy}; {way}"));
            self.errors
                .extend(told.map(|error| Diagnostic { help: Some(help(error.help.as_ref())), ..error }));
        }
    }

    /// Files warnings; returns the evidence.
    pub(crate) fn notes(&mut self, place: &Place, notes: Vec<Note>) -> BTreeSet<String> {
        let mut evidence = BTreeSet::new();
        for note in notes {
            match note {
                Note::Warning(text) => {
                    self.program.diagnostics.push(Diagnostic::warning(place.clone(), text))
                }
                Note::Evidence(kind) => {
                    evidence.insert(kind);
                }
            }
        }
        evidence
    }

    fn fail(&mut self, node: &Node) {
        for output in node.present_outputs() {
            self.failed[output] = true;
        }
    }
}

/// Whether a call has messages, or state that may make some.
fn may_send(calls: &Calls, call: CallId) -> bool {
    let mut seen = BTreeSet::from([call]);
    let mut open = vec![call];
    while let Some(id) = open.pop() {
        for item in &calls.call(id).items {
            match item {
                Item::Step(_) | Item::Own(_) => return true,
                Item::Work { .. } | Item::Count { .. } => {}
                Item::Call { call, .. } => open.extend(seen.insert(*call).then_some(*call)),
                Item::Parallel(all) => open.extend(all.iter().filter(|call| seen.insert(**call))),
            }
        }
    }
    false
}

/// Evidence by which a sheet says that a selection by secret indices needs no message.
const LOCAL: &str = "local";

/// Whether one party, or every party, can compute the node alone.
fn in_the_clear(node: &Node, visibility: &Table<ValueId, Visibility>) -> bool {
    let inputs = node.present_inputs().chain(node.captured());
    let joined = inputs.map(|id| visibility[id]).fold(Visibility::Public, Visibility::join);
    joined != Visibility::Secret
}
