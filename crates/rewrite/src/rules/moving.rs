//! Selections and pools moved to where there is less to compute.

use hawkeye_graph::{Node, ValueId};

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, int, is, list};

use super::linear::{ConvWindow, Linear};

pub(super) const SLICE: Rule = Rule {
    name: "slice-first",
    family: Family::Moving,
    what: "Slice or Gather of f(x), x + y, MatMul(x, W), Softmax or LayerNormalization of rows -> the same of the Slice; of \
           a layer's channels or columns -> a layer with that part of the weight",
    when: "nothing else reads what is cut; f is elementwise; along an axis that the node keeps apart",
    why: "what is cut off is never computed",
    source: "elementwise functions commute with selection; BERT's classifier reads one token",
    promise: Promise::Exact,
    anchors: &["Slice", "Gather"],
    rewrite: &slice,
};

fn slice(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let x = site.input(0)?;
    let whole = site.node.present_inputs().skip(1).all(|input| site.is_constant(input));
    if !whole {
        return None;
    }
    let axes = axes(site, site.shape(x)?.len())?;
    let value = through(site, edit, x, &axes, 0)?;
    edit.replace(site.output()?, value);
    Some(())
}

/// Deepest chain of nodes that a selection is moved through.
const DEEPEST: usize = 32;

/// What is cut of a value, computed of what is cut of the operands of its node; `None` if that can't be.
fn through(site: &Site<'_>, edit: &mut Edit, x: ValueId, axes: &[usize], depth: usize) -> Option<ValueId> {
    let node = site.producer(x).filter(|_| site.is_private(x) && depth < DEEPEST)?;
    let shape = site.shape(x)?;
    let slices = is(site.node, "Slice");
    // One index in place of a list of them takes the axis away.
    let drops = site.shape(site.output()?)?.len() < site.shape(site.input(0)?)?.len();
    let unary = ["Relu", "Sigmoid", "Tanh", "Exp", "Erf", "Clip", "LeakyRelu", "Sqrt", "Gelu", "Abs", "Neg"];
    let by_row = is(node, "LayerNormalization") || is(node, "Softmax") && node.opset >= 13;
    let last = int(node, "axis", -1).rem_euclid(shape.len() as i64) as usize;
    let rows = by_row && node.outputs.len() == 1 && axes.iter().all(|axis| *axis < last);
    let rows = rows && (!drops || int(node, "axis", -1) < 0);
    if rows || unary.iter().any(|op| is(node, op)) {
        let mut inputs: Vec<ValueId> = node.present_inputs().collect();
        inputs[0] = cut(site, edit, inputs[0], axes, depth);
        return Some(edit.like(node, &inputs));
    }
    if ["Add", "Sub", "Mul"].iter().any(|op| is(node, op)) {
        let mut operands = Vec::new();
        for value in node.present_inputs() {
            let own = site.shape(value)?;
            let from_right = |axis: &usize| own.len() as i64 - (shape.len() - axis) as i64;
            // Broadcast along the axes that are cut: the same for all that is left.
            let apart = axes.iter().all(|axis| from_right(axis) < 0 || own[from_right(axis) as usize] == 1);
            operands.push(match own == shape {
                true => cut(site, edit, value, axes, depth),
                false if apart && (!drops || axes.iter().all(|axis| from_right(axis) < 0)) => value,
                false => part(site, edit, value, axes, shape.len())?,
            });
        }
        return Some(edit.like(node, &operands));
    }
    let (operand, weight) = (node.inputs.first().copied().flatten()?, node.inputs.get(1).copied().flatten()?);
    if is(node, "MatMul") && axes.iter().all(|axis| axis + 1 < shape.len()) {
        if !site.is_weight(weight) || site.shape(weight)?.len() != 2 || drops && shape.len() < 3 {
            return None;
        }
        let operand = cut(site, edit, operand, axes, depth);
        return Some(edit.like(node, &[operand, weight]));
    }
    let columns = matches!(axes, [axis] if axis + 1 == shape.len());
    if ["MatMul", "Gemm"].iter().any(|op| is(node, op)) && slices && columns {
        let layer = Linear::of(site, x).filter(Linear::is_matrix)?;
        let (start, end) = range(site, layer.outputs())?;
        let weight = layer.by_rows(edit);
        let weight = edit.slice(weight, 1, start, end);
        let bias = layer.bias.map(|bias| edit.slice(bias, 0, start, end));
        let product = edit.op("MatMul", &[layer.x, weight]);
        return Some(bias.map_or(product, |bias| edit.op("Add", &[product, bias])));
    }
    if is(node, "Conv") && slices && axes == [1] && int(node, "group", 1) == 1 {
        let layer = Linear::of(site, x)?;
        let (start, end) = range(site, shape[1])?;
        let weight = edit.slice(layer.weight, 0, start, end);
        let bias = layer.bias.map(|bias| edit.slice(bias, 0, start, end));
        return Some(layer.build(edit, layer.x, weight, bias));
    }
    None
}

