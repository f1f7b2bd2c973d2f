//! Quantised operators of ONNX Runtime (domain `com.microsoft`): each tensor comes with its scale and its
//! zero point (onnxruntime/core/graph/contrib_ops/quantization_defs.cc).

use tract_onnx::tract_hir::internal::DatumType;

use super::context::{Output, RuleCall, axis, known};
use super::mixed_types::common_shape;

/// `QLinearAdd`, `QLinearMul`: tensors at 0 and 3.
pub(crate) fn elementwise(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    Some(vec![known(call.dtype(0), common_shape(&call.dims(0)?, &call.dims(3)?)?)])
}

/// `QLinearGlobalAveragePool`: one position is left of all that follow the channels.
pub(crate) fn global_average(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let mut dims = call.dims(0)?;
    let spatial = if call.int("channels_last").unwrap_or(0) == 0 {
        2..dims.len()
    } else {
        1..dims.len().checked_sub(1)?
    };
    dims.get_mut(spatial)?.fill(1);
    Some(vec![known(call.dtype(0), dims)])
}

/// `QLinearConcat`: the output's scale and zero point, then tensors from 2 on, three inputs each.
pub(crate) fn concat(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let mut dims = call.dims(2)?;
    let axis = axis(call.int("axis")?, dims.len())?;
    for input in (5..call.arity()).step_by(3) {
        let other = call.dims(input)?;
        let alike = other.len() == dims.len() && (0..dims.len()).all(|i| i == axis || other[i] == dims[i]);
        dims[axis] = dims[axis].checked_add(*other.get(axis).filter(|_| alike)?)?;
    }
    Some(vec![known(call.dtype(2), dims)])
}

/// `QGemm`: matrices at 0 and 3; without a zero point of the output (8) the result is real.
pub(crate) fn gemm(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let matrix = |input: usize, transposed: &str| {
        let [rows, columns] = call.dims(input)?.try_into().ok()?;
        Some(if call.int(transposed).unwrap_or(0) == 0 { (rows, columns) } else { (columns, rows) })
    };
    let ((rows, inner), (outer, columns)) = (matrix(0, "transA")?, matrix(3, "transB")?);
    let dtype = if call.has(8) { call.dtype(8) } else { Some(DatumType::F32) };
    (inner == outer).then(|| vec![known(dtype, vec![rows, columns])])
}
