//! Functions of several operands, which are broadcast to a common shape.

use crate::adjoint::{Adjoint, Outcome};

pub(crate) fn add(a: &mut Adjoint<'_>) -> Outcome {
    let dy = a.dy()?;
    for index in 0..a.node.inputs.len() {
        if a.wants(index) {
            a.give_broadcast(index, dy)?;
        }
    }
    Ok(())
}

pub(crate) fn mean(a: &mut Adjoint<'_>) -> Outcome {
    let dy = a.dy()?;
    let count = a.node.inputs.len();
    let share = a.e.scale(dy, 1.0 / count as f64);
    for index in 0..count {
        if a.wants(index) {
            a.give_broadcast(index, share)?;
        }
    }
    Ok(())
}

pub(crate) fn sub(a: &mut Adjoint<'_>) -> Outcome {
    let dy = a.dy()?;
    if a.wants(0) {
        a.give_broadcast(0, dy)?;
    }
    if a.wants(1) {
        let minus = a.e.neg(dy);
        a.give_broadcast(1, minus)?;
    }
    Ok(())
}

pub(crate) fn mul(a: &mut Adjoint<'_>) -> Outcome {
    let dy = a.dy()?;
    for (index, other) in [(0, 1), (1, 0)] {
        if a.wants(index) {
            let other = a.x(other)?;
            let gradient = a.e.mul(dy, other);
            a.give_broadcast(index, gradient)?;
        }
    }
    Ok(())
}

/// For y = p/q these are dy/q and −dy·y/q.
pub(crate) fn div(a: &mut Adjoint<'_>) -> Outcome {
    let dy = a.dy()?;
    let divisor = a.x(1)?;
    let quotient = a.e.div(dy, divisor);
    if a.wants(0) {
        a.give_broadcast(0, quotient)?;
    }
    if a.wants(1) {
        let y = a.y(0);
        let product = a.e.mul(quotient, y);
        let minus = a.e.neg(product);
        a.give_broadcast(1, minus)?;
    }
    Ok(())
}

/// For y = bᵉ these are dy·e·b^(e−1) and dy·y·log b, the latter zero where b is not positive.
pub(crate) fn pow(a: &mut Adjoint<'_>) -> Outcome {
    let dy = a.dy()?;
    let (base, exponent) = (a.x(0)?, a.x(1)?);
    if a.wants(0) {
        let power = match a.floats(1) {
            Ok(Some(list)) if list == [2.0] => a.e.scale(base, 2.0),
            _ => {
                let same = a.dtype(0) == a.dtype(1);
                let exponent = if same { exponent } else { a.e.mask(exponent) };
                let less = a.e.shift(exponent, -1.0);
                let power = a.e.op("Pow", &[base, less]);
                a.e.mul(exponent, power)
            }
        };
        let gradient = a.e.mul(dy, power);
        a.give_broadcast(0, gradient)?;
    }
    if a.wants(1) {
        let y = a.y(0);
        let (positive, one) = (a.e.greater(base, 0.0), a.e.number(1.0));
        let base = a.e.choose(positive, base, one);
        let log = a.e.op("Log", &[base]);
        let growth = a.e.mul(y, log);
        let gradient = a.e.mul(dy, growth);
        a.give_broadcast(1, gradient)?;
    }
    Ok(())
}

/// Operands that are equally extreme share the gradient.
pub(crate) fn extremum(a: &mut Adjoint<'_>) -> Outcome {
    let dy = a.dy()?;
    if a.node.inputs.len() == 1 {
        a.give(0, dy);
        return Ok(());
    }
    let y = a.y(0);
    let mut masks = Vec::new();
    for index in 0..a.node.inputs.len() {
        let x = a.x(index)?;
        let equal = a.e.op("Equal", &[x, y]);
        masks.push(a.e.mask(equal));
    }
    let winners = a.e.op("Sum", &masks);
    let share = a.e.div(dy, winners);
    for (index, mask) in masks.into_iter().enumerate() {
        if a.wants(index) {
            let gradient = a.e.mul(share, mask);
            a.give_broadcast(index, gradient)?;
        }
    }
    Ok(())
}

pub(crate) fn prelu(a: &mut Adjoint<'_>) -> Outcome {
    let dy = a.dy()?;
    let (x, slope) = (a.x(0)?, a.x(1)?);
    let positive = a.e.greater(x, 0.0);
    if a.wants(0) {
        let below = a.e.mul(dy, slope);
        let dx = a.e.choose(positive, dy, below);
        a.give_broadcast(0, dx)?;
    }
    if a.wants(1) {
        let (product, zero) = (a.e.mul(dy, x), a.e.number(0.0));
        let below = a.e.choose(positive, zero, product);
        a.give_broadcast(1, below)?;
    }
    Ok(())
}

pub(crate) fn choice(a: &mut Adjoint<'_>) -> Outcome {
    let dy = a.dy()?;
    let (condition, zero) = (a.x(0)?, a.e.number(0.0));
    if a.wants(1) {
        let yes = a.e.choose(condition, dy, zero);
        a.give_broadcast(1, yes)?;
    }
    if a.wants(2) {
        let no = a.e.choose(condition, zero, dy);
        a.give_broadcast(2, no)?;
    }
    Ok(())
}
