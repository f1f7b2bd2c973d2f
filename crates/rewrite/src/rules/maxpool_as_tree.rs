//! MaxPool as a tree of comparisons.

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, int};

use super::linear::ConvWindow;
use super::pool::{Windows, maxima};

pub(super) const RULE: Rule = Rule {
    name: "maxpool-as-relu-tree",
    family: Family::Pooling,
    what: "MaxPool -> one spatial dimension after the other, by max(a, b) = a + Relu(b - a) on parts of the tensor",
    when: "no dilation, at least one tap of each window inside the tensor everywhere",
    why: "a maximum of two costs one comparison; CrypTen's own maximum computes one-hot vectors and breaks ties",
    source: "CrypTen 0.4.1 crypten/functions/maximum.py",
    promise: Promise::Exact,
    anchors: &["MaxPool"],
    rewrite: &rewrite,
};

fn rewrite(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (x, output) = (site.input(0)?, site.output()?);
    let window = ConvWindow::over(site.node, site.node.attributes.ints("kernel_shape")?)?;
    let (mut shape, out) = (site.shape(x)?, site.shape(output)?);
    let plain = window.dilations.iter().all(|d| *d == 1)
        && int(site.node, "storage_order", 0) == 0
        && site.node.outputs.len() == 1;
    if !plain {
        return None;
    }
    let mut maximum = x;
    for axis in 0..window.kernel.len() {
        let windows = Windows {
            kernel: window.kernel[axis],
            stride: window.strides[axis],
            before: window.pads[axis],
            outputs: out[axis + 2],
        };
        maximum = maxima(edit, maximum, &shape, axis + 2, &windows)?;
        shape[axis + 2] = out[axis + 2];
    }
    edit.replace(output, maximum);
    Some(())
}
