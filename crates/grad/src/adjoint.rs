//! The backward part of one node.

use hawkeye_graph::Fact;
use hawkeye_graph::{Attribute, DType, Elements, Node, NodeId, Origin, Table, ValueId};

use crate::builder::StepBuilder;

/// A rule appends the gradients of a node's inputs; the error says why it can't.
pub(crate) type GradientRule = fn(&mut Adjoint<'_>) -> GradientResult;
pub(crate) type GradientResult = Result<(), String>;

/// A node whose gradients are to be found, and what is known about it.
pub(crate) struct Adjoint<'a> {
    pub(crate) graph: &'a mut StepBuilder,
    pub(crate) id: NodeId,
    pub(crate) node: Node,
    pub(crate) facts: &'a Table<ValueId, Fact>,
    /// How many values have facts; those that follow are new.
    pub(crate) known: usize,
    /// Gradients of the outputs, where the loss depends on them.
    pub(crate) gradients: Vec<Option<ValueId>>,
    /// Which inputs want a gradient.
    pub(crate) wanted: Vec<bool>,
    /// Gradients found: the input's position and the gradient.
    pub(crate) found: Vec<(usize, ValueId)>,
}

impl Adjoint<'_> {
    /// An optional input.
    pub(crate) fn optional(&self, index: usize) -> Option<ValueId> {
        self.node.inputs.get(index).copied().flatten()
    }

    /// An input that must be there.
    pub(crate) fn x(&self, index: usize) -> Result<ValueId, String> {
        self.optional(index).ok_or_else(|| format!("lacks input {index}"))
    }

    /// An output, which is switched on if the model does not want it.
    pub(crate) fn y(&mut self, index: usize) -> ValueId {
        self.graph.output(self.id, index)
    }

    /// The gradient of the first output.
    pub(crate) fn dy(&self) -> Result<ValueId, String> {
        self.gradients.first().copied().flatten().ok_or_else(|| {
            "is differentiated through an output other than its first, which has no gradient here".to_owned()
        })
    }

    /// Refuses gradients of outputs other than the first.
    pub(crate) fn only_first(&self) -> GradientResult {
        match self.gradients.iter().skip(1).position(Option::is_some) {
            None => Ok(()),
            Some(index) => {
                Err(format!("is differentiated through output {}, which has no gradient here", index + 1))
            }
        }
    }

    fn shape_of(&self, id: ValueId) -> Result<Vec<i64>, String> {
        if id.index() >= self.known {
            return match &self.graph.graph().value(id).origin {
                Origin::Initializer(tensor) => Ok(tensor.dims.iter().map(|d| *d as i64).collect()),
                Origin::Input(_) | Origin::Node(_) | Origin::Outer(_) => {
                    Err("has an operand of unknown shape".to_owned())
                }
            };
        }
        let shape =
            self.facts[id].shape().and_then(|s| s.into_iter().map(|d| i64::try_from(d).ok()).collect());
        shape.ok_or_else(|| {
            let name = &self.graph.graph().value(id).name;
            format!("can't be differentiated, since the shape of \"{name}\" is not known")
        })
    }

    /// The shape of an input.
    pub(crate) fn shape(&self, index: usize) -> Result<Vec<i64>, String> {
        self.shape_of(self.x(index)?)
    }

    /// The shape of an output that the model wants.
    pub(crate) fn out_shape(&self, index: usize) -> Result<Vec<i64>, String> {
        let id = self.node.outputs.get(index).copied().flatten();
        self.shape_of(id.ok_or_else(|| format!("lacks output {index}"))?)
    }

    pub(crate) fn dtype(&self, index: usize) -> Option<DType> {
        let id = self.optional(index)?;
        if id.index() < self.known { self.facts[id].dtype } else { None }
    }

    /// Whether an input wants a gradient.
    pub(crate) fn wants(&self, index: usize) -> bool {
        self.wanted.get(index).copied().unwrap_or(false)
    }

    /// Says what the gradient of an input is.
    pub(crate) fn give(&mut self, index: usize, gradient: ValueId) {
        if self.wants(index) {
            self.found.push((index, gradient));
        }
    }

    /// Gives the gradient of an input that was broadcast to the shape of the first output.
    pub(crate) fn give_broadcast(&mut self, index: usize, gradient: ValueId) -> GradientResult {
        let (from, to) = (self.out_shape(0)?, self.shape(index)?);
        let gradient = self.graph.unbroadcast(gradient, &from, &to);
        self.give(index, gradient);
        Ok(())
    }

    pub(crate) fn int(&self, name: &str, default: i64) -> i64 {
        self.node.attributes.int(name).unwrap_or(default)
    }

    pub(crate) fn float(&self, name: &str, default: f64) -> f64 {
        match self.node.attributes.get(name) {
            Some(Attribute::Float(f)) => f64::from(*f),
            _ => default,
        }
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        match self.node.attributes.get(name) {
            Some(Attribute::String(text)) => text,
            _ => "",
        }
    }

    /// A list of integers with one entry per spatial axis.
    pub(crate) fn list(&self, name: &str, length: usize, default: i64) -> Result<Vec<i64>, String> {
        match self.node.attributes.ints(name) {
            None => Ok(vec![default; length]),
            Some(list) if list.len() == length => Ok(list.to_vec()),
            Some(list) => Err(format!("has {} {name}, but {length} are needed", list.len())),
        }
    }

    fn elements(&self, index: usize) -> Result<Option<Elements>, String> {
        let Some(id) = self.optional(index) else { return Ok(None) };
        let own = match &self.graph.graph().value(id).origin {
            Origin::Initializer(tensor) => tensor.elements.clone(),
            Origin::Input(_) | Origin::Node(_) | Origin::Outer(_) => None,
        };
        let elements =
            own.or_else(|| if id.index() < self.known { self.facts[id].elements.clone() } else { None });
        elements.map(Some).ok_or_else(|| {
            let name = &self.graph.graph().value(id).name;
            format!("can't be differentiated, since \"{name}\" is not constant")
        })
    }

    /// The integers of a constant input, if the input is given.
    pub(crate) fn ints(&self, index: usize) -> Result<Option<Vec<i64>>, String> {
        match self.elements(index)? {
            None => Ok(None),
            Some(Elements::Ints(ints)) => Ok(Some(ints)),
            Some(_) => Err(format!("has an input {index} that holds no integers")),
        }
    }

    /// The numbers of a constant input, if the input is given.
    pub(crate) fn floats(&self, index: usize) -> Result<Option<Vec<f64>>, String> {
        match self.elements(index)? {
            None => Ok(None),
            Some(Elements::Floats(floats)) => Ok(Some(floats)),
            Some(_) => Err(format!("has an input {index} that holds no numbers")),
        }
    }

    /// An axis attribute as a position.
    pub(crate) fn axis(&self, default: i64, rank: usize) -> Result<usize, String> {
        axis(self.int("axis", default), rank)
    }
}

/// The position of a possibly negative axis.
pub(crate) fn axis(axis: i64, rank: usize) -> Result<usize, String> {
    let position = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    let position = position.and_then(|p| usize::try_from(p).ok()).filter(|p| *p < rank);
    position.ok_or_else(|| format!("has axis {axis}, but its operand has {rank} dimensions"))
}

/// The number of elements.
pub(crate) fn count(shape: &[i64]) -> f64 {
    shape.iter().map(|d| *d as f64).product()
}
