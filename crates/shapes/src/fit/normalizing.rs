//! Normalization layers, and scales of quantised tensors.

use super::view::{Fit, FitView, Size};

const PER_CHANNEL: &str = "one for each channel of X";

/// `BatchNormalization`, `InstanceNormalization`: vectors with an element for each channel.
pub(super) fn by_channel(view: &FitView<'_>) -> Fit {
    let formals: &[&str] = match view.op() {
        "BatchNormalization" => &["X", "scale", "B", "mean", "var"],
        _ => &["input", "scale", "B"],
    };
    view.wants_at_least(0, formals[0], if view.op() == "BatchNormalization" { 1 } else { 3 })?;
    // One dimension is a batch of one channel.
    let channels = if view.rank(0) == Some(1) { Some(1) } else { view.dim(0, 1) };
    let channels = view.rank(0).and(channels);
    (1..formals.len()).try_for_each(|input| view.wants(input, formals[input], &[channels], PER_CHANNEL))
}

/// `GroupNormalization`: groups of channels; since opset 21 the scale is of channels.
pub(super) fn by_group(view: &FitView<'_>) -> Fit {
    view.wants_at_least(0, "X", 3)?;
    let groups = view.int("num_groups", 1);
    let Some(groups) = u64::try_from(groups).ok().filter(|groups| *groups > 0) else {
        return Err(format!("num_groups is {groups}, where 1 is the least"));
    };
    let channels = view.dim(0, 1);
    if let Some(channels) = channels.filter(|channels| channels % groups != 0) {
        return Err(format!("{channels} channels can't be parted into {groups} groups of one size"));
    }
    let (length, why) =
        if view.opset() < 21 { (Some(groups), "one for each group") } else { (channels, PER_CHANNEL) };
    // ONNX Runtime broadcasts those of other ranks.
    let vectors = [(1, "scale"), (2, "bias")].into_iter().filter(|(input, _)| view.rank(*input) == Some(1));
    vectors.into_iter().try_for_each(|(input, formal)| view.wants(input, formal, &[length], why))
}

/// `LayerNormalization`, `RMSNormalization`: what is broadcast to the normalized part.
pub(super) fn layer(view: &FitView<'_>) -> Fit {
    view.axis_of_first(-1)?;
    let Some(dims) = view.dims(0) else { return Ok(()) };
    view.wants_broadcast(1, "Scale", dims)?;
    view.wants_broadcast(2, "B", dims)
}

/// `SkipLayerNormalization`: vectors of the last axis.
pub(super) fn skip(view: &FitView<'_>) -> Fit {
    let Some(hidden) = view.dims(0).and_then(|dims| dims.last()) else { return Ok(()) };
    let formals: &[&str] = match view.op() {
        "SkipLayerNormalization" => &["gamma", "beta", "bias"],
        _ => &["gamma", "bias"],
    };
    formals.iter().enumerate().try_for_each(|(i, formal)| {
        view.wants(2 + i, formal, &[*hidden], "one for each element of the input's last axis")
    })
}

/// `LRN`: a window with a middle.
pub(super) fn local_response(view: &FitView<'_>) -> Fit {
    view.wants_at_least(0, "X", 3)?;
    match view.int("size", 1) {
        size if size < 1 || size % 2 == 0 => Err(format!("size is {size}, where an odd number is needed")),
        _ => Ok(()),
    }
}

/// `QuantizeLinear`, `DequantizeLinear`: one scale, or one for each position of an axis; blocks are the rule of
/// inference.
pub(super) fn quantized(view: &FitView<'_>) -> Fit {
    let scale = view.dims(1);
    if view.int("block_size", 0) == 0
        && let (Some(scale), Some(rank)) = (scale, view.rank(0))
        && let [length] = scale
        && *length != Some(1)
    {
        let axis = view.axis(view.int("axis", 1), rank)?;
        view.wants(1, "scale", &[view.dim(0, axis)], &format!("one for each position of axis {axis}"))?;
    }
    let Some(scale) = scale else { return Ok(()) };
    let single = |dims: &[Size]| dims.is_empty() || dims == [Some(1)];
    match view.dims(2) {
        Some(zero_point) if !(single(zero_point) && single(scale)) => {
            view.wants(2, "zero_point", scale, "one for each scale")
        }
        _ => Ok(()),
    }
}
