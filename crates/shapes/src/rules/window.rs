//! Operators whose outputs can be far larger than their inputs. tract computes them where the inputs
//! are constant, whatever the size.

use super::context::{Output, RuleCall, axis, known};

/// `OneHot`.
pub(crate) fn one_hot(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let depth = call.ints(1).and_then(|depth| depth.first().copied());
    let mut output = known(call.dtype(2), call.dims(0)?);
    let position = axis(call.int("axis").unwrap_or(-1), output.dims.len() + 1)?;
    output.dims.insert(position, depth);
    Some(vec![output])
}

/// `Pad`.
pub(crate) fn pad(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let mut dims = call.dims(0)?;
    let open = || vec![Output { dtype: call.dtype(0), dims: vec![None; dims.len()] }];
    let pads = if call.opset < 11 { call.list("pads").or(call.list("paddings")) } else { call.ints(1) };
    let Some(pads) = pads else { return Some(open()) };
    let all = || (0..i64::try_from(dims.len()).ok()?).map(Some).collect::<Option<Vec<i64>>>();
    let axes = if call.has(3) { call.ints(3)? } else { all()? };
    if pads.len() != 2 * axes.len() {
        return None;
    }
    for (i, along) in axes.iter().enumerate() {
        let along = axis(*along, dims.len())?;
        dims[along] = dims[along].checked_add(pads[i])?.checked_add(pads[i + axes.len()])?;
    }
    Some(vec![known(call.dtype(0), dims)])
}
