//! What a training step consists of beyond its forward nodes.

use std::fmt;

use hawkeye_graph::{NodeId, ValueId};

use crate::Activity;

/// The passes of a training step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pass {
    /// The model itself.
    Forward,
    /// The loss of its output.
    Loss,
    /// The gradients of loss and nodes.
    Backward,
    /// The update of the parameters.
    Optimizer,
}

impl Pass {
    /// Every pass, in the order in which they run.
    pub const ALL: [Self; 4] = [Self::Forward, Self::Loss, Self::Backward, Self::Optimizer];

    /// Its name in reports and sheets.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Loss => "loss",
            Self::Backward => "backward",
            Self::Optimizer => "optimizer",
        }
    }
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A part of a training step, after the forward nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The loss.
    Loss,
    /// The gradient of the loss with respect to the model's output.
    LossGradient,
    /// The gradients of a node with respect to those inputs that are varied.
    Gradient(NodeId),
    /// The update of a parameter.
    Update(ValueId),
}

impl Part {
    /// The pass that it belongs to.
    #[must_use]
    pub fn pass(self) -> Pass {
        match self {
            Self::Loss => Pass::Loss,
            Self::LossGradient | Self::Gradient(_) => Pass::Backward,
            Self::Update(_) => Pass::Optimizer,
        }
    }
}

impl Activity {
    /// The parts of the step in the order in which they run: the loss, the gradients from the loss
    /// back to the first trained node, the updates in the order given.
    pub fn parts(&self, updated: impl IntoIterator<Item = ValueId>) -> Vec<Part> {
        let mut parts = vec![Part::Loss];
        if !self.order.is_empty() {
            parts.push(Part::LossGradient);
        }
        parts.extend(self.order.iter().copied().map(Part::Gradient));
        parts.extend(updated.into_iter().map(Part::Update));
        parts
    }

    /// The parameters that a gradient reaches.
    pub fn with_gradient(&self, trained: &[ValueId]) -> impl Iterator<Item = ValueId> {
        trained.iter().copied().filter(|id| self.active[*id])
    }
}
