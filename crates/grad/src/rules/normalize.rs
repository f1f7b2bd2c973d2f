//! Normalizations. Mean and deviation are computed again from the operand, since few runtimes give
//! them as outputs.

use hawkeye_graph::{Attribute, ValueId};

use crate::adjoint::{Adjoint, Outcome, axis};
use crate::emit::Emit;

/// An operand that is normalized over axes: x̂ = (x − mean)·inverse, with inverse = 1/√(variance + ε).
struct Normal {
    hat: ValueId,
    inverse: ValueId,
    axes: Vec<usize>,
    centred: bool,
}

impl Normal {
    fn new(e: &mut Emit, x: ValueId, axes: Vec<usize>, epsilon: f64, centred: bool) -> Self {
        let mut middle = x;
        if centred {
            let mean = e.reduce("ReduceMean", x, &axes, true);
            middle = e.sub(x, mean);
        }
        let square = e.mul(middle, middle);
        let variance = e.reduce("ReduceMean", square, &axes, true);
        let inverse = inverse_root(e, variance, epsilon);
        let hat = e.mul(middle, inverse);
        Self { hat, inverse, axes, centred }
    }

    /// dx = inverse·(g − mean g − x̂·mean(g·x̂)), g being the gradient of x̂; without the mean of g if
    /// no mean was taken off.
    fn gradient(&self, e: &mut Emit, g: ValueId) -> ValueId {
        let product = e.mul(g, self.hat);
        let slope = e.reduce("ReduceMean", product, &self.axes, true);
        let along = e.mul(self.hat, slope);
        let mut rest = e.sub(g, along);
        if self.centred {
            let mean = e.reduce("ReduceMean", g, &self.axes, true);
            rest = e.sub(rest, mean);
        }
        e.mul(rest, self.inverse)
    }
}

/// 1/√(variance + ε).
fn inverse_root(e: &mut Emit, variance: ValueId, epsilon: f64) -> ValueId {
    let shifted = e.shift(variance, epsilon);
    let root = e.op("Sqrt", &[shifted]);
    e.op("Reciprocal", &[root])
}

/// A vector over channels in the shape 1·C·1·….
fn per_channel(e: &mut Emit, vector: ValueId, shape: &[i64]) -> ValueId {
    let wide: Vec<i64> = shape.iter().enumerate().map(|(i, d)| if i == 1 { *d } else { 1 }).collect();
    e.reshape(vector, &wide)
}

fn channels_first(shape: &[i64]) -> Result<(), String> {
    if shape.len() < 2 { Err("has an operand without channels".to_owned()) } else { Ok(()) }
}

/// Gives the gradients of scale and offset per channel, inputs 1 and 2.
fn affine(a: &mut Adjoint<'_>, hat: ValueId, dy: ValueId, rank: usize) {
    let axes: Vec<usize> = (0..rank).filter(|axis| *axis != 1).collect();
    if a.wants(1) {
        let product = a.e.mul(dy, hat);
        let gradient = a.e.sum(product, &axes, false);
        a.give(1, gradient);
    }
    if a.wants(2) {
        let gradient = a.e.sum(dy, &axes, false);
        a.give(2, gradient);
    }
}

