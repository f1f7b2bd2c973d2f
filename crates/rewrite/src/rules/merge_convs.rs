//! Convolutions put together.

use hawkeye_graph::ValueId;

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, int, is};

use super::linear::{ConvWindow, Linear};

pub(super) const CONVS: Rule = Rule {
    name: "merge-conv-conv1x1",
    family: Family::Merging,
    what: "Conv k x k, Conv 1 x 1 -> Conv k x k",
    when: "nothing between, nothing else reads the first; the second of stride 1; any padding of the first, groups of \
           one channel too",
    why: "one product in place of two",
    source: "CoPriv, arXiv 2311.01737, section 4.2",
    promise: Promise::Exact,
    anchors: &["Conv"],
    rewrite: &convs,
};

fn convs(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let second = Linear::of(site, site.output()?)?;
    let first = Linear::of(site, second.x)?;
    let window = ConvWindow::of(second.node, &second.dims[2..])?;
    let mut inner = ConvWindow::of(first.node, &first.dims[2..])?;
    if !(window.is_pointwise() && first.is_conv() && site.is_private(second.x)) {
        return None;
    }
    let [middle, per_group, height, width] = first.dims[..] else { return None };
    let outer = edit.reshape(second.weight, &[second.dims[0], middle]);
    let depthwise = inner.group == middle && per_group == 1;
    let weight = if depthwise {
        // out x in x 1 x 1 times 1 x in x h x w: each input channel has one kernel.
        let (outer, kernel) = (
            edit.reshape(outer, &[-1, middle, 1, 1]),
            edit.reshape(first.weight, &[1, middle, height, width]),
        );
        inner.group = 1;
        edit.op("Mul", &[outer, kernel])
    } else if inner.group == 1 {
        let kernel = edit.reshape(first.weight, &[middle, -1]);
        let product = edit.op("MatMul", &[outer, kernel]);
        edit.reshape(product, &[second.dims[0], per_group, height, width])
    } else {
        return None;
    };
    let bias = match (first.bias, second.bias) {
        (Some(bias), own) => {
            let column = edit.reshape(bias, &[-1, 1]);
            let moved = edit.op("MatMul", &[outer, column]);
            let moved = edit.reshape(moved, &[-1]);
            Some(own.map_or(moved, |own| edit.op("Add", &[moved, own])))
        }
        (None, own) => own,
    };
    let inputs: Vec<ValueId> = [Some(first.x), Some(weight), bias].into_iter().flatten().collect();
    let merged = edit.with("Conv", &inputs, &inner.attributes());
    edit.replace(second.output, merged);
    Some(())
}

pub(super) const CONV1X1_CONV: Rule = Rule {
    name: "merge-conv1x1-conv",
    what: "Conv 1 x 1, Conv k x k -> Conv k x k",
    when: "nothing between; the first has no bias, or the second no padding; groups of one channel in the second too",
    why: "one product in place of two",
    rewrite: &conv1x1_conv,
    ..CONVS
};

fn conv1x1_conv(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let second = Linear::of(site, site.output()?)?;
    let first = Linear::of(site, second.x)?;
    let pointwise = ConvWindow::of(first.node, &first.dims[2..])?;
    let mut window = ConvWindow::of(second.node, &second.dims[2..])?;
    // Padding comes between the two: it would have to hold the first one's bias, but is zero.
    let unbiased = first.bias.is_none() || !second.is_padded();
    if !(pointwise.is_pointwise() && second.is_conv() && site.is_private(second.x) && unbiased) {
        return None;
    }
    let [out, per_group, height, width] = second.dims[..] else { return None };
    let [middle, inputs, ..] = first.dims[..] else { return None };
    // W[o, i, k] is the sum over m of second[o, m, k] * first[m, i]: a product of matrices once the kernel's places stand among the rows.
    let weight = if window.group == 1 {
        let outer = edit.reshape(second.weight, &[out, middle, height * width]);
        let outer = edit.transpose(outer, &[0, 2, 1]);
        let outer = edit.reshape(outer, &[out * height * width, middle]);
        let inner = edit.reshape(first.weight, &[middle, inputs]);
        let product = edit.op("MatMul", &[outer, inner]);
        let product = edit.reshape(product, &[out, height * width, inputs]);
        let product = edit.transpose(product, &[0, 2, 1]);
        edit.reshape(product, &[out, inputs, height, width])
    } else if window.group == middle && per_group == 1 && out == middle {
        window.group = 1;
        edit.op("Mul", &[first.weight, second.weight])
    } else {
        return None;
    };
    let bias = match first.bias {
        Some(inner) if int(second.node, "group", 1) == 1 => {
            let moved = second.shift(site, edit, inner)?;
            Some(second.bias.map_or(moved, |own| edit.op("Add", &[moved, own])))
        }
        Some(_) => return None,
        None => second.bias,
    };
    let operands: Vec<ValueId> = [Some(first.x), Some(weight), bias].into_iter().flatten().collect();
    let merged = edit.with("Conv", &operands, &window.attributes());
    edit.replace(second.output, merged);
    Some(())
}

