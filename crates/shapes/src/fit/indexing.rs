//! Indices: within bounds where they are constants, and in the shape that the data want.

use super::view::{Fit, FitView, Size, same};

/// `Gather`.
pub(super) fn gather(view: &FitView<'_>) -> Fit {
    let Some(axis) = view.axis_of_first(0)? else { return Ok(()) };
    FitView::wants_indices(view.constant(1).unwrap_or_default(), view.dim(0, axis))
}

/// Indices of as many dimensions as the data, none longer but along the axis.
fn within(view: &FitView<'_>, axis: usize) -> Fit {
    let Some(dims) = view.dims(0) else { return Ok(()) };
    view.wants_rank(1, "indices", dims.len())?;
    let Some(indices) = view.dims(1) else { return Ok(()) };
    let longer = |(position, (data, index)): (usize, (&Size, &Size))| {
        position != axis && data.zip(*index).is_some_and(|(data, index)| index > data)
    };
    if dims.iter().zip(indices).enumerate().any(longer) {
        let (data, indices) = (view.called(0, "data"), view.called(1, "indices"));
        return Err(format!("{indices} reach beyond {data}"));
    }
    FitView::wants_indices(view.constant(1).unwrap_or_default(), dims[axis])
}

/// `GatherElements`.
pub(super) fn gather_elements(view: &FitView<'_>) -> Fit {
    view.axis_of_first(0)?.map_or(Ok(()), |axis| within(view, axis))
}

/// `ScatterElements`: an update for each index.
pub(super) fn scatter_elements(view: &FitView<'_>) -> Fit {
    let Some(axis) = view.axis_of_first(0)? else { return Ok(()) };
    within(view, axis)?;
    match view.dims(1) {
        Some(indices) => view.wants(2, "updates", indices, "one for each of indices"),
        None => Ok(()),
    }
}

/// How many leading axes of the data an index of `GatherND` or `ScatterND` says, behind `batch` of its own.
fn depth(view: &FitView<'_>, batch: usize) -> Result<Option<usize>, String> {
    let (Some(data), Some(indices)) = (view.dims(0), view.dims(1)) else { return Ok(None) };
    let Some(last) = indices.last() else {
        return Err(format!("{} should have at least 1 dimension", view.called(1, "indices")));
    };
    let Some(last) = last.and_then(|last| usize::try_from(last).ok()) else { return Ok(None) };
    if last == 0 || batch.saturating_add(last) > data.len() {
        let (data, indices) = (view.called(0, "data"), view.called(1, "indices"));
        return Err(format!(
            "{indices} should end in the number of axes that an index names, of those of {data}"
        ));
    }
    let constant = view.constant(1).unwrap_or_default();
    for (axis, size) in data[batch..batch + last].iter().enumerate() {
        FitView::wants_indices(constant.iter().skip(axis).step_by(last), *size)?;
    }
    Ok(Some(last))
}

/// `GatherND`.
pub(super) fn gather_nd(view: &FitView<'_>) -> Fit {
    let batch = view.int("batch_dims", 0);
    let (Some(data), Some(indices)) = (view.dims(0), view.dims(1)) else { return Ok(()) };
    let found = usize::try_from(batch).ok().filter(|batch| *batch < data.len().min(indices.len()));
    let Some(batch) = found else {
        return Err(format!("batch_dims is {batch}, where data or indices have fewer dimensions"));
    };
    if data.iter().zip(indices).take(batch).any(|(a, b)| !same(*a, *b)) {
        let (data, indices) = (view.called(0, "data"), view.called(1, "indices"));
        return Err(format!("{data} and {indices} differ in the first {batch} dimensions"));
    }
    depth(view, batch).map(|_| ())
}

/// `ScatterND`: an update for each index.
pub(super) fn scatter_nd(view: &FitView<'_>) -> Fit {
    let Some(depth) = depth(view, 0)? else { return Ok(()) };
    let (Some(data), Some([rows @ .., _])) = (view.dims(0), view.dims(1)) else { return Ok(()) };
    view.wants(2, "updates", &[rows, &data[depth..]].concat(), "what the data have at each index")
}

/// `OneHot`: a number for off and one for on.
pub(super) fn one_hot(view: &FitView<'_>) -> Fit {
    view.wants(2, "values", &[Some(2)], "the value for off and that for on")?;
    view.rank(0).map_or(Ok(()), |rank| view.axis(view.int("axis", -1), rank + 1).map(|_| ()))
}

/// `TopK`: no more than there are.
pub(super) fn top_k(view: &FitView<'_>) -> Fit {
    let Some(axis) = view.axis_of_first(-1)? else { return Ok(()) };
    view.wants(1, "K", &[Some(1)], "a list of one number")?;
    let count = view.constant(1).and_then(|k| k.first().copied()).or_else(|| view.node.attributes.int("k"));
    match (count, view.dim(0, axis)) {
        (Some(count), _) if count < 0 => Err(format!("K is {count}, where 0 is the least")),
        (Some(count), Some(size)) if i128::from(count) > i128::from(size) => {
            Err(format!("K is {count}, but axis {axis} has {size} positions"))
        }
        _ => Ok(()),
    }
}

/// `ReverseSequence`: a length for each sequence.
pub(super) fn reverse_sequence(view: &FitView<'_>) -> Fit {
    view.wants_at_least(0, "input", 2)?;
    let axes = (view.int("batch_axis", 1), view.int("time_axis", 0));
    let batch = match axes {
        (0, 1) => 0,
        (1, 0) => 1,
        // ONNX Runtime takes them, as what they are not.
        (batch, time) if batch < 0 || time < 0 => return Ok(()),
        (batch, time) => {
            return Err(format!(
                "batch_axis is {batch} and time_axis {time}, of which one is 0 and the other 1"
            ));
        }
    };
    view.wants(1, "sequence_lens", &[view.dim(0, batch)], "one for each sequence")
}

/// `RoiAlign`: corners of regions, and the picture of each.
pub(super) fn regions(view: &FitView<'_>) -> Fit {
    view.wants_rank(0, "X", 4)?;
    view.wants(1, "rois", &[view.dim(1, 0), Some(4)], "two corners of each region")?;
    view.wants(2, "batch_indices", &[view.dim(1, 0)], "one for each region")
}

/// `NonMaxSuppression`: two corners and a score for each box.
pub(super) fn boxes(view: &FitView<'_>) -> Fit {
    view.wants(0, "boxes", &[None, None, Some(4)], "two corners of each box")?;
    view.wants(1, "scores", &[view.dim(0, 0), None, view.dim(0, 1)], "[batch, classes, boxes]")
}
