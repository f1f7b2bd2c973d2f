//! Functions of one operand, element by element.

use std::f64::consts::{FRAC_2_SQRT_PI, PI, SQRT_2};

use hawkeye_graph::{DType, ValueId};

use crate::adjoint::{Adjoint, Outcome};
use crate::emit::Emit;

/// The gradient of the operand, given the builder, the operand, the result and the result's gradient.
fn unary(a: &mut Adjoint<'_>, rule: impl FnOnce(&mut Emit, ValueId, ValueId, ValueId) -> ValueId) -> Outcome {
    let (x, dy) = (a.x(0)?, a.dy()?);
    let y = a.y(0);
    let dx = rule(a.e, x, y, dy);
    a.give(0, dx);
    Ok(())
}

pub(crate) fn identity(a: &mut Adjoint<'_>) -> Outcome {
    unary(a, |_, _, _, dy| dy)
}

pub(crate) fn neg(a: &mut Adjoint<'_>) -> Outcome {
    unary(a, |e, _, _, dy| e.neg(dy))
}

pub(crate) fn abs(a: &mut Adjoint<'_>) -> Outcome {
    unary(a, |e, x, _, dy| {
        let sign = e.op("Sign", &[x]);
        e.mul(dy, sign)
    })
}

pub(crate) fn exp(a: &mut Adjoint<'_>) -> Outcome {
    unary(a, |e, _, y, dy| e.mul(dy, y))
}

pub(crate) fn log(a: &mut Adjoint<'_>) -> Outcome {
    unary(a, |e, x, _, dy| e.div(dy, x))
}

pub(crate) fn sqrt(a: &mut Adjoint<'_>) -> Outcome {
    unary(a, |e, _, y, dy| {
        let half = e.scale(dy, 0.5);
        e.div(half, y)
    })
}

pub(crate) fn reciprocal(a: &mut Adjoint<'_>) -> Outcome {
    unary(a, |e, _, y, dy| {
        let square = e.mul(y, y);
        let product = e.mul(dy, square);
        e.neg(product)
    })
}

/// exp(−x²)·2/√π.
pub(crate) fn erf(a: &mut Adjoint<'_>) -> Outcome {
    unary(a, |e, x, _, dy| {
        let bell = bell(e, x, 1.0);
        let slope = e.scale(bell, FRAC_2_SQRT_PI);
        e.mul(dy, slope)
    })
}

/// exp(−factor·x²).
fn bell(e: &mut Emit, x: ValueId, factor: f64) -> ValueId {
    let square = e.mul(x, x);
    let exponent = e.scale(square, -factor);
    e.op("Exp", &[exponent])
}

pub(crate) fn sin(a: &mut Adjoint<'_>) -> Outcome {
    unary(a, |e, x, _, dy| {
        let slope = e.op("Cos", &[x]);
        e.mul(dy, slope)
    })
}

pub(crate) fn cos(a: &mut Adjoint<'_>) -> Outcome {
    unary(a, |e, x, _, dy| {
        let sine = e.op("Sin", &[x]);
        let product = e.mul(dy, sine);
        e.neg(product)
    })
}

pub(crate) fn sinh(a: &mut Adjoint<'_>) -> Outcome {
    unary(a, |e, x, _, dy| {
        let slope = e.op("Cosh", &[x]);
        e.mul(dy, slope)
    })
}

pub(crate) fn cosh(a: &mut Adjoint<'_>) -> Outcome {
    unary(a, |e, x, _, dy| {
        let slope = e.op("Sinh", &[x]);
        e.mul(dy, slope)
    })
}

pub(crate) fn tan(a: &mut Adjoint<'_>) -> Outcome {
    unary(a, |e, _, y, dy| {
        let square = e.mul(y, y);
        let slope = e.shift(square, 1.0);
        e.mul(dy, slope)
    })
}

pub(crate) fn tanh(a: &mut Adjoint<'_>) -> Outcome {
    unary(a, |e, _, y, dy| {
        let square = e.mul(y, y);
        let slope = e.minus(1.0, square);
        e.mul(dy, slope)
    })
}

/// Inverse functions with slope sign/√(±x² + offset), or 1/(...) where `root` is false.
fn inverse(a: &mut Adjoint<'_>, square: f64, offset: f64, sign: f64, root: bool) -> Outcome {
    unary(a, |e, x, _, dy| {
        let squared = e.mul(x, x);
        let squared = e.scale(squared, square);
        let mut below = e.shift(squared, offset);
        if root {
            below = e.op("Sqrt", &[below]);
        }
        let dy = e.scale(dy, sign);
        e.div(dy, below)
    })
}

pub(crate) fn asin(a: &mut Adjoint<'_>) -> Outcome {
    inverse(a, -1.0, 1.0, 1.0, true)
}

