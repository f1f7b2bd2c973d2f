//! LayerNormalization as one operator.

use hawkeye_graph::{Attribute, Node, ValueId};

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, int, is};

pub(super) const RULE: Rule = Rule {
    name: "layernorm-fuse",
    family: Family::Division,
    what: "y = x - ReduceMean(x), y / Sqrt(ReduceMean(y^2) + e) * scale + shift -> LayerNormalization",
    when: "opset 17, the last axis, scale and shift weights of its size",
    why: "frameworks with the operator normalise by an inverse square root per row",
    source: "ONNX operator specification",
    promise: Promise::Exact,
    anchors: &["Add"],
    rewrite: &rewrite,
};

fn rewrite(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (scaled, shift) = operand_and_weight(site, site.input(0)?, site.input(1)?)?;
    let scaled = site.made_by(scaled, "Mul").filter(|_| site.is_private(scaled))?;
    let (normal, scale) = operand_and_weight(site, scaled.inputs[0]?, scaled.inputs[1]?)?;
    let quotient = site.made_by(normal, "Div").filter(|_| site.is_private(normal))?;
    let (x, epsilon) = normalised(site, quotient)?;
    let size = site.shape(x)?.last().copied();
    let vector = |value: ValueId| {
        site.shape(value).is_some_and(|shape| shape.len() == 1 && shape.last().copied() == size)
    };
    if !(vector(scale) && vector(shift)) || edit.opset() < 17 {
        return None;
    }
    let attributes = [("axis", Attribute::Int(-1)), ("epsilon", Attribute::Float(epsilon as f32))];
    let value = edit.with("LayerNormalization", &[x, scale, shift], &attributes);
    edit.replace(site.output()?, value);
    Some(())
}

/// What a quotient normalises along the last axis, and what is added to the variance.
fn normalised(site: &Site<'_>, quotient: &Node) -> Option<(ValueId, f64)> {
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
    let rank = site.shape(x)?.len() as i64;
    let last = |node: &Node| {
        let axes = match node.inputs.get(1).copied().flatten() {
            Some(axes) => site.ints(axes)?,
            None => node.attributes.ints("axes")?.to_vec(),
        };
        Some(int(node, "keepdims", 1) == 1 && (axes == [-1] || axes == [rank - 1]))
    };
    (of_centred && last(mean)? && last(variance)?).then_some((x, epsilon))
}

pub(super) const AFFINE: Rule = Rule {
    name: "layernorm-affine",
    what: "LayerNormalization(x, scale, shift) -> scale x + shift; (x - mean) / deviation -> x where it is written out",
    when: "along the last axis, or by one node",
    why: "no mean, square and inverse square root of each row",
    source: "THE-X, Chen et al., Findings of ACL 2022: scale and shift are distilled",
    promise: Promise::Approximate { error: "not bounded", training: true },
    anchors: &["LayerNormalization", "Div"],
    rewrite: &affine,
    ..RULE
};

fn affine(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let output = site.output()?;
    let value = if is(site.node, "Div") {
        let (x, _) = normalised(site, site.node)?;
        // An output keeps its name, and an input its own.
        if site.graph.outputs.contains(&output) { edit.op("Identity", &[x]) } else { x }
    } else {
        if site.node.outputs.len() > 1 {
            return None;
        }
        let scaled = edit.op("Mul", &[site.input(0)?, site.input(1)?]);
        site.input(2).map_or(scaled, |shift| edit.op("Add", &[scaled, shift]))
    };
    edit.replace(output, value);
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
