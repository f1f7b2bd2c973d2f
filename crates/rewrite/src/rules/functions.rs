//! Functions of products, of their own inverses, and sums of products.

use hawkeye_graph::ValueId;

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, int, is};

use super::signs::is_positive;

pub(super) const PRODUCTS: Rule = Rule {
    name: "function-of-product",
    family: Family::Cleaning,
    what: "Sqrt(a) Sqrt(b) -> Sqrt(a b); Reciprocal(a) Reciprocal(b) -> Reciprocal(a b); Log(a) + Log(b) -> Log(a b)",
    when: "operands of one shape that nothing else reads; under Sqrt and Log never negative; a b stays within the \
           fixed-point range",
    why: "one function in place of two",
    source: "functional equations",
    promise: Promise::Exact,
    anchors: &["Mul", "Add"],
    rewrite: &product,
};

fn product(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (left, right) = (site.input(0)?, site.input(1)?);
    let functions: &[&str] = if is(site.node, "Add") { &["Log"] } else { &["Sqrt", "Reciprocal"] };
    let op = functions.iter().find(|op| site.made_by(left, op).is_some())?;
    let operand =
        |value| site.made_by(value, op).filter(|_| site.is_private(value))?.inputs.first().copied().flatten();
    let (a, b) = (operand(left)?, operand(right)?);
    let defined = *op == "Reciprocal" || is_positive(site, a, 0) && is_positive(site, b, 0);
    if !defined || site.shape(a)? != site.shape(b)? {
        return None;
    }
    let product = edit.op("Mul", &[a, b]);
    let value = edit.op(op, &[product]);
    edit.replace(site.output()?, value);
    Some(())
}

pub(super) const INVERSE: Rule = Rule {
    name: "function-of-inverse",
    what: "Log(Exp(x)) -> x; Exp(Log(x)) -> x",
    when: "x is never negative under Log",
    why: "neither function is computed",
    source: "definition of the logarithm",
    anchors: &["Log", "Exp"],
    rewrite: &inverse,
    ..PRODUCTS
};

fn inverse(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let other = if is(site.node, "Log") { "Exp" } else { "Log" };
    let x = site.made_by(site.input(0)?, other)?.inputs[0]?;
    if other == "Log" && !is_positive(site, x, 0) {
        return None;
    }
    edit.replace(site.output()?, x);
    Some(())
}

pub(super) const EXTREMES: Rule = Rule {
    name: "sum-of-max-and-min",
    what: "Max(a, b) + Min(a, b) -> a + b; Max(a, b) - Min(a, b) -> Abs(a - b)",
    when: "the same two operands, of one shape",
    why: "nothing is compared, or once in place of twice",
    source: "one of the two is the larger",
    anchors: &["Add", "Sub"],
    rewrite: &extremes,
    ..PRODUCTS
};

fn extremes(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (left, right) = (site.producer(site.input(0)?)?, site.producer(site.input(1)?)?);
    let operands = |op: &str| {
        let node = [left, right].into_iter().find(|node| is(node, op) && node.inputs.len() == 2)?;
        let mut operands: Vec<ValueId> = node.present_inputs().collect();
        operands.sort();
        Some(operands)
    };
    let larger = operands("Max").filter(|larger| operands("Min").as_ref() == Some(larger))?;
    if site.shape(larger[0])? != site.shape(larger[1])? {
        return None;
    }
    let value = if is(site.node, "Add") {
        edit.op("Add", &larger)
    } else {
        let difference = edit.op("Sub", &larger);
        let distance = edit.op("Abs", &[difference]);
        if is(left, "Max") { distance } else { edit.op("Neg", &[distance]) }
    };
    edit.replace(site.output()?, value);
    Some(())
}

pub(super) const INNER: Rule = Rule {
    name: "sum-of-products-as-matmul",
    family: Family::Division,
    what: "ReduceSum(a b) over the last axis -> MatMul of rows and columns",
    when: "a and b of one shape; nothing else reads the product",
    why: "one truncation for a sum of products, where there was one for each",
    source: "definition of the inner product",
    anchors: &["ReduceSum"],
    rewrite: &inner,
    ..PRODUCTS
};

fn inner(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let product = site.input(0)?;
    let mul = site.made_by(product, "Mul").filter(|_| site.is_private(product))?;
    let (a, b) = (mul.inputs[0]?, mul.inputs[1]?);
    let shape = site.shape(product)?;
    if a == b || site.shape(a)? != shape || site.shape(b)? != shape {
        return None;
    }
    let axes = match site.input(1) {
        Some(axes) => site.ints(axes)?,
        None => site.node.attributes.ints("axes")?.to_vec(),
    };
    let (length, outer) = shape.split_last()?;
    let last = axes.iter().all(|axis| axis.rem_euclid(shape.len() as i64) == outer.len() as i64);
    if axes.len() != 1 || !last {
        return None;
    }
    let rows = edit.reshape(a, &[outer, &[1, *length]].concat());
    let columns = edit.reshape(b, &[outer, &[*length, 1]].concat());
    let sums = edit.op("MatMul", &[rows, columns]);
    let kept = if int(site.node, "keepdims", 1) == 1 { [outer, &[1]].concat() } else { outer.to_vec() };
    let value = edit.reshape(sums, &kept);
    edit.replace(site.output()?, value);
    Some(())
}
