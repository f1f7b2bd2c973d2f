//! Reductions, and what is built on them.

use hawkeye_graph::{Attribute, ValueId};

use crate::adjoint::{Adjoint, GradientResult, axis, count};
use crate::builder::StepBuilder;

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
        y = a.graph.reshape(y, &narrow);
        dy = a.graph.reshape(dy, &narrow);
    }
    Ok(Reduction { x, y, dy, axes, shape })
}

pub(crate) fn sum(a: &mut Adjoint<'_>) -> GradientResult {
    let r = reduction(a)?;
    let dx = a.graph.expand(r.dy, &r.shape);
    a.give(0, dx);
    Ok(())
}

pub(crate) fn mean(a: &mut Adjoint<'_>) -> GradientResult {
    let r = reduction(a)?;
    let elements: f64 = r.axes.iter().map(|i| r.shape[*i] as f64).product();
    let share = a.graph.scale(r.dy, 1.0 / elements);
    let dx = a.graph.expand(share, &r.shape);
    a.give(0, dx);
    Ok(())
}

/// Elements that are equally extreme share the gradient.
pub(crate) fn extremum(a: &mut Adjoint<'_>) -> GradientResult {
    let r = reduction(a)?;
    let dx = winners(a.graph, r.x, r.y, r.dy, &r.axes);
    a.give(0, dx);
    Ok(())
}

/// The gradient `dy`, shared among those elements of `x` along the axes that equal `y`.
pub(crate) fn winners(
    graph: &mut StepBuilder,
    x: ValueId,
    y: ValueId,
    dy: ValueId,
    axes: &[usize],
) -> ValueId {
    let equal = graph.op("Equal", &[x, y]);
    let mask = graph.mask(equal);
    let winners = graph.sum(mask, axes, true);
    let share = graph.div(dy, winners);
    graph.mul(mask, share)
}

pub(crate) fn l1(a: &mut Adjoint<'_>) -> GradientResult {
    let r = reduction(a)?;
    let sign = a.graph.op("Sign", &[r.x]);
    let dx = a.graph.mul(sign, r.dy);
    a.give(0, dx);
    Ok(())
}

pub(crate) fn l2(a: &mut Adjoint<'_>) -> GradientResult {
    let r = reduction(a)?;
    let share = a.graph.div(r.dy, r.y);
    let dx = a.graph.mul(r.x, share);
    a.give(0, dx);
    Ok(())
}

pub(crate) fn sum_square(a: &mut Adjoint<'_>) -> GradientResult {
    let r = reduction(a)?;
    let twice = a.graph.scale(r.dy, 2.0);
    let dx = a.graph.mul(r.x, twice);
    a.give(0, dx);
    Ok(())
}

/// y = log Σ x, so the sum is exp y.
pub(crate) fn log_sum(a: &mut Adjoint<'_>) -> GradientResult {
    let r = reduction(a)?;
    let sum = a.graph.op("Exp", &[r.y]);
    let share = a.graph.div(r.dy, sum);
    let dx = a.graph.expand(share, &r.shape);
    a.give(0, dx);
    Ok(())
}

pub(crate) fn log_sum_exp(a: &mut Adjoint<'_>) -> GradientResult {
    let r = reduction(a)?;
    let below = a.graph.sub(r.x, r.y);
    let share = a.graph.op("Exp", &[below]);
    let dx = a.graph.mul(share, r.dy);
    a.give(0, dx);
    Ok(())
}

/// dy times the product of the other elements: over as many copies of the operand as it has elements
/// along the axes, in each of which one is replaced by 1. Zeros need no care then.
pub(crate) fn product(a: &mut Adjoint<'_>) -> GradientResult {
    let r = reduction(a)?;
    let (kept, reduced): (Vec<usize>, Vec<usize>) = (0..r.shape.len()).partition(|i| !r.axes.contains(i));
    let n: i64 = reduced.iter().map(|i| r.shape[*i]).product();
    let outer: i64 = kept.iter().map(|i| r.shape[*i]).product();
    let perm: Vec<usize> = kept.iter().chain(&reduced).copied().collect();
    let moved: Vec<i64> = perm.iter().map(|i| r.shape[*i]).collect();
    let x = a.graph.transpose(r.x, &perm);
    let rows = a.graph.reshape(x, &[outer, 1, n]);
    let index = a.graph.range(0, n);
    let column = a.graph.reshape(index, &[n, 1]);
    let same = a.graph.op("Equal", &[index, column]);
    let one = a.graph.number(1.0);
    let copies = a.graph.choose(same, one, rows);
    let others = a.graph.reduce("ReduceProd", copies, &[2], false);
    let others = a.graph.reshape(others, &moved);
    let mut back = vec![0; perm.len()];
    for (to, from) in perm.iter().enumerate() {
        back[*from] = to;
    }
    let others = a.graph.transpose(others, &back);
    let dx = a.graph.mul(others, r.dy);
    a.give(0, dx);
    Ok(())
}

