//! Operators that move elements without computing.

use hawkeye_graph::{Attribute, ValueId};

use crate::adjoint::{Adjoint, GradientResult, axis};

/// Reshape, Flatten, Squeeze, Unsqueeze.
pub(crate) fn reshape(a: &mut Adjoint<'_>) -> GradientResult {
    let (dy, shape) = (a.dy()?, a.shape(0)?);
    let dx = a.graph.reshape(dy, &shape);
    a.give(0, dx);
    Ok(())
}

pub(crate) fn transpose(a: &mut Adjoint<'_>) -> GradientResult {
    let (dy, rank) = (a.dy()?, a.shape(0)?.len());
    let perm: Vec<usize> = match a.node.attributes.ints("perm") {
        Some(perm) => perm.iter().map(|p| axis(*p, rank)).collect::<Result<_, _>>()?,
        None => (0..rank).rev().collect(),
    };
    if perm.len() != rank {
        return Err(format!("permutes {} of {rank} dimensions", perm.len()));
    }
    let dx = a.graph.transpose(dy, &inverse(&perm));
    a.give(0, dx);
    Ok(())
}

/// The permutation that undoes another.
pub(crate) fn inverse(perm: &[usize]) -> Vec<usize> {
    let mut back = vec![0; perm.len()];
    for (to, from) in perm.iter().enumerate() {
        back[*from] = to;
    }
    back
}

pub(crate) fn concat(a: &mut Adjoint<'_>) -> GradientResult {
    let dy = a.dy()?;
    let axis = a.axis(0, a.out_shape(0)?.len())?;
    let mut start = 0;
    for index in 0..a.node.inputs.len() {
        let size = a.shape(index)?[axis];
        if a.wants(index) {
            let part = a.graph.slice(dy, &[axis as i64], &[start], &[start + size]);
            a.give(index, part);
        }
        start += size;
    }
    Ok(())
}

/// Outputs that the loss does not depend on have a gradient of zero.
pub(crate) fn split(a: &mut Adjoint<'_>) -> GradientResult {
    let axis = a.axis(0, a.shape(0)?.len())?;
    let mut parts = Vec::new();
    for index in 0..a.node.outputs.len() {
        parts.push(match a.gradients.get(index).copied().flatten() {
            Some(gradient) => gradient,
            None => {
                let shape = a.out_shape(index)?;
                a.graph.zeros(&shape)
            }
        });
    }
    let dx = a.graph.with("Concat", &parts, &[("axis", Attribute::Int(axis as i64))]);
    a.give(0, dx);
    Ok(())
}

pub(crate) fn expand(a: &mut Adjoint<'_>) -> GradientResult {
    let dy = a.dy()?;
    a.give_broadcast(0, dy)
}

/// The sum over the copies.
pub(crate) fn tile(a: &mut Adjoint<'_>) -> GradientResult {
    let (dy, shape, tiled) = (a.dy()?, a.shape(0)?, a.out_shape(0)?);
    let mut folded = Vec::new();
    let mut copies = Vec::new();
    for (size, all) in shape.iter().zip(&tiled) {
        let times = all.checked_div(*size).unwrap_or(1);
        if times != 1 {
            copies.push(folded.len());
            folded.push(times);
        }
        folded.push(*size);
    }
    let folded = a.graph.reshape(dy, &folded);
    let dx = a.graph.sum(folded, &copies, false);
    a.give(0, dx);
    Ok(())
}

pub(crate) fn depth_to_space(a: &mut Adjoint<'_>) -> GradientResult {
    let (dy, shape) = (a.dy()?, a.shape(0)?);
    let block = a.int("blocksize", 1).clamp(1, 1 << 15);
    let dx = if a.text("mode") == "CRD" {
        let [n, c, h, w] = shape[..] else { return Err("has an operand that is no image".to_owned()) };
        let depth = c / (block * block);
        let blocks = a.graph.reshape(dy, &[n, depth, h, block, w, block]);
        let moved = a.graph.transpose(blocks, &[0, 1, 3, 5, 2, 4]);
        a.graph.reshape(moved, &shape)
    } else {
        a.graph.with("SpaceToDepth", &[dy], &[("blocksize", Attribute::Int(block))])
    };
    a.give(0, dx);
    Ok(())
}

pub(crate) fn space_to_depth(a: &mut Adjoint<'_>) -> GradientResult {
    let (dy, block) = (a.dy()?, a.int("blocksize", 1));
    let dx = a.graph.with("DepthToSpace", &[dy], &[("blocksize", Attribute::Int(block))]);
    a.give(0, dx);
    Ok(())
}

pub(crate) fn trilu(a: &mut Adjoint<'_>) -> GradientResult {
    let dy = a.dy()?;
    let inputs: Vec<ValueId> = [Some(dy), a.optional(1)].into_iter().flatten().collect();
    let dx = a.graph.with("Trilu", &inputs, &[("upper", Attribute::Int(a.int("upper", 1)))]);
    a.give(0, dx);
    Ok(())
}

pub(crate) fn reverse_sequence(a: &mut Adjoint<'_>) -> GradientResult {
    let (dy, lengths) = (a.dy()?, a.x(1)?);
    let attributes = [
        ("batch_axis", Attribute::Int(a.int("batch_axis", 1))),
        ("time_axis", Attribute::Int(a.int("time_axis", 0))),
    ];
    let dx = a.graph.with("ReverseSequence", &[dy, lengths], &attributes);
    a.give(0, dx);
    Ok(())
}

