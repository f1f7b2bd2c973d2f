//! Images and their geometry.

use tract_onnx::tract_hir::internal::DatumType;

use super::context::{Output, RuleCall, axis, known};

/// `AffineGrid`: a point for every position of the given size.
pub(crate) fn affine_grid(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let size = call.ints(1)?;
    let [batch, _channels, positions @ ..] = &size[..] else { return None };
    let mut dims = vec![*batch];
    dims.extend(positions);
    dims.push(i64::try_from(positions.len()).ok()?);
    Some(vec![known(call.dtype(0), dims)])
}

/// `Col2Im`: blocks put together again.
pub(crate) fn col2im(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let (columns, image, block) = (call.dims(0)?, call.ints(1)?, call.ints(2)?);
    let block = block.iter().try_fold(1i64, |all, d| all.checked_mul(*d)).filter(|b| *b > 0)?;
    let mut dims = vec![*columns.first()?, columns.get(1)? / block];
    dims.extend(image);
    Some(vec![known(call.dtype(0), dims)])
}

/// `CenterCropPad`.
pub(crate) fn center_crop_pad(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let (mut dims, sizes) = (call.dims(0)?, call.ints(1)?);
    let axes = call.list("axes").unwrap_or((0..i64::try_from(dims.len()).ok()?).collect());
    if axes.len() != sizes.len() {
        return None;
    }
    for (along, size) in axes.into_iter().zip(sizes) {
        let along = axis(along, dims.len())?;
        dims[along] = size;
    }
    Some(vec![known(call.dtype(0), dims)])
}

/// `Upsample`.
pub(crate) fn upsample(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let dims = call.dims(0)?;
    let scales = if call.has(1) {
        call.floats(1)?
    } else if let Some(scales) = call.float_list("scales") {
        scales
    } else {
        // Before opset 7.
        vec![1.0, 1.0, call.float("height_scale")?, call.float("width_scale")?]
    };
    Some(vec![known(call.dtype(0), scaled(&dims, &scales)?)])
}

fn scaled(dims: &[i64], scales: &[f32]) -> Option<Vec<i64>> {
    if scales.len() != dims.len() || scales.iter().any(|s| !s.is_finite() || *s <= 0.0) {
        return None;
    }
    let product = |dim: i64, scale: f32| (dim as f64 * f64::from(scale)).floor() as i64;
    Some(dims.iter().zip(scales).map(|(dim, scale)| product(*dim, *scale)).collect())
}

/// `Resize`, to sizes or by scales.
pub(crate) fn resize(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let mut dims = call.dims(0)?;
    let axes = call.list("axes").filter(|a| !a.is_empty());
    let axes = axes.unwrap_or((0..i64::try_from(dims.len()).ok()?).collect());
    let axes: Vec<usize> = axes.into_iter().map(|a| axis(a, dims.len())).collect::<Option<_>>()?;
    let own: Vec<i64> = axes.iter().map(|a| dims[*a]).collect();
    let (scales, sizes) = if call.opset < 11 { (1, 3) } else { (2, 3) };
    let sizes_given = call.has(sizes) && call.dims(sizes)? != [0];
    let new = if sizes_given {
        fitted(&own, call.ints(sizes)?, &call.text("keep_aspect_ratio_policy"))?
    } else {
        scaled(&own, &call.floats(scales)?)?
    };
    for (axis, size) in axes.into_iter().zip(new) {
        dims[axis] = size;
    }
    Some(vec![known(call.dtype(0), dims)])
}

/// Sizes that keep the ratio of the sides, if that is the policy.
fn fitted(own: &[i64], sizes: Vec<i64>, policy: &str) -> Option<Vec<i64>> {
    if own.len() != sizes.len() {
        return None;
    }
    let ratios = || own.iter().zip(&sizes).map(|(own, size)| *size as f64 / *own as f64);
    let scale = match policy {
        "not_larger" => ratios().fold(f64::INFINITY, f64::min),
        "not_smaller" => ratios().fold(f64::NEG_INFINITY, f64::max),
        _ => return Some(sizes),
    };
    scale.is_finite().then(|| own.iter().map(|own| (*own as f64 * scale).round() as i64).collect())
}

/// `RoiAlign`.
pub(crate) fn roi_align(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let (x, rois) = (call.dims(0)?, call.dims(1)?);
    let side = |name| call.int(name).unwrap_or(1);
    let dims = vec![*rois.first()?, *x.get(1)?, side("output_height"), side("output_width")];
    Some(vec![known(call.dtype(0), dims)])
}

/// `MaxUnpool`: the inverse of pooling, or what the third input says.
pub(crate) fn max_unpool(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    if call.has(2) {
        return Some(vec![known(call.dtype(0), call.ints(2)?)]);
    }
    let mut dims = call.dims(0)?;
    let kernel = call.list("kernel_shape")?;
    let k = kernel.len();
    let strides = call.list("strides").unwrap_or(vec![1; k]);
    let pads = call.list("pads").unwrap_or(vec![0; 2 * k]);
    if dims.len() != k + 2 || strides.len() != k || pads.len() != 2 * k {
        return None;
    }
    for i in 0..k {
        let spread = dims[i + 2].checked_sub(1)?.checked_mul(strides[i])?.checked_add(kernel[i])?;
        dims[i + 2] = spread.checked_sub(pads[i])?.checked_sub(pads[i + k])?;
    }
    Some(vec![known(call.dtype(0), dims)])
}

/// `DeformConv`: its offsets have the spatial dimensions of the output.
pub(crate) fn deform_conv(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let (x, w, offset) = (call.dims(0)?, call.dims(1)?, call.dims(2)?);
    let mut dims = vec![*x.first()?, *w.first()?];
    dims.extend(offset.get(2..)?);
    Some(vec![known(call.dtype(0), dims)])
}

/// `ImageDecoder`: the file says how large its image is.
pub(crate) fn image_decoder(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let channels = if call.text("pixel_format") == "Grayscale" { 1 } else { 3 };
    Some(vec![Output { dtype: Some(DatumType::U8), dims: vec![None, None, Some(channels)] }])
}

/// `MaxRoiPool`.
pub(crate) fn max_roi_pool(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let dims =
        [*call.dims(1)?.first()?, *call.dims(0)?.get(1)?].into_iter().chain(call.list("pooled_shape")?);
    Some(vec![known(call.dtype(0), dims.collect())])
}
