//! Functions of one operand, element by element.

use std::f64::consts::{FRAC_2_SQRT_PI, PI, SQRT_2};

use hawkeye_graph::{DType, ValueId};

use crate::adjoint::{Adjoint, GradientResult};
use crate::builder::StepBuilder;

/// The gradient of the operand, given the builder, the operand, the result and the result's gradient.
fn unary(
    a: &mut Adjoint<'_>,
    rule: impl FnOnce(&mut StepBuilder, ValueId, ValueId, ValueId) -> ValueId,
) -> GradientResult {
    let (x, dy) = (a.x(0)?, a.dy()?);
    let y = a.y(0);
    let dx = rule(a.graph, x, y, dy);
    a.give(0, dx);
    Ok(())
}

pub(crate) fn identity(a: &mut Adjoint<'_>) -> GradientResult {
    unary(a, |_, _, _, dy| dy)
}

pub(crate) fn neg(a: &mut Adjoint<'_>) -> GradientResult {
    unary(a, |graph, _, _, dy| graph.neg(dy))
}

pub(crate) fn abs(a: &mut Adjoint<'_>) -> GradientResult {
    unary(a, |graph, x, _, dy| {
        let sign = graph.op("Sign", &[x]);
        graph.mul(dy, sign)
    })
}

pub(crate) fn exp(a: &mut Adjoint<'_>) -> GradientResult {
    unary(a, |graph, _, y, dy| graph.mul(dy, y))
}

pub(crate) fn log(a: &mut Adjoint<'_>) -> GradientResult {
    unary(a, |graph, x, _, dy| graph.div(dy, x))
}

pub(crate) fn sqrt(a: &mut Adjoint<'_>) -> GradientResult {
    unary(a, |graph, _, y, dy| {
        let half = graph.scale(dy, 0.5);
        graph.div(half, y)
    })
}

pub(crate) fn reciprocal(a: &mut Adjoint<'_>) -> GradientResult {
    unary(a, |graph, _, y, dy| {
        let square = graph.mul(y, y);
        let product = graph.mul(dy, square);
        graph.neg(product)
    })
}

/// exp(−x²)·2/√π.
pub(crate) fn erf(a: &mut Adjoint<'_>) -> GradientResult {
    unary(a, |graph, x, _, dy| {
        let bell = bell(graph, x, 1.0);
        let slope = graph.scale(bell, FRAC_2_SQRT_PI);
        graph.mul(dy, slope)
    })
}

/// exp(−factor·x²).
fn bell(graph: &mut StepBuilder, x: ValueId, factor: f64) -> ValueId {
    let square = graph.mul(x, x);
    let exponent = graph.scale(square, -factor);
    graph.op("Exp", &[exponent])
}

pub(crate) fn sin(a: &mut Adjoint<'_>) -> GradientResult {
    unary(a, |graph, x, _, dy| {
        let slope = graph.op("Cos", &[x]);
        graph.mul(dy, slope)
    })
}

pub(crate) fn cos(a: &mut Adjoint<'_>) -> GradientResult {
    unary(a, |graph, x, _, dy| {
        let sine = graph.op("Sin", &[x]);
        let product = graph.mul(dy, sine);
        graph.neg(product)
    })
}

pub(crate) fn sinh(a: &mut Adjoint<'_>) -> GradientResult {
    unary(a, |graph, x, _, dy| {
        let slope = graph.op("Cosh", &[x]);
        graph.mul(dy, slope)
    })
}

pub(crate) fn cosh(a: &mut Adjoint<'_>) -> GradientResult {
    unary(a, |graph, x, _, dy| {
        let slope = graph.op("Sinh", &[x]);
        graph.mul(dy, slope)
    })
}

pub(crate) fn tan(a: &mut Adjoint<'_>) -> GradientResult {
    unary(a, |graph, _, y, dy| {
        let square = graph.mul(y, y);
        let slope = graph.shift(square, 1.0);
        graph.mul(dy, slope)
    })
}

pub(crate) fn tanh(a: &mut Adjoint<'_>) -> GradientResult {
    unary(a, |graph, _, y, dy| {
        let square = graph.mul(y, y);
        let slope = graph.minus(1.0, square);
        graph.mul(dy, slope)
    })
}

/// Inverse functions with slope sign/√(±x² + offset), or 1/(...) where `root` is false.
fn inverse(a: &mut Adjoint<'_>, square: f64, offset: f64, sign: f64, root: bool) -> GradientResult {
    unary(a, |graph, x, _, dy| {
        let squared = graph.mul(x, x);
        let squared = graph.scale(squared, square);
        let mut below = graph.shift(squared, offset);
        if root {
            below = graph.op("Sqrt", &[below]);
        }
        let dy = graph.scale(dy, sign);
        graph.div(dy, below)
    })
}

pub(crate) fn asin(a: &mut Adjoint<'_>) -> GradientResult {
    inverse(a, -1.0, 1.0, 1.0, true)
}

