//! ReduceMax, ReduceMin and GlobalMaxPool as trees of comparisons.

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, int, is};

use super::pool::extreme;

pub(super) const RULE: Rule = Rule {
    name: "reducemax-as-relu-tree",
    family: Family::Pooling,
    what: "ReduceMax, ReduceMin or GlobalMaxPool -> axis by axis halves, max(a, b) = a + Relu(b - a) or min(a, b) = \
           a - Relu(a - b), until one element is left",
    when: "real numbers, axes of known size",
    why: "one comparison less than elements, one Relu per level",
    source: "CrypTen 0.4.1 crypten/functions/maximum.py",
    promise: Promise::Exact,
    anchors: &["ReduceMax", "ReduceMin", "GlobalMaxPool"],
    rewrite: &rewrite,
};

fn rewrite(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (x, output) = (site.input(0)?, site.output()?);
    if !site.fact(x).dtype?.is_float() {
        return None;
    }
    let shape = site.shape(x)?;
    let rank = shape.len() as i64;
    let pool = is(site.node, "GlobalMaxPool");
    let axes = match (site.input(1), site.node.attributes.ints("axes")) {
        _ if pool => (2..rank).collect(),
        (Some(axes), _) => site.ints(axes)?,
        (None, Some(axes)) => axes.to_vec(),
        (None, None) => (0..rank).collect(),
    };
    let larger = if is(site.node, "ReduceMin") { Edit::smaller } else { Edit::larger };
    let mut found = x;
    for axis in axes {
        let axis = axis.rem_euclid(rank);
        found = extreme(edit, found, axis, shape[axis as usize], larger);
    }
    if !pool && int(site.node, "keepdims", 1) == 0 {
        found = edit.reshape(found, &site.shape(output)?);
    }
    edit.replace(output, found);
    Some(())
}
