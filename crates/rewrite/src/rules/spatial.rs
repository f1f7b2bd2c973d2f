//! Convolutions by others.

use hawkeye_graph::{Attribute, ValueId};

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, is};

use super::linear::{ConvWindow, Linear};

pub(super) const GROUPS: Rule = Rule {
    name: "group-conv-split",
    family: Family::Spatial,
    what: "Conv of g groups -> parts, g Convs, Concat",
    when: "1 < g < channels",
    why: "it runs where groups are refused",
    source: "SPU 0.9.5 refuses such groups",
    promise: Promise::Exact,
    anchors: &["Conv"],
    rewrite: &groups,
};

fn groups(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let layer = Linear::of(site, site.output()?)?;
    let mut window = ConvWindow::of(layer.node, &layer.dims[2..])?;
    let group = std::mem::replace(&mut window.group, 1);
    if group == 1 || layer.dims[1] == 1 || group > 64 {
        return None;
    }
    let part = |count: i64| (0..group).map(|_| count / group).collect::<Vec<_>>();
    let operands = edit.parts(layer.x, 1, &part(layer.inputs()));
    let each = layer.outputs() / group;
    let values: Vec<ValueId> = operands
        .into_iter()
        .zip(0..)
        .map(|(x, index)| {
            let (start, end) = (index * each, (index + 1) * each);
            let mut inputs = vec![x, edit.slice(layer.weight, 0, start, end)];
            inputs.extend(layer.bias.map(|bias| edit.slice(bias, 0, start, end)));
            edit.with("Conv", &inputs, &window.attributes())
        })
        .collect();
    let joined = edit.concat(&values, 1);
    edit.replace(site.output()?, joined);
    Some(())
}

pub(super) const DENSE: Rule = Rule {
    name: "group-conv-dense",
    what: "Conv of g groups -> Conv of one group with zeros between them",
    when: "1 < g",
    why: "one product in place of g; the zeros are paid",
    source: "linearity",
    rewrite: &dense,
    ..GROUPS
};

fn dense(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let layer = Linear::of(site, site.output()?)?;
    let mut window = ConvWindow::of(layer.node, &layer.dims[2..])?;
    let group = std::mem::replace(&mut window.group, 1);
    let [out, per_group, ..] = layer.dims[..] else { return None };
    if group == 1 || out * group > 1 << 16 {
        return None;
    }
    // The kernel for every group, times one where the output belongs to it.
    let copies: Vec<ValueId> = (0..group).map(|_| layer.weight).collect();
    let wide = edit.concat(&copies, 1);
    let owner = |i: i64, j: i64| f64::from(i / (out / group) == j / per_group);
    let mask: Vec<f64> = (0..out).flat_map(|i| (0..group * per_group).map(move |j| owner(i, j))).collect();
    let mask = edit.floats(&[out as u64, (group * per_group) as u64, 1, 1], &mask);
    let weight = edit.op("Mul", &[wide, mask]);
    let inputs: Vec<ValueId> = [Some(layer.x), Some(weight), layer.bias].into_iter().flatten().collect();
    let value = edit.with("Conv", &inputs, &window.attributes());
    edit.replace(site.output()?, value);
    Some(())
}

pub(super) const DILATED: Rule = Rule {
    name: "dilated-conv-space-to-batch",
    what: "Conv with dilation d -> space to batch, Conv without dilation, back",
    when: "stride 1, size and padding divide by d, one image",
    why: "frameworks that pay the dilated kernel pay its zeros",
    source: "Chen et al., arXiv 1606.00915, section 3.1",
    anchors: &["Conv"],
    rewrite: &dilated,
    ..GROUPS
};

fn dilated(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let layer = Linear::of(site, site.output()?)?;
    let mut window = ConvWindow::of(layer.node, &layer.dims[2..])?;
    let [n, c, h, w] = site.image(layer.x)?;
    let [_, o, oh, ow] = site.image(layer.output)?;
    let [d, e] = window.dilations[..] else { return None };
    let divides = [h, w, oh, ow].iter().chain(&window.pads).all(|size| size % d == 0);
    if d != e || d == 1 || n != 1 || window.strides != [1, 1] || !divides {
        return None;
    }
    let blocks = edit.reshape(layer.x, &[c, h / d, d, w / d, d]);
    let blocks = edit.transpose(blocks, &[2, 4, 0, 1, 3]);
    let batch = edit.reshape(blocks, &[d * d, c, h / d, w / d]);
    window.dilations = vec![1, 1];
    window.pads.iter_mut().for_each(|pad| *pad /= d);
    let inputs: Vec<ValueId> = [Some(batch), Some(layer.weight), layer.bias].into_iter().flatten().collect();
    let conv = edit.with("Conv", &inputs, &window.attributes());
    let back = edit.reshape(conv, &[d, d, o, oh / d, ow / d]);
    let back = edit.transpose(back, &[2, 3, 0, 4, 1]);
    let value = edit.reshape(back, &[1, o, oh, ow]);
    edit.replace(layer.output, value);
    Some(())
}

