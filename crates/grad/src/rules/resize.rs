//! Resizing. Along each axis it is a product with a matrix of weights, whose transpose gives the
//! gradient; the matrix is computed by the step itself from the positions.

use hawkeye_graph::{DType, ValueId};

use crate::adjoint::{Adjoint, GradientResult, axis};
use crate::builder::StepBuilder;

pub(crate) fn resize(a: &mut Adjoint<'_>) -> GradientResult {
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
        let moved = a.graph.transpose(gradient, &perm);
        let product = a.graph.op("MatMul", &[moved, weights]);
        gradient = a.graph.transpose(product, &perm);
    }
    a.give(0, gradient);
    Ok(())
}

/// The weight of every element (columns) in every result (rows).
fn weights(a: &mut Adjoint<'_>, size: i64, out: i64, scale: f64) -> Result<ValueId, String> {
    let (transformation, rounding) =
        (a.text("coordinate_transformation_mode").to_owned(), a.text("nearest_mode").to_owned());
    let mode = a.text("mode").to_owned();
    let dtype = a.graph.dtype;
    a.graph.dtype = DType::Float32;
    let graph = &mut *a.graph;
    let positions = graph.range(0, out);
    let positions = graph.cast(positions, DType::Float32);
    let Some(source) = source(graph, positions, &transformation, size, out, scale) else {
        graph.dtype = dtype;
        return Err(format!("has no gradient for coordinate_transformation_mode \"{transformation}\""));
    };
    let columns = graph.range(0, size);
    let columns = graph.cast(columns, DType::Float32);
    let last = graph.number((size - 1) as f64);
    let zero = graph.number(0.0);
    let weights = match mode.as_str() {
        "" | "nearest" => {
            let nearest = round(graph, source, &rounding);
            let nearest = graph.op("Clip", &[nearest, zero, last]);
            let column = graph.reshape(nearest, &[out, 1]);
            // Both are whole numbers.
            let apart = graph.sub(column, columns);
            let apart = graph.op("Abs", &[apart]);
            let half = graph.number(0.5);
            let same = graph.op("Less", &[apart, half]);
            Ok(graph.cast(same, dtype))
        }
        "linear" => {
            let inside = graph.op("Clip", &[source, zero, last]);
            let column = graph.reshape(inside, &[out, 1]);
            let apart = graph.sub(column, columns);
            let apart = graph.op("Abs", &[apart]);
            let rest = graph.minus(1.0, apart);
            let weights = graph.op("Relu", &[rest]);
            Ok(if dtype == DType::Float32 { weights } else { graph.cast(weights, dtype) })
        }
        other => Err(format!("has no gradient for mode \"{other}\"")),
    };
    graph.dtype = dtype;
    weights
}

/// Where the results lie among the elements (ONNX, `Resize`, coordinate_transformation_mode).
fn source(
    graph: &mut StepBuilder,
    x: ValueId,
    mode: &str,
    size: i64,
    out: i64,
    scale: f64,
) -> Option<ValueId> {
    let half_pixel = |graph: &mut StepBuilder| {
        let middle = graph.shift(x, 0.5);
        let divisor = graph.number(scale);
        let scaled = graph.div(middle, divisor);
        graph.shift(scaled, -0.5)
    };
    Some(match mode {
        "" | "half_pixel" => half_pixel(graph),
        "pytorch_half_pixel" if out > 1 => half_pixel(graph),
        "pytorch_half_pixel" => graph.scale(x, 0.0),
        "align_corners" if out > 1 => graph.scale(x, (size - 1) as f64 / (out - 1) as f64),
        "align_corners" => graph.scale(x, 0.0),
        "asymmetric" => {
            let divisor = graph.number(scale);
            graph.div(x, divisor)
        }
        "half_pixel_symmetric" => {
            let adjustment = out as f64 / (scale * size as f64);
            let offset = size as f64 / 2.0 * (1.0 - adjustment);
            let source = half_pixel(graph);
            graph.shift(source, offset)
        }
        _ => return None,
    })
}

fn round(graph: &mut StepBuilder, x: ValueId, mode: &str) -> ValueId {
    match mode {
        "floor" => graph.op("Floor", &[x]),
        "ceil" => graph.op("Ceil", &[x]),
        "round_prefer_ceil" => {
            let above = graph.shift(x, 0.5);
            graph.op("Floor", &[above])
        }
        _ => {
            let below = graph.shift(x, -0.5);
            graph.op("Ceil", &[below])
        }
    }
}
