//! Optimizers as nodes, after PyTorch's `torch.optim`.

use hawkeye_graph::ValueId;

use crate::builder::StepBuilder;
use crate::{Algorithm, Optimizer};

/// A parameter that is updated.
pub(crate) struct UpdatedParameter {
    pub(crate) value: ValueId,
    pub(crate) gradient: ValueId,
    pub(crate) name: String,
    pub(crate) shape: Vec<i64>,
}

/// Appends the update of a parameter in the given step, 1 being the first: gives its new value and
/// appends the new state to `state`.
pub(crate) fn update(
    graph: &mut StepBuilder,
    optimizer: &Optimizer,
    step: u64,
    parameter: &UpdatedParameter,
    state: &mut Vec<ValueId>,
) -> ValueId {
    let mut update = Update { graph, optimizer, step, parameter, state };
    match optimizer.algorithm {
        Algorithm::Sgd => update.sgd(),
        Algorithm::Adam => update.adam(false),
        Algorithm::AdamW => update.adam(true),
        Algorithm::RmsProp => update.rms_prop(),
        Algorithm::Adagrad => update.adagrad(),
    }
}

struct Update<'a> {
    graph: &'a mut StepBuilder,
    optimizer: &'a Optimizer,
    step: u64,
    parameter: &'a UpdatedParameter,
    state: &'a mut Vec<ValueId>,
}

impl Update<'_> {
    fn setting(&self, name: &str) -> f64 {
        self.optimizer.number(name)
    }

    /// State from the step before.
    fn before(&mut self, name: &str) -> ValueId {
        let name = format!("{name}/{}", self.parameter.name);
        self.graph.input(&name, self.graph.dtype, &self.parameter.shape)
    }

    /// State for the step after.
    fn after(&mut self, name: &str, value: ValueId) {
        // The name belongs to a value of its own; the gradient itself may become the state.
        let value =
            if value == self.parameter.gradient { self.graph.op("Identity", &[value]) } else { value };
        self.graph.rename(value, &format!("new/{name}/{}", self.parameter.name));
        self.state.push(value);
    }

    /// `decay`·before + `weight`·new, which is the state after as well.
    fn moving(&mut self, name: &str, decay: f64, weight: f64, new: ValueId) -> ValueId {
        let before = self.before(name);
        let kept = self.graph.scale(before, decay);
        let new = self.graph.scale(new, weight);
        let after = self.graph.add(kept, new);
        self.after(name, after);
        after
    }

    /// The gradient with weight decay.
    fn decayed(&mut self, gradient: ValueId) -> ValueId {
        match self.setting("weight_decay") {
            0.0 => gradient,
            decay => {
                let shrink = self.graph.scale(self.parameter.value, decay);
                self.graph.add(gradient, shrink)
            }
        }
    }

    /// The parameter less `rate`·`direction`.
    fn descend(&mut self, from: ValueId, rate: f64, direction: ValueId) -> ValueId {
        let step = self.graph.scale(direction, rate);
        self.graph.sub(from, step)
    }

    fn sgd(&mut self) -> ValueId {
        let mut gradient = self.parameter.gradient;
        let threshold = self.setting("grad_threshold");
        if threshold != 0.0 {
            // Of squares, since a comparison by size would need the sign as well.
            let square = self.graph.mul(gradient, gradient);
            let bound = self.graph.number(threshold * threshold);
            let small = self.graph.op("Less", &[square, bound]);
            gradient = self.graph.keep(small, gradient);
        }
        gradient = self.decayed(gradient);
        let momentum = self.setting("momentum");
        if momentum != 0.0 {
            let velocity = if self.step == 1 {
                self.after("momentum", gradient);
                gradient
            } else {
                self.moving("momentum", momentum, 1.0 - self.setting("dampening"), gradient)
            };
            gradient = if self.setting("nesterov") != 0.0 {
                let ahead = self.graph.scale(velocity, momentum);
                self.graph.add(gradient, ahead)
            } else {
                velocity
            };
        }
        self.descend(self.parameter.value, self.setting("lr"), gradient)
    }

    /// The correction of an average that started at zero: 1 − decay^step.
    fn correction(&self, decay: f64) -> f64 {
        1.0 - decay.powf(self.step as f64)
    }

    fn adam(&mut self, decoupled: bool) -> ValueId {
        let (lr, beta1, beta2) = (self.setting("lr"), self.setting("beta1"), self.setting("beta2"));
        let (value, gradient) = (self.parameter.value, self.parameter.gradient);
        let (value, gradient) = if decoupled {
            (self.graph.scale(value, 1.0 - lr * self.setting("weight_decay")), gradient)
        } else {
            (value, self.decayed(gradient))
        };
        let mean = self.moving("exp_avg", beta1, 1.0 - beta1, gradient);
        let square = self.graph.mul(gradient, gradient);
        let variance = self.moving("exp_avg_sq", beta2, 1.0 - beta2, square);
        let root = self.graph.op("Sqrt", &[variance]);
        let root = self.graph.scale(root, 1.0 / self.correction(beta2).sqrt());
        let below = self.graph.shift(root, self.setting("eps"));
        let direction = self.graph.div(mean, below);
        self.descend(value, lr / self.correction(beta1), direction)
    }

    fn rms_prop(&mut self) -> ValueId {
        let (alpha, momentum) = (self.setting("alpha"), self.setting("momentum"));
        let gradient = self.decayed(self.parameter.gradient);
        let square = self.graph.mul(gradient, gradient);
        let mut variance = self.moving("square_avg", alpha, 1.0 - alpha, square);
        if self.setting("centered") != 0.0 {
            let mean = self.moving("grad_avg", alpha, 1.0 - alpha, gradient);
            let mean = self.graph.mul(mean, mean);
            variance = self.graph.sub(variance, mean);
        }
        let root = self.graph.op("Sqrt", &[variance]);
        let below = self.graph.shift(root, self.setting("eps"));
        let mut direction = self.graph.div(gradient, below);
        if momentum != 0.0 {
            direction = self.moving("momentum", momentum, 1.0, direction);
        }
        self.descend(self.parameter.value, self.setting("lr"), direction)
    }

    fn adagrad(&mut self) -> ValueId {
        let gradient = self.decayed(self.parameter.gradient);
        let square = self.graph.mul(gradient, gradient);
        let sum = self.moving("sum", 1.0, 1.0, square);
        let root = self.graph.op("Sqrt", &[sum]);
        let below = self.graph.shift(root, self.setting("eps"));
        let direction = self.graph.div(gradient, below);
        let decay = 1.0 + self.step.saturating_sub(1) as f64 * self.setting("lr_decay");
        self.descend(self.parameter.value, self.setting("lr") / decay, direction)
    }
}
