//! Matrix products put together.

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, is};

use super::linear::Linear;

pub(super) const MATRICES: Rule = Rule {
    name: "merge-consecutive-matmuls",
    family: Family::Merging,
    what: "MatMul or Gemm (W1), MatMul or Gemm (W2) -> one with W1 W2",
    when: "nothing between, nothing else reads the first; dearer where the product of the weights is larger than both",
    why: "one product in place of two",
    source: "associativity",
    promise: Promise::Exact,
    anchors: &["MatMul", "Gemm"],
    rewrite: &matrices,
};

fn matrices(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let second = Linear::of(site, site.output()?)?;
    let first = Linear::of(site, second.x)?;
    if !(second.is_matrix() && first.is_matrix() && site.is_private(second.x)) {
        return None;
    }
    let (w1, w2) = (first.by_rows(edit), second.by_rows(edit));
    let weight = edit.op("MatMul", &[w1, w2]);
    let mut bias = second.bias;
    if let Some(inner) = first.bias {
        let moved = second.shift(site, edit, inner)?;
        bias = Some(match bias {
            Some(bias) => edit.op("Add", &[moved, bias]),
            None => moved,
        });
    }
    let product = edit.op("MatMul", &[first.x, weight]);
    let value = match bias {
        Some(bias) => edit.op("Add", &[product, bias]),
        None => product,
    };
    edit.replace(second.output, value);
    Some(())
}

pub(super) const SHARED: Rule = Rule {
    name: "factor-shared-weight",
    what: "MatMul(a, W) + MatMul(b, W) -> MatMul(a + b, W), also of Gemm and Conv with their biases; c a + c b -> \
           c (a + b), of Mul and MatMul",
    when: "the same factor, nothing between; nothing else reads the products",
    why: "one product in place of two",
    source: "distributive law",
    anchors: &["Add", "Sub"],
    rewrite: &shared,
    ..MATRICES
};

fn shared(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (left, right) = (site.input(0)?, site.input(1)?);
    if left == right || !site.is_private(left) || !site.is_private(right) {
        return None;
    }
    let (a, b) = (site.producer(left)?, site.producer(right)?);
    if !["MatMul", "Mul"].iter().any(|op| is(a, op) && is(b, op)) {
        return layers(site, edit);
    }
    let pairs = if is(a, "Mul") { vec![(0, 0), (0, 1), (1, 0), (1, 1)] } else { vec![(1, 1), (0, 0)] };
    for (i, j) in pairs {
        let (x, y) = (a.inputs[1 - i]?, b.inputs[1 - j]?);
        if site.is_same(a.inputs[i]?, b.inputs[j]?) && site.shape(x)? == site.shape(y)? {
            let sum = edit.like(site.node, &[x, y]);
            let mut inputs = [sum, sum];
            inputs[i] = a.inputs[i]?;
            let product = edit.like(a, &inputs);
            edit.replace(site.output()?, product);
            return Some(());
        }
    }
    None
}

/// The sum of two layers of one weight as one layer of a sum.
fn layers(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let a = Linear::of(site, site.input(0)?)?;
    let b = Linear::of(site, site.input(1)?)?;
    let alike = a.node.op == b.node.op && a.node.attributes == b.node.attributes;
    if !alike || !site.is_same(a.weight, b.weight) || site.shape(a.x)? != site.shape(b.x)? {
        return None;
    }
    let sum = edit.like(site.node, &[a.x, b.x]);
    let bias = match (a.bias, b.bias) {
        (Some(left), Some(right)) => Some(edit.like(site.node, &[left, right])),
        (None, Some(right)) if is(site.node, "Sub") => Some(edit.op("Neg", &[right])),
        (left, right) => left.or(right),
    };
    let value = a.build(edit, sum, a.weight, bias);
    edit.replace(site.output()?, value);
    Some(())
}

pub(super) const ASSOCIATE: Rule = Rule {
    name: "reassociate-matmuls",
    what: "MatMul(MatMul(a, b), c) -> MatMul(a, MatMul(b, c))",
    when: "nothing else reads the inner product",
    why: "(Q K^T) V is S x S in between, Q (K^T V) is d x d",
    source: "MPCViT, arXiv 2211.13955; associativity",
    anchors: &["MatMul"],
    rewrite: &associate,
    ..MATRICES
};

fn associate(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (inner, c) = (site.input(0)?, site.input(1)?);
    let product = site.made_by(inner, "MatMul").filter(|_| site.is_private(inner))?;
    let (a, b) = (product.inputs[0]?, product.inputs[1]?);
    let two = |value| site.shape(value).is_some_and(|shape| shape.len() >= 2);
    if !(two(a) && two(b) && two(c)) {
        return None;
    }
    let right = edit.op("MatMul", &[b, c]);
    let value = edit.op("MatMul", &[a, right]);
    edit.replace(site.output()?, value);
    Some(())
}

pub(super) const SCORES: Rule = Rule {
    name: "merge-query-key-weights",
    what: "MatMul(x, Wq) Transpose(MatMul(y, Wk)) -> MatMul(x, Wq Wk^T) Transpose(y)",
    when: "no bias, one head: nothing between but the transposition",
    why: "one product less; weights d x d in place of two d x d_head",
    source: "associativity",
    anchors: &["MatMul"],
    rewrite: &scores,
    ..MATRICES
};

fn scores(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (left, right) = (site.input(0)?, site.input(1)?);
    let transposed = site.made_by(right, "Transpose").filter(|_| site.is_private(right))?;
    let (query, key) = (Linear::of(site, left)?, Linear::of(site, transposed.inputs[0]?)?);
    let perm = transposed.attributes.ints("perm")?;
    let swap = (0..perm.len())
        .rev()
        .take(2)
        .rev()
        .eq(perm[perm.len().checked_sub(2)?..].iter().rev().map(|p| *p as usize));
    let plain =
        is(query.node, "MatMul") && is(key.node, "MatMul") && query.bias.is_none() && key.bias.is_none();
    if !(swap && plain && site.is_private(left) && site.is_private(key.output)) {
        return None;
    }
    let key_weight = edit.transpose(key.weight, &[1, 0]);
    let weight = edit.op("MatMul", &[query.weight, key_weight]);
    let product = edit.op("MatMul", &[query.x, weight]);
    let operand = edit.like(transposed, &[key.x]);
    let value = edit.op("MatMul", &[product, operand]);
    edit.replace(site.output()?, value);
    Some(())
}
