//! Activations by others.

use hawkeye_graph::{Attribute, ValueId};

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, float};

use super::linear::Linear;

pub(super) const LEAKY: Rule = Rule {
    name: "leakyrelu-as-relu",
    family: Family::Activation,
    what: "LeakyRelu(x) -> a x + (1 - a) Relu(x)",
    when: "always",
    why: "it runs where LeakyRelu is refused; one comparison either way",
    source: "definition of LeakyRelu",
    promise: Promise::Exact,
    anchors: &["LeakyRelu"],
    rewrite: &leaky,
};

fn leaky(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let x = site.input(0)?;
    let alpha = f64::from(float(site.node, "alpha", 0.01));
    let (slope, rest) = (edit.number(alpha), edit.number(1.0 - alpha));
    let relu = edit.op("Relu", &[x]);
    let below = edit.op("Mul", &[x, slope]);
    let above = edit.op("Mul", &[relu, rest]);
    let sum = edit.op("Add", &[below, above]);
    edit.replace(site.output()?, sum);
    Some(())
}

pub(super) const LEAKY_CONV: Rule = Rule {
    name: "leakyrelu-into-conv",
    what: "LeakyRelu(t), Conv(W) -> Conv(Concat(Relu(t), t), [W (1 - a), W a])",
    when: "all that reads it are Convs of one group",
    why: "no product with a constant is left",
    source: "definition of LeakyRelu; linearity",
    rewrite: &leaky_conv,
    ..LEAKY
};

pub(super) const GELU_ERF: Rule = Rule {
    name: "gelu-as-erf",
    what: "Gelu(x) -> x (1 + Erf(x / sqrt 2)) / 2",
    when: "approximate is none",
    why: "JAX computes Gelu by the complementary error function, whose two branches SPU both runs",
    source: "definition of Gelu; jax.nn.gelu",
    anchors: &["Gelu"],
    rewrite: &gelu_erf,
    ..LEAKY
};

fn gelu_erf(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let exact = match site.node.attributes.get("approximate") {
        None => true,
        Some(Attribute::String(text)) => text == "none",
        Some(_) => false,
    };
    let x = exact.then_some(site.input(0)?)?;
    let (root, one, half) = (edit.number(std::f64::consts::SQRT_2), edit.number(1.0), edit.number(0.5));
    let scaled = edit.op("Div", &[x, root]);
    let erf = edit.op("Erf", &[scaled]);
    let gate = edit.op("Add", &[erf, one]);
    let product = edit.op("Mul", &[x, gate]);
    let gelu = edit.op("Mul", &[product, half]);
    edit.replace(site.output()?, gelu);
    Some(())
}

fn leaky_conv(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (x, output) = (site.input(0)?, site.output()?);
    let readers = site.consumers(output);
    let layers: Vec<Linear<'_>> =
        readers.iter().map(|node| Linear::reading(site, node, output)).collect::<Option<_>>()?;
    let single = |layer: &Linear<'_>| layer.is_conv() && layer.inputs() == layer.dims[1];
    if layers.is_empty() || !layers.iter().all(single) || site.graph.outputs.contains(&output) {
        return None;
    }
    let alpha = f64::from(float(site.node, "alpha", 0.01));
    let relu = edit.op("Relu", &[x]);
    let both = edit.concat(&[relu, x], 1);
    for layer in layers {
        let (slope, rest) = (edit.number(alpha), edit.number(1.0 - alpha));
        let above = edit.op("Mul", &[layer.weight, rest]);
        let below = edit.op("Mul", &[layer.weight, slope]);
        let weight = edit.concat(&[above, below], 1);
        let folded = layer.build(edit, both, weight, layer.bias);
        edit.replace(layer.output, folded);
    }
    Some(())
}

pub(super) const PRELU: Rule = Rule {
    name: "prelu-as-relu",
    what: "PRelu(x, s) -> r - s (r - x), r = Relu(x)",
    when: "always",
    why: "one comparison and one product, in place of a product per side",
    source: "definition of PRelu",
    anchors: &["PRelu"],
    rewrite: &prelu,
    ..LEAKY
};

fn prelu(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (x, slope) = (site.input(0)?, site.input(1)?);
    let relu = edit.op("Relu", &[x]);
    let below = edit.op("Sub", &[relu, x]);
    let scaled = edit.op("Mul", &[below, slope]);
    let value = edit.op("Sub", &[relu, scaled]);
    edit.replace(site.output()?, value);
    Some(())
}

