//! Comparisons with zero that are not needed.

use hawkeye_graph::{Attribute, ValueId};

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, is};

/// Deepest chain of nodes that signs are followed through.
const DEEPEST: usize = 16;

/// Whether no element can be negative.
pub(super) fn is_positive(site: &Site<'_>, value: ValueId, depth: usize) -> bool {
    let Some(node) = site.producer(value).filter(|_| depth < DEEPEST) else { return false };
    let input = |index: usize| node.inputs.get(index).copied().flatten();
    let of = |value: Option<ValueId>| value.is_some_and(|value| is_positive(site, value, depth + 1));
    match node.op.as_str() {
        "Relu" | "Sigmoid" | "Softmax" | "Exp" | "Abs" | "Sqrt" | "HardSigmoid" => true,
        "Clip" => clip(site, node).is_some_and(|(low, _)| low.is_some_and(|low| low >= 0.0)),
        "Pow" => input(1).and_then(|power| site.number(power)).is_some_and(|power| power % 2.0 == 0.0),
        "MaxPool" | "AveragePool" | "GlobalAveragePool" | "GlobalMaxPool" | "Reshape" | "Flatten"
        | "Transpose" | "Slice" | "Squeeze" | "Unsqueeze" | "Identity" | "Dropout" | "ReduceMean"
        | "ReduceSum" | "ReduceMax" => of(input(0)),
        "Concat" | "Add" => node.inputs.iter().all(|input| of(*input)),
        "Mul" => of(input(0)) && of(input(1)) || input(0) == input(1),
        _ => false,
    }
}

/// Bounds of a Clip.
pub(super) fn clip(site: &Site<'_>, node: &hawkeye_graph::Node) -> Option<(Option<f64>, Option<f64>)> {
    let bound = |name: &str, index: usize| match node.inputs.get(index).copied().flatten() {
        Some(value) => site.number(value).map(Some),
        None => Some(match node.attributes.get(name) {
            Some(Attribute::Float(x)) => Some(f64::from(*x)),
            _ => None,
        }),
    };
    Some((bound("min", 1)?, bound("max", 2)?))
}

pub(super) const REDUNDANT: Rule = Rule {
    name: "redundant-relu",
    family: Family::Cleaning,
    what: "Relu(x) -> x; Relu(Concat(x, y)) -> Concat(x, Relu(y))",
    when: "x is a Relu, Sigmoid, Softmax, square, or a pool, sum or Concat of such, so never negative",
    why: "the comparison is not needed",
    source: "sign analysis",
    promise: Promise::Exact,
    anchors: &["Relu"],
    rewrite: &redundant,
};

fn redundant(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (x, output) = (site.input(0)?, site.output()?);
    if is_positive(site, x, 0) {
        edit.replace(output, x);
        return Some(());
    }
    let concat = site.made_by(x, "Concat").filter(|_| site.is_private(x))?;
    let parts: Vec<ValueId> = concat.present_inputs().collect();
    if !parts.iter().any(|part| is_positive(site, *part, 0)) {
        return None;
    }
    let parts: Vec<ValueId> = parts
        .into_iter()
        .map(|part| if is_positive(site, part, 0) { part } else { edit.like(site.node, &[part]) })
        .collect();
    let joined = edit.like(concat, &parts);
    edit.replace(output, joined);
    Some(())
}

pub(super) const CLIP: Rule = Rule {
    name: "clip-of-relu",
    what: "Clip(Relu(x), a, b) -> Clip(x, a, b)",
    when: "a >= 0",
    why: "one comparison per element is gone; F.relu6 exports both",
    source: "PyTorch's export of relu6",
    anchors: &["Clip"],
    rewrite: &clip_of_relu,
    ..REDUNDANT
};

fn clip_of_relu(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let relu = site.made_by(site.input(0)?, "Relu")?;
    let (low, _) = clip(site, site.node)?;
    if low? < 0.0 {
        return None;
    }
    let mut inputs = site.node.inputs.clone();
    inputs[0] = relu.inputs[0];
    let attributes: Vec<_> = site.node.attributes.iter().map(|(name, value)| (name, value.clone())).collect();
    let clipped = edit.node("Clip", &inputs, &attributes, 1)[0];
    edit.replace(site.output()?, clipped);
    Some(())
}

pub(super) const CLIP_OF_CLIP: Rule = Rule {
    name: "clip-of-clip",
    what: "Clip(Clip(x, a, b), c, d) -> Clip(x, max(a, c), min(b, d))",
    when: "numbers, and the ranges overlap",
    why: "two comparisons per element in place of four",
    source: "arithmetic",
    anchors: &["Clip"],
    rewrite: &clip_of_clip,
    ..REDUNDANT
};

