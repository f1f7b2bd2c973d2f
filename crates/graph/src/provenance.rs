//! Which node of the file a node stands for.

use std::sync::Arc;

/// What a pass does when it makes a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Derivation {
    /// Puts the body of a model-local function in the place of its call.
    FunctionInlining,
    /// Puts the body that runs in the place of control flow.
    ControlFlowInlining,
    /// Writes it in the standard operators of today.
    Canonicalization,
    /// Puts the operators that define an operator in its place.
    Decomposition,
    /// Writes the gradient, the loss or an update.
    Gradient,
    /// Replaces operators by cheaper ones that mean the same.
    Rewrite,
}

/// One step from a node of the file to a node that a pass made of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProvenanceStep {
    /// What the pass did.
    pub by: Derivation,
    /// What the node that it made is called in a call tree, e.g. `MatMul` within an LSTM.
    pub name: Arc<str>,
}

/// Where a node comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Provenance {
    /// Position in the file's node list of the node that it stands for; `None` for what belongs to none,
    /// such as a loss.
    pub node: Option<usize>,
    /// How it was made of that node, outermost first; empty if it is that node.
    pub steps: Arc<[ProvenanceStep]>,
}

impl Provenance {
    /// Of a node of the file itself.
    #[must_use]
    pub fn of_file(node: usize) -> Self {
        Self { node: Some(node), steps: Arc::default() }
    }

    /// Of what belongs to no node of the file.
    #[must_use]
    pub fn outside() -> Self {
        Self { node: None, steps: Arc::default() }
    }

    /// Of a node that is made of this one.
    #[must_use]
    pub fn derive(&self, by: Derivation, name: &str) -> Self {
        let step = ProvenanceStep { by, name: name.into() };
        Self { node: self.node, steps: self.steps.iter().cloned().chain([step]).collect() }
    }

    /// Whether that is among the steps.
    #[must_use]
    pub fn is_by(&self, by: Derivation) -> bool {
        self.steps.iter().any(|step| step.by == by)
    }
}
