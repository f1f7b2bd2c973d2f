//! Functions of several operands, which are broadcast to a common shape.

use crate::adjoint::{Adjoint, GradientResult};

pub(crate) fn add(a: &mut Adjoint<'_>) -> GradientResult {
    let dy = a.dy()?;
    for index in 0..a.node.inputs.len() {
        if a.wants(index) {
            a.give_broadcast(index, dy)?;
        }
    }
    Ok(())
}

pub(crate) fn mean(a: &mut Adjoint<'_>) -> GradientResult {
    let dy = a.dy()?;
    let count = a.node.inputs.len();
    let share = a.graph.scale(dy, 1.0 / count as f64);
    for index in 0..count {
        if a.wants(index) {
            a.give_broadcast(index, share)?;
        }
    }
    Ok(())
}

pub(crate) fn sub(a: &mut Adjoint<'_>) -> GradientResult {
    let dy = a.dy()?;
    if a.wants(0) {
        a.give_broadcast(0, dy)?;
    }
    if a.wants(1) {
        let minus = a.graph.neg(dy);
        a.give_broadcast(1, minus)?;
    }
    Ok(())
}

pub(crate) fn mul(a: &mut Adjoint<'_>) -> GradientResult {
    let dy = a.dy()?;
    for (index, other) in [(0, 1), (1, 0)] {
        if a.wants(index) {
            let other = a.x(other)?;
            let gradient = a.graph.mul(dy, other);
            a.give_broadcast(index, gradient)?;
        }
    }
    Ok(())
}

/// For y = p/q these are dy/q and −dy·y/q.
pub(crate) fn div(a: &mut Adjoint<'_>) -> GradientResult {
    let dy = a.dy()?;
    let divisor = a.x(1)?;
    let quotient = a.graph.div(dy, divisor);
    if a.wants(0) {
        a.give_broadcast(0, quotient)?;
    }
    if a.wants(1) {
        let y = a.y(0);
        let product = a.graph.mul(quotient, y);
        let minus = a.graph.neg(product);
        a.give_broadcast(1, minus)?;
    }
    Ok(())
}

/// For y = bᵉ these are dy·e·b^(e−1) and dy·y·log b, the latter zero where b is not positive.
pub(crate) fn pow(a: &mut Adjoint<'_>) -> GradientResult {
    let dy = a.dy()?;
    let (base, exponent) = (a.x(0)?, a.x(1)?);
    if a.wants(0) {
        let power = match a.floats(1) {
            Ok(Some(list)) if list == [2.0] => a.graph.scale(base, 2.0),
            _ => {
                let same = a.dtype(0) == a.dtype(1);
                let exponent = if same { exponent } else { a.graph.mask(exponent) };
                let less = a.graph.shift(exponent, -1.0);
                let power = a.graph.op("Pow", &[base, less]);
                a.graph.mul(exponent, power)
            }
        };
        let gradient = a.graph.mul(dy, power);
        a.give_broadcast(0, gradient)?;
    }
    if a.wants(1) {
        let y = a.y(0);
        let (positive, one) = (a.graph.greater(base, 0.0), a.graph.number(1.0));
        let base = a.graph.choose(positive, base, one);
        let log = a.graph.op("Log", &[base]);
        let growth = a.graph.mul(y, log);
        let gradient = a.graph.mul(dy, growth);
        a.give_broadcast(1, gradient)?;
    }
    Ok(())
}

/// Operands that are equally extreme share the gradient.
pub(crate) fn extremum(a: &mut Adjoint<'_>) -> GradientResult {
    let dy = a.dy()?;
    if a.node.inputs.len() == 1 {
        a.give(0, dy);
        return Ok(());
    }
    let y = a.y(0);
    let mut masks = Vec::new();
    for index in 0..a.node.inputs.len() {
        let x = a.x(index)?;
        let equal = a.graph.op("Equal", &[x, y]);
        masks.push(a.graph.mask(equal));
    }
    let winners = a.graph.op("Sum", &masks);
    let share = a.graph.div(dy, winners);
    for (index, mask) in masks.into_iter().enumerate() {
        if a.wants(index) {
            let gradient = a.graph.mul(share, mask);
            a.give_broadcast(index, gradient)?;
        }
    }
    Ok(())
}

pub(crate) fn prelu(a: &mut Adjoint<'_>) -> GradientResult {
    let dy = a.dy()?;
    let (x, slope) = (a.x(0)?, a.x(1)?);
    let positive = a.graph.greater(x, 0.0);
    if a.wants(0) {
        let below = a.graph.mul(dy, slope);
        let dx = a.graph.choose(positive, dy, below);
        a.give_broadcast(0, dx)?;
    }
    if a.wants(1) {
        let (product, zero) = (a.graph.mul(dy, x), a.graph.number(0.0));
        let below = a.graph.choose(positive, zero, product);
        a.give_broadcast(1, below)?;
    }
    Ok(())
}

pub(crate) fn choice(a: &mut Adjoint<'_>) -> GradientResult {
    let dy = a.dy()?;
    let (condition, zero) = (a.x(0)?, a.graph.number(0.0));
    if a.wants(1) {
        let yes = a.graph.choose(condition, dy, zero);
        a.give_broadcast(1, yes)?;
    }
    if a.wants(2) {
        let no = a.graph.choose(condition, zero, dy);
        a.give_broadcast(2, no)?;
    }
    Ok(())
}
