//! Normalizations. Mean and deviation are computed again from the operand, since few runtimes give
//! them as outputs.

use hawkeye_graph::{Attribute, ValueId};

use crate::adjoint::{Adjoint, GradientResult, axis};
use crate::builder::StepBuilder;

/// An operand that is normalized over axes: x̂ = (x − mean)·inverse, with inverse = 1/√(variance + ε).
struct Normal {
    hat: ValueId,
    inverse: ValueId,
    axes: Vec<usize>,
    centred: bool,
}

impl Normal {
    fn new(graph: &mut StepBuilder, x: ValueId, axes: Vec<usize>, epsilon: f64, centred: bool) -> Self {
        let mut middle = x;
        if centred {
            let mean = graph.reduce("ReduceMean", x, &axes, true);
            middle = graph.sub(x, mean);
        }
        let square = graph.mul(middle, middle);
        let variance = graph.reduce("ReduceMean", square, &axes, true);
        let inverse = inverse_root(graph, variance, epsilon);
        let hat = graph.mul(middle, inverse);
        Self { hat, inverse, axes, centred }
    }

    /// dx = inverse·(g − mean g − x̂·mean(g·x̂)), g being the gradient of x̂; without the mean of g if
    /// no mean was taken off.
    fn gradient(&self, graph: &mut StepBuilder, g: ValueId) -> ValueId {
        let product = graph.mul(g, self.hat);
        let slope = graph.reduce("ReduceMean", product, &self.axes, true);
        let along = graph.mul(self.hat, slope);
        let mut rest = graph.sub(g, along);
        if self.centred {
            let mean = graph.reduce("ReduceMean", g, &self.axes, true);
            rest = graph.sub(rest, mean);
        }
        graph.mul(rest, self.inverse)
    }
}

/// 1/√(variance + ε).
fn inverse_root(graph: &mut StepBuilder, variance: ValueId, epsilon: f64) -> ValueId {
    let shifted = graph.shift(variance, epsilon);
    let root = graph.op("Sqrt", &[shifted]);
    graph.op("Reciprocal", &[root])
}

/// A vector over channels in the shape 1·C·1·….
fn per_channel(graph: &mut StepBuilder, vector: ValueId, shape: &[i64]) -> ValueId {
    let wide: Vec<i64> = shape.iter().enumerate().map(|(i, d)| if i == 1 { *d } else { 1 }).collect();
    graph.reshape(vector, &wide)
}

fn channels_first(shape: &[i64]) -> Result<(), String> {
    if shape.len() < 2 { Err("has an operand without channels".to_owned()) } else { Ok(()) }
}

/// Gives the gradients of scale and offset per channel, inputs 1 and 2.
fn affine(a: &mut Adjoint<'_>, hat: ValueId, dy: ValueId, rank: usize) {
    let axes: Vec<usize> = (0..rank).filter(|axis| *axis != 1).collect();
    if a.wants(1) {
        let product = a.graph.mul(dy, hat);
        let gradient = a.graph.sum(product, &axes, false);
        a.give(1, gradient);
    }
    if a.wants(2) {
        let gradient = a.graph.sum(dy, &axes, false);
        a.give(2, gradient);
    }
}