fn clip_of_clip(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let inner = site.made_by(site.input(0)?, "Clip")?;
    let ((a, b), (c, d)) = (clip(site, inner)?, clip(site, site.node)?);
    let tighter = |x: Option<f64>, y: Option<f64>, pick: fn(f64, f64) -> f64| match (x, y) {
        (Some(x), Some(y)) => Some(pick(x, y)),
        (x, y) => x.or(y),
    };
    let (low, high) = (tighter(a, c, f64::max), tighter(b, d, f64::min));
    if low.zip(high).is_some_and(|(low, high)| low > high) {
        return None;
    }
    let x = inner.inputs[0];
    let clipped = if edit.opset() < 11 {
        let bound = |name, value: Option<f64>| Some((name, Attribute::Float(value? as f32)));
        let bounds: Vec<_> = [bound("min", low), bound("max", high)].into_iter().flatten().collect();
        edit.node("Clip", &[x], &bounds, 1)
    } else {
        let bounds = [low, high].map(|bound| bound.map(|bound| edit.number(bound)));
        edit.node("Clip", &[x, bounds[0], bounds[1]], &[], 1)
    };
    edit.replace(site.output()?, clipped[0]);
    Some(())
}

pub(super) const CLIP_AS_RELU: Rule = Rule {
    name: "clip-as-relu",
    what: "Clip(x, 0, none or beyond 2^31) -> Relu(x); Max(x, 0) -> Relu(x)",
    when: "the upper bound is absent, or beyond what fixed-point numbers reach",
    why: "one comparison in place of two",
    source: "ONNX operator specification",
    anchors: &["Clip", "Max"],
    rewrite: &clip_as_relu,
    ..REDUNDANT
};

fn clip_as_relu(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let holds = if is(site.node, "Clip") {
        let (low, high) = clip(site, site.node)?;
        low == Some(0.0) && high.is_none_or(|high| high >= 2f64.powi(31))
    } else {
        site.node.inputs.len() == 2 && site.number(site.input(1)?) == Some(0.0)
    };
    if !holds {
        return None;
    }
    let relu = edit.op("Relu", &[site.input(0)?]);
    edit.replace(site.output()?, relu);
    Some(())
}

pub(super) const OF_NEGATIVE: Rule = Rule {
    name: "relu-of-negative",
    what: "Relu(x), Relu(-x) -> r = Relu(x), r - x",
    when: "both are wanted",
    why: "one comparison tells both signs",
    source: "Relu(-x) = Relu(x) - x; CReLU, Shang et al., arXiv 1603.05201",
    rewrite: &of_negative,
    ..REDUNDANT
};

fn of_negative(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let negative = site.made_by(site.input(0)?, "Neg")?;
    let x = negative.inputs[0]?;
    let relu = site.consumers(x).into_iter().find(|node| is(node, "Relu"))?;
    let rest = edit.op("Sub", &[relu.outputs[0]?, x]);
    edit.replace(site.output()?, rest);
    Some(())
}

pub(super) const SHARED: Rule = Rule {
    name: "relu-shared-by-concat",
    what: "Relu(a), Relu(Concat(a, b)) -> r = Relu(Concat(a, b)), part of r",
    when: "a is read by both",
    why: "a is compared with zero once",
    source: "Relu commutes with Concat",
    rewrite: &shared,
    ..REDUNDANT
};

fn shared(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let a = site.input(0)?;
    for concat in site.consumers(a).into_iter().filter(|node| is(node, "Concat")) {
        let joined = concat.outputs[0]?;
        let Some(relu) = site.consumers(joined).into_iter().find(|node| is(node, "Relu")) else { continue };
        let rank = site.shape(joined)?.len() as i64;
        let axis = crate::rule::int(concat, "axis", 1).rem_euclid(rank);
        let parts: Vec<ValueId> = concat.present_inputs().collect();
        let size = |part: &ValueId| Some(site.shape(*part)?[axis as usize]);
        let sizes: Vec<i64> = parts.iter().map(size).collect::<Option<_>>()?;
        let index = parts.iter().position(|part| *part == a)?;
        let start = sizes[..index].iter().sum();
        let part = match edit.spelling {
            crate::Spelling::Split => edit.parts(relu.outputs[0]?, axis, &sizes)[index],
            crate::Spelling::Slice => edit.slice(relu.outputs[0]?, axis, start, start + sizes[index]),
        };
        edit.took_parts = true;
        edit.replace(site.output()?, part);
        return Some(());
    }
    None
}
