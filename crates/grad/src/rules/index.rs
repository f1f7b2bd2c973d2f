//! Operators that choose elements by index; their gradients add up where an element is chosen twice.

use hawkeye_graph::Attribute;

use super::layout::{inverse, scatter_add};
use crate::adjoint::{Adjoint, GradientResult};

pub(crate) fn gather(a: &mut Adjoint<'_>) -> GradientResult {
    let (dy, indices, shape) = (a.dy()?, a.x(1)?, a.shape(0)?);
    let axis = a.axis(0, shape.len())?;
    let chosen = a.shape(1)?;
    // A single constant index is a slice.
    if let (true, Ok(Some(ints))) = (chosen.iter().product::<i64>() == 1, a.ints(1)) {
        let size = shape[axis];
        let start = ints
            .first()
            .map_or(0, |i| if *i < 0 { i.saturating_add(size) } else { *i })
            .clamp(0, (size - 1).max(0));
        let narrow: Vec<i64> =
            shape.iter().enumerate().map(|(i, d)| if i == axis { 1 } else { *d }).collect();
        let (mut before, mut after) = (vec![0; shape.len()], vec![0; shape.len()]);
        (before[axis], after[axis]) = (start, size - start - 1);
        let slice = a.graph.reshape(dy, &narrow);
        let dx = a.graph.pad(slice, &before, &after);
        a.give(0, dx);
        return Ok(());
    }
    let (rank, depth) = (shape.len(), chosen.len());
    let to_front: Vec<usize> =
        (axis..axis + depth).chain(0..axis).chain(axis + depth..rank - 1 + depth).collect();
    let moved = a.graph.transpose(dy, &to_front);
    let front: Vec<usize> = [axis].into_iter().chain((0..rank).filter(|i| *i != axis)).collect();
    let wide: Vec<i64> = front.iter().map(|i| shape[*i]).collect();
    let indices = a.graph.reshape(indices, &[chosen.as_slice(), &[1]].concat());
    let zeros = a.graph.zeros(&wide);
    let sum = scatter_add(a, zeros, indices, moved);
    let dx = a.graph.transpose(sum, &inverse(&front));
    a.give(0, dx);
    Ok(())
}

pub(crate) fn gather_elements(a: &mut Adjoint<'_>) -> GradientResult {
    let (dy, indices, shape) = (a.dy()?, a.x(1)?, a.shape(0)?);
    let axis = a.axis(0, shape.len())?;
    let zeros = a.graph.zeros(&shape);
    let dx = a.graph.with(
        "ScatterElements",
        &[zeros, indices, dy],
        &[("axis", Attribute::Int(axis as i64)), ("reduction", Attribute::String("add".to_owned()))],
    );
    a.give(0, dx);
    Ok(())
}

/// Batches become part of the index.
pub(crate) fn gather_nd(a: &mut Adjoint<'_>) -> GradientResult {
    let (dy, mut indices, shape, chosen) = (a.dy()?, a.x(1)?, a.shape(0)?, a.shape(1)?);
    let batches = usize::try_from(a.int("batch_dims", 0)).unwrap_or(0).min(chosen.len().saturating_sub(1));
    for axis in (0..batches).rev() {
        let numbers = a.graph.range(0, chosen[axis]);
        let mut narrow = vec![1; chosen.len()];
        narrow[axis] = chosen[axis];
        let numbers = a.graph.reshape(numbers, &narrow);
        let mut wide = chosen.clone();
        wide[chosen.len() - 1] = 1;
        let numbers = a.graph.expand(numbers, &wide);
        indices = a.graph.with("Concat", &[numbers, indices], &[("axis", Attribute::Int(-1))]);
    }
    let zeros = a.graph.zeros(&shape);
    let dx = scatter_add(a, zeros, indices, dy);
    a.give(0, dx);
    Ok(())
}

/// Whether the updates are added to what they meet, or replace it.
fn adds(a: &Adjoint<'_>) -> Result<bool, String> {
    match a.text("reduction") {
        "" | "none" => Ok(false),
        "add" => Ok(true),
        other => Err(format!("has no gradient for reduction \"{other}\"")),
    }
}

pub(crate) fn scatter_nd(a: &mut Adjoint<'_>) -> GradientResult {
    let (dy, indices) = (a.dy()?, a.x(1)?);
    if a.wants(0) {
        let dx = if adds(a)? {
            dy
        } else {
            let shape = a.shape(2)?;
            let zeros = a.graph.zeros(&shape);
            a.graph.op("ScatterND", &[dy, indices, zeros])
        };
        a.give(0, dx);
    }
    if a.wants(2) {
        adds(a)?;
        let gradient = a.graph.op("GatherND", &[dy, indices]);
        a.give(2, gradient);
    }
    Ok(())
}

pub(crate) fn scatter_elements(a: &mut Adjoint<'_>) -> GradientResult {
    let (dy, indices) = (a.dy()?, a.x(1)?);
    let axis = [("axis", Attribute::Int(a.int("axis", 0)))];
    if a.wants(0) {
        let dx = if adds(a)? {
            dy
        } else {
            let shape = a.shape(2)?;
            let zeros = a.graph.zeros(&shape);
            a.graph.with("ScatterElements", &[dy, indices, zeros], &axis)
        };
        a.give(0, dx);
    }
    if a.wants(2) {
        adds(a)?;
        let gradient = a.graph.with("GatherElements", &[dy, indices], &axis);
        a.give(2, gradient);
    }
    Ok(())
}

pub(crate) fn top_k(a: &mut Adjoint<'_>) -> GradientResult {
    let (dy, shape) = (a.dy()?, a.shape(0)?);
    let axis = a.axis(-1, shape.len())?;
    let indices = a.y(1);
    let zeros = a.graph.zeros(&shape);
    let dx = a.graph.with("ScatterElements", &[zeros, indices, dy], &[("axis", Attribute::Int(axis as i64))]);
    a.give(0, dx);
    Ok(())
}
