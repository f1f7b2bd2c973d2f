//! Softmax as its parts, with the division that a framework does best.

use hawkeye_graph::ValueId;

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, int};

use super::pool::maximum;

/// The operand, its axis and that axis' size, if it is the last or the operator takes one axis only.
pub(super) fn operand(site: &Site<'_>) -> Option<(ValueId, i64, i64)> {
    let x = site.input(0)?;
    let shape = site.shape(x)?;
    let rank = shape.len() as i64;
    let axis = int(site.node, "axis", if site.node.opset >= 13 { -1 } else { 1 }).rem_euclid(rank);
    let alone = site.node.opset >= 13 || axis == rank - 1;
    alone.then_some((x, axis, shape[axis as usize]))
}

pub(super) const RECIPROCAL: Rule = Rule {
    name: "softmax-reciprocal",
    family: Family::Division,
    what: "Softmax(x) -> e * Reciprocal(ReduceSum(e)), e = Exp(x - ReduceMax(x))",
    when: "always; the sum is between 1 and the row's length, where a fixed-point reciprocal is precise",
    why: "SPU divides every element by the broadcast sum; one reciprocal per row does",
    source: "SPU 0.9.5, softmax of jax.nn under XLA",
    promise: Promise::Exact,
    anchors: &["Softmax"],
    rewrite: &reciprocal,
};

fn reciprocal(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (x, axis, _) = operand(site)?;
    let maximum = edit.reduce("ReduceMax", x, &[axis]);
    let e = exponentials(edit, x, maximum);
    let sum = edit.reduce("ReduceSum", e, &[axis]);
    let inverse = edit.op("Reciprocal", &[sum]);
    let quotient = edit.op("Mul", &[e, inverse]);
    edit.replace(site.output()?, quotient);
    Some(())
}

pub(super) const TREE_SUM: Rule = Rule {
    name: "softmax-relu-tree-sum",
    family: Family::Division,
    what: "Softmax(x) -> e / ReduceSum(e), e = Exp(x - max), the maximum by a tree of Relus",
    when: "the axis' size is known",
    why: "CrypTen's own maximum computes one-hot vectors; max(a, b) = a + Relu(b - a) is one comparison",
    source: "CrypTen 0.4.1 crypten/functions/maximum.py, approximations.py",
    promise: Promise::Exact,
    anchors: &["Softmax"],
    rewrite: &tree_sum,
};

fn tree_sum(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (x, axis, size) = operand(site)?;
    let maximum = maximum(edit, x, axis, size);
    let e = exponentials(edit, x, maximum);
    let sum = edit.reduce("ReduceSum", e, &[axis]);
    let quotient = edit.op("Div", &[e, sum]);
    edit.replace(site.output()?, quotient);
    Some(())
}

pub(super) const TREE_MEAN: Rule = Rule {
    name: "softmax-relu-tree-mean",
    what: "Softmax(x) -> e / ReduceMean(e) / L, e = Exp(x - max), the maximum by a tree of Relus",
    when: "the axis' size L is known; the mean keeps the denominator in [1/L, 1], where Newton converges",
    rewrite: &tree_mean,
    ..TREE_SUM
};

fn tree_mean(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (x, axis, size) = operand(site)?;
    let maximum = maximum(edit, x, axis, size);
    let e = exponentials(edit, x, maximum);
    let mean = edit.reduce("ReduceMean", e, &[axis]);
    let ratio = edit.op("Div", &[e, mean]);
    let share = edit.number(1.0 / size as f64);
    let quotient = edit.op("Mul", &[ratio, share]);
    edit.replace(site.output()?, quotient);
    Some(())
}

fn exponentials(edit: &mut Edit, x: ValueId, maximum: ValueId) -> ValueId {
    let below = edit.op("Sub", &[x, maximum]);
    edit.op("Exp", &[below])
}
