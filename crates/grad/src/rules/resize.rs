//! Resizing. Along each axis it is a product with a matrix of weights, whose transpose gives the
//! gradient; the matrix is computed by the step itself from the positions.

use hawkeye_graph::{DType, ValueId};

use crate::adjoint::{Adjoint, Outcome, axis};
use crate::emit::Emit;

pub(crate) fn resize(a: &mut Adjoint<'_>) -> Outcome {
    let (mut gradient, shape, out) = (a.dy()?, a.shape(0)?, a.out_shape(0)?);
    if a.int("antialias", 0) != 0 || a.int("exclude_outside", 0) != 0 {
        return Err("has no gradient with antialias or exclude_outside".to_owned());
    }
    let axes = match a.node.attributes.ints("axes") {
        Some(axes) => axes.iter().map(|i| axis(*i, shape.len())).collect::<Result<Vec<_>, _>>()?,
        None => (0..shape.len()).collect(),
    };
    let scales = a.floats(2)?.filter(|scales| scales.len() == axes.len());
    for (position, i) in axes.into_iter().enumerate() {
        if shape[i] == out[i] {
            continue;
        }
        let ratio = out[i] as f64 / shape[i] as f64;
        let scale = scales.as_ref().map_or(ratio, |scales| scales[position]);
        let weights = weights(a, shape[i], out[i], scale)?;
        // To the end, times the matrix of out·in weights, and back.
        let rank = shape.len();
        let mut perm: Vec<usize> = (0..rank).collect();
        perm.swap(i, rank - 1);
        let moved = a.e.transpose(gradient, &perm);
        let product = a.e.op("MatMul", &[moved, weights]);
        gradient = a.e.transpose(product, &perm);
    }
    a.give(0, gradient);
    Ok(())
}

/// The weight of every element (columns) in every result (rows).
fn weights(a: &mut Adjoint<'_>, size: i64, out: i64, scale: f64) -> Result<ValueId, String> {
    let (transformation, rounding) =
        (a.text("coordinate_transformation_mode").to_owned(), a.text("nearest_mode").to_owned());
    let mode = a.text("mode").to_owned();
    let dtype = a.e.dtype;
    a.e.dtype = DType::Float32;
    let e = &mut *a.e;
    let positions = e.range(0, out);
    let positions = e.cast(positions, DType::Float32);
    let Some(source) = source(e, positions, &transformation, size, out, scale) else {
        e.dtype = dtype;
        return Err(format!("has no gradient for coordinate_transformation_mode \"{transformation}\""));
    };
    let columns = e.range(0, size);
    let columns = e.cast(columns, DType::Float32);
    let last = e.number((size - 1) as f64);
    let zero = e.number(0.0);
    let weights = match mode.as_str() {
        "" | "nearest" => {
            let nearest = round(e, source, &rounding);
            let nearest = e.op("Clip", &[nearest, zero, last]);
            let column = e.reshape(nearest, &[out, 1]);
            // Both are whole numbers.
            let apart = e.sub(column, columns);
            let apart = e.op("Abs", &[apart]);
            let half = e.number(0.5);
            let same = e.op("Less", &[apart, half]);
            Ok(e.cast(same, dtype))
        }
        "linear" => {
            let inside = e.op("Clip", &[source, zero, last]);
            let column = e.reshape(inside, &[out, 1]);
            let apart = e.sub(column, columns);
            let apart = e.op("Abs", &[apart]);
            let rest = e.minus(1.0, apart);
            let weights = e.op("Relu", &[rest]);
            Ok(if dtype == DType::Float32 { weights } else { e.cast(weights, dtype) })
        }
        other => Err(format!("has no gradient for mode \"{other}\"")),
    };
    e.dtype = dtype;
    weights
}

/// Where the results lie among the elements (ONNX, `Resize`, coordinate_transformation_mode).
fn source(e: &mut Emit, x: ValueId, mode: &str, size: i64, out: i64, scale: f64) -> Option<ValueId> {
    let half_pixel = |e: &mut Emit| {
        let middle = e.shift(x, 0.5);
        let divisor = e.number(scale);
        let scaled = e.div(middle, divisor);
        e.shift(scaled, -0.5)
    };
    Some(match mode {
        "" | "half_pixel" => half_pixel(e),
        "pytorch_half_pixel" if out > 1 => half_pixel(e),
        "pytorch_half_pixel" => e.scale(x, 0.0),
        "align_corners" if out > 1 => e.scale(x, (size - 1) as f64 / (out - 1) as f64),
        "align_corners" => e.scale(x, 0.0),
        "asymmetric" => {
            let divisor = e.number(scale);
            e.div(x, divisor)
        }
        "half_pixel_symmetric" => {
            let adjustment = out as f64 / (scale * size as f64);
            let offset = size as f64 / 2.0 * (1.0 - adjustment);
            let source = half_pixel(e);
            e.shift(source, offset)
        }
        _ => return None,
    })
}

fn round(e: &mut Emit, x: ValueId, mode: &str) -> ValueId {
    match mode {
        "floor" => e.op("Floor", &[x]),
        "ceil" => e.op("Ceil", &[x]),
        "round_prefer_ceil" => {
            let above = e.shift(x, 0.5);
            e.op("Floor", &[above])
        }
        _ => {
            let below = e.shift(x, -0.5);
            e.op("Ceil", &[below])
        }
    }
}
