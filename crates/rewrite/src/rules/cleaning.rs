//! Nodes that do nothing, or nothing new.

use std::collections::HashMap;

use hawkeye_graph::{NodeId, ValueId};

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, int, is};

pub(super) const NOTHING: Rule = Rule {
    name: "remove-identity",
    family: Family::Cleaning,
    what: "Identity, Dropout, Cast to the same type, Transpose in the same order, Concat of all parts of a tensor -> \
           nothing",
    when: "inference; nothing reads a Dropout's mask",
    why: "it sends nothing itself, but other rules see through, and some front ends refuse it",
    source: "ONNX operator specification",
    promise: Promise::Exact,
    anchors: &["Identity", "Dropout", "Cast", "Transpose", "Concat"],
    rewrite: &nothing,
};

fn nothing(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (x, output) = (site.input(0)?, site.output()?);
    let node = site.node;
    if is(node, "Concat") {
        let parts: Vec<ValueId> = node.present_inputs().collect();
        let axis = int(node, "axis", 0).rem_euclid(site.shape(output)?.len() as i64);
        edit.replace(output, whole(site, &parts, axis)?);
        return Some(());
    }
    let nothing = match node.op.as_str() {
        "Identity" => true,
        "Dropout" => {
            let mask = node.outputs.get(1).copied().flatten();
            mask.is_none_or(|mask| site.consumers(mask).is_empty()) && site.input(2).is_none()
        }
        "Cast" => site.fact(x).dtype.is_some_and(|dtype| i64::from(dtype.to_onnx()) == int(node, "to", 0)),
        "Transpose" => node.attributes.ints("perm")?.iter().enumerate().all(|(i, p)| *p == i as i64),
        _ => false,
    };
    if !nothing {
        return None;
    }
    edit.replace(output, x);
    Some(())
}

/// The tensor that these are all parts of, in order along an axis.
pub(super) fn whole(site: &Site<'_>, parts: &[ValueId], axis: i64) -> Option<ValueId> {
    let first = site.producer(*parts.first().filter(|_| parts.len() > 1)?)?;
    let x = first.inputs.first().copied().flatten()?;
    let rank = site.shape(x)?.len() as i64;
    if is(first, "Split") {
        let all = first.present_outputs().collect::<Vec<_>>() == parts;
        return (all && int(first, "axis", 0).rem_euclid(rank) == axis).then_some(x);
    }
    let mut position = 0;
    for part in parts {
        let slice = site.made_by(*part, "Slice").filter(|slice| slice.inputs[0] == Some(x))?;
        let input = |index: usize| slice.inputs.get(index).copied().flatten();
        let of = |name: &str, index: usize| match input(index) {
            Some(value) => site.ints(value),
            None => slice.attributes.ints(name).map(<[i64]>::to_vec),
        };
        let along = of("axes", 3)?.first().copied()?.rem_euclid(rank) == axis;
        let one = of("starts", 1)?.len() == 1 && input(4).is_none();
        if !(along && one && of("starts", 1)? == [position]) {
            return None;
        }
        position += site.shape(*part)?[axis as usize];
    }
    (position == site.shape(x)?[axis as usize]).then_some(x)
}

pub(super) const TRANSPOSES: Rule = Rule {
    name: "merge-transposes",
    what: "Transpose(Transpose(x)) -> one Transpose; Transpose(f(Transpose(x))) of an elementwise f -> f and one \
           Transpose",
    when: "always",
    why: "it sends nothing itself, but uncovers other rules",
    rewrite: &transposes,
    anchors: &["Transpose"],
    ..NOTHING
};

fn transposes(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (x, outer) = (site.input(0)?, site.node.attributes.ints("perm")?);
    let between = site.producer(x)?;
    let elementwise = ["Relu", "Sigmoid", "Tanh", "Exp", "Erf"].iter().any(|op| is(between, op));
    let inner = if elementwise { site.producer(between.inputs[0]?)? } else { between };
    if !is(inner, "Transpose") || elementwise && !site.is_private(x) {
        return None;
    }
    let first = inner.attributes.ints("perm")?;
    let merged: Vec<i64> = outer.iter().map(|axis| first[*axis as usize]).collect();
    let mut value = edit.transpose(inner.inputs[0]?, &merged);
    if elementwise {
        value = edit.like(between, &[value]);
    }
    edit.replace(site.output()?, value);
    Some(())
}

pub(super) const TWICE: Rule = Rule {
    name: "common-subexpressions",
    what: "the same node on the same inputs twice -> once",
    when: "no node of random numbers",
    why: "what is computed once is sent once",
    rewrite: &twice,
    anchors: &[
        "MatMul",
        "Gemm",
        "Conv",
        "Relu",
        "Sigmoid",
        "Tanh",
        "Softmax",
        "Exp",
        "Erf",
        "Mul",
        "Div",
        "Sub",
        "Add",
        "Pow",
        "Sqrt",
        "Reshape",
        "Transpose",
        "Slice",
        "ReduceMean",
        "ReduceSum",
        "MaxPool",
        "AveragePool",
        "Clip",
    ],
    ..NOTHING
};

fn twice(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let first = site.node.present_inputs().find(|input| !site.is_constant(*input))?;
    let mut seen: HashMap<&str, NodeId> = HashMap::new();
    for id in site.readers(first) {
        let node = site.at(*id);
        let equal = node.op == site.node.op
            && node.attributes == site.node.attributes
            && node.inputs == site.node.inputs
            && node.outputs.len() == 1;
        if equal {
            let before = *seen.entry(node.op.as_str()).or_insert(*id);
            if before != *id && std::ptr::eq(node, site.node) {
                edit.replace(site.output()?, site.at(before).outputs[0]?);
                return Some(());
            }
        }
    }
    None
}

pub(super) const CONSTANTS: Rule = Rule {
    name: "fold-weights",
    what: "nodes over weights alone -> one weight",
    when: "always; the model may have written its weights as products, masks or transposes",
    why: "frameworks compute on secret weights again in every run",
    rewrite: &constants,
    anchors: &[
        "Mul",
        "Add",
        "Sub",
        "Div",
        "Sqrt",
        "Transpose",
        "Reshape",
        "Concat",
        "Neg",
        "Pow",
        "Exp",
        "Unsqueeze",
        "MatMul",
    ],
    ..NOTHING
};

fn constants(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let inputs: Vec<_> = site.node.present_inputs().collect();
    let known = inputs.iter().all(|input| site.is_constant(*input)) && site.node.outputs.len() == 1;
    if !known || !inputs.iter().any(|input| site.is_weight(*input)) {
        return None;
    }
    // The copy is new, so it becomes a weight.
    let copy = edit.like(site.node, &inputs);
    edit.replace(site.output()?, copy);
    Some(())
}