pub(crate) fn batch_normalization(a: &mut Adjoint<'_>) -> GradientResult {
    a.only_first()?;
    let (x, scale, dy, shape) = (a.x(0)?, a.x(1)?, a.dy()?, a.shape(0)?);
    channels_first(&shape)?;
    let epsilon = a.float("epsilon", 1e-5);
    let scale = per_channel(a.graph, scale, &shape);
    let axes: Vec<usize> = (0..shape.len()).filter(|axis| *axis != 1).collect();
    if a.int("training_mode", 0) != 0 {
        let normal = Normal::new(a.graph, x, axes, epsilon, true);
        affine(a, normal.hat, dy, shape.len());
        if a.wants(0) {
            let g = a.graph.mul(dy, scale);
            let dx = normal.gradient(a.graph, g);
            a.give(0, dx);
        }
        return Ok(());
    }
    let (mean, variance) = (a.x(3)?, a.x(4)?);
    let mean = per_channel(a.graph, mean, &shape);
    let inverse = inverse_root(a.graph, variance, epsilon);
    let inverse = per_channel(a.graph, inverse, &shape);
    if (1..5).any(|index| index != 2 && a.wants(index)) {
        let middle = a.graph.sub(x, mean);
        let hat = a.graph.mul(middle, inverse);
        affine(a, hat, dy, shape.len());
        if a.wants(4) {
            // The variance v scales x̂ by (v + ε)^(−1/2), whose slope is −x̂/2·(v + ε)^(−1).
            let square = a.graph.mul(inverse, inverse);
            let slope = a.graph.mul(hat, square);
            let slope = a.graph.mul(slope, scale);
            let slope = a.graph.scale(slope, -0.5);
            let product = a.graph.mul(dy, slope);
            let gradient = a.graph.sum(product, &axes, false);
            a.give(4, gradient);
        }
    } else {
        affine(a, x, dy, shape.len());
    }
    let factor = a.graph.mul(scale, inverse);
    let dx = a.graph.mul(dy, factor);
    if a.wants(3) {
        let sum = a.graph.sum(dx, &axes, false);
        let gradient = a.graph.neg(sum);
        a.give(3, gradient);
    }
    a.give(0, dx);
    Ok(())
}

pub(crate) fn instance_normalization(a: &mut Adjoint<'_>) -> GradientResult {
    let (x, scale, dy, shape) = (a.x(0)?, a.x(1)?, a.dy()?, a.shape(0)?);
    channels_first(&shape)?;
    let normal = Normal::new(a.graph, x, (2..shape.len()).collect(), a.float("epsilon", 1e-5), true);
    affine(a, normal.hat, dy, shape.len());
    if a.wants(0) {
        let scale = per_channel(a.graph, scale, &shape);
        let g = a.graph.mul(dy, scale);
        let dx = normal.gradient(a.graph, g);
        a.give(0, dx);
    }
    Ok(())
}

/// Over groups of channels; scale and offset are per group before opset 21, per channel since.
pub(crate) fn group_normalization(a: &mut Adjoint<'_>) -> GradientResult {
    let (x, scale, dy, shape) = (a.x(0)?, a.x(1)?, a.dy()?, a.shape(0)?);
    channels_first(&shape)?;
    let groups = a.int("num_groups", 1).max(1);
    let (n, c) = (shape[0], shape[1]);
    let size = c / groups;
    let grouped = [&[n, groups, size], &shape[2..]].concat();
    let per_group = a.node.opset < 21;
    let x = a.graph.reshape(x, &grouped);
    let dy = a.graph.reshape(dy, &grouped);
    let wide: Vec<i64> =
        [&[1, groups, if per_group { 1 } else { size }], vec![1; shape.len() - 2].as_slice()].concat();
    let scale = a.graph.reshape(scale, &wide);
    let normal = Normal::new(a.graph, x, (2..grouped.len()).collect(), a.float("epsilon", 1e-5), true);
    let axes: Vec<usize> = (0..grouped.len()).filter(|i| *i != 1 && (per_group || *i != 2)).collect();
    let length = a.shape(1)?;
    if a.wants(1) {
        let product = a.graph.mul(dy, normal.hat);
        let sum = a.graph.sum(product, &axes, false);
        let gradient = a.graph.reshape(sum, &length);
        a.give(1, gradient);
    }
    if a.wants(2) {
        let sum = a.graph.sum(dy, &axes, false);
        let gradient = a.graph.reshape(sum, &length);
        a.give(2, gradient);
    }
    if a.wants(0) {
        let g = a.graph.mul(dy, scale);
        let dx = normal.gradient(a.graph, g);
        let dx = a.graph.reshape(dx, &shape);
        a.give(0, dx);
    }
    Ok(())
}

pub(crate) fn layer_normalization(a: &mut Adjoint<'_>) -> GradientResult {
    over_last(a, true)
}

pub(crate) fn rms_normalization(a: &mut Adjoint<'_>) -> GradientResult {
    over_last(a, false)
}

