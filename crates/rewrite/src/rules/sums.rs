//! Averages as sums, their divisor in the weights that read them.

use hawkeye_graph::{Node, ValueId};

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, is, list};

use super::linear::Linear;

pub(super) const PARTS: Rule = Rule {
    name: "avgpool-as-sum",
    family: Family::Spatial,
    what: "AveragePool or GlobalAveragePool, linear layer -> sum of the windows' elements, layer with weight / k^2",
    when: "windows that tile the image; nothing but linear layers reads the pool, perhaps reshaped. The sum needs \
           log2(k^2) more bits, and the weights lose as many",
    why: "no division by a public number, and no truncation",
    source: "linearity",
    promise: Promise::Exact,
    anchors: &["AveragePool", "GlobalAveragePool"],
    rewrite: &parts,
};

/// Most elements of a window that are added one by one.
const LARGEST: i64 = 64;

/// Size and step of a pool's windows, if they tile its operand.
fn tiles(site: &Site<'_>) -> Option<[i64; 2]> {
    let [_, _, height, width] = site.image(site.input(0)?)?;
    if is(site.node, "GlobalAveragePool") {
        return Some([height, width]);
    }
    let kernel = site.node.attributes.ints("kernel_shape")?;
    let [rows, columns] = *kernel else { return None };
    let tiles = list(site.node, "strides", 2, 1) == kernel
        && list(site.node, "pads", 4, 0).iter().all(|pad| *pad == 0)
        && list(site.node, "dilations", 2, 1) == [1, 1]
        && crate::rule::explicit_padding(site.node)
        && height % rows == 0
        && width % columns == 0;
    tiles.then_some([rows, columns])
}

/// The layers that read a value, and the nodes that reshape it on the way; `None` if anything else does.
fn layers<'a>(site: &Site<'a>, value: ValueId) -> Option<(Vec<&'a Node>, Vec<Linear<'a>>)> {
    let (mut value, mut between) = (value, Vec::new());
    loop {
        if site.graph.outputs.contains(&value) {
            return None;
        }
        let readers = site.consumers(value);
        match readers[..] {
            [one]
                if ["Flatten", "Reshape", "Squeeze", "Identity", "Dropout"].iter().any(|op| is(one, op)) =>
            {
                between.push(one);
                value = one.outputs[0]?;
            }
            _ => {
                let layers = readers.iter().map(|node| Linear::reading(site, node, value));
                let layers = layers.collect::<Option<Vec<_>>>().filter(|layers| !layers.is_empty())?;
                return Some((between, layers));
            }
        }
    }
}

/// Puts a sum in the place of an average.
fn divide(site: &Site<'_>, edit: &mut Edit, sum: ValueId, count: i64) -> Option<()> {
    let (between, layers) = layers(site, site.output()?)?;
    let mut operand = sum;
    for node in between {
        let mut inputs: Vec<ValueId> = node.present_inputs().collect();
        inputs[0] = operand;
        operand = edit.like(node, &inputs);
    }
    for layer in layers {
        let share = edit.number(1.0 / count as f64);
        let weight = edit.op("Mul", &[layer.weight, share]);
        let value = layer.build(edit, operand, weight, layer.bias);
        edit.replace(layer.output, value);
    }
    Some(())
}

fn parts(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let x = site.input(0)?;
    let [rows, columns] = tiles(site)?;
    let [images, channels, height, width] = site.image(x)?;
    if rows * columns > LARGEST {
        return None;
    }
    layers(site, site.output()?)?;
    let (planes, down, across) = (images * channels, height / rows, width / columns);
    let mut value = x;
    if down == 1 && across == 1 {
        value = edit.reshape(value, &[planes, rows * columns]);
        let elements = edit.parts(value, 1, &vec![1; (rows * columns) as usize]);
        value = edit.sum(&elements)?;
    } else {
        value = edit.reshape(value, &[planes * down, rows, width]);
        let lines = edit.parts(value, 1, &vec![1; rows as usize]);
        value = edit.sum(&lines)?;
        value = edit.reshape(value, &[planes * down, across, columns]);
        let elements = edit.parts(value, 2, &vec![1; columns as usize]);
        value = edit.sum(&elements)?;
    }
    let sum = edit.reshape(value, &[images, channels, down, across]);
    divide(site, edit, sum, rows * columns)
}

pub(super) const REDUCED: Rule = Rule {
    name: "gap-as-reducesum",
    what: "GlobalAveragePool, linear layer -> ReduceSum, layer with weight / (H W)",
    when: "nothing but linear layers reads the pool, perhaps reshaped. The sum needs log2(H W) more bits, and the \
           weights lose as many",
    anchors: &["GlobalAveragePool"],
    rewrite: &reduced,
    ..PARTS
};

fn reduced(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let [rows, columns] = tiles(site)?;
    layers(site, site.output()?)?;
    let sum = edit.reduce("ReduceSum", site.input(0)?, &[2, 3]);
    divide(site, edit, sum, rows * columns)
}

pub(super) const HARD_SWISH: Rule = Rule {
    name: "hardswish-as-clip",
    family: Family::Activation,
    what: "HardSwish(x), linear layer -> x Clip(x + 3, 0, 6), layer with weight / 6",
    when: "nothing but linear layers reads it",
    why: "no product with a constant is left",
    source: "definition of HardSwish",
    anchors: &["HardSwish"],
    rewrite: &hard_swish,
    ..PARTS
};

fn hard_swish(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let x = site.input(0)?;
    layers(site, site.output()?)?;
    let three = edit.number(3.0);
    let moved = edit.op("Add", &[x, three]);
    let gate = super::activations::clip(edit, moved, 0.0, 6.0);
    let product = edit.op("Mul", &[x, gate]);
    divide(site, edit, product, 6)
}

pub(super) const TRUNCATED_ONCE: Rule = Rule {
    name: "truncate-once",
    family: Family::Spatial,
    what: "a linear layer that several layers read -> Concat of it alone, which they read",
    when: "two or more readers",
    why: "CryptFlow2's and Cheetah's layers each truncate a copy of an operand at double scale; a Concat truncates the \
          tensor itself, once",
    source: "EzPC Athos, HLIL scale management; SCI, functionalities.h",
    anchors: &["Conv", "MatMul", "Gemm", "ConvTranspose"],
    rewrite: &|site, edit| {
        let layer = Linear::of(site, site.output()?)?;
        let readers = site.consumers(layer.output);
        let linear = readers.iter().filter(|node| Linear::reading(site, node, layer.output).is_some());
        if linear.count() < 2 || site.graph.outputs.contains(&layer.output) {
            return None;
        }
        let copy = layer.build(edit, layer.x, layer.weight, layer.bias);
        let once = edit.concat(&[copy], 1);
        edit.replace(layer.output, once);
        Some(())
    },
    ..PARTS
};
