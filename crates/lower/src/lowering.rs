//! The seam between the pipeline and a framework.

use std::fmt;

use hawkeye_cost::{CallId, Calls, Data};
use hawkeye_grad::Pass;

use crate::{ModelView, NodeView};

/// What a node became.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expansion {
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
    Unsupported {
        /// How to add one.
        help: String,
    },
    /// The framework refuses it.
    Refused(String),
    /// The framework's description is wrong; the message tells where.
    Broken(String),
}

impl LoweringError {
    /// What the message of a broken description begins with.
    pub const SHEET_FAILED: &'static str = "the framework's sheet failed: ";
}

impl fmt::Display for LoweringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported { .. } => f.write_str("the framework has no lowering for this operator"),
            Self::Refused(message) => f.write_str(message),
            Self::Broken(message) => write!(f, "{}{message}", Self::SHEET_FAILED),
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

/// Makes the view of the model, for frameworks that look at it.
pub type ModelSource<'a> = &'a dyn Fn() -> ModelView;

/// A framework: how operators expand into protocol calls.
///
/// `hawkeye-sheets` implements it by Starlark sheets; embedders may implement it natively, for which
/// [`Lowering::lowers`] and [`Lowering::node`] are enough: the others are for frameworks with compilers,
/// training of their own, readings that differ from ONNX's, set-up, and state. All
/// methods must be deterministic, and [`Lowering::node`] must depend on the view alone, so that
/// equal operators are equal. One arena serves a program: it is the same in every call.
pub trait Lowering {
    /// Whether the framework has a lowering for an operator.
    ///
    /// # Errors
    /// [`LoweringError::Unsupported`] if it has none.
    fn lowers(&self, domain: &str, op: &str) -> Result<(), LoweringError>;

    /// Whether the framework has a lowering of its own for a part of a training step: the backward
    /// part of an operator, a loss, its gradient, or an optimizer.
    fn has(&self, pass: Pass, domain: &str, op: &str) -> bool {
        let _ = (pass, domain, op);
        false
    }

    /// Whether the framework itself can train through an operator: not by its definition in terms of
    /// others, nor by the gradient graph.
    fn trains(&self, domain: &str, op: &str) -> bool {
        self.has(Pass::Backward, domain, op)
    }

    /// Whether the framework has a reading of its own for some nodes of an operator.
    fn rereads(&self, domain: &str, op: &str) -> bool {
        let _ = (domain, op);
        false
    }

    /// What the framework reads a node as, where that gives other shapes than ONNX.
    ///
    /// # Errors
    /// If the framework refuses the node or its description is wrong.
    fn read(&mut self, node: &NodeView) -> Result<Vec<Reading>, LoweringError> {
        let _ = node;
        Ok(Vec::new())
    }

    /// Checks the model as a whole.
    ///
    /// # Errors
    /// If the framework can't run it.
    fn check(&mut self, model: ModelSource<'_>) -> Result<Vec<Note>, LoweringError> {
        let _ = model;
        Ok(Vec::new())
    }

    /// What the framework's compiler makes of the model as a whole: an entry per node, or nothing if
    /// it takes every node as it comes; `trained` tells whether it is run to be trained. A record with
    /// a field `outputs` says that the node is not run, and what is attached to its outputs; any other
    /// entry is shown to the node's lowering.
    ///
    /// # Errors
    /// If the framework can't run the model.
    fn plan(&mut self, trained: bool, model: ModelSource<'_>) -> Result<Vec<Data>, LoweringError> {
        let _ = (trained, model);
        Ok(Vec::new())
    }

    /// The same in training, for frameworks that compile the whole step; `None` if this one takes
    /// every part as it comes. Otherwise the parts of the step, forward nodes too, are lowered by
    /// their entries, for which [`Lowering::lowers`] and [`Lowering::has`] answer from then on.
    ///
    /// # Errors
    /// If the framework can't train the model.
    fn plan_step(&mut self, model: ModelSource<'_>) -> Result<Option<StepPlan>, LoweringError> {
        let _ = model;
        Ok(None)
    }

    /// What happens before the first node.
    ///
    /// # Errors
    /// If the framework's description is wrong.
    fn begin(&mut self, calls: &mut Calls, model: ModelSource<'_>) -> Result<Expansion, LoweringError> {
        let _ = (calls, model);
        Ok(Expansion::default())
    }

    /// Expands a node, or a part of a training step for which it [has](Lowering::has) a lowering.
    /// Inputs of a backward part stand for the gradients of the node's inputs where
    /// [`Expansion::inputs`] attaches something to them.
    ///
    /// # Errors
    /// If the framework can't run it.
    fn node(&mut self, calls: &mut Calls, node: &NodeView) -> Result<Expansion, LoweringError>;

    /// What happens after the last node.
    ///
    /// # Errors
    /// If the framework's description is wrong.
    fn end(&mut self, calls: &mut Calls, model: ModelSource<'_>) -> Result<Expansion, LoweringError> {
        let _ = (calls, model);
        Ok(Expansion::default())
    }

    /// Draws from a resource in the given state: its next state and the calls that it takes.
    ///
    /// # Errors
    /// If the framework's description is wrong.
    fn draw(
        &mut self,
        calls: &mut Calls,
        resource: &str,
        state: &Data,
        request: &Data,
    ) -> Result<(Data, Option<CallId>), LoweringError> {
        let _ = (calls, state, request);
        Err(LoweringError::Broken(format!("there is no resource \"{resource}\"")))
    }

    /// The calls of a group that serves the whole program.
    ///
    /// # Errors
    /// If the framework's description is wrong.
    fn group(
        &mut self,
        calls: &mut Calls,
        group: &str,
        weight: u64,
    ) -> Result<Option<CallId>, LoweringError> {
        let _ = (calls, weight);
        Err(LoweringError::Broken(format!("there is no group \"{group}\"")))
    }
}
