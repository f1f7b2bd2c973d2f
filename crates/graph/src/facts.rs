//! What is known about values.

use crate::{DType, Diagnostic, Elements, Severity, Table, ValueId};

/// What is known about a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fact {
    /// Element type.
    pub dtype: Option<DType>,
    /// Elements per dimension; an unknown dimension is `None`, as is an unknown rank.
    pub dims: Option<Vec<Option<u64>>>,
    /// Elements of a constant of at most [`crate::SMALL`] elements.
    pub elements: Option<Elements>,
}

impl Fact {
    /// The shape, if every dimension is known.
    #[must_use]
    pub fn shape(&self) -> Option<Vec<u64>> {
        self.dims.as_ref()?.iter().copied().collect()
    }
}

/// Result of shape inference.
#[derive(Clone, Debug)]
pub struct Shapes {
    /// What is known about each value.
    pub facts: Table<ValueId, Fact>,
    /// Why something is not known (warnings), and what does not fit together (errors).
    pub diagnostics: Vec<Diagnostic>,
}

impl Shapes {
    /// Errors: nodes whose operands do not fit together, so that nothing can run the model.
    pub fn misfits(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error)
    }
}
