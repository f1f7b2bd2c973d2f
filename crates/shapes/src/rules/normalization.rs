//! Normalization layers.

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::context::{Output, RuleCall, known};

/// `BatchNormalization`: the data, then the running or saved statistics, which have the scale's
/// shape. tract knows its inference form only.
pub(crate) fn batch_normalization(
    _node: &NodeProto,
    inputs: &[&InferenceFact],
    outputs: usize,
) -> TractResult<TVec<InferenceFact>> {
    let alike = |index: usize| inputs.get(index).map(|f| (*f).clone().without_value()).unwrap_or_default();
    let statistics = if inputs.len() > 3 { 3 } else { 1 };
    Ok((0..outputs).map(|output| alike(if output == 0 { 0 } else { statistics })).collect())
}

/// `SkipLayerNormalization`: the data, two statistics of each row, the sum that was normalized.
pub(crate) fn skip(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let mut rows = call.dims(0)?;
    *rows.last_mut()? = 1;
    let statistic = || known(Some(DatumType::F32), rows.clone());
    Some(vec![call.alike(0)?, statistic(), statistic(), call.alike(0)?])
}
