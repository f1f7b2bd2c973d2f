//! Losses as nodes.

use hawkeye_graph::{Attribute, ValueId};

use crate::Loss;
use crate::adjoint::count;
use crate::builder::StepBuilder;
use crate::rules::log_softmax_gradient;

/// The operands of a loss: the model's output, the target, and their shape.
pub(crate) struct Operands<'a> {
    pub(crate) output: ValueId,
    pub(crate) target: ValueId,
    pub(crate) shape: &'a [i64],
}

/// A loss, and what its gradient needs of it.
pub(crate) struct LossNodes {
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

    fn mean(&self, graph: &mut StepBuilder, terms: ValueId) -> ValueId {
        let total = graph.total(terms, self.shape.len());
        graph.scale(total, 1.0 / count(self.shape))
    }

    /// −Σ y·z / N.
    fn likelihood(&self, graph: &mut StepBuilder, logs: ValueId) -> ValueId {
        let product = graph.mul(self.target, logs);
        let total = graph.total(product, self.shape.len());
        graph.scale(total, -1.0 / self.batch())
    }

    /// Appends the loss.
    pub(crate) fn loss(&self, graph: &mut StepBuilder, loss: Loss) -> LossNodes {
        let (z, y) = (self.output, self.target);
        let plain = |loss| LossNodes { loss, inner: None };
        match loss {
            Loss::CrossEntropy => {
                let axis = Attribute::Int(self.classes() as i64);
                let logs = graph.with("LogSoftmax", &[z], &[("axis", axis)]);
                LossNodes { loss: self.likelihood(graph, logs), inner: Some(logs) }
            }
            Loss::Nll => plain(self.likelihood(graph, z)),
            Loss::Mse => {
                let difference = graph.sub(z, y);
                let square = graph.mul(difference, difference);
                LossNodes { loss: self.mean(graph, square), inner: Some(difference) }
            }
            Loss::L1 => {
                let difference = graph.sub(z, y);
                let size = graph.op("Abs", &[difference]);
                LossNodes { loss: self.mean(graph, size), inner: Some(difference) }
            }
            Loss::Bce => {
                let (rest, other) = (graph.minus(1.0, z), graph.minus(1.0, y));
                let logs = [z, rest].map(|p| {
                    // PyTorch (BCELoss) bounds logarithms at −100.
                    let (log, bound) = (graph.op("Log", &[p]), graph.number(-100.0));
                    graph.op("Max", &[log, bound])
                });
                let (yes, no) = (graph.mul(y, logs[0]), graph.mul(other, logs[1]));
                let sum = graph.add(yes, no);
                let terms = graph.neg(sum);
                plain(self.mean(graph, terms))
            }
            Loss::BceWithLogits => {
                // −y·log σ(z) − (1 − y)·log(1 − σ(z)) = softplus(z) − y·z
                let softplus = graph.op("Softplus", &[z]);
                let product = graph.mul(y, z);
                let terms = graph.sub(softplus, product);
                plain(self.mean(graph, terms))
            }
            Loss::KlDiv => {
                // y·log y is zero where y is.
                let (positive, one) = (graph.greater(y, 0.0), graph.number(1.0));
                let safe = graph.choose(positive, y, one);
                let log = graph.op("Log", &[safe]);
                let distance = graph.sub(log, z);
                let terms = graph.mul(y, distance);
                let total = graph.total(terms, self.shape.len());
                plain(graph.scale(total, 1.0 / self.batch()))
            }
        }
    }

    /// Appends the gradient of the loss with respect to the output.
    pub(crate) fn gradient(&self, graph: &mut StepBuilder, loss: Loss, nodes: &LossNodes) -> ValueId {
        let (z, y) = (self.output, self.target);
        let inner = nodes.inner.unwrap_or(z);
        let elements = count(self.shape);
        match loss {
            Loss::CrossEntropy => {
                let gradient = graph.scale(y, -1.0 / self.batch());
                log_softmax_gradient(graph, inner, gradient, self.classes())
            }
            Loss::Nll | Loss::KlDiv => graph.scale(y, -1.0 / self.batch()),
            Loss::Mse => graph.scale(inner, 2.0 / elements),
            Loss::L1 => {
                let sign = graph.op("Sign", &[inner]);
                graph.scale(sign, 1.0 / elements)
            }
            Loss::Bce => {
                let difference = graph.sub(z, y);
                let rest = graph.minus(1.0, z);
                let product = graph.mul(z, rest);
                let least = graph.number(1e-12);
                let below = graph.op("Max", &[product, least]);
                let slope = graph.div(difference, below);
                graph.scale(slope, 1.0 / elements)
            }
            Loss::BceWithLogits => {
                let sigmoid = graph.op("Sigmoid", &[z]);
                let difference = graph.sub(sigmoid, y);
                graph.scale(difference, 1.0 / elements)
            }
        }
    }
}
