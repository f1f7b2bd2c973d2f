//! Products of one operand with several weights as one product.

use hawkeye_graph::ValueId;

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, is};

use super::linear::Linear;

pub(super) const RULE: Rule = Rule {
    name: "merge-matmuls-of-one-operand",
    family: Family::Merging,
    what: "MatMul(x, W1), MatMul(x, W2), ... -> parts of MatMul(x, [W1 W2 ...]), biases alike",
    when: "the same left operand; weights of two dimensions",
    why: "the operand is opened once, not once per product",
    source: "queries, keys and values of BERT, as in PUMA and BOLT",
    promise: Promise::Exact,
    anchors: &["MatMul"],
    rewrite: &rewrite,
};

fn rewrite(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let x = site.input(0)?;
    let readers = site.consumers(x);
    let mut layers = Vec::new();
    for node in readers.into_iter().filter(|node| is(node, "MatMul")) {
        let product = node.outputs[0]?;
        let Some(layer) = Linear::of(site, product).filter(|layer| layer.x == x && layer.weight != x) else {
            continue;
        };
        let sum = site.consumers(product).first().and_then(|add| {
            let output = add.outputs.first().copied().flatten()?;
            let biased = is(add, "Add") && site.is_private(product);
            Linear::of(site, output).filter(|layer| biased && layer.bias.is_some())
        });
        layers.push(sum.unwrap_or(layer));
    }
    // Once for all of them, from the first.
    if layers.len() < 2 || !std::ptr::eq(layers[0].node, site.node) {
        return None;
    }
    let weights: Vec<ValueId> = layers.iter().map(|layer| layer.weight).collect();
    let weight = edit.concat(&weights, 1);
    let mut merged = edit.op("MatMul", &[x, weight]);
    if layers.iter().any(|layer| layer.bias.is_some()) {
        let biases: Vec<ValueId> = layers
            .iter()
            .map(|layer| {
                layer.bias.unwrap_or_else(|| {
                    let zeros = vec![0.0; layer.outputs() as usize];
                    edit.floats(&[zeros.len() as u64], &zeros)
                })
            })
            .collect();
        let bias = edit.concat(&biases, 0);
        merged = edit.op("Add", &[merged, bias]);
    }
    let sizes: Vec<i64> = layers.iter().map(Linear::outputs).collect();
    let axis = site.shape(x)?.len() as i64 - 1;
    let parts = edit.parts(merged, axis, &sizes);
    for (layer, part) in layers.iter().zip(parts) {
        edit.replace(layer.output, part);
    }
    Some(())
}
