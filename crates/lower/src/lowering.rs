//! The seam between the pipeline and a framework.

use std::fmt;

use hawkeye_cost::{CallId, Calls, Data};
use hawkeye_grad::Pass;

use crate::{ModelView, NodeView};

/// What a node became.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lowered {
    /// Its protocol calls; `None` if there are none.
    pub call: Option<CallId>,
    /// What is attached to its outputs, in order; missing ones get [`Data::None`].
    pub outputs: Vec<Data>,
    /// What is attached anew to inputs that it changed in place, by position.
    pub inputs: Vec<(usize, Data)>,
    /// What the user should know.
    pub notes: Vec<Note>,
}

/// A remark of a framework.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Note {
    /// Something to know about the operator.
    Warning(String),
    /// What the numbers rest on, e.g. `composed`.
    Evidence(String),
}

/// What a framework reads instead of what the model says.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// An attribute with this value; [`Data::None`] removes it.
    Attribute(String, Data),
    /// The constant vector of integers at this input.
    Input(usize, Vec<i64>),
}

/// Why something can't be lowered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoweringError {
    /// The framework has no lowering for the operator.
    Unsupported,
    /// The framework refuses it.
    Refused(String),
    /// The framework's description is wrong; the message tells where.
    Broken(String),
    /// The same of a description that comes with the tool, which users can't mend, so that the message tells what
    /// they can do instead of where.
    Ours(String),
}

impl LoweringError {
    /// What the message of a broken description begins with.
    pub const SHEET_FAILED: &'static str = "a sheet fails: ";
}

impl fmt::Display for LoweringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported => f.write_str("the framework has no protocol for this operator"),
            Self::Refused(message) => f.write_str(message),
            Self::Broken(message) => write!(f, "{}{message}", Self::SHEET_FAILED),
            Self::Ours(message) => write!(
                f,
                "HawkEye's description of the framework fails here: {message}\n  if ONNX's checker takes the model, \
                 the fault is HawkEye's: please report it with the model; until it is mended, replace the operator or \
                 choose another framework"
            ),
        }
    }
}

impl std::error::Error for LoweringError {}

/// What a framework's compiler makes of a training step as a whole: an entry for each part.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepPlan {
    /// For the nodes, by index.
    pub forward: Vec<Data>,
    /// For the loss.
    pub loss: Data,
    /// For the gradient of the loss.
    pub gradient: Data,
    /// For the backward parts of nodes, by the index of the node.
    pub backward: Vec<Data>,
    /// For the updates, by the name of the parameter.
    pub updates: Vec<(Data, Data)>,
}

/// What a framework's compiler makes of the program.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// An entry for each node, by index; missing ones are [`Data::None`]. A record with a field `outputs` says
    /// that the node is not run, and what is attached to its outputs; any other entry is shown to the node's
    /// lowering, in [`NodeView::plan`].
    Nodes(Vec<Data>),
    /// Entries for the whole training step. They are shown to [`Lowering::node`] for every part, forward nodes
    /// too, with [`NodeView::planned`]; nothing is asked of [`Lowering::supports`].
    Step(StepPlan),
}

impl Default for Plan {
    fn default() -> Self {
        Self::Nodes(Vec::new())
    }
}

/// What comes before the first node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compiled {
    /// What the compiler makes of the program.
    pub plan: Plan,
    /// What the user should know of the model as a whole.
    pub notes: Vec<Note>,
    /// The set-up.
    pub begin: Lowered,
}

/// What a framework may be able to do with an operator, a loss or an optimizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// Lower it in a pass: a node, or its part of a training step.
    Lower(Pass),
    /// Train through it by itself: not by its definition in terms of others, nor by the gradient graph.
    Train,
    /// Read some of its nodes as something else than ONNX does.
    Read,
}

