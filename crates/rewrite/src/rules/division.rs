//! Division by what is constant, or by fewer elements than are divided.

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, is};

pub(super) const BY_CONSTANT: Rule = Rule {
    name: "div-by-constant",
    family: Family::Division,
    what: "Div(x, c) -> Mul(x, 1/c)",
    when: "c is a weight of the model",
    why: "a division by a secret is an iteration; a product is one opening",
    source: "CrypTen 0.4.1 crypten/cryptensor.py, div",
    promise: Promise::Exact,
    anchors: &["Div"],
    rewrite: &by_constant,
};

fn by_constant(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (x, c) = (site.input(0)?, site.input(1)?);
    if !site.is_weight(c) || site.is_constant(x) {
        return None;
    }
    let one = edit.number(1.0);
    let inverse = edit.op("Div", &[one, c]);
    let product = edit.op("Mul", &[x, inverse]);
    edit.replace(site.output()?, product);
    Some(())
}

pub(super) const BY_ROW: Rule = Rule {
    name: "div-by-row-reciprocal",
    what: "Div(x, s) -> Mul(x, Reciprocal(s))",
    when: "s is broadcast to x; for large s a fixed-point reciprocal loses digits",
    why: "one reciprocal per element of s in place of one division per element of x",
    source: "SPU 0.9.5, f_div under XLA",
    rewrite: &by_row,
    ..BY_CONSTANT
};

fn by_row(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (x, s) = (site.input(0)?, site.input(1)?);
    let size = |value| Some(site.shape(value)?.iter().product::<i64>());
    if site.is_constant(s) || site.is_constant(x) || size(s)? >= size(x)? {
        return None;
    }
    let inverse = edit.op("Reciprocal", &[s]);
    let product = edit.op("Mul", &[x, inverse]);
    edit.replace(site.output()?, product);
    Some(())
}

pub(super) const BY_ROOT: Rule = Rule {
    name: "div-by-root",
    what: "Div(x, Sqrt(v)) -> Mul(x, Reciprocal(Sqrt(v)))",
    when: "always",
    why: "SPU and XLA know the inverse square root as one function",
    source: "SPU 0.9.5, f_rsqrt",
    rewrite: &by_root,
    ..BY_CONSTANT
};

fn by_root(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (x, root) = (site.input(0)?, site.input(1)?);
    let sqrt = site.producer(root).filter(|node| is(node, "Sqrt"))?;
    let root = edit.like(sqrt, &[sqrt.inputs[0]?]);
    let inverse = edit.op("Reciprocal", &[root]);
    let product = edit.op("Mul", &[x, inverse]);
    edit.replace(site.output()?, product);
    Some(())
}
