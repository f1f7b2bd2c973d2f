//! MaxPool as two pools, of columns and of rows.

use hawkeye_graph::Attribute;

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, int};

use super::linear::ConvWindow;

pub(super) const RULE: Rule = Rule {
    name: "maxpool-separable",
    family: Family::Pooling,
    what: "MaxPool k x k -> MaxPool 1 x k, MaxPool k x 1",
    when: "any stride and padding; windows larger than 2 in both directions save",
    why: "2(k - 1) comparisons per output and some for the rows between, in place of k^2 - 1",
    source: "separability of the maximum",
    promise: Promise::Exact,
    anchors: &["MaxPool"],
    rewrite: &rewrite,
};

fn rewrite(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (x, output) = (site.input(0)?, site.output()?);
    let window = ConvWindow::of(site.node, site.node.attributes.ints("kernel_shape")?)?;
    let splits = window.kernel.iter().all(|k| *k > 1) && window.dilations.iter().all(|d| *d == 1);
    if !splits || site.node.outputs.len() > 1 {
        return None;
    }
    let (k, s, p) = (&window.kernel, &window.strides, &window.pads);
    let ceil = ("ceil_mode", Attribute::Int(int(site.node, "ceil_mode", 0)));
    let mut pool = |x, kernel: [i64; 2], strides: [i64; 2], pads: [i64; 4]| {
        let list = |ints: &[i64]| Attribute::Ints(ints.to_vec());
        let mut attributes =
            vec![("kernel_shape", list(&kernel)), ("strides", list(&strides)), ("pads", list(&pads))];
        if ceil.1 != Attribute::Int(0) {
            attributes.push(ceil.clone());
        }
        edit.with("MaxPool", &[x], &attributes)
    };
    let rows = pool(x, [1, k[1]], [1, s[1]], [0, p[1], 0, p[3]]);
    let columns = pool(rows, [k[0], 1], [s[0], 1], [p[0], 0, p[2], 0]);
    edit.replace(output, columns);
    Some(())
}