/// What is cut off has a gradient of zero; steps other than 1 are scattered.
pub(crate) fn slice(a: &mut Adjoint<'_>) -> GradientResult {
    let (dy, shape, out) = (a.dy()?, a.shape(0)?, a.out_shape(0)?);
    let starts = a.ints(1)?.unwrap_or_default();
    let axes = a.ints(3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = a.ints(4)?.unwrap_or_else(|| vec![1; starts.len()]);
    let (mut before, mut after) = (vec![0; shape.len()], vec![0; shape.len()]);
    let mut strided = Vec::new();
    for ((start, i), step) in starts.iter().zip(&axes).zip(&steps) {
        let i = axis(*i, shape.len())?;
        let size = shape[i];
        let last = if *step < 0 { (size - 1).max(0) } else { size };
        let start = if *start < 0 { start.saturating_add(size) } else { *start }.clamp(0, last);
        if *step == 1 {
            // What a step of 1 leaves out lies before and behind, so that padding gives it back.
            before[i] = start;
            after[i] = size - start - out[i];
        } else {
            strided.push((i, start, *step));
        }
    }
    let mut gradient = dy;
    if before.iter().chain(&after).any(|pad| *pad != 0) {
        gradient = a.graph.pad(gradient, &before, &after);
    }
    let mut have: Vec<i64> = (0..shape.len()).map(|i| out[i] + before[i] + after[i]).collect();
    // Other steps leave gaps: one axis after the other, the slices go to where they came from.
    for (i, start, step) in strided {
        let numbers = a.graph.range(0, out[i]);
        let (step, start) = (a.graph.int(step), a.graph.int(start));
        let steps = a.graph.mul(numbers, step);
        let positions = a.graph.add(steps, start);
        gradient = scatter_axis(a, gradient, &have, i, positions, shape[i]);
        have[i] = shape[i];
    }
    a.give(0, gradient);
    Ok(())
}

/// Adds the slices of `values` along an axis to those positions of zeros that `positions`, a vector,
/// names; the axis then has `size` elements.
pub(crate) fn scatter_axis(
    a: &mut Adjoint<'_>,
    values: ValueId,
    shape: &[i64],
    axis: usize,
    positions: ValueId,
    size: i64,
) -> ValueId {
    let perm: Vec<usize> = [axis].into_iter().chain((0..shape.len()).filter(|i| *i != axis)).collect();
    let mut wide: Vec<i64> = perm.iter().map(|i| shape[*i]).collect();
    wide[0] = size;
    let moved = a.graph.transpose(values, &perm);
    let positions = a.graph.reshape(positions, &[-1, 1]);
    let zeros = a.graph.zeros(&wide);
    let sum = scatter_add(a, zeros, positions, moved);
    a.graph.transpose(sum, &inverse(&perm))
}

pub(crate) fn scatter_add(a: &mut Adjoint<'_>, zeros: ValueId, indices: ValueId, values: ValueId) -> ValueId {
    a.graph.with(
        "ScatterND",
        &[zeros, indices, values],
        &[("reduction", Attribute::String("add".to_owned()))],
    )
}

/// Constant pads are cut off; elements that were copied collect the gradients of their copies.
pub(crate) fn pad(a: &mut Adjoint<'_>) -> GradientResult {
    let (dy, shape, out) = (a.dy()?, a.shape(0)?, a.out_shape(0)?);
    let rank = shape.len();
    let pads = a.ints(1)?.unwrap_or_default();
    let axes = match a.ints(3)? {
        Some(axes) => axes.into_iter().map(|i| axis(i, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(format!("has {} pads for {} axes", pads.len(), axes.len()));
    }
    let mode = match a.text("mode") {
        "" => "constant".to_owned(),
        mode => mode.to_owned(),
    };
    let mut gradient = dy;
    let mut have = out;
    for (position, i) in axes.iter().copied().enumerate() {
        let (before, after) = (pads[position], pads[position + axes.len()]);
        if (before, after) == (0, 0) {
            continue;
        }
        // Negative pads cut, so their gradient pads.
        if mode == "constant" || (before <= 0 && after <= 0) {
            let (start, end) = (before.max(0), have[i] - after.max(0));
            gradient = a.graph.slice(gradient, &[i as i64], &[start], &[end]);
            let (mut front, mut back) = (vec![0; rank], vec![0; rank]);
            (front[i], back[i]) = ((-before).max(0), (-after).max(0));
            if front[i] + back[i] > 0 {
                gradient = a.graph.pad(gradient, &front, &back);
            }
        } else {
            let source = pad_source(a, &mode, before, have[i], shape[i])?;
            gradient = scatter_axis(a, gradient, &have, i, source, shape[i]);
        }
        have[i] = shape[i];
    }
    a.give(0, gradient);
    Ok(())
}

/// Which element each position of a padded axis was copied from.
fn pad_source(a: &mut Adjoint<'_>, mode: &str, before: i64, wide: i64, size: i64) -> Result<ValueId, String> {
    let positions = a.graph.range(-before, wide - before);
    let (zero, last, length) = (a.graph.int(0), a.graph.int(size - 1), a.graph.int(size));
    Ok(match mode {
        "edge" => {
            let low = a.graph.op("Max", &[positions, zero]);
            a.graph.op("Min", &[low, last])
        }
        "reflect" => {
            // last − |last − |i||
            let size = a.graph.op("Abs", &[positions]);
            let over = a.graph.sub(last, size);
            let over = a.graph.op("Abs", &[over]);
            a.graph.sub(last, over)
        }
        "wrap" => a.graph.op("Mod", &[positions, length]),
        other => return Err(format!("has no gradient for mode \"{other}\"")),
    })
}