pub(crate) fn acos(a: &mut Adjoint<'_>) -> GradientResult {
    inverse(a, -1.0, 1.0, -1.0, true)
}

pub(crate) fn atan(a: &mut Adjoint<'_>) -> GradientResult {
    inverse(a, 1.0, 1.0, 1.0, false)
}

pub(crate) fn asinh(a: &mut Adjoint<'_>) -> GradientResult {
    inverse(a, 1.0, 1.0, 1.0, true)
}

pub(crate) fn acosh(a: &mut Adjoint<'_>) -> GradientResult {
    inverse(a, 1.0, -1.0, 1.0, true)
}

pub(crate) fn atanh(a: &mut Adjoint<'_>) -> GradientResult {
    inverse(a, -1.0, 1.0, 1.0, false)
}

pub(crate) fn sigmoid(a: &mut Adjoint<'_>) -> GradientResult {
    unary(a, |graph, _, y, dy| {
        let rest = graph.minus(1.0, y);
        let slope = graph.mul(y, rest);
        graph.mul(dy, slope)
    })
}

pub(crate) fn relu(a: &mut Adjoint<'_>) -> GradientResult {
    unary(a, |graph, _, y, dy| {
        let positive = graph.greater(y, 0.0);
        graph.keep(positive, dy)
    })
}

pub(crate) fn thresholded_relu(a: &mut Adjoint<'_>) -> GradientResult {
    let alpha = a.float("alpha", 1.0);
    unary(a, |graph, x, _, dy| {
        let above = graph.greater(x, alpha);
        graph.keep(above, dy)
    })
}

/// `dy` where x > 0 and the given gradient elsewhere.
fn above_zero(graph: &mut StepBuilder, x: ValueId, dy: ValueId, below: ValueId) -> ValueId {
    let positive = graph.greater(x, 0.0);
    graph.choose(positive, dy, below)
}

pub(crate) fn leaky_relu(a: &mut Adjoint<'_>) -> GradientResult {
    let alpha = a.float("alpha", 0.01);
    unary(a, |graph, x, _, dy| {
        let below = graph.scale(dy, alpha);
        above_zero(graph, x, dy, below)
    })
}

/// Below zero y = α(eˣ − 1), whose slope is y + α.
pub(crate) fn elu(a: &mut Adjoint<'_>) -> GradientResult {
    let alpha = a.float("alpha", 1.0);
    unary(a, |graph, x, y, dy| {
        let slope = graph.shift(y, alpha);
        let below = graph.mul(dy, slope);
        above_zero(graph, x, dy, below)
    })
}

pub(crate) fn selu(a: &mut Adjoint<'_>) -> GradientResult {
    let alpha = a.float("alpha", 1.673_263_192_176_818_8);
    let gamma = a.float("gamma", 1.050_701_022_148_132_3);
    unary(a, |graph, x, y, dy| {
        let slope = graph.shift(y, alpha * gamma);
        let below = graph.mul(dy, slope);
        let above = graph.scale(dy, gamma);
        above_zero(graph, x, above, below)
    })
}

/// Below zero y = α(e^(x/α) − 1), whose slope is y/α + 1.
pub(crate) fn celu(a: &mut Adjoint<'_>) -> GradientResult {
    let alpha = a.float("alpha", 1.0);
    unary(a, |graph, x, y, dy| {
        let scaled = graph.scale(y, 1.0 / alpha);
        let slope = graph.shift(scaled, 1.0);
        let below = graph.mul(dy, slope);
        above_zero(graph, x, dy, below)
    })
}

pub(crate) fn softplus(a: &mut Adjoint<'_>) -> GradientResult {
    unary(a, |graph, x, _, dy| {
        let slope = graph.op("Sigmoid", &[x]);
        graph.mul(dy, slope)
    })
}

pub(crate) fn softsign(a: &mut Adjoint<'_>) -> GradientResult {
    unary(a, |graph, x, _, dy| {
        let size = graph.op("Abs", &[x]);
        let below = graph.shift(size, 1.0);
        let square = graph.mul(below, below);
        graph.div(dy, square)
    })
}

/// y = clip(αx + β, 0, 1).
pub(crate) fn hard_sigmoid(a: &mut Adjoint<'_>) -> GradientResult {
    let alpha = a.float("alpha", 0.2);
    unary(a, |graph, _, y, dy| {
        let (positive, one) = (graph.greater(y, 0.0), graph.number(1.0));
        let below = graph.op("Less", &[y, one]);
        let between = graph.op("And", &[positive, below]);
        let dy = graph.scale(dy, alpha);
        graph.keep(between, dy)
    })
}

/// y = x·clip(x/6 + 1/2, 0, 1).
pub(crate) fn hard_swish(a: &mut Adjoint<'_>) -> GradientResult {
    unary(a, |graph, x, _, dy| {
        let third = graph.scale(x, 1.0 / 3.0);
        let slope = graph.shift(third, 0.5);
        let inner = graph.mul(dy, slope);
        let (above, three) = (graph.greater(x, -3.0), graph.number(3.0));
        let kept = graph.keep(above, inner);
        let below = graph.op("Less", &[x, three]);
        graph.choose(below, kept, dy)
    })
}