pub(super) const ABS: Rule = Rule {
    name: "abs-as-relu",
    what: "Abs(x) -> r + r - x, r = Relu(x)",
    when: "always",
    why: "two sums in place of a product with the sign",
    source: "|x| = 2 Relu(x) - x",
    anchors: &["Abs"],
    rewrite: &abs,
    ..LEAKY
};

fn abs(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let x = site.input(0)?;
    let relu = edit.op("Relu", &[x]);
    let rest = edit.op("Sub", &[relu, x]);
    let value = edit.op("Add", &[relu, rest]);
    edit.replace(site.output()?, value);
    Some(())
}

pub(super) const MAX: Rule = Rule {
    name: "max-as-relu",
    what: "Max(a, b) -> a + Relu(b - a); Min(a, b) -> a - Relu(a - b)",
    when: "two operands of one shape",
    why: "one comparison; it runs where Max is refused",
    source: "definition",
    anchors: &["Max", "Min"],
    rewrite: &max,
    ..LEAKY
};

fn max(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (a, b) = (site.input(0)?, site.input(1)?);
    if site.node.inputs.len() != 2 || site.shape(a)? != site.shape(b)? {
        return None;
    }
    let value = if site.node.op == "Max" {
        edit.larger(a, b)
    } else {
        let difference = edit.op("Sub", &[a, b]);
        let positive = edit.op("Relu", &[difference]);
        edit.op("Sub", &[a, positive])
    };
    edit.replace(site.output()?, value);
    Some(())
}

pub(super) const SIGMOID: Rule = Rule {
    name: "sigmoid-as-tanh",
    what: "Sigmoid(x) -> Tanh(x / 2) / 2 + 1/2",
    when: "always; frameworks' own approximations of the two differ",
    why: "where Tanh is a polynomial and Sigmoid an exponential and a reciprocal",
    source: "identity of the functions; SPU 0.9.5, f_tanh",
    anchors: &["Sigmoid"],
    rewrite: &sigmoid,
    ..LEAKY
};

fn sigmoid(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let half = edit.number(0.5);
    let inner = edit.op("Mul", &[site.input(0)?, half]);
    let tanh = edit.op("Tanh", &[inner]);
    let scaled = edit.op("Mul", &[tanh, half]);
    let value = edit.op("Add", &[scaled, half]);
    edit.replace(site.output()?, value);
    Some(())
}

pub(super) const TANH: Rule = Rule {
    name: "tanh-as-sigmoid",
    what: "Tanh(x) -> 2 Sigmoid(2 x) - 1",
    when: "always; frameworks' own approximations of the two differ",
    why: "it runs where Tanh is refused",
    source: "identity of the functions",
    anchors: &["Tanh"],
    rewrite: &tanh,
    ..LEAKY
};

fn tanh(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (two, one) = (edit.number(2.0), edit.number(1.0));
    let inner = edit.op("Mul", &[site.input(0)?, two]);
    let sigmoid = edit.op("Sigmoid", &[inner]);
    let scaled = edit.op("Mul", &[sigmoid, two]);
    let value = edit.op("Sub", &[scaled, one]);
    edit.replace(site.output()?, value);
    Some(())
}

pub(super) const HARD_SIGMOID: Rule = Rule {
    name: "hardsigmoid-as-clip",
    what: "HardSigmoid of a linear layer -> Clip of it in [0, 1], alpha and beta in its weights",
    when: "nothing else reads the layer",
    why: "no product with a constant is left",
    source: "definition of HardSigmoid",
    anchors: &["HardSigmoid"],
    rewrite: &hard_sigmoid,
    ..LEAKY
};

fn hard_sigmoid(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let x = site.input(0)?;
    let layer = Linear::of(site, x).filter(|_| site.is_private(x))?;
    let count = layer.outputs() as usize;
    let mut vector = |x: f32| edit.floats(&[count as u64], &vec![f64::from(x); count]);
    let alpha = vector(float(site.node, "alpha", 0.2));
    let beta = vector(float(site.node, "beta", 0.5));
    let scaled = layer.affine(edit, Some(alpha), Some(beta));
    let value = clip(edit, scaled, 0.0, 1.0);
    edit.replace(site.output()?, value);
    Some(())
}

/// A Clip as the opset writes it.
pub(super) fn clip(edit: &mut Edit, x: ValueId, low: f64, high: f64) -> ValueId {
    if edit.opset() < 11 {
        let float = |x: f64| hawkeye_graph::Attribute::Float(x as f32);
        return edit.with("Clip", &[x], &[("min", float(low)), ("max", float(high))]);
    }
    let (low, high) = (edit.number(low), edit.number(high));
    edit.op("Clip", &[x, low, high])
}
