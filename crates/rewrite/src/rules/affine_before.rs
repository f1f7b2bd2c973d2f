//! A scale and shift per channel before linear layers, within their weights and biases.

use hawkeye_graph::ValueId;

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, is};

use super::affine::Affine;
use super::linear::Linear;

pub(super) const RULE: Rule = Rule {
    name: "affine-before-linear",
    family: Family::Folding,
    what: "BatchNormalization, Mul, Div, Add or Sub by constants per channel, then linear layers, perhaps after a \
           Flatten -> the layers alone; before a padded Conv, the layer and a constant map",
    when: "all that reads it is linear. Padding zeros are not shifted, so there the shift is a map (1, O, h, w), \
           which is exact where a bias is not",
    why: "a product per element is gone; an addition of a constant sends nothing",
    source: "Jacob et al., arXiv 1712.05877, section 3.2",
    promise: Promise::Exact,
    anchors: &["BatchNormalization", "Mul", "Div", "Add", "Sub"],
    rewrite: &rewrite,
};

fn rewrite(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let output = site.output()?;
    if site.graph.outputs.contains(&output) {
        return None;
    }
    let rank = site.shape(output)?.len();
    let Some(layers) = readers(site, output) else { return flattened(site, edit, output) };
    let axis = layers.first()?.axis(rank);
    let affine = Affine::chain(site, site.node, axis)?;
    let same = layers.iter().all(|layer| layer.axis(rank) == axis);
    if !same || site.is_constant(affine.x) {
        return None;
    }
    let (scale, shift) = affine.vectors(edit);
    fold(site, edit, &layers, affine.x, (scale, shift))
}

/// The layers that read a value, if nothing else does.
fn readers<'a>(site: &Site<'a>, value: ValueId) -> Option<Vec<Linear<'a>>> {
    site.consumers(value).into_iter().map(|node| Linear::reading(site, node, value)).collect()
}

/// The same where a Flatten, or a Reshape that does as much, stands before matrix products.
fn flattened(site: &Site<'_>, edit: &mut Edit, output: ValueId) -> Option<()> {
    let [flatten] = site.consumers(output)[..] else { return None };
    if !(is(flatten, "Flatten") || is(flatten, "Reshape")) {
        return None;
    }
    let flat = flatten.outputs.first().copied().flatten()?;
    let (shape, row) = (site.shape(output)?, site.shape(flat)?);
    let [images, channels, pixels @ ..] = &shape[..] else { return None };
    let pixels: i64 = pixels.iter().product();
    let layers =
        readers(site, flat).filter(|layers| !layers.is_empty() && layers.iter().all(Linear::is_matrix))?;
    let affine = Affine::chain(site, site.node, 1)?;
    if row != [*images, channels * pixels] || site.graph.outputs.contains(&flat) || site.is_constant(affine.x)
    {
        return None;
    }
    let vectors = affine.vectors(edit);
    let mut of_pixels = |vector: Option<ValueId>| {
        let column = edit.reshape(vector?, &[-1, 1]);
        let sizes = edit.ints(&[*channels, pixels]);
        let all = edit.op("Expand", &[column, sizes]);
        Some(edit.reshape(all, &[-1]))
    };
    let vectors = (of_pixels(vectors.0), of_pixels(vectors.1));
    let mut inputs: Vec<ValueId> = flatten.present_inputs().collect();
    inputs[0] = affine.x;
    let x = edit.like(flatten, &inputs);
    fold(site, edit, &layers, x, vectors)
}

/// Layers of `x` with a scale and shift of their operand within them.
fn fold(
    site: &Site<'_>,
    edit: &mut Edit,
    layers: &[Linear<'_>],
    x: ValueId,
    (scale, shift): (Option<ValueId>, Option<ValueId>),
) -> Option<()> {
    for layer in layers {
        let weight = match scale {
            Some(scale) => layer.scale_inputs(edit, scale)?,
            None => layer.weight,
        };
        let Some(shift) = shift else {
            let folded = layer.build(edit, x, weight, layer.bias);
            edit.replace(layer.output, folded);
            continue;
        };
        let shift = layer.shift(site, edit, shift)?;
        if layer.is_padded() {
            let shift = match layer.bias {
                Some(bias) => {
                    let bias = edit.reshape(bias, &[1, -1, 1, 1]);
                    edit.op("Add", &[shift, bias])
                }
                None => shift,
            };
            let product = layer.build(edit, x, weight, None);
            let folded = edit.op("Add", &[product, shift]);
            edit.replace(layer.output, folded);
        } else {
            let bias = match layer.bias {
                Some(bias) => edit.op("Add", &[bias, shift]),
                None => shift,
            };
            let folded = layer.build(edit, x, weight, Some(bias));
            edit.replace(layer.output, folded);
        }
    }
    Some(())
}