/// y = x·sigmoid(αx).
pub(crate) fn swish(a: &mut Adjoint<'_>) -> GradientResult {
    let alpha = a.float("alpha", 1.0);
    unary(a, |graph, x, y, dy| {
        let scaled = graph.scale(x, alpha);
        let sigmoid = graph.op("Sigmoid", &[scaled]);
        let rest = graph.minus(1.0, sigmoid);
        let bend = graph.mul(y, rest);
        let bend = graph.scale(bend, alpha);
        let slope = graph.add(sigmoid, bend);
        graph.mul(dy, slope)
    })
}

/// y = x·tanh(softplus(x)).
pub(crate) fn mish(a: &mut Adjoint<'_>) -> GradientResult {
    unary(a, |graph, x, _, dy| {
        let softplus = graph.op("Softplus", &[x]);
        let tanh = graph.op("Tanh", &[softplus]);
        let square = graph.mul(tanh, tanh);
        let rest = graph.minus(1.0, square);
        let sigmoid = graph.op("Sigmoid", &[x]);
        let bend = graph.mul(x, sigmoid);
        let bend = graph.mul(bend, rest);
        let slope = graph.add(tanh, bend);
        graph.mul(dy, slope)
    })
}

pub(crate) fn gelu(a: &mut Adjoint<'_>) -> GradientResult {
    let approximate = a.text("approximate") == "tanh";
    unary(a, |graph, x, _, dy| {
        let slope = if approximate { gelu_tanh(graph, x) } else { gelu_erf(graph, x) };
        graph.mul(dy, slope)
    })
}

/// Φ(x) + x·φ(x), Φ and φ being the normal distribution and its density.
fn gelu_erf(graph: &mut StepBuilder, x: ValueId) -> ValueId {
    let scaled = graph.scale(x, 1.0 / SQRT_2);
    let erf = graph.op("Erf", &[scaled]);
    let half = graph.scale(erf, 0.5);
    let distribution = graph.shift(half, 0.5);
    let bell = bell(graph, x, 0.5);
    let density = graph.scale(bell, 1.0 / (2.0 * PI).sqrt());
    let bend = graph.mul(x, density);
    graph.add(distribution, bend)
}

/// The slope of x/2·(1 + tanh u) with u = √(2/π)·(x + 0.044715·x³).
fn gelu_tanh(graph: &mut StepBuilder, x: ValueId) -> ValueId {
    let root = (2.0 / PI).sqrt();
    let square = graph.mul(x, x);
    let cubic = graph.scale(square, 0.044715);
    let cubic = graph.shift(cubic, 1.0);
    let inner = graph.mul(x, cubic);
    let inner = graph.scale(inner, root);
    let tanh = graph.op("Tanh", &[inner]);
    let half = graph.scale(tanh, 0.5);
    let first = graph.shift(half, 0.5);
    let tanh_square = graph.mul(tanh, tanh);
    let rest = graph.minus(1.0, tanh_square);
    let speed = graph.scale(square, 3.0 * 0.044715 * root);
    let speed = graph.shift(speed, root);
    let bend = graph.mul(rest, speed);
    let bend = graph.mul(x, bend);
    let bend = graph.scale(bend, 0.5);
    graph.add(first, bend)
}

/// Passes the gradient where the operand lies between the bounds, both included.
pub(crate) fn clip(a: &mut Adjoint<'_>) -> GradientResult {
    let (x, mut dx) = (a.x(0)?, a.dy()?);
    for (index, op) in [(1, "GreaterOrEqual"), (2, "LessOrEqual")] {
        if let Some(bound) = a.optional(index) {
            let inside = a.graph.op(op, &[x, bound]);
            dx = a.graph.keep(inside, dx);
        }
    }
    a.give(0, dx);
    Ok(())
}

pub(crate) fn cast(a: &mut Adjoint<'_>) -> GradientResult {
    let dy = a.dy()?;
    let dtype = a.dtype(0).unwrap_or(DType::Float32);
    let dx = a.graph.cast(dy, dtype);
    a.give(0, dx);
    Ok(())
}

/// While training, what is kept is scaled by 1/(1 − ratio).
pub(crate) fn dropout(a: &mut Adjoint<'_>) -> GradientResult {
    a.only_first()?;
    let dy = a.dy()?;
    let training = a.ints(2)?.is_some_and(|flag| flag.first().is_some_and(|f| *f != 0));
    let ratio = a.floats(1)?.and_then(|ratio| ratio.first().copied()).unwrap_or(0.5);
    if !training || ratio == 0.0 {
        a.give(0, dy);
        return Ok(());
    }
    let mask = a.y(1);
    let dy = a.graph.scale(dy, 1.0 / (1.0 - ratio));
    let dx = a.graph.keep(mask, dy);
    a.give(0, dx);
    Ok(())
}
