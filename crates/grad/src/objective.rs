//! Losses as nodes.

use hawkeye_graph::{Attribute, ValueId};

use crate::Loss;
use crate::adjoint::count;
use crate::emit::Emit;
use crate::rules::log_softmax_gradient;

/// The operands of a loss: the model's output, the target, and their shape.
pub(crate) struct Operands<'a> {
    pub(crate) output: ValueId,
    pub(crate) target: ValueId,
    pub(crate) shape: &'a [i64],
}

/// A loss, and what its gradient needs of it.
pub(crate) struct Objective {
    pub(crate) loss: ValueId,
    /// The logarithms of the probabilities, or the difference of output and target.
    inner: Option<ValueId>,
}

impl Operands<'_> {
    /// The axis of the classes: the second, as in PyTorch.
    fn classes(&self) -> usize {
        usize::from(self.shape.len() > 1)
    }

    /// The size of the batch.
    fn batch(&self) -> f64 {
        match self.shape {
            [batch, _, ..] => *batch as f64,
            _ => 1.0,
        }
    }

    fn mean(&self, e: &mut Emit, terms: ValueId) -> ValueId {
        let total = e.total(terms, self.shape.len());
        e.scale(total, 1.0 / count(self.shape))
    }

    /// −Σ y·z / N.
    fn likelihood(&self, e: &mut Emit, logs: ValueId) -> ValueId {
        let product = e.mul(self.target, logs);
        let total = e.total(product, self.shape.len());
        e.scale(total, -1.0 / self.batch())
    }

    /// Appends the loss.
    pub(crate) fn loss(&self, e: &mut Emit, loss: Loss) -> Objective {
        let (z, y) = (self.output, self.target);
        let plain = |loss| Objective { loss, inner: None };
        match loss {
            Loss::CrossEntropy => {
                let axis = Attribute::Int(self.classes() as i64);
                let logs = e.with("LogSoftmax", &[z], &[("axis", axis)]);
                Objective { loss: self.likelihood(e, logs), inner: Some(logs) }
            }
            Loss::Nll => plain(self.likelihood(e, z)),
            Loss::Mse => {
                let difference = e.sub(z, y);
                let square = e.mul(difference, difference);
                Objective { loss: self.mean(e, square), inner: Some(difference) }
            }
            Loss::L1 => {
                let difference = e.sub(z, y);
                let size = e.op("Abs", &[difference]);
                Objective { loss: self.mean(e, size), inner: Some(difference) }
            }
            Loss::Bce => {
                let (rest, other) = (e.minus(1.0, z), e.minus(1.0, y));
                let logs = [z, rest].map(|p| {
                    // PyTorch (BCELoss) bounds logarithms at −100.
                    let (log, bound) = (e.op("Log", &[p]), e.number(-100.0));
                    e.op("Max", &[log, bound])
                });
                let (yes, no) = (e.mul(y, logs[0]), e.mul(other, logs[1]));
                let sum = e.add(yes, no);
                let terms = e.neg(sum);
                plain(self.mean(e, terms))
            }
            Loss::BceWithLogits => {
                // −y·log σ(z) − (1 − y)·log(1 − σ(z)) = softplus(z) − y·z
                let softplus = e.op("Softplus", &[z]);
                let product = e.mul(y, z);
                let terms = e.sub(softplus, product);
                plain(self.mean(e, terms))
            }
            Loss::KlDiv => {
                // y·log y is zero where y is.
                let (positive, one) = (e.greater(y, 0.0), e.number(1.0));
                let safe = e.choose(positive, y, one);
                let log = e.op("Log", &[safe]);
                let distance = e.sub(log, z);
                let terms = e.mul(y, distance);
                let total = e.total(terms, self.shape.len());
                plain(e.scale(total, 1.0 / self.batch()))
            }
        }
    }

    /// Appends the gradient of the loss with respect to the output.
    pub(crate) fn gradient(&self, e: &mut Emit, loss: Loss, objective: &Objective) -> ValueId {
        let (z, y) = (self.output, self.target);
        let inner = objective.inner.unwrap_or(z);
        let elements = count(self.shape);
        match loss {
            Loss::CrossEntropy => {
                let gradient = e.scale(y, -1.0 / self.batch());
                log_softmax_gradient(e, inner, gradient, self.classes())
            }
            Loss::Nll | Loss::KlDiv => e.scale(y, -1.0 / self.batch()),
            Loss::Mse => e.scale(inner, 2.0 / elements),
            Loss::L1 => {
                let sign = e.op("Sign", &[inner]);
                e.scale(sign, 1.0 / elements)
            }
            Loss::Bce => {
                let difference = e.sub(z, y);
                let rest = e.minus(1.0, z);
                let product = e.mul(z, rest);
                let least = e.number(1e-12);
                let below = e.op("Max", &[product, least]);
                let slope = e.div(difference, below);
                e.scale(slope, 1.0 / elements)
            }
            Loss::BceWithLogits => {
                let sigmoid = e.op("Sigmoid", &[z]);
                let difference = e.sub(sigmoid, y);
                e.scale(difference, 1.0 / elements)
            }
        }
    }
}
