//! Normalization layers by means, products and roots.

use hawkeye_graph::{Node, ValueId};

use super::Decomposed;
use super::activation::float;
use super::builder::DefinitionBuilder;

/// Axes from `axis` on.
fn trailing(axis: i64, rank: usize) -> Option<Vec<i64>> {
    let first = i64::try_from(crate::rules::axis(axis, rank)?).ok()?;
    Some((first..i64::try_from(rank).ok()?).collect())
}

/// The value over its root mean square.
pub(crate) fn root_mean_squared(
    emit: &mut DefinitionBuilder<'_, '_>,
    x: ValueId,
    axes: Vec<i64>,
    epsilon: f64,
) -> (ValueId, ValueId) {
    let squares = emit.op("Mul", &[x, x]);
    let mean = emit.reduce("ReduceMean", squares, axes, true);
    let mean = emit.shifted(mean, epsilon);
    let root = emit.op("Sqrt", &[mean]);
    let inverse = emit.op("Reciprocal", &[root]);
    (emit.op("Mul", &[x, inverse]), inverse)
}

/// The value without its mean, and the mean.
fn centred(emit: &mut DefinitionBuilder<'_, '_>, x: ValueId, axes: Vec<i64>) -> (ValueId, ValueId) {
    let mean = emit.reduce("ReduceMean", x, axes, true);
    (emit.op("Sub", &[x, mean]), mean)
}

/// The value without its mean and over its standard deviation, the mean, and the inverse of the deviation.
pub(crate) fn normalized(
    emit: &mut DefinitionBuilder<'_, '_>,
    x: ValueId,
    axes: Vec<i64>,
    epsilon: f64,
) -> (ValueId, ValueId, ValueId) {
    let (x, mean) = centred(emit, x, axes.clone());
    let (y, inverse) = root_mean_squared(emit, x, axes, epsilon);
    (y, mean, inverse)
}

/// `RMSNormalization`.
pub(crate) fn root_mean_square(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let axes = trailing(node.attributes.int("axis").unwrap_or(-1), emit.shape(0)?.len())?;
    let (x, scale) = (emit.input(0)?, emit.input(1)?);
    let (y, inverse) = root_mean_squared(emit, x, axes, float(node, "epsilon", 1e-5));
    Some(vec![Some(emit.op("Mul", &[y, scale])), Some(inverse)])
}

/// `LayerNormalization`.
pub(crate) fn layer(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let axes = trailing(node.attributes.int("axis").unwrap_or(-1), emit.shape(0)?.len())?;
    let (x, scale) = (emit.input(0)?, emit.input(1)?);
    let (y, mean, inverse) = normalized(emit, x, axes, float(node, "epsilon", 1e-5));
    let mut y = emit.op("Mul", &[y, scale]);
    if let Some(bias) = emit.input(2) {
        y = emit.op("Add", &[y, bias]);
    }
    Some(vec![Some(y), Some(mean), Some(inverse)])
}

/// Channels' scales and biases, for data of the given rank.
fn affine(emit: &mut DefinitionBuilder<'_, '_>, y: ValueId, channels: u64, rank: usize) -> Option<ValueId> {
    let mut dims = vec![1; rank];
    *dims.get_mut(1)? = channels;
    let scale = emit.input(1)?;
    let scale = emit.reshape(scale, &dims);
    let bias = emit.input(2)?;
    let bias = emit.reshape(bias, &dims);
    let y = emit.op("Mul", &[y, scale]);
    Some(emit.op("Add", &[y, bias]))
}

/// `InstanceNormalization`.
pub(crate) fn instance(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let dims = emit.shape(0)?;
    let axes: Vec<i64> = (2..i64::try_from(dims.len()).ok()?).collect();
    let (x, _) = centred(emit, emit.input(0)?, axes.clone());
    let (y, _) = root_mean_squared(emit, x, axes, float(node, "epsilon", 1e-5));
    Some(vec![Some(affine(emit, y, *dims.get(1)?, dims.len())?)])
}

/// `GroupNormalization`, whose scales are per channel since opset 21.
pub(crate) fn group(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let dims = emit.shape(0)?;
    let groups = u64::try_from(node.attributes.int("num_groups")?).ok().filter(|g| *g > 0)?;
    let size = dims.get(1..)?.iter().try_fold(1u64, |n, d| n.checked_mul(*d))? / groups;
    let x = emit.input(0)?;
    let x = emit.reshape(x, &[dims[0], groups, size]);
    let (x, _) = centred(emit, x, vec![2]);
    let (y, _) = root_mean_squared(emit, x, vec![2], float(node, "epsilon", 1e-5));
    if emit.shape(1)? == [dims[1]] {
        let y = emit.reshape(y, &dims);
        return Some(vec![Some(affine(emit, y, dims[1], dims.len())?)]);
    }
    let y = affine(emit, y, groups, 3)?;
    Some(vec![Some(emit.reshape(y, &dims))])
}

/// `MeanVarianceNormalization`.
pub(crate) fn mean_variance(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let axes = node.attributes.ints("axes").map_or(vec![0, 2, 3], <[i64]>::to_vec);
    let (x, _) = centred(emit, emit.input(0)?, axes.clone());
    let (y, _) = root_mean_squared(emit, x, axes, 1e-9);
    Some(vec![Some(y)])
}

/// `LpNormalization`.
pub(crate) fn lp(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let axis = vec![node.attributes.int("axis").unwrap_or(-1)];
    let x = emit.input(0)?;
    let norm = if node.attributes.int("p").unwrap_or(2) == 1 { "ReduceL1" } else { "ReduceL2" };
    let norm = emit.reduce(norm, x, axis, true);
    Some(vec![Some(emit.op("Div", &[x, norm]))])
}