/// Over the axes from `axis` on, with scale and offset of their shape.
fn over_last(a: &mut Adjoint<'_>, centred: bool) -> GradientResult {
    a.only_first()?;
    let (x, scale, dy, shape) = (a.x(0)?, a.x(1)?, a.dy()?, a.shape(0)?);
    let first = a.axis(-1, shape.len())?;
    let normal = Normal::new(a.graph, x, (first..shape.len()).collect(), a.float("epsilon", 1e-5), centred);
    if a.wants(1) {
        let product = a.graph.mul(dy, normal.hat);
        a.give_broadcast(1, product)?;
    }
    if a.wants(2) {
        a.give_broadcast(2, dy)?;
    }
    if a.wants(0) {
        let g = a.graph.mul(dy, scale);
        let dx = normal.gradient(a.graph, g);
        a.give(0, dx);
    }
    Ok(())
}

/// x̂ itself.
pub(crate) fn mean_variance_normalization(a: &mut Adjoint<'_>) -> GradientResult {
    let (x, dy, shape) = (a.x(0)?, a.dy()?, a.shape(0)?);
    let axes = a.node.attributes.ints("axes").unwrap_or(&[0, 2, 3]);
    let axes = axes.iter().map(|i| axis(*i, shape.len())).collect::<Result<Vec<_>, _>>()?;
    let normal = Normal::new(a.graph, x, axes, 1e-9, true);
    let dx = normal.gradient(a.graph, dy);
    a.give(0, dx);
    Ok(())
}

/// y = x/|x| with the norm along an axis.
pub(crate) fn lp_normalization(a: &mut Adjoint<'_>) -> GradientResult {
    let (x, dy, shape) = (a.x(0)?, a.dy()?, a.shape(0)?);
    let axes = [a.axis(-1, shape.len())?];
    let y = a.y(0);
    let (op, slope) =
        if a.int("p", 2) == 1 { ("ReduceL1", a.graph.op("Sign", &[x])) } else { ("ReduceL2", y) };
    let norm = a.graph.reduce(op, x, &axes, true);
    let product = a.graph.mul(dy, y);
    let along = a.graph.sum(product, &axes, true);
    let along = a.graph.mul(slope, along);
    let rest = a.graph.sub(dy, along);
    let dx = a.graph.div(rest, norm);
    a.give(0, dx);
    Ok(())
}

/// y = x·s^(−β) with s = bias + α/n·Σ x² over a window of n channels.
pub(crate) fn lrn(a: &mut Adjoint<'_>) -> GradientResult {
    let (x, dy, shape) = (a.x(0)?, a.dy()?, a.shape(0)?);
    channels_first(&shape)?;
    let size = a.int("size", 1).max(1);
    let (alpha, beta, bias) = (a.float("alpha", 1e-4), a.float("beta", 0.75), a.float("bias", 1.0));
    let rows = [shape[0], 1, shape[1], -1];
    let less = (size - 1) / 2;
    let more = size - 1 - less;
    let ones = a.graph.full(&[1, 1, size, 1], 1.0);
    // The sum over a window of channels, reaching `before` back.
    let window = |graph: &mut StepBuilder, values: ValueId, before: i64| {
        let flat = graph.reshape(values, &rows);
        let pads = Attribute::Ints(vec![before, 0, size - 1 - before, 0]);
        let sum = graph.with("Conv", &[flat, ones], &[("pads", pads)]);
        graph.reshape(sum, &shape)
    };
    let square = a.graph.mul(x, x);
    let sum = window(a.graph, square, less);
    let scaled = a.graph.scale(sum, alpha / size as f64);
    let s = a.graph.shift(scaled, bias);
    let exponent = a.graph.number(-beta);
    let power = a.graph.op("Pow", &[s, exponent]);
    let direct = a.graph.mul(dy, power);
    let share = a.graph.mul(direct, x);
    let share = a.graph.div(share, s);
    // Channels that see this one lie on the other side.
    let seen = window(a.graph, share, more);
    let bend = a.graph.mul(seen, x);
    let bend = a.graph.scale(bend, 2.0 * alpha * beta / size as f64);
    let dx = a.graph.sub(direct, bend);
    a.give(0, dx);
    Ok(())
}
