//! A scale and shift per channel before linear layers, within their weights and biases.

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site};

use super::affine::Affine;
use super::linear::Linear;

pub(super) const RULE: Rule = Rule {
    name: "affine-before-linear",
    family: Family::Folding,
    what: "BatchNormalization, Mul, Div, Add or Sub by constants per channel, then linear layers -> the layers \
           alone; before a padded Conv, the layer and a constant map",
    when: "all that reads it is linear. Padding zeros are not shifted, so there the shift is a map (1, O, h, w), \
           which is exact where a bias is not",
    why: "a product per element is gone; an addition of a constant sends nothing",
    source: "Jacob et al., arXiv 1712.05877, section 3.2",
    promise: Promise::Exact,
    anchors: &["BatchNormalization", "Mul", "Div", "Add", "Sub"],
    rewrite,
};

fn rewrite(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let output = site.output()?;
    if site.graph.outputs.contains(&output) {
        return None;
    }
    let rank = site.shape(output)?.len();
    let consumers = site.consumers(output);
    let layers: Vec<Linear<'_>> =
        consumers.iter().map(|node| Linear::reading(site, node, output)).collect::<Option<_>>()?;
    let axis = layers.first()?.axis(rank);
    let affine = Affine::chain(site, site.node, axis)?;
    let same = layers.iter().all(|layer| layer.axis(rank) == axis);
    if !same || site.is_constant(affine.x) {
        return None;
    }
    let (scale, shift) = affine.vectors(edit);
    for layer in &layers {
        let weight = match scale {
            Some(scale) => layer.scale_inputs(edit, scale)?,
            None => layer.weight,
        };
        let Some(shift) = shift else {
            let folded = layer.build(edit, affine.x, weight, layer.bias);
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
            let product = layer.build(edit, affine.x, weight, None);
            let folded = edit.op("Add", &[product, shift]);
            edit.replace(layer.output, folded);
        } else {
            let bias = match layer.bias {
                Some(bias) => edit.op("Add", &[bias, shift]),
                None => shift,
            };
            let folded = layer.build(edit, affine.x, weight, Some(bias));
            edit.replace(layer.output, folded);
        }
    }
    Some(())
}
