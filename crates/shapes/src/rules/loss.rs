//! Losses over classes.

use super::context::{Output, RuleCall, known};

/// The loss, of the labels' shape unless it is reduced to a number, and the logarithms of the
/// probabilities, which only `SoftmaxCrossEntropyLoss` has.
pub(crate) fn cross_entropy(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let scores = call.alike(0)?;
    let loss = if call.text("reduction") == "none" { call.dims(1)? } else { Vec::new() };
    Some(vec![known(call.dtype(0), loss), scores])
}