/// What a program demands of the framework once all its nodes are lowered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Demand<'a> {
    /// A request to a resource, in the state that the demands before left it in.
    Draw {
        /// The resource.
        resource: &'a str,
        /// [`Data::None`] at first.
        state: &'a Data,
        /// What is drawn.
        request: &'a Data,
    },
    /// The calls of a group that serves the whole program; it has no state.
    Group {
        /// The group.
        group: &'a str,
        /// The weights of all that deferred to it, together.
        weight: u64,
    },
}

/// Makes the view of the model, for frameworks that look at it.
pub type ModelSource<'a> = &'a dyn Fn() -> ModelView;

/// A framework: how operators expand into protocol calls.
///
/// `hawkeye-sheets` implements it by Starlark sheets; embedders may implement it natively, for which
/// [`Lowering::supports`] and [`Lowering::node`] are enough: the others are for frameworks with compilers,
/// readings that differ from ONNX's, set-up, and resources. All methods must be deterministic, and their answers
/// depend on their arguments alone: what was asked before changes none. One arena serves a program: it is the
/// same in every call.
pub trait Lowering {
    /// Whether the framework can do something with an operator, a loss or an optimizer.
    ///
    /// # Errors
    /// [`LoweringError::Unsupported`] if it can't.
    fn supports(&self, ability: Ability, domain: &str, op: &str) -> Result<(), LoweringError>;

    /// What the user can do about an operator, or in training a part of a step, that the framework has no
    /// lowering for.
    fn remedy(&self, pass: Pass, domain: &str, op: &str) -> String {
        let _ = (pass, domain, op);
        "choose another framework, or replace the operator".to_owned()
    }

    /// What those who wrote the lowering can do where an operator of theirs selects by secrets and sends nothing.
    fn selection_remedy(&self, domain: &str, op: &str) -> Option<String> {
        let _ = (domain, op);
        None
    }

    /// Where the function is defined that a call of the program is named after, for messages.
    fn definition(&self, call: &str) -> Option<String> {
        let _ = call;
        None
    }

    /// What the framework reads a node as, where that gives other shapes than ONNX.
    ///
    /// # Errors
    /// If the framework refuses the node or its description is wrong.
    fn readings(&mut self, node: &NodeView) -> Result<Vec<Reading>, LoweringError> {
        let _ = node;
        Ok(Vec::new())
    }

    /// Looks at the model as a whole before its nodes are lowered; `trained` tells whether it is run to be
    /// trained.
    ///
    /// # Errors
    /// Everything that keeps the framework from running the model.
    fn compile(
        &mut self,
        calls: &mut Calls,
        trained: bool,
        model: ModelSource<'_>,
    ) -> Result<Compiled, Vec<LoweringError>> {
        let _ = (calls, trained, model);
        Ok(Compiled::default())
    }

    /// Expands a node, or a part of a training step. Inputs of a backward part stand for the gradients of the
    /// node's inputs where [`Lowered::inputs`] attaches something to them.
    ///
    /// # Errors
    /// If the framework can't run it.
    fn node(&mut self, calls: &mut Calls, node: &NodeView) -> Result<Lowered, LoweringError>;

    /// Meets a demand of the program: the resource's next state, and the calls that it takes.
    ///
    /// # Errors
    /// If the framework's description is wrong.
    fn meet(
        &mut self,
        calls: &mut Calls,
        demand: Demand<'_>,
    ) -> Result<(Data, Option<CallId>), LoweringError> {
        let _ = calls;
        Err(LoweringError::Broken(match demand {
            Demand::Draw { resource, .. } => format!("there is no resource \"{resource}\""),
            Demand::Group { group, .. } => format!("there is no group \"{group}\""),
        }))
    }

    /// What happens after the last node.
    ///
    /// # Errors
    /// If the framework's description is wrong.
    fn end(&mut self, calls: &mut Calls, model: ModelSource<'_>) -> Result<Lowered, LoweringError> {
        let _ = (calls, model);
        Ok(Lowered::default())
    }
}