/// What is cut of a weight that is broadcast along other axes than the one that is cut.
fn part(site: &Site<'_>, edit: &mut Edit, value: ValueId, axes: &[usize], rank: usize) -> Option<ValueId> {
    let &[axis] = axes else { return None };
    let own = site.shape(value).filter(|_| is(site.node, "Slice") && site.is_weight(value))?;
    let axis = axis.checked_sub(rank - own.len())?;
    let (start, end) = range(site, own[axis])?;
    Some(edit.slice(value, axis as i64, start, end))
}

/// From where to where a Slice of one axis of that size cuts.
fn range(site: &Site<'_>, size: i64) -> Option<(i64, i64)> {
    let bound = |index: usize, name: &str| match site.input(index) {
        Some(bound) => site.ints(bound)?.first().copied(),
        None => site.node.attributes.ints(name)?.first().copied(),
    };
    let within = |bound: i64| if bound < 0 { (bound.saturating_add(size)).max(0) } else { bound.min(size) };
    Some((within(bound(1, "starts")?), within(bound(2, "ends")?)))
}

/// What is cut of a value, as early as can be.
fn cut(site: &Site<'_>, edit: &mut Edit, value: ValueId, axes: &[usize], depth: usize) -> ValueId {
    through(site, edit, value, axes, depth + 1).unwrap_or_else(|| {
        let mut inputs: Vec<ValueId> = site.node.present_inputs().collect();
        inputs[0] = value;
        edit.like(site.node, &inputs)
    })
}

/// The axes that a Slice cuts in steps of one, or a Gather takes one element or a list of them of.
fn axes(site: &Site<'_>, rank: usize) -> Option<Vec<usize>> {
    let node = site.node;
    let axes = if is(node, "Gather") {
        if site.shape(site.input(1)?)?.len() > 1 {
            return None;
        }
        vec![int(node, "axis", 0)]
    } else {
        if site
            .input(4)
            .is_some_and(|steps| site.ints(steps).is_none_or(|steps| steps.iter().any(|s| *s != 1)))
        {
            return None;
        }
        match site.input(3) {
            Some(axes) => site.ints(axes)?,
            None => node.attributes.ints("axes")?.to_vec(),
        }
    };
    Some(axes.into_iter().map(|axis| axis.rem_euclid(rank as i64) as usize).collect())
}

pub(super) const POOL: Rule = Rule {
    name: "pool-before-conv1x1",
    what: "AveragePool or GlobalAveragePool of Conv 1 x 1 -> Conv 1 x 1 of the pool",
    when: "stride 1, no padding in the Conv; none in the pool, or zeros not counted; nothing else reads the Conv",
    why: "the product runs on the pooled image, a quarter or less of it",
    source: "linearity; the transition layers of DenseNet",
    anchors: &["AveragePool", "GlobalAveragePool"],
    rewrite: &pool,
    ..SLICE
};

