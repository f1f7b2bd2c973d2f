//! Pooling. tract insists that the window covers every spatial dimension; frameworks that pool the
//! trailing dimensions only are read as a window of fewer dimensions.

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// `MaxPool`: the maxima and where they were.
pub(crate) fn max_pool(
    node: &NodeProto,
    inputs: &[&InferenceFact],
    outputs: usize,
) -> TractResult<TVec<InferenceFact>> {
    let pooled = pool(node, inputs)?;
    let indices = pooled.clone().without_datum_type().with_datum_type(DatumType::I64);
    Ok([pooled, indices].into_iter().take(outputs).collect())
}

/// `AveragePool` and `LpPool`.
pub(crate) fn one_output(
    node: &NodeProto,
    inputs: &[&InferenceFact],
    _outputs: usize,
) -> TractResult<TVec<InferenceFact>> {
    Ok(tvec!(pool(node, inputs)?))
}

fn pool(node: &NodeProto, inputs: &[&InferenceFact]) -> TractResult<InferenceFact> {
    let Some(input) = inputs.first() else { bail!("pooling without an input") };
    let open = InferenceFact { datum_type: input.datum_type, ..InferenceFact::default() };
    let Some(shape) = input.shape.as_concrete_finite()? else { return Ok(open) };
    let window = PoolWindow::of(node, shape.len())?;
    let leading = shape.len() - window.kernel.len();
    let mut dims: TVec<TDim> = shape[..leading].iter().map(|d| d.to_dim()).collect();
    for (axis, size) in shape[leading..].iter().enumerate() {
        dims.push(window.positions(axis, i64::try_from(*size)?)?.to_dim());
    }
    Ok(open.with_shape(dims))
}

struct PoolWindow {
    kernel: Vec<i64>,
    strides: Vec<i64>,
    dilations: Vec<i64>,
    pads: Vec<i64>,
    auto_pad: String,
    ceil: bool,
}

impl PoolWindow {
    fn of(node: &NodeProto, rank: usize) -> TractResult<Self> {
        let attribute = |name: &str| node.attribute.iter().find(|a| a.name == name);
        let ints = |name: &str, length: usize, default: i64| {
            attribute(name).map(|a| a.ints.clone()).filter(|v| !v.is_empty()).unwrap_or(vec![default; length])
        };
        let kernel = ints("kernel_shape", 0, 0);
        let k = kernel.len();
        let window = Self {
            strides: ints("strides", k, 1),
            dilations: ints("dilations", k, 1),
            pads: ints("pads", 2 * k, 0),
            auto_pad: attribute("auto_pad")
                .map(|a| String::from_utf8_lossy(&a.s).into_owned())
                .unwrap_or_default(),
            ceil: attribute("ceil_mode").is_some_and(|a| a.i != 0),
            kernel,
        };
        let lengths = (window.strides.len(), window.dilations.len(), window.pads.len());
        ensure!(k > 0 && k <= rank, "kernel_shape has {k} dimensions for an input of {rank}");
        ensure!(lengths == (k, k, 2 * k), "strides, dilations or pads do not fit kernel_shape");
        ensure!(window.strides.iter().all(|s| *s > 0), "strides must be positive");
        Ok(window)
    }

    /// How many positions the window takes along an axis of a tensor.
    fn positions(&self, axis: usize, size: i64) -> TractResult<i64> {
        // Attributes may hold any 64-bit number; their sums and products fit 128 bits.
        let wide = |list: &[i64], axis: usize| i128::from(list[axis]);
        let size = i128::from(size);
        let stride = wide(&self.strides, axis);
        let reach = (wide(&self.kernel, axis) - 1) * wide(&self.dilations, axis) + 1;
        let rounded_up = |n: i128| n.div_euclid(stride) + i128::from(n.rem_euclid(stride) != 0);
        let count = match self.auto_pad.as_str() {
            "SAME_UPPER" | "SAME_LOWER" => rounded_up(size),
            "VALID" => (size - reach).div_euclid(stride) + 1,
            _ => {
                let before = wide(&self.pads, axis);
                let span = size + before + wide(&self.pads, axis + self.kernel.len()) - reach;
                match self.ceil {
                    false => span.div_euclid(stride) + 1,
                    // A window that would start in the padding behind the data is left out.
                    true if rounded_up(span) * stride >= size + before => rounded_up(span),
                    true => rounded_up(span) + 1,
                }
            }
        };
        ensure!(count > 0, "the window of {reach} does not fit an axis of {size}");
        let Ok(count) = i64::try_from(count) else { bail!("the window has too many positions") };
        Ok(count)
    }
}
