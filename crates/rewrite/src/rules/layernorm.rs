//! LayerNormalization as one operator.

use hawkeye_graph::{Attribute, ValueId};

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, is};

pub(super) const RULE: Rule = Rule {
    name: "layernorm-fuse",
    family: Family::Division,
    what: "y = x - ReduceMean(x), y / Sqrt(ReduceMean(y^2) + e) * scale + shift -> LayerNormalization",
    when: "opset 17, the last axis, scale and shift weights of its size",
    why: "frameworks with the operator normalise by an inverse square root per row",
    source: "ONNX operator specification",
    promise: Promise::Exact,
    anchors: &["Add"],
    rewrite,
};

fn rewrite(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (scaled, shift) = operand_and_weight(site, site.input(0)?, site.input(1)?)?;
    let scaled = site.made_by(scaled, "Mul").filter(|_| site.is_private(scaled))?;
    let (normal, scale) = operand_and_weight(site, scaled.inputs[0]?, scaled.inputs[1]?)?;
    let quotient = site.made_by(normal, "Div").filter(|_| site.is_private(normal))?;
    let (centred, root) = (quotient.inputs[0]?, quotient.inputs[1]?);
    let root = site.made_by(root, "Sqrt")?;
    let sum = site.made_by(root.inputs[0]?, "Add")?;
    let epsilon = site.number(sum.inputs[1]?)?;
    let variance = site.made_by(sum.inputs[0]?, "ReduceMean")?;
    let square = variance.inputs[0]?;
    let squared = site.producer(square)?;
    let of_centred = if is(squared, "Pow") {
        squared.inputs[0] == Some(centred) && site.number(squared.inputs[1]?)? == 2.0
    } else {
        is(squared, "Mul") && squared.inputs[..2] == [Some(centred), Some(centred)]
    };
    let difference = site.made_by(centred, "Sub")?;
    let (x, mean) = (difference.inputs[0]?, difference.inputs[1]?);
    let mean = site.made_by(mean, "ReduceMean").filter(|mean| mean.inputs[0] == Some(x))?;
    let shape = site.shape(x)?;
    let size = *shape.last()?;
    let last = |node: &hawkeye_graph::Node| {
        let axes = match node.inputs.get(1).copied().flatten() {
            Some(axes) => site.ints(axes)?,
            None => node.attributes.ints("axes")?.to_vec(),
        };
        let kept = crate::rule::int(node, "keepdims", 1) == 1;
        Some(kept && (axes == [-1] || axes == [shape.len() as i64 - 1]))
    };
    let vector = |value: ValueId| site.shape(value).is_some_and(|shape| shape == [size]);
    let fits = of_centred && last(mean)? && last(variance)? && vector(scale) && vector(shift);
    if !fits || edit.opset() < 17 {
        return None;
    }
    let attributes = [("axis", Attribute::Int(-1)), ("epsilon", Attribute::Float(epsilon as f32))];
    let value = edit.with("LayerNormalization", &[x, scale, shift], &attributes);
    edit.replace(site.output()?, value);
    Some(())
}

/// The two operands of a sum or product, the weight last.
fn operand_and_weight(site: &Site<'_>, a: ValueId, b: ValueId) -> Option<(ValueId, ValueId)> {
    match (site.is_weight(a), site.is_weight(b)) {
        (false, true) => Some((a, b)),
        (true, false) => Some((b, a)),
        _ => None,
    }
}
