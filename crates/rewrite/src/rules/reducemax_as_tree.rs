//! ReduceMax as a tree of comparisons.

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, int};

use super::pool::maximum;

pub(super) const RULE: Rule = Rule {
    name: "reducemax-as-relu-tree",
    family: Family::Pooling,
    what: "ReduceMax over one axis -> halves, max(a, b) = a + Relu(b - a), until one element is left",
    when: "one axis of known size",
    why: "one comparison less than elements, one Relu per level",
    source: "CrypTen 0.4.1 crypten/functions/maximum.py",
    promise: Promise::Exact,
    anchors: &["ReduceMax"],
    rewrite: &rewrite,
};

fn rewrite(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (x, output) = (site.input(0)?, site.output()?);
    let shape = site.shape(x)?;
    let axes = match site.input(1) {
        Some(axes) => site.ints(axes)?,
        None => site.node.attributes.ints("axes")?.to_vec(),
    };
    let [axis] = axes[..] else { return None };
    let axis = axis.rem_euclid(shape.len() as i64);
    let mut found = maximum(edit, x, axis, shape[axis as usize]);
    if int(site.node, "keepdims", 1) == 0 {
        found = edit.reshape(found, &site.shape(output)?);
    }
    edit.replace(output, found);
    Some(())
}
