//! A scale and shift per channel after a linear layer, within its weight and bias.

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, is};

use super::affine::Affine;
use super::linear::Linear;

pub(super) const RULE: Rule = Rule {
    name: "affine-after-linear",
    family: Family::Folding,
    what: "Conv, ConvTranspose, Gemm or MatMul, then BatchNormalization, Mul, Div, Add or Sub by constants per \
           channel -> the layer alone",
    when: "statistics and factors are weights of the model; nothing else reads the layer",
    why: "a product per element, and of BatchNormalization an inverse square root, are gone",
    source: "Jacob et al., arXiv 1712.05877, section 3.2",
    promise: Promise::Exact,
    anchors: &["BatchNormalization", "Mul", "Div", "Add", "Sub"],
    rewrite: &rewrite,
};

fn rewrite(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let output = site.output()?;
    let rank = site.shape(output)?.len();
    let affine = [1, rank.checked_sub(1)?].iter().find_map(|axis| {
        let affine = Affine::of(site, site.node, *axis)?;
        let linear = Linear::of(site, affine.x)?;
        (linear.axis(rank) == *axis).then_some((affine, linear))
    });
    let (affine, linear) = affine?;
    let private = site.is_private(linear.output);
    // The bias of a MatMul is such an Add already.
    let biased = is(site.node, "Add") && linear.bias.is_none() && is(linear.node, "MatMul");
    if !private || biased {
        return None;
    }
    let (scale, shift) = affine.vectors(edit);
    let folded = linear.affine(edit, scale, shift);
    edit.replace(output, folded);
    Some(())
}