pub(super) const SUM_OF_CONVS: Rule = Rule {
    name: "sum-of-convs",
    what: "Conv(a, W1) + Conv(b, W2) -> Conv(Concat(a, b), [W1 W2]); of one operand, Conv(a, W1 + W2); 1 x 1 kernels \
           go to the centre of larger ones, and a + itself is such a kernel",
    when: "the same stride and output; nothing else reads the Convs",
    why: "one product in place of two (RepVGG's re-parameterisation)",
    source: "RepVGG, arXiv 2101.03697",
    anchors: &["Add"],
    rewrite: &sum_of_convs,
    ..CONVS
};

fn sum_of_convs(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (left, right) = (site.input(0)?, site.input(1)?);
    let conv = |value: ValueId| {
        let layer = Linear::of(site, value).filter(|layer| layer.is_conv() && site.is_private(value))?;
        let window = ConvWindow::of(layer.node, &layer.dims[2..])?;
        (window.group == 1).then_some((layer, window))
    };
    let (first, second) = (conv(left), conv(right));
    let ((mut a, mut wide), other) = match (first, second) {
        (Some(a), Some(b)) if a.0.dims[2..] >= b.0.dims[2..] => (a, Some(b)),
        (Some(a), Some(b)) => (b, Some(a)),
        (Some(a), None) => (a, None),
        (None, Some(b)) => (b, None),
        (None, None) => return None,
    };
    let [out, inputs, height, width] = a.dims[..] else { return None };
    let centred = height % 2 == 1 && width % 2 == 1;
    let same_size = wide.pads == [height / 2, width / 2, height / 2, width / 2]
        && wide.dilations.iter().all(|d| *d == 1)
        && centred;
    let (x, weight, bias) = match other {
        None => {
            // The operand itself is added: a kernel of one in the centre of its own channel.
            let skip = if a.output == left { right } else { left };
            let one = wide.strides.iter().all(|s| *s == 1) && same_size && out == inputs && skip == a.x;
            if !one || out > 4096 {
                return None;
            }
            let unit: Vec<f64> = (0..out * inputs).map(|i| f64::from(i / inputs == i % inputs)).collect();
            let unit = edit.floats(&[out as u64, inputs as u64, 1, 1], &unit);
            let unit = centre(edit, unit, height, width);
            (a.x, edit.op("Add", &[a.weight, unit]), a.bias)
        }
        Some((b, narrow)) => {
            let equal = narrow.kernel == wide.kernel
                && narrow.pads == wide.pads
                && narrow.dilations == wide.dilations;
            let pointwise = narrow.kernel == [1, 1] && narrow.pads.iter().all(|p| *p == 0) && same_size;
            if narrow.strides != wide.strides
                || !(equal || pointwise)
                || site.shape(left)? != site.shape(right)?
            {
                return None;
            }
            let inner = if equal { b.weight } else { centre(edit, b.weight, height, width) };
            let bias = match (a.bias, b.bias) {
                (Some(x), Some(y)) => Some(edit.op("Add", &[x, y])),
                (x, y) => x.or(y),
            };
            if a.x == b.x {
                (a.x, edit.op("Add", &[a.weight, inner]), bias)
            } else {
                (edit.concat(&[a.x, b.x], 1), edit.concat(&[a.weight, inner], 1), bias)
            }
        }
    };
    a.bias = bias;
    wide.group = 1;
    let operands: Vec<ValueId> = [Some(x), Some(weight), bias].into_iter().flatten().collect();
    let merged = edit.with("Conv", &operands, &wide.attributes());
    edit.replace(site.output()?, merged);
    Some(())
}

