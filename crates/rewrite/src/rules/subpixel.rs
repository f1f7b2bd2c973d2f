//! Transposed convolutions without the zeros between their inputs.

use hawkeye_graph::Attribute;

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, is, list};

use super::linear::Linear;

pub(super) const RULE: Rule = Rule {
    name: "convtranspose-subpixel",
    family: Family::Spatial,
    what: "ConvTranspose with stride s -> Conv to s^2 times the channels, one kernel for each place in a block of \
           outputs, DepthToSpace",
    when: "one group, no dilation, the same stride in both directions, outputs a multiple of it",
    why: "the zeros between the inserted elements are not paid",
    source: "sub-pixel convolution, Shi et al., arXiv 1609.05158",
    promise: Promise::Exact,
    anchors: &["ConvTranspose"],
    rewrite: &rewrite,
};

fn rewrite(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let layer = Linear::of(site, site.output()?)?;
    let node = layer.node;
    let [_, _, rows, columns] = site.image(layer.x)?;
    let [_, _, height, width] = site.image(layer.output)?;
    let [inputs, out, kernel_rows, kernel_columns] = layer.dims[..] else { return None };
    let stride = list(node, "strides", 2, 1);
    let plain = list(node, "dilations", 2, 1) == [1, 1] && crate::rule::explicit_padding(node);
    let s = stride[0];
    if !(is(node, "ConvTranspose") && plain && s > 1 && stride[1] == s) {
        return None;
    }
    let pads = list(node, "pads", 4, 0);
    let down = SubpixelPhases::of(s, kernel_rows, pads[0], rows, height)?;
    let across = SubpixelPhases::of(s, kernel_columns, pads[1], columns, width)?;
    // Which element of the old kernel is where in the new ones: zeros elsewhere.
    let taps = (kernel_rows * kernel_columns) as usize;
    let places = (s * s * down.kernel * across.kernel) as usize;
    let mut select = vec![0.0; taps * places];
    for v in 0..s {
        for w in 0..s {
            for i in 0..down.kernel {
                for j in 0..across.kernel {
                    let (Some(row), Some(column)) = (down.tap(v, i), across.tap(w, j)) else { continue };
                    let place = ((v * s + w) * down.kernel + i) * across.kernel + j;
                    select[(row * kernel_columns + column) as usize * places + place as usize] = 1.0;
                }
            }
        }
    }
    let select = edit.floats(&[taps as u64, places as u64], &select);
    let flat = edit.reshape(layer.weight, &[inputs * out, taps as i64]);
    let weight = edit.op("MatMul", &[flat, select]);
    let weight = edit.reshape(weight, &[inputs, out, s * s, down.kernel, across.kernel]);
    let weight = edit.transpose(weight, &[1, 2, 0, 3, 4]);
    let weight = edit.reshape(weight, &[out * s * s, inputs, down.kernel, across.kernel]);
    let mut operands = vec![layer.x, weight];
    if let Some(bias) = layer.bias {
        let column = edit.reshape(bias, &[out, 1]);
        let shape = edit.ints(&[out, s * s]);
        let wide = edit.op("Expand", &[column, shape]);
        operands.push(edit.reshape(wide, &[-1]));
    }
    let ints = |list: &[i64]| Attribute::Ints(list.to_vec());
    let conv = edit.with(
        "Conv",
        &operands,
        &[
            ("kernel_shape", ints(&[down.kernel, across.kernel])),
            ("strides", ints(&[1, 1])),
            ("pads", ints(&[down.before, across.before, down.after, across.after])),
            ("dilations", ints(&[1, 1])),
        ],
    );
    let mode = Attribute::String("CRD".to_owned());
    let value = edit.with("DepthToSpace", &[conv], &[("blocksize", Attribute::Int(s)), ("mode", mode)]);
    edit.replace(layer.output, value);
    Some(())
}

/// Outputs along one axis, by their place in a block of `stride`: output `stride * u + v` is a sum over
/// inputs `u + offset` times kernel elements.
struct SubpixelPhases {
    stride: i64,
    old: i64,
    padding: i64,
    /// The least offset.
    first: i64,
    /// Size of the new kernel, and its padding.
    kernel: i64,
    before: i64,
    after: i64,
}

impl SubpixelPhases {
    fn of(stride: i64, old: i64, padding: i64, inputs: i64, outputs: i64) -> Option<Self> {
        let (mut first, mut last) = (i64::MAX, i64::MIN);
        for v in 0..stride {
            let (block, tap) = ((v + padding) / stride, (v + padding) % stride);
            let taps = (old - tap + stride - 1).div_euclid(stride);
            if taps > 0 {
                first = first.min(block - taps + 1);
                last = last.max(block);
            }
        }
        if first > last || outputs % stride != 0 {
            return None;
        }
        let kernel = last - first + 1;
        let (before, after) = (-first, outputs / stride - inputs + first + kernel - 1);
        (before >= 0 && after >= 0).then_some(Self { stride, old, padding, first, kernel, before, after })
    }

    /// The element of the old kernel that outputs at `v` in their block multiply the new kernel's `index` with.
    fn tap(&self, v: i64, index: i64) -> Option<i64> {
        let (block, tap) = ((v + self.padding) / self.stride, (v + self.padding) % self.stride);
        let back = block - (self.first + index);
        let tap = tap + self.stride * back;
        (back >= 0 && tap < self.old).then_some(tap)
    }
}
