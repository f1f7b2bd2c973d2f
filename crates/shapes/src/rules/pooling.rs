//! Pooling. tract insists that the window covers every spatial dimension; frameworks that pool the
//! trailing dimensions only are read as a window of fewer dimensions.

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::own::Rule;

/// `MaxPool`.
#[derive(Clone, Debug)]
pub(crate) struct MaxPool;

/// `AveragePool`.
#[derive(Clone, Debug)]
pub(crate) struct AveragePool;

impl Rule for MaxPool {
    const OP: &'static str = "MaxPool";

    fn outputs(node: &NodeProto, inputs: &[&InferenceFact], outputs: usize) -> TractResult<TVec<InferenceFact>> {
        let pooled = pool(node, inputs)?;
        let indices = pooled.clone().without_datum_type().with_datum_type(DatumType::I64);
        Ok([pooled, indices].into_iter().take(outputs).collect())
    }
}

impl Rule for AveragePool {
    const OP: &'static str = "AveragePool";

    fn outputs(node: &NodeProto, inputs: &[&InferenceFact], _outputs: usize) -> TractResult<TVec<InferenceFact>> {
        Ok(tvec!(pool(node, inputs)?))
    }
}

fn pool(node: &NodeProto, inputs: &[&InferenceFact]) -> TractResult<InferenceFact> {
    let Some(input) = inputs.first() else { bail!("pooling without an input") };
    let open = InferenceFact { datum_type: input.datum_type, ..InferenceFact::default() };
    let Some(shape) = input.shape.as_concrete_finite()? else { return Ok(open) };
    let window = Window::of(node, shape.len())?;
    let leading = shape.len() - window.kernel.len();
    let mut dims: TVec<TDim> = shape[..leading].iter().map(|d| d.to_dim()).collect();
    for (axis, size) in shape[leading..].iter().enumerate() {
        dims.push(window.positions(axis, i64::try_from(*size)?)?.to_dim());
    }
    Ok(open.with_shape(dims))
}

struct Window {
    kernel: Vec<i64>,
    strides: Vec<i64>,
    dilations: Vec<i64>,
    pads: Vec<i64>,
    auto_pad: String,
    ceil: bool,
}

impl Window {
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
            auto_pad: attribute("auto_pad").map(|a| String::from_utf8_lossy(&a.s).into_owned()).unwrap_or_default(),
            ceil: attribute("ceil_mode").is_some_and(|a| a.i != 0),
            kernel,
        };
        let lengths = (window.strides.len(), window.dilations.len(), window.pads.len());
        ensure!(k > 0 && k <= rank, "kernel_shape has {k} dimensions for an input of {rank}");
        ensure!(lengths == (k, k, 2 * k), "strides, dilations or pads do not fit kernel_shape");
        ensure!(window.strides.iter().all(|s| *s > 0), "strides must be positive");
        Ok(window)
    }

    /// How many positions the window takes along an axis.
    fn positions(&self, axis: usize, size: i64) -> TractResult<i64> {
        let stride = self.strides[axis];
        let reach = (self.kernel[axis] - 1).checked_mul(self.dilations[axis]).context("the window is too large")? + 1;
        let count = match self.auto_pad.as_str() {
            "SAME_UPPER" | "SAME_LOWER" => size.div_euclid(stride) + i64::from(size.rem_euclid(stride) != 0),
            "VALID" => (size - reach).div_euclid(stride) + 1,
            _ => self.padded(axis, size, reach),
        };
        ensure!(count > 0, "the window of {reach} does not fit an axis of {size}");
        Ok(count)
    }

    fn padded(&self, axis: usize, size: i64, reach: i64) -> i64 {
        let (stride, before, after) = (self.strides[axis], self.pads[axis], self.pads[axis + self.kernel.len()]);
        let span = size + before + after - reach;
        if !self.ceil {
            return span.div_euclid(stride) + 1;
        }
        let count = span.div_euclid(stride) + i64::from(span.rem_euclid(stride) != 0) + 1;
        // A window that would start in the padding behind the data is left out.
        if (count - 1) * stride >= size + before { count - 1 } else { count }
    }
}
