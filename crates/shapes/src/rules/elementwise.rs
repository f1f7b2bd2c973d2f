//! Operators whose outputs have the shapes of inputs.

use tract_onnx::tract_hir::internal::DatumType;

use super::context::{Output, RuleCall, known};
use super::mixed_types::common_shape;

/// One output like the first input.
pub(crate) fn first(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    Some(vec![call.alike(0)?])
}

/// The first input's shape, of the element type that the attribute `dtype` names, or else its own.
pub(crate) fn drawn(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    // A type that there is not is no type of the input's.
    let dtype = match call.int("dtype") {
        Some(_) => Some(call.named_type("dtype")?),
        None => call.dtype(0),
    };
    Some(vec![known(dtype, call.dims(0)?)])
}

/// The first input's shape, of the element type that the attribute `to` names.
pub(crate) fn reinterpreted(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    Some(vec![known(call.named_type("to"), call.dims(0)?)])
}

/// `QuantizeLinear`.
pub(crate) fn quantized(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let zero_point = if call.has(2) { call.dtype(2) } else { Some(DatumType::U8) };
    Some(vec![known(call.named_type("output_dtype").or(zero_point), call.dims(0)?)])
}

/// `DequantizeLinear`.
pub(crate) fn dequantized(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    Some(vec![known(call.named_type("output_dtype").or(call.dtype(1)), call.dims(0)?)])
}

/// `DynamicQuantizeLinear`: the data, its scale and its zero point.
pub(crate) fn dynamically_quantized(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let scalar = |dtype| known(Some(dtype), Vec::new());
    let data = known(Some(DatumType::U8), call.dims(0)?);
    Some(vec![data, scalar(DatumType::F32), scalar(DatumType::U8)])
}

/// `SwiGLU`, `StringConcat`: the operands' common shape.
pub(crate) fn broadcast(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let shape = (0..call.arity()).try_fold(Vec::new(), |all, i| common_shape(&all, &call.dims(i)?))?;
    Some(vec![known(call.dtype(0), shape)])
}

/// One boolean per string.
pub(crate) fn matched(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    Some(vec![known(Some(DatumType::Bool), call.dims(0)?)])
}

/// Optimizers: after rate and step come groups of tensors, of which the gradients, the second group
/// of `groups`, are not given back.
fn optimizer(call: &RuleCall<'_>, groups: usize) -> Option<Vec<Output>> {
    let tensors = call.arity().checked_sub(2)? / groups;
    let kept = (0..groups).filter(|group| *group != 1);
    kept.flat_map(|group| (0..tensors).map(move |i| 2 + group * tensors + i)).map(|i| call.alike(i)).collect()
}

/// `Adagrad` and `Momentum`: tensors, gradients, and one statistic each.
pub(crate) fn one_statistic(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    optimizer(call, 3)
}

/// `Adam`: tensors, gradients, and two statistics each.
pub(crate) fn two_statistics(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    optimizer(call, 4)
}

/// `Gradient`: one derivative for each of the inputs.
pub(crate) fn derivatives(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    (0..call.arity()).map(|i| call.alike(i)).collect()
}
