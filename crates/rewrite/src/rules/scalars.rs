//! Public factors moved into weights.

use hawkeye_graph::ValueId;

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, is};

use super::linear::Linear;

pub(super) const FORWARD: Rule = Rule {
    name: "scale-into-next-linear",
    family: Family::Folding,
    what: "c x or x / c, then linear layers -> the layers with weights times c, for a number c; also through Transpose, \
           Reshape and an attention's product",
    when: "all that reads it is linear",
    why: "a truncation, and in CryptFlow2 a product with a model vector, is gone",
    source: "linearity",
    promise: Promise::Exact,
    anchors: &["Mul", "Div"],
    rewrite: &forward,
};

/// Operand and factor of a product with a number, or quotient by one.
fn factor(site: &Site<'_>) -> Option<(ValueId, f64)> {
    let (a, b) = (site.input(0)?, site.input(1)?);
    let (x, number) = match (site.number(a), site.number(b)) {
        (None, Some(number)) => (a, number),
        (Some(number), None) if is(site.node, "Mul") => (b, number),
        _ => return None,
    };
    let factor = if is(site.node, "Div") { 1.0 / number } else { number };
    (site.shape(x)? == site.shape(site.output()?)? && factor.is_finite()).then_some((x, factor))
}

fn forward(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let output = site.output()?;
    let (x, number) = factor(site)?;
    let readers = site.consumers(output);
    let layers: Vec<Linear<'_>> =
        readers.iter().map(|node| Linear::reading(site, node, output)).collect::<Option<_>>()?;
    if layers.is_empty() || site.graph.outputs.contains(&output) {
        return None;
    }
    for layer in layers {
        let number = edit.number(number);
        let weight = edit.op("Mul", &[layer.weight, number]);
        let value = layer.build(edit, x, weight, layer.bias);
        edit.replace(layer.output, value);
    }
    Some(())
}

pub(super) const BACKWARD: Rule = Rule {
    name: "scale-into-linear-before",
    what: "linear layer, then c x or x / c -> the layer with weight and bias times c, for a number c; through an \
           attention's product into the query",
    when: "nothing else reads what is scaled",
    rewrite: &backward,
    ..FORWARD
};

fn backward(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (x, number) = factor(site)?;
    let scaled = scaled(site, edit, x, number, 0)?;
    edit.replace(site.output()?, scaled);
    Some(())
}

/// A value times a number, without a product.
fn scaled(site: &Site<'_>, edit: &mut Edit, value: ValueId, number: f64, depth: usize) -> Option<ValueId> {
    if !site.is_private(value) || depth > 8 {
        return None;
    }
    if let Some(layer) = Linear::of(site, value) {
        let factor = edit.number(number);
        let weight = edit.op("Mul", &[layer.weight, factor]);
        let bias = layer.bias.map(|bias| edit.op("Mul", &[bias, factor]));
        return Some(layer.build(edit, layer.x, weight, bias));
    }
    let node = site.producer(value)?;
    let first = node.inputs.first().copied().flatten()?;
    let mut inputs: Vec<ValueId> = node.present_inputs().collect();
    match node.op.as_str() {
        "Reshape" | "Transpose" | "Squeeze" | "Unsqueeze" | "MatMul" | "Flatten" | "Slice" => {
            inputs[0] = scaled(site, edit, first, number, depth + 1)?;
        }
        "Relu" if number > 0.0 => inputs[0] = scaled(site, edit, first, number, depth + 1)?,
        _ => return None,
    }
    Some(edit.like(node, &inputs))
}

pub(super) const CHAIN: Rule = Rule {
    name: "merge-factors",
    what: "c1 (c2 x) -> (c1 c2) x",
    when: "numbers; nothing else reads the inner product",
    why: "one truncation in place of two",
    rewrite: &chain,
    ..FORWARD
};

fn chain(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (inner, outer) = factor(site)?;
    let node = site.producer(inner).filter(|node| is(node, "Mul") && site.is_private(inner))?;
    let (a, b) = (node.inputs[0]?, node.inputs[1]?);
    let (x, number) = match (site.number(a), site.number(b)) {
        (None, Some(number)) => (a, number),
        (Some(number), None) => (b, number),
        _ => return None,
    };
    let number = edit.number(number * outer);
    let value = edit.op("Mul", &[x, number]);
    edit.replace(site.output()?, value);
    Some(())
}
