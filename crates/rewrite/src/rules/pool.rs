//! Maxima along an axis by comparisons of two halves.

use hawkeye_graph::ValueId;

use crate::edit::Edit;

/// Windows along one axis.
pub(super) struct Windows {
    pub(super) kernel: i64,
    pub(super) stride: i64,
    pub(super) before: i64,
    pub(super) outputs: i64,
}

/// The maxima of windows along `axis` of a tensor of that shape; `None` if no tap of the window is
/// inside the tensor everywhere.
pub(super) fn maxima(
    edit: &mut Edit,
    x: ValueId,
    shape: &[i64],
    axis: usize,
    windows: &Windows,
) -> Option<ValueId> {
    let Windows { kernel, stride, before, outputs } = *windows;
    let size = shape[axis];
    if kernel == 1 && stride == 1 {
        return Some(x);
    }
    let (left, right) = (shape[..axis].iter().product::<i64>(), shape[axis + 1..].iter().product::<i64>());
    // Windows that tile in even numbers: halve, as a tree of the least depth.
    if kernel == stride && kernel % 2 == 0 && before == 0 && size == kernel * outputs {
        let blocks = edit.reshape(x, &[left * size / 2, 2, right]);
        let halves = edit.parts(blocks, 1, &[1, 1]);
        let half = edit.larger(halves[0], halves[1]);
        let mut smaller = shape.to_vec();
        smaller[axis] = size / 2;
        let half = edit.reshape(half, &smaller);
        let rest = Windows { kernel: kernel / 2, stride: stride / 2, before, outputs };
        return maxima(edit, half, &smaller, axis, &rest);
    }
    let lanes = lanes(edit, x, [left, size, right], stride);
    let mut taps: Vec<(i64, i64, i64)> = (0..kernel)
        .map(|tap| {
            let offset = tap - before;
            // Outputs i at which 0 <= stride * i + offset < size.
            let first = (-offset).max(0).div_ceil_of(stride);
            let last = (size - offset).div_ceil_of(stride).min(outputs);
            (offset, first, last)
        })
        .filter(|(_, first, last)| first < last)
        .collect();
    let full = taps.iter().position(|(_, first, last)| *first == 0 && *last == outputs)?;
    let (offset, ..) = taps.remove(full);
    // Taps that are inside everywhere first: the edges are cut once.
    taps.sort_by_key(|(_, first, last)| first - last);
    let mut maximum = lanes.tap(edit, offset, 0, outputs);
    for (offset, first, last) in taps {
        let tap = lanes.tap(edit, offset, first, last);
        maximum = if last - first == outputs {
            edit.larger(maximum, tap)
        } else {
            let sizes: Vec<i64> =
                [first, last - first, outputs - last].into_iter().filter(|size| *size > 0).collect();
            let mut parts = edit.parts(maximum, 1, &sizes);
            let inside = usize::from(first > 0);
            parts[inside] = edit.larger(parts[inside], tap);
            edit.concat(&parts, 1)
        };
    }
    let mut reduced = shape.to_vec();
    reduced[axis] = outputs;
    Some(edit.reshape(maximum, &reduced))
}

trait DivCeil {
    fn div_ceil_of(self, by: i64) -> i64;
}

impl DivCeil for i64 {
    fn div_ceil_of(self, by: i64) -> i64 {
        (self + by - 1).div_euclid(by)
    }
}

/// Every `stride`-th element along an axis, from each of the first: tensors (left, blocks, right).
pub(super) struct Lanes {
    lanes: Vec<(ValueId, i64)>,
    stride: i64,
}

pub(super) fn lanes(edit: &mut Edit, x: ValueId, [left, size, right]: [i64; 3], stride: i64) -> Lanes {
    let x = edit.reshape(x, &[left, size, right]);
    if stride == 1 {
        return Lanes { lanes: vec![(x, size)], stride };
    }
    let (blocks, over) = (size / stride, size % stride);
    let sizes: Vec<i64> = std::iter::once(blocks * stride).chain((0..over).map(|_| 1)).collect();
    let parts = if over == 0 { vec![x] } else { edit.parts(x, 1, &sizes) };
    let whole = edit.reshape(parts[0], &[left, blocks, stride, right]);
    let ones: Vec<i64> = (0..stride).map(|_| 1).collect();
    let columns = edit.parts(whole, 2, &ones);
    let lanes = columns
        .into_iter()
        .enumerate()
        .map(|(index, column)| {
            let lane = edit.reshape(column, &[left, blocks, right]);
            match parts.get(index + 1) {
                Some(rest) => (edit.concat(&[lane, *rest], 1), blocks + 1),
                None => (lane, blocks),
            }
        })
        .collect();
    Lanes { lanes, stride }
}

impl Lanes {
    /// Elements `stride * i + offset` for outputs i from `first` to `last`.
    pub(super) fn tap(&self, edit: &mut Edit, offset: i64, first: i64, last: i64) -> ValueId {
        let (lane, size) = self.lanes[offset.rem_euclid(self.stride) as usize];
        let start = first + offset.div_euclid(self.stride);
        let end = last + offset.div_euclid(self.stride);
        let sizes: Vec<i64> = [start, end - start, size - end].into_iter().filter(|size| *size > 0).collect();
        if sizes.len() == 1 { lane } else { part(edit, lane, &sizes, usize::from(start > 0)) }
    }
}

/// One part of a tensor along its second axis.
fn part(edit: &mut Edit, x: ValueId, sizes: &[i64], index: usize) -> ValueId {
    match edit.spelling {
        crate::Spelling::Split => edit.parts(x, 1, sizes)[index],
        crate::Spelling::Slice => {
            let start: i64 = sizes[..index].iter().sum();
            edit.took_parts = true;
            edit.slice(x, 1, start, start + sizes[index])
        }
    }
}

/// The maximum along an axis, which stays with size 1.
pub(super) fn maximum(edit: &mut Edit, x: ValueId, axis: i64, size: i64) -> ValueId {
    extreme(edit, x, axis, size, Edit::larger)
}

/// What is left along an axis, which stays with size 1, of two elements each time.
pub(super) fn extreme(
    edit: &mut Edit,
    x: ValueId,
    axis: i64,
    size: i64,
    of_two: fn(&mut Edit, ValueId, ValueId) -> ValueId,
) -> ValueId {
    let (mut rest, mut size) = (x, size);
    while size > 1 {
        let half = size / 2;
        let sizes: Vec<i64> = [half, half, size % 2].into_iter().filter(|size| *size > 0).collect();
        let parts = edit.parts(rest, axis, &sizes);
        let left = of_two(edit, parts[0], parts[1]);
        rest = match parts.get(2) {
            Some(odd) => edit.concat(&[left, *odd], axis),
            None => left,
        };
        size = half + size % 2;
    }
    rest
}
