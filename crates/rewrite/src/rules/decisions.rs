//! Decisions that functions do not change.

use hawkeye_graph::ValueId;

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
    rewrite: &argmax,
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
    what: "Sigmoid(x) > c -> x > log(c / (1 - c)), and <, >=, <= alike; also of Tanh, Exp and Relu",
    when: "c is a number within the function's range, for Relu above zero, or zero where a Relu of zero decides as a \
           negative number does; nothing else reads the function",
    why: "the function is not computed where only a decision is wanted",
    anchors: &["Greater", "GreaterOrEqual", "Less", "LessOrEqual"],
    rewrite: &threshold,
    ..ARGMAX
};

fn threshold(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let sides = [site.input(0)?, site.input(1)?];
    let functions = ["Sigmoid", "Tanh", "Exp", "Relu"];
    let of = |side: ValueId| {
        let node = site.producer(side).filter(|_| site.is_private(side))?;
        functions.iter().any(|op| is(node, op)).then_some(node)
    };
    let at = sides.iter().position(|side| of(*side).is_some())?;
    let (function, bound) = (of(sides[at])?, site.number(sides[1 - at])?);
    // f(x) > c and f(x) <= c are the same for f(x) = c = 0 and for less; c < f(x) and c >= f(x), too.
    let strict = ["Greater", "LessOrEqual"].iter().any(|op| is(site.node, op)) == (at == 0);
    let bound = match function.op.as_str() {
        "Sigmoid" if bound > 0.0 && bound < 1.0 => (bound / (1.0 - bound)).ln(),
        "Tanh" if bound > -1.0 && bound < 1.0 => bound.atanh(),
        "Exp" if bound > 0.0 => bound.ln(),
        "Relu" if bound > 0.0 || bound == 0.0 && strict => bound,
        _ => return None,
    };
    let bound = edit.number(bound);
    let mut operands = [bound, bound];
    operands[at] = function.inputs[0]?;
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
    rewrite: &copies,
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
