//! Images as the taps of windows over them.

use hawkeye_graph::ValueId;

use crate::edit::Edit;
use crate::rule::Site;

use super::linear::{ConvWindow, Linear};
use super::pool::lanes;

/// A Conv over images, with what its windows see.
pub(super) struct Taps {
    /// For each element of the kernel, row by row, what it is multiplied with: (images, channels, pixels).
    pub(super) taps: Vec<ValueId>,
    pub(super) images: i64,
    pub(super) channels: i64,
    pub(super) height: i64,
    pub(super) width: i64,
}

/// The taps of a Conv without dilation.
pub(super) fn taps(
    site: &Site<'_>,
    edit: &mut Edit,
    layer: &Linear<'_>,
    window: &ConvWindow,
) -> Option<Taps> {
    let [images, channels, rows, columns] = site.image(layer.x)?;
    let [_, _, height, width] = site.image(layer.output)?;
    if window.dilations.iter().any(|d| *d != 1) {
        return None;
    }
    let pads = &window.pads;
    let padded = edit.pad(layer.x, &[0, 0, pads[0], pads[1], 0, 0, pads[2], pads[3]]);
    let (rows, columns) = (rows + pads[0] + pads[2], columns + pads[1] + pads[3]);
    let planes = images * channels;
    let down = lanes(edit, padded, [planes, rows, columns], window.strides[0]);
    let mut taps = Vec::new();
    for i in 0..window.kernel[0] {
        let line = down.tap(edit, i, 0, height);
        let across = lanes(edit, line, [planes * height, columns, 1], window.strides[1]);
        for j in 0..window.kernel[1] {
            let tap = across.tap(edit, j, 0, width);
            taps.push(edit.reshape(tap, &[images, channels, height * width]));
        }
    }
    Some(Taps { taps, images, channels, height, width })
}

/// A bias added to images.
pub(super) fn biased(edit: &mut Edit, images: ValueId, bias: Option<ValueId>) -> ValueId {
    match bias {
        Some(bias) => {
            let bias = edit.reshape(bias, &[1, -1, 1, 1]);
            edit.op("Add", &[images, bias])
        }
        None => images,
    }
}