fn pool(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let x = site.input(0)?;
    let layer = Linear::of(site, x).filter(|layer| layer.is_conv() && site.is_private(x))?;
    let window = ConvWindow::of(layer.node, &layer.dims[2..])?;
    let padded = list(site.node, "pads", 4, 0).iter().any(|p| *p != 0);
    if !window.is_pointwise() || padded && layer.bias.is_some() && int(site.node, "count_include_pad", 0) == 1
    {
        return None;
    }
    let pooled = edit.like(site.node, &[layer.x]);
    let value = layer.build(edit, pooled, layer.weight, layer.bias);
    edit.replace(site.output()?, value);
    Some(())
}

pub(super) const UPSAMPLE: Rule = Rule {
    name: "conv1x1-before-upsample",
    what: "f(Resize(x)) -> Resize(f(x)), f a Conv 1 x 1 or elementwise",
    when: "nearest neighbour; nothing else reads the Resize",
    why: "copies are equal, so f runs on one of them",
    source: "f looks at each pixel on its own",
    anchors: &["Conv", "Relu", "Sigmoid", "Clip"],
    rewrite: &upsample,
    ..SLICE
};

fn upsample(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let x = site.input(0)?;
    let resize = site.producer(x).filter(|node| is(node, "Resize") && site.is_private(x))?;
    let nearest = match resize.attributes.get("mode") {
        Some(hawkeye_graph::Attribute::String(mode)) => mode == "nearest",
        _ => true,
    };
    // Sizes and regions name the channels, which a Conv changes.
    let by_scales = resize.inputs.len() == 3 && int(resize, "axes", 0) == 0;
    let pointwise = |node: &Node| -> Option<bool> {
        if !is(node, "Conv") {
            return Some(true);
        }
        let layer = Linear::of(site, site.output()?)?;
        Some(ConvWindow::of(node, &layer.dims[2..])?.is_pointwise())
    };
    if !(nearest && by_scales && pointwise(site.node)?) {
        return None;
    }
    let mut inputs: Vec<ValueId> = site.node.present_inputs().collect();
    inputs[0] = resize.inputs[0]?;
    let early = edit.like(site.node, &inputs);
    let mut operands = resize.inputs.clone();
    operands[0] = Some(early);
    let attributes: Vec<_> = resize.attributes.iter().map(|(name, value)| (name, value.clone())).collect();
    let value = edit.node("Resize", &operands, &attributes, 1)[0];
    edit.replace(site.output()?, value);
    Some(())
}

pub(super) const BATCH: Rule = Rule {
    name: "batch-independent",
    family: Family::Merging,
    what: "f(a), f(b) -> parts of f(Concat(a, b)), f one of Relu, Sigmoid, Tanh, Exp, or MatMul with one weight",
    when: "the same shape, and neither depends on the other",
    why: "frameworks run nodes one after another: one call takes half the rounds of two",
    anchors: &["Relu", "Sigmoid", "Tanh", "Exp", "MatMul"],
    rewrite: &batch,
    ..SLICE
};

fn batch(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (x, output) = (site.input(0)?, site.output()?);
    let shape = site.shape(x)?;
    let weight = site.input(1);
    if weight.is_some_and(|weight| !site.is_weight(weight)) || shape.is_empty() {
        return None;
    }
    // The next node of the kind; both of them straight before one that reads both keeps them independent.
    let twin = site.graph.nodes.iter().skip(site.id.index() + 1).find(|node| {
        let same = node.op == site.node.op && node.inputs.get(1).copied().flatten() == weight;
        let other = node.inputs.first().copied().flatten();
        same && other.is_some_and(|other| other != x && site.shape(other).as_ref() == Some(&shape))
    })?;
    let (y, second) = (twin.inputs[0]?, twin.outputs[0]?);
    if site.depends(y, output) {
        return None;
    }
    let mut inputs = vec![edit.concat(&[x, y], 0)];
    inputs.extend(weight);
    let both = edit.like(site.node, &inputs);
    let parts = edit.parts(both, 0, &[shape[0], shape[0]]);
    edit.replace(output, parts[0]);
    edit.replace(second, parts[1]);
    Some(())
}