/// dx = y·(dy − Σ y·dy).
pub(crate) fn softmax(a: &mut Adjoint<'_>) -> GradientResult {
    let dy = a.dy()?;
    let axis = a.axis(-1, a.shape(0)?.len())?;
    let y = a.y(0);
    let product = a.graph.mul(y, dy);
    let sum = a.graph.sum(product, &[axis], true);
    let centred = a.graph.sub(dy, sum);
    let dx = a.graph.mul(y, centred);
    a.give(0, dx);
    Ok(())
}

/// dx = dy − eʸ·Σ dy.
pub(crate) fn log_softmax(a: &mut Adjoint<'_>) -> GradientResult {
    let dy = a.dy()?;
    let axis = a.axis(-1, a.shape(0)?.len())?;
    let y = a.y(0);
    let dx = log_softmax_gradient(a.graph, y, dy, axis);
    a.give(0, dx);
    Ok(())
}

pub(crate) fn log_softmax_gradient(graph: &mut StepBuilder, y: ValueId, dy: ValueId, axis: usize) -> ValueId {
    let sum = graph.sum(dy, &[axis], true);
    let softmax = graph.op("Exp", &[y]);
    let share = graph.mul(softmax, sum);
    graph.sub(dy, share)
}

/// The reverse sum of the gradient.
pub(crate) fn cum_sum(a: &mut Adjoint<'_>) -> GradientResult {
    let (dy, axis) = (a.dy()?, a.x(1)?);
    let attributes = [
        ("exclusive", Attribute::Int(a.int("exclusive", 0))),
        ("reverse", Attribute::Int(1 - a.int("reverse", 0).clamp(0, 1))),
    ];
    let dx = a.graph.with("CumSum", &[dy, axis], &attributes);
    a.give(0, dx);
    Ok(())
}

/// −Σ of the scores at the labels, weighted, divided by the sum of the weights for `mean`.
pub(crate) fn negative_log_likelihood(a: &mut Adjoint<'_>) -> GradientResult {
    let gradient = label_gradient(a)?;
    a.give(0, gradient);
    Ok(())
}

/// The same of the logarithm of the softmax.
pub(crate) fn softmax_cross_entropy(a: &mut Adjoint<'_>) -> GradientResult {
    a.only_first()?;
    let gradient = label_gradient(a)?;
    let x = a.x(0)?;
    let logs = a.graph.with("LogSoftmax", &[x], &[("axis", Attribute::Int(1))]);
    let dx = log_softmax_gradient(a.graph, logs, gradient, 1);
    a.give(0, dx);
    Ok(())
}

/// The gradient of the scores: −weight·dy at the labels, zero elsewhere.
fn label_gradient(a: &mut Adjoint<'_>) -> Result<ValueId, String> {
    let (dy, labels, shape) = (a.dy()?, a.x(1)?, a.shape(0)?);
    let ignored = a.node.attributes.int("ignore_index");
    let classes = a.graph.int(*shape.get(1).ok_or("has scores without classes")?);
    let values = {
        let [off, on] = [0.0, 1.0].map(|n| a.graph.number(n));
        let pair = [off, on].map(|n| a.graph.reshape(n, &[1]));
        a.graph.with("Concat", &pair, &[("axis", Attribute::Int(0))])
    };
    let labels_dtype = a.dtype(1);
    let at = a.graph.with("OneHot", &[labels, classes, values], &[("axis", Attribute::Int(1))]);
    let mut weights = at;
    if let Some(index) = ignored {
        let mut index = a.graph.int(index);
        if let Some(dtype) = labels_dtype {
            index = a.graph.cast(index, dtype);
        }
        let same = a.graph.op("Equal", &[labels, index]);
        let counted = a.graph.op("Not", &[same]);
        let counted = a.graph.mask(counted);
        let axis = a.graph.ints(&[1]);
        let counted = a.graph.op("Unsqueeze", &[counted, axis]);
        weights = a.graph.mul(weights, counted);
    }
    if let Some(per_class) = a.optional(2) {
        let wide: Vec<i64> = (0..shape.len()).map(|i| if i == 1 { shape[1] } else { 1 }).collect();
        let per_class = a.graph.reshape(per_class, &wide);
        weights = a.graph.mul(weights, per_class);
    }
    let share = match a.text("reduction") {
        "none" => {
            let axis = a.graph.ints(&[1]);
            let dy = a.graph.op("Unsqueeze", &[dy, axis]);
            a.graph.mul(weights, dy)
        }
        "sum" => a.graph.mul(weights, dy),
        _ if ignored.is_none() && a.optional(2).is_none() => {
            let labels = count(&shape) / shape[1] as f64;
            let dy = a.graph.scale(dy, 1.0 / labels);
            a.graph.mul(weights, dy)
        }
        _ => {
            let total = a.graph.total(weights, shape.len());
            let dy = a.graph.div(dy, total);
            a.graph.mul(weights, dy)
        }
    };
    Ok(a.graph.neg(share))
}