pub(super) const SUBSAMPLE: Rule = Rule {
    name: "strided-conv1x1-subsample",
    what: "Conv 1 x 1 with stride s -> AveragePool 1 x 1 with stride s, Conv 1 x 1",
    when: "no padding",
    why: "CrypTen opens the whole operand of a strided Conv; a 1 x 1 pool takes every s-th pixel locally",
    source: "CrypTen 0.4.1 crypten/mpc/primitives/beaver.py",
    anchors: &["Conv"],
    rewrite: &subsample,
    ..GROUPS
};

fn subsample(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let layer = Linear::of(site, site.output()?)?;
    let mut window = ConvWindow::of(layer.node, &layer.dims[2..])?;
    let strides = std::mem::replace(&mut window.strides, vec![1, 1]);
    if !window.is_pointwise() || strides == [1, 1] {
        return None;
    }
    let ints = |list: &[i64]| Attribute::Ints(list.to_vec());
    let pool =
        edit.with("AveragePool", &[layer.x], &[("kernel_shape", ints(&[1, 1])), ("strides", ints(&strides))]);
    let inputs: Vec<ValueId> = [Some(pool), Some(layer.weight), layer.bias].into_iter().flatten().collect();
    let value = edit.with("Conv", &inputs, &window.attributes());
    edit.replace(layer.output, value);
    Some(())
}

pub(super) const MATRIX: Rule = Rule {
    name: "gemm-as-conv1x1",
    what: "Gemm or MatMul of a weight -> Reshape, Conv 1 x 1, Reshape",
    when: "two dimensions",
    why: "CryptFlow2 makes the model the left operand of a Conv and the right one of a Gemm: fewer transfers for few rows",
    source: "EzPC SCI, linear-ot.h",
    anchors: &["Gemm", "MatMul"],
    rewrite: &matrix,
    ..GROUPS
};

fn matrix(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let layer = Linear::of(site, site.output()?)?;
    let [rows, columns] = site.shape(layer.x)?[..] else { return None };
    let weight = layer.by_rows(edit);
    let weight = edit.transpose(weight, &[1, 0]);
    let weight = edit.reshape(weight, &[layer.outputs(), columns, 1, 1]);
    let x = edit.reshape(layer.x, &[rows, columns, 1, 1]);
    let inputs: Vec<ValueId> = [Some(x), Some(weight), layer.bias].into_iter().flatten().collect();
    let conv = edit.with("Conv", &inputs, &[("kernel_shape", Attribute::Ints(vec![1, 1]))]);
    let value = edit.reshape(conv, &[rows, layer.outputs()]);
    edit.replace(layer.output, value);
    Some(())
}

pub(super) const SWAPPED: Rule = Rule {
    name: "matmul-transposed",
    what: "MatMul(x, W) -> Transpose(MatMul(W^T, x^T))",
    when: "two dimensions",
    why: "CryptFlow2's transfers are chosen by the left operand's party: fewer where the weight has fewer columns",
    source: "EzPC SCI, linear-ot.h",
    anchors: &["MatMul"],
    rewrite: &swapped,
    ..GROUPS
};

fn swapped(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let layer = Linear::of(site, site.output()?)?;
    if site.shape(layer.x)?.len() != 2 {
        return None;
    }
    let weight = edit.transpose(layer.weight, &[1, 0]);
    let x = edit.transpose(layer.x, &[1, 0]);
    let product = edit.op("MatMul", &[weight, x]);
    let value = edit.transpose(product, &[1, 0]);
    edit.replace(layer.output, value);
    Some(())
}

pub(super) const ALPHA: Rule = Rule {
    name: "gemm-as-matmul",
    what: "Gemm(alpha, beta) -> MatMul, Add, alpha and beta in the weights",
    when: "a is not transposed; weight and bias are the model's",
    why: "CrypTen multiplies by alpha and beta even where they are 1, SPU where they are not",
    source: "CrypTen 0.4.1 crypten/nn/module.py, class Gemm",
    anchors: &["Gemm"],
    rewrite: &alpha,
    ..GROUPS
};

fn alpha(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    use crate::rule::{float, int};
    let (x, mut weight, node) = (site.input(0)?, site.input(1)?, site.node);
    let bias = site.input(2);
    if int(node, "transA", 0) == 1
        || !site.is_weight(weight)
        || bias.is_some_and(|bias| !site.is_weight(bias))
    {
        return None;
    }
    if int(node, "transB", 0) == 1 {
        weight = edit.transpose(weight, &[1, 0]);
    }
    let mut times = |value: ValueId, name: &str| match f64::from(float(node, name, 1.0)) {
        1.0 => value,
        factor => {
            let factor = edit.number(factor);
            edit.op("Mul", &[value, factor])
        }
    };
    weight = times(weight, "alpha");
    let bias = bias.map(|bias| times(bias, "beta"));
    let mut value = edit.op("MatMul", &[x, weight]);
    if let Some(bias) = bias {
        value = edit.op("Add", &[value, bias]);
    }
    edit.replace(site.output()?, value);
    debug_assert!(is(node, "Gemm"));
    Some(())
}
