//! Reductions, and what is built on them.

use hawkeye_graph::{Attribute, ValueId};

use crate::adjoint::{Adjoint, Outcome, axis, count};
use crate::emit::Emit;

/// A reduction with operand, result and gradient of the result, both with the reduced axes of size 1.
struct Reduction {
    x: ValueId,
    y: ValueId,
    dy: ValueId,
    axes: Vec<usize>,
    shape: Vec<i64>,
}

fn reduction(a: &mut Adjoint<'_>) -> Result<Reduction, String> {
    let (x, dy, shape) = (a.x(0)?, a.dy()?, a.shape(0)?);
    let y = a.y(0);
    let axes = match a.ints(1)? {
        Some(axes) if !axes.is_empty() => {
            axes.into_iter().map(|i| axis(i, shape.len())).collect::<Result<Vec<_>, _>>()?
        }
        _ if a.int("noop_with_empty_axes", 0) != 0 => Vec::new(),
        _ => (0..shape.len()).collect(),
    };
    let (mut y, mut dy) = (y, dy);
    if a.int("keepdims", 1) == 0 {
        let narrow: Vec<i64> =
            (0..shape.len()).map(|i| if axes.contains(&i) { 1 } else { shape[i] }).collect();
        y = a.e.reshape(y, &narrow);
        dy = a.e.reshape(dy, &narrow);
    }
    Ok(Reduction { x, y, dy, axes, shape })
}

pub(crate) fn sum(a: &mut Adjoint<'_>) -> Outcome {
    let r = reduction(a)?;
    let dx = a.e.expand(r.dy, &r.shape);
    a.give(0, dx);
    Ok(())
}

pub(crate) fn mean(a: &mut Adjoint<'_>) -> Outcome {
    let r = reduction(a)?;
    let elements: f64 = r.axes.iter().map(|i| r.shape[*i] as f64).product();
    let share = a.e.scale(r.dy, 1.0 / elements);
    let dx = a.e.expand(share, &r.shape);
    a.give(0, dx);
    Ok(())
}

/// Elements that are equally extreme share the gradient.
pub(crate) fn extremum(a: &mut Adjoint<'_>) -> Outcome {
    let r = reduction(a)?;
    let dx = winners(a.e, r.x, r.y, r.dy, &r.axes);
    a.give(0, dx);
    Ok(())
}

/// The gradient `dy`, shared among those elements of `x` along the axes that equal `y`.
pub(crate) fn winners(e: &mut Emit, x: ValueId, y: ValueId, dy: ValueId, axes: &[usize]) -> ValueId {
    let equal = e.op("Equal", &[x, y]);
    let mask = e.mask(equal);
    let winners = e.sum(mask, axes, true);
    let share = e.div(dy, winners);
    e.mul(mask, share)
}

pub(crate) fn l1(a: &mut Adjoint<'_>) -> Outcome {
    let r = reduction(a)?;
    let sign = a.e.op("Sign", &[r.x]);
    let dx = a.e.mul(sign, r.dy);
    a.give(0, dx);
    Ok(())
}

pub(crate) fn l2(a: &mut Adjoint<'_>) -> Outcome {
    let r = reduction(a)?;
    let share = a.e.div(r.dy, r.y);
    let dx = a.e.mul(r.x, share);
    a.give(0, dx);
    Ok(())
}

pub(crate) fn sum_square(a: &mut Adjoint<'_>) -> Outcome {
    let r = reduction(a)?;
    let twice = a.e.scale(r.dy, 2.0);
    let dx = a.e.mul(r.x, twice);
    a.give(0, dx);
    Ok(())
}

/// y = log Σ x, so the sum is exp y.
pub(crate) fn log_sum(a: &mut Adjoint<'_>) -> Outcome {
    let r = reduction(a)?;
    let sum = a.e.op("Exp", &[r.y]);
    let share = a.e.div(r.dy, sum);
    let dx = a.e.expand(share, &r.shape);
    a.give(0, dx);
    Ok(())
}

pub(crate) fn log_sum_exp(a: &mut Adjoint<'_>) -> Outcome {
    let r = reduction(a)?;
    let below = a.e.sub(r.x, r.y);
    let share = a.e.op("Exp", &[below]);
    let dx = a.e.mul(share, r.dy);
    a.give(0, dx);
    Ok(())
}

/// dy times the product of the other elements: over as many copies of the operand as it has elements
/// along the axes, in each of which one is replaced by 1. Zeros need no care then.
pub(crate) fn product(a: &mut Adjoint<'_>) -> Outcome {
    let r = reduction(a)?;
    let (kept, reduced): (Vec<usize>, Vec<usize>) = (0..r.shape.len()).partition(|i| !r.axes.contains(i));
    let n: i64 = reduced.iter().map(|i| r.shape[*i]).product();
    let outer: i64 = kept.iter().map(|i| r.shape[*i]).product();
    let perm: Vec<usize> = kept.iter().chain(&reduced).copied().collect();
    let moved: Vec<i64> = perm.iter().map(|i| r.shape[*i]).collect();
    let x = a.e.transpose(r.x, &perm);
    let rows = a.e.reshape(x, &[outer, 1, n]);
    let index = a.e.range(0, n);
    let column = a.e.reshape(index, &[n, 1]);
    let same = a.e.op("Equal", &[index, column]);
    let one = a.e.number(1.0);
    let copies = a.e.choose(same, one, rows);
    let others = a.e.reduce("ReduceProd", copies, &[2], false);
    let others = a.e.reshape(others, &moved);
    let mut back = vec![0; perm.len()];
    for (to, from) in perm.iter().enumerate() {
        back[*from] = to;
    }
    let others = a.e.transpose(others, &back);
    let dx = a.e.mul(others, r.dy);
    a.give(0, dx);
    Ok(())
}

