//! MaxPool(Relu(x)) as Relu(MaxPool(x)).

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, is};

pub(super) const RULE: Rule = Rule {
    name: "relu-maxpool-swap",
    family: Family::Moving,
    what: "MaxPool(Relu(x)) -> Relu(MaxPool(x)), also of Clip, and of Concat of them",
    when: "always: maximum and a monotone function commute, and ONNX pads with -inf; nothing else reads the Relu",
    why: "the comparison with zero runs on the pool's output, a quarter or less of its input",
    source: "EzPC Athos, SeeDot/Optimizations/ReluMaxpoolOpti.py",
    promise: Promise::Exact,
    anchors: &["MaxPool", "GlobalMaxPool"],
    rewrite,
};

fn rewrite(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (x, output) = (site.input(0)?, site.output()?);
    let monotone = site.producer(x).filter(|node| is(node, "Relu") || is(node, "Clip"))?;
    if !site.is_private(x) || site.node.outputs.len() > 1 {
        return None;
    }
    let mut inputs: Vec<_> = monotone.present_inputs().collect();
    let pool = edit.like(site.node, &inputs[..1]);
    inputs[0] = pool;
    let swapped = edit.like(monotone, &inputs);
    edit.replace(output, swapped);
    Some(())
}
