//! Convolutions by Winograd's minimal filtering F(2 x 2, 3 x 3).

use hawkeye_graph::ValueId;

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site};

use super::linear::{ConvWindow, Linear};
use super::pool::lanes;
use super::taps::biased;

pub(super) const LEFT: Rule = Rule {
    name: "winograd",
    family: Family::Spatial,
    what: "Conv 3 x 3 -> sixteen products of transformed weights (O x C) and tiles (C x tiles), sums before and after",
    when: "stride 1, one group, no dilation; odd sizes are padded. The weights take two more fraction bits, sums of \
           products two more whole ones",
    why: "16 products per 2 x 2 outputs in place of 36, where products are paid; operands are opened 4 times as often",
    source: "Lavin and Gray, arXiv 1509.09308, section 4.1; CoPriv, arXiv 2311.01737, section 4.1",
    promise: Promise::Exact,
    anchors: &["Conv"],
    rewrite: &|site, edit| winograd(site, edit, WeightSide::WeightsLeft),
};

pub(super) const RIGHT: Rule = Rule {
    name: "winograd-weights-right",
    what: "Conv 3 x 3 -> sixteen products of tiles (tiles x C) and transformed weights (C x O), sums before and after",
    why: "as winograd; CryptFlow2's transfers are chosen by the left operand's party",
    rewrite: &|site, edit| winograd(site, edit, WeightSide::WeightsRight),
    ..LEFT
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum WeightSide {
    WeightsLeft,
    WeightsRight,
}

fn winograd(site: &Site<'_>, edit: &mut Edit, side: WeightSide) -> Option<()> {
    let layer = Linear::of(site, site.output()?).filter(Linear::is_conv)?;
    let window = ConvWindow::of(layer.node, &layer.dims[2..])?;
    let [images, channels, rows, columns] = site.image(layer.x)?;
    let [_, out, height, width] = site.image(layer.output)?;
    let ones = |list: &[i64]| list.iter().all(|i| *i == 1);
    if window.kernel != [3, 3] || !ones(&window.strides) || !ones(&window.dilations) || window.group != 1 {
        return None;
    }
    // Tiles of 4 x 4 every 2: outputs of odd sizes get one more, which is cut off again.
    let (down, across) = ((height + 1) / 2, (width + 1) / 2);
    let pads = &window.pads;
    let (below, right) = (2 * down + 2 - rows - pads[0], 2 * across + 2 - columns - pads[1]);
    let padded = edit.pad(layer.x, &[0, 0, pads[0], pads[1], 0, 0, below, right]);
    let planes = images * channels;
    let mut tiles = Vec::new();
    for row in input_transform(edit, padded, [planes, 2 * down + 2, 2 * across + 2]) {
        for tile in input_transform(edit, row, [planes * down, 2 * across + 2, 1]) {
            let tile = edit.reshape(tile, &[images, channels, down * across]);
            let tile = if images == 1 { tile } else { edit.transpose(tile, &[1, 0, 2]) };
            tiles.push(edit.reshape(tile, &[channels, images * down * across]));
        }
    }
    let weights = weights(edit, layer.weight, out, channels);
    let products: Vec<ValueId> = tiles
        .into_iter()
        .zip(weights)
        .map(|(tile, weight)| match side {
            WeightSide::WeightsLeft => edit.op("MatMul", &[weight, tile]),
            WeightSide::WeightsRight => {
                let tile = edit.transpose(tile, &[1, 0]);
                let weight = edit.transpose(weight, &[1, 0]);
                let product = edit.op("MatMul", &[tile, weight]);
                edit.transpose(product, &[1, 0])
            }
        })
        .collect();
    let mut lines = Vec::new();
    for column in 0..4 {
        lines.push(output_transform(edit, [0, 1, 2, 3].map(|row| products[4 * row + column])));
    }
    let lanes = out * images * down;
    let mut whole = Vec::new();
    for row in [0, 1] {
        let [even, odd] = output_transform(edit, [0, 1, 2, 3].map(|column| lines[column][row]));
        let [even, odd] = [even, odd].map(|half| edit.reshape(half, &[lanes, across, 1]));
        let line = edit.concat(&[even, odd], 2);
        whole.push(edit.reshape(line, &[lanes, 1, 2 * across]));
    }
    let image = edit.concat(&whole, 1);
    let mut image = edit.reshape(image, &[out, images, 2 * down, 2 * across]);
    if images != 1 {
        image = edit.transpose(image, &[1, 0, 2, 3]);
    }
    for (axis, size, all) in [(2, height, 2 * down), (3, width, 2 * across)] {
        if size != all {
            image = edit.parts(image, axis, &[size, all - size])[0];
        }
    }
    let image = edit.reshape(image, &[images, out, height, width]);
    let value = biased(edit, image, layer.bias);
    edit.replace(layer.output, value);
    Some(())
}

/// B^T d of tiles along the middle axis: four tensors with half of it less one.
fn input_transform(edit: &mut Edit, x: ValueId, shape: [i64; 3]) -> [ValueId; 4] {
    let tiles = shape[1] / 2 - 1;
    let lanes = lanes(edit, x, shape, 2);
    let [d0, d1, d2, d3] = [0, 1, 2, 3].map(|offset| lanes.tap(edit, offset, 0, tiles));
    [
        edit.op("Sub", &[d0, d2]),
        edit.op("Add", &[d1, d2]),
        edit.op("Sub", &[d2, d1]),
        edit.op("Sub", &[d1, d3]),
    ]
}

/// A^T m: two tensors of four.
fn output_transform(edit: &mut Edit, [m0, m1, m2, m3]: [ValueId; 4]) -> [ValueId; 2] {
    let sum = edit.op("Add", &[m0, m1]);
    let difference = edit.op("Sub", &[m1, m2]);
    [edit.op("Add", &[sum, m2]), edit.op("Sub", &[difference, m3])]
}

/// G g G^T for every pair of channels: sixteen matrices (out, in).
fn weights(edit: &mut Edit, weight: ValueId, out: i64, channels: i64) -> Vec<ValueId> {
    const G: [[f64; 3]; 4] = [[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]];
    let flat = edit.reshape(weight, &[out * channels, 9]);
    let mut transform = Vec::new();
    for kernel in 0..9 {
        for tile in 0..16 {
            transform.push(G[tile / 4][kernel / 3] * G[tile % 4][kernel % 3]);
        }
    }
    let transform = edit.floats(&[9, 16], &transform);
    let flat = edit.op("MatMul", &[flat, transform]);
    (0..16)
        .map(|tile| {
            let matrix = edit.slice(flat, 1, tile, tile + 1);
            edit.reshape(matrix, &[out, channels])
        })
        .collect()
}