pub(crate) fn acos(a: &mut Adjoint<'_>) -> Outcome {
    inverse(a, -1.0, 1.0, -1.0, true)
}

pub(crate) fn atan(a: &mut Adjoint<'_>) -> Outcome {
    inverse(a, 1.0, 1.0, 1.0, false)
}

pub(crate) fn asinh(a: &mut Adjoint<'_>) -> Outcome {
    inverse(a, 1.0, 1.0, 1.0, true)
}

pub(crate) fn acosh(a: &mut Adjoint<'_>) -> Outcome {
    inverse(a, 1.0, -1.0, 1.0, true)
}

pub(crate) fn atanh(a: &mut Adjoint<'_>) -> Outcome {
    inverse(a, -1.0, 1.0, 1.0, false)
}

pub(crate) fn sigmoid(a: &mut Adjoint<'_>) -> Outcome {
    unary(a, |e, _, y, dy| {
        let rest = e.minus(1.0, y);
        let slope = e.mul(y, rest);
        e.mul(dy, slope)
    })
}

pub(crate) fn relu(a: &mut Adjoint<'_>) -> Outcome {
    unary(a, |e, _, y, dy| {
        let positive = e.greater(y, 0.0);
        e.keep(positive, dy)
    })
}

pub(crate) fn thresholded_relu(a: &mut Adjoint<'_>) -> Outcome {
    let alpha = a.float("alpha", 1.0);
    unary(a, |e, x, _, dy| {
        let above = e.greater(x, alpha);
        e.keep(above, dy)
    })
}

/// `dy` where x > 0 and the given gradient elsewhere.
fn above_zero(e: &mut Emit, x: ValueId, dy: ValueId, below: ValueId) -> ValueId {
    let positive = e.greater(x, 0.0);
    e.choose(positive, dy, below)
}

pub(crate) fn leaky_relu(a: &mut Adjoint<'_>) -> Outcome {
    let alpha = a.float("alpha", 0.01);
    unary(a, |e, x, _, dy| {
        let below = e.scale(dy, alpha);
        above_zero(e, x, dy, below)
    })
}

/// Below zero y = α(eˣ − 1), whose slope is y + α.
pub(crate) fn elu(a: &mut Adjoint<'_>) -> Outcome {
    let alpha = a.float("alpha", 1.0);
    unary(a, |e, x, y, dy| {
        let slope = e.shift(y, alpha);
        let below = e.mul(dy, slope);
        above_zero(e, x, dy, below)
    })
}

pub(crate) fn selu(a: &mut Adjoint<'_>) -> Outcome {
    let alpha = a.float("alpha", 1.673_263_192_176_818_8);
    let gamma = a.float("gamma", 1.050_701_022_148_132_3);
    unary(a, |e, x, y, dy| {
        let slope = e.shift(y, alpha * gamma);
        let below = e.mul(dy, slope);
        let above = e.scale(dy, gamma);
        above_zero(e, x, above, below)
    })
}

/// Below zero y = α(e^(x/α) − 1), whose slope is y/α + 1.
pub(crate) fn celu(a: &mut Adjoint<'_>) -> Outcome {
    let alpha = a.float("alpha", 1.0);
    unary(a, |e, x, y, dy| {
        let scaled = e.scale(y, 1.0 / alpha);
        let slope = e.shift(scaled, 1.0);
        let below = e.mul(dy, slope);
        above_zero(e, x, dy, below)
    })
}

pub(crate) fn softplus(a: &mut Adjoint<'_>) -> Outcome {
    unary(a, |e, x, _, dy| {
        let slope = e.op("Sigmoid", &[x]);
        e.mul(dy, slope)
    })
}

pub(crate) fn softsign(a: &mut Adjoint<'_>) -> Outcome {
    unary(a, |e, x, _, dy| {
        let size = e.op("Abs", &[x]);
        let below = e.shift(size, 1.0);
        let square = e.mul(below, below);
        e.div(dy, square)
    })
}

/// y = clip(αx + β, 0, 1).
pub(crate) fn hard_sigmoid(a: &mut Adjoint<'_>) -> Outcome {
    let alpha = a.float("alpha", 0.2);
    unary(a, |e, _, y, dy| {
        let (positive, one) = (e.greater(y, 0.0), e.number(1.0));
        let below = e.op("Less", &[y, one]);
        let between = e.op("And", &[positive, below]);
        let dy = e.scale(dy, alpha);
        e.keep(between, dy)
    })
}

/// y = x·clip(x/6 + 1/2, 0, 1).
pub(crate) fn hard_swish(a: &mut Adjoint<'_>) -> Outcome {
    unary(a, |e, x, _, dy| {
        let third = e.scale(x, 1.0 / 3.0);
        let slope = e.shift(third, 0.5);
        let inner = e.mul(dy, slope);
        let (above, three) = (e.greater(x, -3.0), e.number(3.0));
        let kept = e.keep(above, inner);
        let below = e.op("Less", &[x, three]);
        e.choose(below, kept, dy)
    })
}