pub(crate) fn batch_normalization(a: &mut Adjoint<'_>) -> Outcome {
    a.only_first()?;
    let (x, scale, dy, shape) = (a.x(0)?, a.x(1)?, a.dy()?, a.shape(0)?);
    channels_first(&shape)?;
    let epsilon = a.float("epsilon", 1e-5);
    let scale = per_channel(a.e, scale, &shape);
    let axes: Vec<usize> = (0..shape.len()).filter(|axis| *axis != 1).collect();
    if a.int("training_mode", 0) != 0 {
        let normal = Normal::new(a.e, x, axes, epsilon, true);
        affine(a, normal.hat, dy, shape.len());
        if a.wants(0) {
            let g = a.e.mul(dy, scale);
            let dx = normal.gradient(a.e, g);
            a.give(0, dx);
        }
        return Ok(());
    }
    let (mean, variance) = (a.x(3)?, a.x(4)?);
    let mean = per_channel(a.e, mean, &shape);
    let inverse = inverse_root(a.e, variance, epsilon);
    let inverse = per_channel(a.e, inverse, &shape);
    if (1..5).any(|index| index != 2 && a.wants(index)) {
        let middle = a.e.sub(x, mean);
        let hat = a.e.mul(middle, inverse);
        affine(a, hat, dy, shape.len());
        if a.wants(4) {
            // The variance v scales x̂ by (v + ε)^(−1/2), whose slope is −x̂/2·(v + ε)^(−1).
            let square = a.e.mul(inverse, inverse);
            let slope = a.e.mul(hat, square);
            let slope = a.e.mul(slope, scale);
            let slope = a.e.scale(slope, -0.5);
            let product = a.e.mul(dy, slope);
            let gradient = a.e.sum(product, &axes, false);
            a.give(4, gradient);
        }
    } else {
        affine(a, x, dy, shape.len());
    }
    let factor = a.e.mul(scale, inverse);
    let dx = a.e.mul(dy, factor);
    if a.wants(3) {
        let sum = a.e.sum(dx, &axes, false);
        let gradient = a.e.neg(sum);
        a.give(3, gradient);
    }
    a.give(0, dx);
    Ok(())
}

pub(crate) fn instance_normalization(a: &mut Adjoint<'_>) -> Outcome {
    let (x, scale, dy, shape) = (a.x(0)?, a.x(1)?, a.dy()?, a.shape(0)?);
    channels_first(&shape)?;
    let normal = Normal::new(a.e, x, (2..shape.len()).collect(), a.float("epsilon", 1e-5), true);
    affine(a, normal.hat, dy, shape.len());
    if a.wants(0) {
        let scale = per_channel(a.e, scale, &shape);
        let g = a.e.mul(dy, scale);
        let dx = normal.gradient(a.e, g);
        a.give(0, dx);
    }
    Ok(())
}

/// Over groups of channels; scale and offset are per group before opset 21, per channel since.
pub(crate) fn group_normalization(a: &mut Adjoint<'_>) -> Outcome {
    let (x, scale, dy, shape) = (a.x(0)?, a.x(1)?, a.dy()?, a.shape(0)?);
    channels_first(&shape)?;
    let groups = a.int("num_groups", 1).max(1);
    let (n, c) = (shape[0], shape[1]);
    let size = c / groups;
    let grouped = [&[n, groups, size], &shape[2..]].concat();
    let per_group = a.node.opset < 21;
    let x = a.e.reshape(x, &grouped);
    let dy = a.e.reshape(dy, &grouped);
    let wide: Vec<i64> =
        [&[1, groups, if per_group { 1 } else { size }], vec![1; shape.len() - 2].as_slice()].concat();
    let scale = a.e.reshape(scale, &wide);
    let normal = Normal::new(a.e, x, (2..grouped.len()).collect(), a.float("epsilon", 1e-5), true);
    let axes: Vec<usize> = (0..grouped.len()).filter(|i| *i != 1 && (per_group || *i != 2)).collect();
    let length = a.shape(1)?;
    if a.wants(1) {
        let product = a.e.mul(dy, normal.hat);
        let sum = a.e.sum(product, &axes, false);
        let gradient = a.e.reshape(sum, &length);
        a.give(1, gradient);
    }
    if a.wants(2) {
        let sum = a.e.sum(dy, &axes, false);
        let gradient = a.e.reshape(sum, &length);
        a.give(2, gradient);
    }
    if a.wants(0) {
        let g = a.e.mul(dy, scale);
        let dx = normal.gradient(a.e, g);
        let dx = a.e.reshape(dx, &shape);
        a.give(0, dx);
    }
    Ok(())
}

pub(crate) fn layer_normalization(a: &mut Adjoint<'_>) -> Outcome {
    over_last(a, true)
}

pub(crate) fn rms_normalization(a: &mut Adjoint<'_>) -> Outcome {
    over_last(a, false)
}

