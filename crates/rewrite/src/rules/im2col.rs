//! Convolutions as products of what their windows see.

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site};

use super::linear::{ConvWindow, Linear};
use super::taps::{Taps, biased, taps};

pub(super) const CONV: Rule = Rule {
    name: "conv-as-matmul",
    family: Family::Spatial,
    what: "Conv -> MatMul(windows, weight), the windows side by side",
    when: "one group, no dilation",
    why: "CryptFlow2's transfers are chosen by the left operand's party: fewer where the kernel is smaller than the image",
    source: "CoPriv, arXiv 2311.01737, section 4.1 (who sends); EzPC SCI, linear-ot.h",
    promise: Promise::Exact,
    anchors: &["Conv"],
    rewrite: &conv,
};

/// Most elements of a kernel, so that the graph stays small.
const LARGEST: i64 = 49;

fn conv(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let layer = Linear::of(site, site.output()?)?;
    let window = ConvWindow::of(layer.node, &layer.dims[2..])?;
    let area: i64 = window.kernel.iter().product();
    if window.group != 1 || area > LARGEST {
        return None;
    }
    let Taps { taps, images, channels, height, width } = taps(site, edit, &layer, &window)?;
    let pixels = height * width;
    let columns: Vec<_> = taps.iter().map(|tap| edit.reshape(*tap, &[images, channels, 1, pixels])).collect();
    let columns = if let [one] = columns[..] { one } else { edit.concat(&columns, 2) };
    let columns = edit.reshape(columns, &[images, channels * area, pixels]);
    let rows = edit.transpose(columns, &[0, 2, 1]);
    let rows = edit.reshape(rows, &[images * pixels, channels * area]);
    let weight = edit.reshape(layer.weight, &[layer.outputs(), channels * area]);
    let weight = edit.transpose(weight, &[1, 0]);
    let product = edit.op("MatMul", &[rows, weight]);
    let product = edit.reshape(product, &[images, pixels, layer.outputs()]);
    let product = edit.transpose(product, &[0, 2, 1]);
    let image = edit.reshape(product, &[images, layer.outputs(), height, width]);
    let value = biased(edit, image, layer.bias);
    edit.replace(layer.output, value);
    Some(())
}

/// A Conv of which every channel has a kernel of its own.
fn depthwise<'a>(site: &Site<'a>) -> Option<(Linear<'a>, ConvWindow, i64)> {
    let layer = Linear::of(site, site.output()?)?;
    let window = ConvWindow::of(layer.node, &layer.dims[2..])?;
    let area: i64 = window.kernel.iter().product();
    let own = window.group > 1 && layer.dims[0] == window.group && layer.dims[1] == 1;
    (own && area <= LARGEST).then_some((layer, window, area))
}

pub(super) const DEPTHWISE: Rule = Rule {
    name: "depthwise-as-matmul",
    what: "depthwise Conv -> MatMul of (channels, pixels, window) and (channels, window, 1)",
    when: "one image, no dilation",
    why: "SPU expands a depthwise kernel to a dense one; CryptFlow2's transfers are chosen by the left operand's party",
    source: "SPU 0.9.5, convolution as matrix product; EzPC SCI, linear-ot.h",
    rewrite: &depthwise_as_matmul,
    ..CONV
};

fn depthwise_as_matmul(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (layer, window, area) = depthwise(site)?;
    let Taps { taps, images, channels, height, width } = taps(site, edit, &layer, &window)?;
    if images != 1 {
        return None;
    }
    let columns: Vec<_> = taps.iter().map(|tap| edit.reshape(*tap, &[channels, height * width, 1])).collect();
    let columns = if let [one] = columns[..] { one } else { edit.concat(&columns, 2) };
    let weight = edit.reshape(layer.weight, &[channels, area, 1]);
    let product = edit.op("MatMul", &[columns, weight]);
    let image = edit.reshape(product, &[1, channels, height, width]);
    let value = biased(edit, image, layer.bias);
    edit.replace(layer.output, value);
    Some(())
}

pub(super) const PRODUCTS: Rule = Rule {
    name: "depthwise-as-products",
    what: "depthwise Conv -> one product of its taps, one under another, with the kernel, and their sum",
    when: "one image, no dilation",
    why: "one call in place of a matrix product per channel",
    source: "EzPC SCI, linear-ot.h: groups run one after another",
    rewrite: &products,
    ..CONV
};

fn products(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (layer, window, area) = depthwise(site)?;
    let Taps { taps, images, channels, height, width } = taps(site, edit, &layer, &window)?;
    if images != 1 || area == 1 {
        return None;
    }
    let stack: Vec<_> = taps.iter().map(|tap| edit.reshape(*tap, &[1, channels, height, width])).collect();
    let stack = edit.concat(&stack, 0);
    let weight = edit.reshape(layer.weight, &[channels, area]);
    let weight = edit.transpose(weight, &[1, 0]);
    let weight = edit.reshape(weight, &[area, channels, 1, 1]);
    let product = edit.op("Mul", &[stack, weight]);
    let parts = edit.parts(product, 0, &vec![1; area as usize]);
    let image = edit.sum(&parts)?;
    let value = biased(edit, image, layer.bias);
    edit.replace(layer.output, value);
    Some(())
}