/// y = x·sigmoid(αx).
pub(crate) fn swish(a: &mut Adjoint<'_>) -> Outcome {
    let alpha = a.float("alpha", 1.0);
    unary(a, |e, x, y, dy| {
        let scaled = e.scale(x, alpha);
        let sigmoid = e.op("Sigmoid", &[scaled]);
        let rest = e.minus(1.0, sigmoid);
        let bend = e.mul(y, rest);
        let bend = e.scale(bend, alpha);
        let slope = e.add(sigmoid, bend);
        e.mul(dy, slope)
    })
}

/// y = x·tanh(softplus(x)).
pub(crate) fn mish(a: &mut Adjoint<'_>) -> Outcome {
    unary(a, |e, x, _, dy| {
        let softplus = e.op("Softplus", &[x]);
        let tanh = e.op("Tanh", &[softplus]);
        let square = e.mul(tanh, tanh);
        let rest = e.minus(1.0, square);
        let sigmoid = e.op("Sigmoid", &[x]);
        let bend = e.mul(x, sigmoid);
        let bend = e.mul(bend, rest);
        let slope = e.add(tanh, bend);
        e.mul(dy, slope)
    })
}

pub(crate) fn gelu(a: &mut Adjoint<'_>) -> Outcome {
    let approximate = a.text("approximate") == "tanh";
    unary(a, |e, x, _, dy| {
        let slope = if approximate { gelu_tanh(e, x) } else { gelu_erf(e, x) };
        e.mul(dy, slope)
    })
}

/// Φ(x) + x·φ(x), Φ and φ being the normal distribution and its density.
fn gelu_erf(e: &mut Emit, x: ValueId) -> ValueId {
    let scaled = e.scale(x, 1.0 / SQRT_2);
    let erf = e.op("Erf", &[scaled]);
    let half = e.scale(erf, 0.5);
    let distribution = e.shift(half, 0.5);
    let bell = bell(e, x, 0.5);
    let density = e.scale(bell, 1.0 / (2.0 * PI).sqrt());
    let bend = e.mul(x, density);
    e.add(distribution, bend)
}

/// The slope of x/2·(1 + tanh u) with u = √(2/π)·(x + 0.044715·x³).
fn gelu_tanh(e: &mut Emit, x: ValueId) -> ValueId {
    let root = (2.0 / PI).sqrt();
    let square = e.mul(x, x);
    let cubic = e.scale(square, 0.044715);
    let cubic = e.shift(cubic, 1.0);
    let inner = e.mul(x, cubic);
    let inner = e.scale(inner, root);
    let tanh = e.op("Tanh", &[inner]);
    let half = e.scale(tanh, 0.5);
    let first = e.shift(half, 0.5);
    let tanh_square = e.mul(tanh, tanh);
    let rest = e.minus(1.0, tanh_square);
    let speed = e.scale(square, 3.0 * 0.044715 * root);
    let speed = e.shift(speed, root);
    let bend = e.mul(rest, speed);
    let bend = e.mul(x, bend);
    let bend = e.scale(bend, 0.5);
    e.add(first, bend)
}

/// Passes the gradient where the operand lies between the bounds, both included.
pub(crate) fn clip(a: &mut Adjoint<'_>) -> Outcome {
    let (x, mut dx) = (a.x(0)?, a.dy()?);
    for (index, op) in [(1, "GreaterOrEqual"), (2, "LessOrEqual")] {
        if let Some(bound) = a.optional(index) {
            let inside = a.e.op(op, &[x, bound]);
            dx = a.e.keep(inside, dx);
        }
    }
    a.give(0, dx);
    Ok(())
}

pub(crate) fn cast(a: &mut Adjoint<'_>) -> Outcome {
    let dy = a.dy()?;
    let dtype = a.dtype(0).unwrap_or(DType::Float32);
    let dx = a.e.cast(dy, dtype);
    a.give(0, dx);
    Ok(())
}

/// While training, what is kept is scaled by 1/(1 − ratio).
pub(crate) fn dropout(a: &mut Adjoint<'_>) -> Outcome {
    a.only_first()?;
    let dy = a.dy()?;
    let training = a.ints(2)?.is_some_and(|flag| flag.first().is_some_and(|f| *f != 0));
    let ratio = a.floats(1)?.and_then(|ratio| ratio.first().copied()).unwrap_or(0.5);
    if !training || ratio == 0.0 {
        a.give(0, dy);
        return Ok(());
    }
    let mask = a.y(1);
    let dy = a.e.scale(dy, 1.0 / (1.0 - ratio));
    let dx = a.e.keep(mask, dy);
    a.give(0, dx);
    Ok(())
}