/// dx = y·(dy − Σ y·dy).
pub(crate) fn softmax(a: &mut Adjoint<'_>) -> Outcome {
    let dy = a.dy()?;
    let axis = a.axis(-1, a.shape(0)?.len())?;
    let y = a.y(0);
    let product = a.e.mul(y, dy);
    let sum = a.e.sum(product, &[axis], true);
    let centred = a.e.sub(dy, sum);
    let dx = a.e.mul(y, centred);
    a.give(0, dx);
    Ok(())
}

/// dx = dy − eʸ·Σ dy.
pub(crate) fn log_softmax(a: &mut Adjoint<'_>) -> Outcome {
    let dy = a.dy()?;
    let axis = a.axis(-1, a.shape(0)?.len())?;
    let y = a.y(0);
    let dx = log_softmax_gradient(a.e, y, dy, axis);
    a.give(0, dx);
    Ok(())
}

pub(crate) fn log_softmax_gradient(e: &mut Emit, y: ValueId, dy: ValueId, axis: usize) -> ValueId {
    let sum = e.sum(dy, &[axis], true);
    let softmax = e.op("Exp", &[y]);
    let share = e.mul(softmax, sum);
    e.sub(dy, share)
}

/// The reverse sum of the gradient.
pub(crate) fn cum_sum(a: &mut Adjoint<'_>) -> Outcome {
    let (dy, axis) = (a.dy()?, a.x(1)?);
    let attributes = [
        ("exclusive", Attribute::Int(a.int("exclusive", 0))),
        ("reverse", Attribute::Int(1 - a.int("reverse", 0).clamp(0, 1))),
    ];
    let dx = a.e.with("CumSum", &[dy, axis], &attributes);
    a.give(0, dx);
    Ok(())
}

/// −Σ of the scores at the labels, weighted, divided by the sum of the weights for `mean`.
pub(crate) fn negative_log_likelihood(a: &mut Adjoint<'_>) -> Outcome {
    let gradient = label_gradient(a)?;
    a.give(0, gradient);
    Ok(())
}

/// The same of the logarithm of the softmax.
pub(crate) fn softmax_cross_entropy(a: &mut Adjoint<'_>) -> Outcome {
    a.only_first()?;
    let gradient = label_gradient(a)?;
    let x = a.x(0)?;
    let logs = a.e.with("LogSoftmax", &[x], &[("axis", Attribute::Int(1))]);
    let dx = log_softmax_gradient(a.e, logs, gradient, 1);
    a.give(0, dx);
    Ok(())
}

/// The gradient of the scores: −weight·dy at the labels, zero elsewhere.
fn label_gradient(a: &mut Adjoint<'_>) -> Result<ValueId, String> {
    let (dy, labels, shape) = (a.dy()?, a.x(1)?, a.shape(0)?);
    let ignored = a.node.attributes.int("ignore_index");
    let classes = a.e.int(*shape.get(1).ok_or("has scores without classes")?);
    let values = {
        let [off, on] = [0.0, 1.0].map(|n| a.e.number(n));
        let pair = [off, on].map(|n| a.e.reshape(n, &[1]));
        a.e.with("Concat", &pair, &[("axis", Attribute::Int(0))])
    };
    let labels_dtype = a.dtype(1);
    let at = a.e.with("OneHot", &[labels, classes, values], &[("axis", Attribute::Int(1))]);
    let mut weights = at;
    if let Some(index) = ignored {
        let mut index = a.e.int(index);
        if let Some(dtype) = labels_dtype {
            index = a.e.cast(index, dtype);
        }
        let same = a.e.op("Equal", &[labels, index]);
        let counted = a.e.op("Not", &[same]);
        let counted = a.e.mask(counted);
        let axis = a.e.ints(&[1]);
        let counted = a.e.op("Unsqueeze", &[counted, axis]);
        weights = a.e.mul(weights, counted);
    }
    if let Some(per_class) = a.optional(2) {
        let wide: Vec<i64> = (0..shape.len()).map(|i| if i == 1 { shape[1] } else { 1 }).collect();
        let per_class = a.e.reshape(per_class, &wide);
        weights = a.e.mul(weights, per_class);
    }
    let share = match a.text("reduction") {
        "none" => {
            let axis = a.e.ints(&[1]);
            let dy = a.e.op("Unsqueeze", &[dy, axis]);
            a.e.mul(weights, dy)
        }
        "sum" => a.e.mul(weights, dy),
        _ if ignored.is_none() && a.optional(2).is_none() => {
            let labels = count(&shape) / shape[1] as f64;
            let dy = a.e.scale(dy, 1.0 / labels);
            a.e.mul(weights, dy)
        }
        _ => {
            let total = a.e.total(weights, shape.len());
            let dy = a.e.div(dy, total);
            a.e.mul(weights, dy)
        }
    };
    Ok(a.e.neg(share))
}
