//! Signal processing.

use tract_onnx::tract_hir::internal::DatumType;

use super::context::{Output, RuleCall, axis, known};

/// Windows: as many samples as the input says.
pub(crate) fn window(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let dtype = call.named_type("output_datatype").or(Some(DatumType::F32));
    Some(vec![Output { dtype, dims: vec![scalar(call, 0)] }])
}

/// `MelWeightMatrix`: frequency bins by mel bins.
pub(crate) fn mel_weights(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let dtype = call.named_type("output_datatype").or(Some(DatumType::F32));
    let bins = scalar(call, 1).map(|length| length / 2 + 1);
    Some(vec![Output { dtype, dims: vec![bins, scalar(call, 0)] }])
}

fn scalar(call: &RuleCall<'_>, input: usize) -> Option<i64> {
    call.ints(input)?.first().copied()
}

/// `DFT`. The last dimension is 1 for real and 2 for complex numbers. Of a real signal half of the
/// spectrum suffices (`onesided`); the inverse of such a half is real.
pub(crate) fn dft(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let mut dims = call.dims(0)?;
    let along = if call.opset < 20 {
        call.int("axis").unwrap_or(1)
    } else if call.has(2) {
        scalar(call, 2)?
    } else {
        -2
    };
    let along = axis(along, dims.len())?;
    if along + 1 == dims.len() {
        return None;
    }
    let length = if call.has(1) { Some(scalar(call, 1)?) } else { None };
    let onesided = call.int("onesided").unwrap_or(0) != 0;
    let inverse = call.int("inverse").unwrap_or(0) != 0;
    let signal = length.unwrap_or(dims[along]);
    dims[along] = match (onesided, inverse) {
        (true, false) => signal / 2 + 1,
        (true, true) => length.or_else(|| dims[along].checked_sub(1)?.checked_mul(2))?,
        (false, _) => signal,
    };
    *dims.last_mut()? = if onesided && inverse { 1 } else { 2 };
    Some(vec![known(call.dtype(0), dims)])
}

/// `STFT`: batch, frames, frequency bins, and real and imaginary part.
pub(crate) fn stft(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let signal = call.dims(0)?;
    let step = scalar(call, 1)?;
    let length = if call.has(3) { scalar(call, 3)? } else { *call.dims(2)?.first()? };
    let rest = signal.get(1)?.checked_sub(length).filter(|rest| *rest >= 0)?;
    let frames = rest.checked_div(step).filter(|_| step > 0)? + 1;
    // The specification takes one side by default, ONNX's own shape inference takes both.
    let bins = call.int("onesided").map(|onesided| if onesided != 0 { length / 2 + 1 } else { length });
    let dims = vec![Some(signal[0]), Some(frames), bins, Some(2)];
    Some(vec![Output { dtype: call.dtype(0), dims }])
}
