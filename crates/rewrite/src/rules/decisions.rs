//! Decisions that functions do not change.

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, int, is};

pub(super) const ARGMAX: Rule = Rule {
    name: "argmax-of-monotone",
    family: Family::Cleaning,
    what: "ArgMax(f(x)) -> ArgMax(x), f one of Softmax, LogSoftmax, Sigmoid, Tanh, Exp",
    when: "a Softmax of the same axis; nothing else reads f",
    why: "the largest element stays where it is",
    source: "monotony",
    promise: Promise::Exact,
    anchors: &["ArgMax"],
    rewrite: argmax,
};

fn argmax(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let inner = site.input(0)?;
    let node = site.producer(inner).filter(|_| site.is_private(inner))?;
    let rank = site.shape(inner)?.len() as i64;
    let holds = if is(node, "Softmax") || is(node, "LogSoftmax") {
        let axis = int(node, "axis", if node.opset >= 13 { -1 } else { 1 }).rem_euclid(rank);
        axis == int(site.node, "axis", 0).rem_euclid(rank) && (node.opset >= 13 || axis == rank - 1)
    } else {
        ["Sigmoid", "Tanh", "Exp"].iter().any(|op| is(node, op))
    };
    if !holds {
        return None;
    }
    let value = edit.like(site.node, &[node.inputs[0]?]);
    edit.replace(site.output()?, value);
    Some(())
}

pub(super) const THRESHOLD: Rule = Rule {
    name: "threshold-of-sigmoid",
    what: "Sigmoid(x) > c -> x > log(c / (1 - c)), and <, >=, <= alike",
    when: "c between 0 and 1; nothing else reads the Sigmoid",
    why: "the function is not computed where only a decision is wanted",
    anchors: &["Greater", "GreaterOrEqual", "Less", "LessOrEqual"],
    rewrite: threshold,
    ..ARGMAX
};

fn threshold(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let sides = [site.input(0)?, site.input(1)?];
    let at = sides.iter().position(|side| site.made_by(*side, "Sigmoid").is_some())?;
    let (inner, bound) = (sides[at], site.number(sides[1 - at])?);
    let sigmoid = site.made_by(inner, "Sigmoid").filter(|_| site.is_private(inner))?;
    if !(bound > 0.0 && bound < 1.0) {
        return None;
    }
    let bound = edit.number((bound / (1.0 - bound)).ln());
    let mut operands = [bound, bound];
    operands[at] = sigmoid.inputs[0]?;
    let value = edit.like(site.node, &operands);
    edit.replace(site.output()?, value);
    Some(())
}

pub(super) const COPIES: Rule = Rule {
    name: "elementwise-before-copies",
    family: Family::Moving,
    what: "f(Expand(x)), f(Tile(x)), f(Concat(x, x)) -> the copies of f(x), f elementwise",
    when: "nothing else reads the copies",
    why: "copies are equal, so f runs on one of them",
    source: "f looks at each element on its own",
    anchors: &["Relu", "Sigmoid", "Tanh", "Exp", "Erf", "Clip", "Sqrt", "Abs", "LeakyRelu", "Gelu"],
    rewrite: copies,
    ..ARGMAX
};

fn copies(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let x = site.input(0)?;
    let node = site.producer(x).filter(|_| site.is_private(x))?;
    let first = node.inputs.first().copied().flatten()?;
    let equal =
        is(node, "Concat") && node.inputs.len() > 1 && node.inputs.iter().all(|input| *input == Some(first));
    if !(is(node, "Expand") || is(node, "Tile") || equal) || site.is_constant(first) {
        return None;
    }
    let mut operands: Vec<_> = site.node.present_inputs().collect();
    operands[0] = first;
    let early = edit.like(site.node, &operands);
    let mut inputs: Vec<_> = node.present_inputs().collect();
    for input in &mut inputs {
        if *input == first {
            *input = early;
        }
    }
    let value = edit.like(node, &inputs);
    edit.replace(site.output()?, value);
    Some(())
}
