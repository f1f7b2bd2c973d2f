//! Concat of one function's values as the function of the Concat.

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, int, is};

use super::cleaning::whole;

pub(super) const RULE: Rule = Rule {
    name: "relu-concat-hoist",
    family: Family::Merging,
    what: "Concat(f(a), f(b)) -> f(Concat(a, b)), f one of Relu, Sigmoid, Tanh, Exp, Clip, LeakyRelu, Erf, or of channels a \
           pool",
    when: "the same function with the same attributes everywhere; nothing else reads its values",
    why: "frameworks run nodes one after another: one call takes half the rounds of two",
    source: "elementwise functions commute with Concat",
    promise: Promise::Exact,
    anchors: &["Concat"],
    rewrite: &rewrite,
};

fn rewrite(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let inputs: Vec<_> = site.node.present_inputs().collect();
    let by_channel = int(site.node, "axis", 0) == 1;
    let first = site.producer(*inputs.first()?)?;
    let known = ["Relu", "Sigmoid", "Tanh", "Exp", "Clip", "LeakyRelu", "Erf"];
    let pools = ["MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"];
    let pool = by_channel && first.outputs.len() == 1 && pools.iter().any(|op| is(first, op));
    if inputs.len() < 2 || !(pool || known.iter().any(|op| is(first, op))) {
        return None;
    }
    let mut operands = Vec::new();
    for input in &inputs {
        let node = site.made_by(*input, &first.op)?;
        let same = node.attributes == first.attributes && node.inputs[1..] == first.inputs[1..];
        if !same || !site.is_private(*input) {
            return None;
        }
        operands.push(node.inputs[0]?);
    }
    let axis = int(site.node, "axis", 0).rem_euclid(site.shape(site.output()?)?.len() as i64);
    let concat = whole(site, &operands, axis).unwrap_or_else(|| edit.like(site.node, &operands));
    let mut arguments: Vec<_> = first.present_inputs().collect();
    arguments[0] = concat;
    let hoisted = edit.like(first, &arguments);
    edit.replace(site.output()?, hoisted);
    Some(())
}
