//! MaxPool(Relu(x)) as Relu(MaxPool(x)), and other functions that never fall.

use hawkeye_graph::Node;

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, float, is};

pub(super) const RULE: Rule = Rule {
    name: "relu-maxpool-swap",
    family: Family::Moving,
    what: "MaxPool(f(x)) -> f(MaxPool(x)), also of GlobalMaxPool, ReduceMax and ReduceMin, f one of Relu, Clip, Sigmoid, \
           Tanh, Exp, Log, Sqrt, Erf, Softplus, HardSigmoid, LeakyRelu, Elu",
    when: "f never falls: the maximum stays where it is, and ONNX pads with -inf; nothing else reads f",
    why: "the comparison with zero runs on the pool's output, a quarter or less of its input",
    source: "EzPC Athos, SeeDot/Optimizations/ReluMaxpoolOpti.py",
    promise: Promise::Exact,
    anchors: &["MaxPool", "GlobalMaxPool", "ReduceMax", "ReduceMin"],
    rewrite: &rewrite,
};

fn rewrite(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (x, output) = (site.input(0)?, site.output()?);
    let function = site.producer(x).filter(|node| never_falls(node))?;
    if !site.is_private(x) || site.node.outputs.len() > 1 {
        return None;
    }
    let mut operands: Vec<_> = site.node.present_inputs().collect();
    let mut inputs = function.inputs.clone();
    operands[0] = inputs[0]?;
    inputs[0] = Some(edit.like(site.node, &operands));
    let attributes: Vec<_> = function.attributes.iter().map(|(name, value)| (name, value.clone())).collect();
    let swapped = edit.node(&function.op, &inputs, &attributes, 1)[0];
    edit.replace(output, swapped);
    Some(())
}

/// Whether a node's function of each element is nowhere smaller for a larger argument.
fn never_falls(node: &Node) -> bool {
    let always = ["Relu", "Clip", "Sigmoid", "Tanh", "Exp", "Log", "Sqrt", "Erf", "Softplus"];
    let by_alpha = [("HardSigmoid", 0.2), ("LeakyRelu", 0.01), ("Elu", 1.0)];
    always.iter().any(|op| is(node, op))
        || by_alpha.iter().any(|(op, usual)| is(node, op) && float(node, "alpha", *usual) >= 0.0)
}
