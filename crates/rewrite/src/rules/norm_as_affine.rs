//! BatchNormalization as a product and a sum.

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site};

use super::affine::Affine;

pub(super) const RULE: Rule = Rule {
    name: "batchnorm-as-affine",
    family: Family::Folding,
    what: "BatchNormalization -> Mul, Add with scale and shift worked out beforehand",
    when: "its statistics are weights of the model",
    why: "frameworks compute the inverse square root of the secret variance again in every run",
    source: "CrypTen 0.4.1 crypten/nn/module.py, class _BatchNorm",
    promise: Promise::Exact,
    anchors: &["BatchNormalization"],
    rewrite: &rewrite,
};

fn rewrite(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let output = site.output()?;
    let affine = Affine::of(site, site.node, 1)?;
    let mut shape = vec![1; site.shape(output)?.len()];
    shape[1] = -1;
    let (scale, shift) = affine.vectors(edit);
    let scale = edit.reshape(scale?, &shape);
    let shift = edit.reshape(shift?, &shape);
    let product = edit.op("Mul", &[affine.x, scale]);
    let sum = edit.op("Add", &[product, shift]);
    edit.replace(output, sum);
    Some(())
}