/// Over the axes from `axis` on, with scale and offset of their shape.
fn over_last(a: &mut Adjoint<'_>, centred: bool) -> Outcome {
    a.only_first()?;
    let (x, scale, dy, shape) = (a.x(0)?, a.x(1)?, a.dy()?, a.shape(0)?);
    let first = a.axis(-1, shape.len())?;
    let normal = Normal::new(a.e, x, (first..shape.len()).collect(), a.float("epsilon", 1e-5), centred);
    if a.wants(1) {
        let product = a.e.mul(dy, normal.hat);
        a.give_broadcast(1, product)?;
    }
    if a.wants(2) {
        a.give_broadcast(2, dy)?;
    }
    if a.wants(0) {
        let g = a.e.mul(dy, scale);
        let dx = normal.gradient(a.e, g);
        a.give(0, dx);
    }
    Ok(())
}

/// x̂ itself.
pub(crate) fn mean_variance_normalization(a: &mut Adjoint<'_>) -> Outcome {
    let (x, dy, shape) = (a.x(0)?, a.dy()?, a.shape(0)?);
    let axes = a.node.attributes.ints("axes").unwrap_or(&[0, 2, 3]);
    let axes = axes.iter().map(|i| axis(*i, shape.len())).collect::<Result<Vec<_>, _>>()?;
    let normal = Normal::new(a.e, x, axes, 1e-9, true);
    let dx = normal.gradient(a.e, dy);
    a.give(0, dx);
    Ok(())
}

/// y = x/|x| with the norm along an axis.
pub(crate) fn lp_normalization(a: &mut Adjoint<'_>) -> Outcome {
    let (x, dy, shape) = (a.x(0)?, a.dy()?, a.shape(0)?);
    let axes = [a.axis(-1, shape.len())?];
    let y = a.y(0);
    let (op, slope) = if a.int("p", 2) == 1 { ("ReduceL1", a.e.op("Sign", &[x])) } else { ("ReduceL2", y) };
    let norm = a.e.reduce(op, x, &axes, true);
    let product = a.e.mul(dy, y);
    let along = a.e.sum(product, &axes, true);
    let along = a.e.mul(slope, along);
    let rest = a.e.sub(dy, along);
    let dx = a.e.div(rest, norm);
    a.give(0, dx);
    Ok(())
}

/// y = x·s^(−β) with s = bias + α/n·Σ x² over a window of n channels.
pub(crate) fn lrn(a: &mut Adjoint<'_>) -> Outcome {
    let (x, dy, shape) = (a.x(0)?, a.dy()?, a.shape(0)?);
    channels_first(&shape)?;
    let size = a.int("size", 1).max(1);
    let (alpha, beta, bias) = (a.float("alpha", 1e-4), a.float("beta", 0.75), a.float("bias", 1.0));
    let rows = [shape[0], 1, shape[1], -1];
    let less = (size - 1) / 2;
    let more = size - 1 - less;
    let ones = a.e.full(&[1, 1, size, 1], 1.0);
    // The sum over a window of channels, reaching `before` back.
    let window = |e: &mut Emit, values: ValueId, before: i64| {
        let flat = e.reshape(values, &rows);
        let pads = Attribute::Ints(vec![before, 0, size - 1 - before, 0]);
        let sum = e.with("Conv", &[flat, ones], &[("pads", pads)]);
        e.reshape(sum, &shape)
    };
    let square = a.e.mul(x, x);
    let sum = window(a.e, square, less);
    let scaled = a.e.scale(sum, alpha / size as f64);
    let s = a.e.shift(scaled, bias);
    let exponent = a.e.number(-beta);
    let power = a.e.op("Pow", &[s, exponent]);
    let direct = a.e.mul(dy, power);
    let share = a.e.mul(direct, x);
    let share = a.e.div(share, s);
    // Channels that see this one lie on the other side.
    let seen = window(a.e, share, more);
    let bend = a.e.mul(seen, x);
    let bend = a.e.scale(bend, 2.0 * alpha * beta / size as f64);
    let dx = a.e.sub(direct, bend);
    a.give(0, dx);
    Ok(())
}