/// A kernel of one pixel in the centre of zeros.
pub(super) fn centre(edit: &mut Edit, kernel: ValueId, height: i64, width: i64) -> ValueId {
    let (h, w) = (height / 2, width / 2);
    edit.pad(kernel, &[0, 0, h, w, 0, 0, h, w])
}

pub(super) const CONVS_OF_ONE: Rule = Rule {
    name: "merge-convs-of-one-operand",
    what: "Conv(x, W1), Conv(x, W2) -> parts of Conv(x, [W1; W2]); 1 x 1 kernels are padded to larger ones",
    when: "the same stride and output size",
    why: "the operand is opened once; zeros in padded kernels cost where the kernel is paid",
    source: "Inception, SqueezeNet, the shortcut of ResNet",
    anchors: &["Conv"],
    rewrite: &convs_of_one,
    ..CONVS
};

/// The convolutions of an input, of one group each.
fn convs_on<'a>(site: &Site<'a>, x: ValueId) -> Vec<(Linear<'a>, ConvWindow)> {
    let mut layers = Vec::new();
    for node in site.consumers(x).into_iter().filter(|node| is(node, "Conv")) {
        let layer = node.outputs[0].and_then(|output| Linear::of(site, output)).filter(|layer| layer.x == x);
        let window = layer.as_ref().and_then(|layer| ConvWindow::of(node, &layer.dims[2..]));
        if let (Some(layer), Some(window)) = (layer, window)
            && window.group == 1
        {
            layers.push((layer, window));
        }
    }
    layers
}

fn convs_of_one(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let x = site.input(0)?;
    let mut layers = convs_on(site, x);
    let widest = layers.iter().map(|(_, window)| window.kernel.clone()).max()?;
    let (_, like) = layers.iter().find(|(_, window)| window.kernel == widest)?;
    let like = like.clone();
    // The widest kernel is what the others are made as wide as: a kernel of 1 x 1 by zeros around it, which is the same where
    // the widest one is centred.
    let [height, width] = like.kernel[..] else { return None };
    let fits = |window: &ConvWindow| {
        let equal =
            window.kernel == like.kernel && window.pads == like.pads && window.dilations == like.dilations;
        let centred =
            like.pads == [height / 2, width / 2, height / 2, width / 2] && height % 2 == 1 && width % 2 == 1;
        let pointwise = window.kernel == [1, 1]
            && window.pads.iter().all(|p| *p == 0)
            && centred
            && like.dilations == [1, 1];
        window.strides == like.strides && (equal || pointwise)
    };
    layers.retain(|(_, window)| fits(window));
    // Every Conv of the input is an anchor; only the first merges them.
    if layers.len() < 2 || !std::ptr::eq(layers[0].0.node, site.node) {
        return None;
    }
    let weights: Vec<ValueId> = layers
        .iter()
        .map(|(layer, window)| {
            if window.kernel == like.kernel {
                layer.weight
            } else {
                centre(edit, layer.weight, height, width)
            }
        })
        .collect();
    let mut inputs = vec![x, edit.concat(&weights, 0)];
    if layers.iter().any(|(layer, _)| layer.bias.is_some()) {
        let biases: Vec<ValueId> = layers
            .iter()
            .map(|(layer, _)| {
                let zeros = vec![0.0; layer.outputs() as usize];
                layer.bias.unwrap_or_else(|| edit.floats(&[zeros.len() as u64], &zeros))
            })
            .collect();
        inputs.push(edit.concat(&biases, 0));
    }
    let merged = edit.with("Conv", &inputs, &like.attributes());
    let sizes: Vec<i64> = layers.iter().map(|(layer, _)| layer.outputs()).collect();
    let parts = edit.parts(merged, 1, &sizes);
    for ((layer, _), part) in layers.iter().zip(parts) {
        edit.replace(layer.output, part);
    }
    Some(())
}
