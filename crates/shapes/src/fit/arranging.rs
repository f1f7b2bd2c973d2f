//! Axes, and how elements are laid out.

use super::view::{Fit, FitView, Size, same, shown};

/// Operators with an axis and nothing else.
pub(super) fn axis(view: &FitView<'_>) -> Fit {
    let default = match view.op() {
        "ArgMax" | "ArgMin" | "SplitToSequence" => 0,
        "Softmax" | "LogSoftmax" | "Hardmax" if view.opset() < 13 => 1,
        _ => -1,
    };
    // Before opset 13, the axis at which the input is made a matrix, which a vector may lack.
    let coerced = default == 1 && view.node.attributes.int("axis").is_none();
    if coerced { Ok(()) } else { view.axis_of_first(default).map(|_| ()) }
}

/// `Compress`, which keeps what it is told of an axis, or of all elements.
pub(super) fn compress(view: &FitView<'_>) -> Fit {
    if view.node.attributes.int("axis").is_some() { view.axis_of_first(0).map(|_| ()) } else { Ok(()) }
}

/// `Concat`: sizes are the same but along the axis.
pub(super) fn concat(view: &FitView<'_>) -> Fit {
    let Some(along) = view.axis_of_first(1)? else { return Ok(()) };
    let Some(first) = view.dims(0) else { return Ok(()) };
    for input in 1..view.node.inputs.len() {
        let Some(dims) = view.dims(input) else { continue };
        let mut others = dims.iter().zip(first).enumerate().filter(|(axis, _)| *axis != along);
        if dims.len() != first.len() || !others.all(|(_, (a, b))| same(*a, *b)) {
            return Err(format!(
                "input {} differs from {} in more than axis {along}",
                view.called(input, &input.to_string()),
                view.called(0, "input 0")
            ));
        }
    }
    Ok(())
}

/// `CumSum`, `CumProd`: the axis is an input.
pub(super) fn cumulative(view: &FitView<'_>) -> Fit {
    match (view.constant(1), view.rank(0)) {
        (Some([axis]), Some(rank)) => view.axis(*axis, rank).map(|_| ()),
        _ => Ok(()),
    }
}

/// `DepthToSpace`, `SpaceToDepth`: blocks fill channels, or rows and columns.
pub(super) fn blocks(view: &FitView<'_>) -> Fit {
    view.wants_rank(0, "input", 4)?;
    let size = view.int("blocksize", 0);
    let Some(size) = u64::try_from(size).ok().filter(|size| *size > 0) else {
        return Err(format!("blocksize is {size}, where 1 is the least"));
    };
    let (axes, part): (&[usize], _) =
        if view.op() == "DepthToSpace" { (&[1], size.checked_mul(size)) } else { (&[2, 3], Some(size)) };
    let Some(part) = part else { return Err(format!("blocksize {size} is too large")) };
    match axes.iter().find_map(|axis| view.dim(0, *axis).filter(|dim| dim % part != 0).map(|dim| (axis, dim)))
    {
        Some((axis, dim)) => Err(format!("the {dim} positions of axis {axis} are no multiple of {part}")),
        None => Ok(()),
    }
}

/// `Det`: square matrices.
pub(super) fn square(view: &FitView<'_>) -> Fit {
    view.wants_at_least(0, "X", 2)?;
    match view.dims(0) {
        Some([.., rows, columns]) if !same(*rows, *columns) => {
            Err(format!("{} holds no square matrices", view.called(0, "X")))
        }
        _ => Ok(()),
    }
}

/// `EyeLike`: a matrix.
pub(super) fn matrix(view: &FitView<'_>) -> Fit {
    view.wants_rank(0, "input", 2)
}

/// `Trilu`: matrices.
pub(super) fn matrices(view: &FitView<'_>) -> Fit {
    view.wants_at_least(0, "input", 2)
}

/// `Expand`.
pub(super) fn expand(view: &FitView<'_>) -> Fit {
    let (Some(dims), Some(shape)) = (view.dims(0), view.constant(1)) else { return Ok(()) };
    let fits = |(a, b): (&Size, &i64)| *b == 1 || a.is_none_or(|a| a == 1 || u64::try_from(*b) == Ok(a));
    if dims.iter().rev().zip(shape.iter().rev()).all(fits) {
        return Ok(());
    }
    Err(format!("{} can't be broadcast to {shape:?}", view.called(0, "input")))
}

/// `Flatten`, whose axis may stand behind the last.
pub(super) fn flatten(view: &FitView<'_>) -> Fit {
    match (view.rank(0), view.int("axis", 1)) {
        (Some(rank), axis) if usize::try_from(axis) != Ok(rank) && rank > 0 => {
            view.axis(axis, rank).map(|_| ())
        }
        _ => Ok(()),
    }
}

/// `Pad`: two numbers for each axis.
pub(super) fn pad(view: &FitView<'_>) -> Fit {
    if view.opset() >= 11 {
        view.wants_rank(1, "pads", 1)?;
    }
    let Some(dims) = view.dims(0) else { return Ok(()) };
    let pads = if view.opset() < 11 { view.ints("pads") } else { view.constant(1) };
    let all: Vec<usize> = (0..dims.len()).collect();
    let axes = match view.constant(3) {
        Some(axes) => view.axes(axes, dims.len())?,
        None if view.has(3) => return Ok(()),
        None => all,
    };
    let Some(pads) = pads else { return Ok(()) };
    if pads.len() != 2 * axes.len() {
        return Err(format!(
            "pads has {} numbers, where {} are needed: {pads:?}",
            pads.len(),
            2 * axes.len()
        ));
    }
    for (i, axis) in axes.iter().enumerate() {
        let (before, after) = (pads[i], pads[i + axes.len()]);
        let size = dims[*axis].map(i128::from);
        if let Some(size) = size.filter(|size| size + i128::from(before) + i128::from(after) < 0) {
            return Err(format!(
                "pads {before} and {after} take more than the {size} positions of axis {axis}"
            ));
        }
    }
    Ok(())
}

/// Reductions over axes.
pub(super) fn reduce(view: &FitView<'_>) -> Fit {
    view.wants_rank(1, "axes", 1)?;
    match (view.operand("axes", 1), view.rank(0)) {
        (Some(axes), Some(rank)) => axes.iter().try_for_each(|axis| view.axis(*axis, rank).map(|_| ())),
        _ => Ok(()),
    }
}

/// `Reshape`: as many elements as before.
pub(super) fn reshape(view: &FitView<'_>) -> Fit {
    view.wants_rank(1, "shape", 1)?;
    let (Some(dims), Some(shape)) = (view.dims(0), view.operand("shape", 1)) else { return Ok(()) };
    let refused = |why: &str| Err(format!("{} can't become {shape:?}: {why}", view.called(0, "data")));
    if shape.iter().filter(|size| **size == -1).count() > 1 {
        return refused("one size at most may be left open");
    }
    if shape.iter().any(|size| *size < -1) {
        return refused("sizes are not negative");
    }
    let kept = |axis: usize| dims.get(axis).map(|dim| dim.map(u128::from));
    let mut product = Some(1u128);
    for (axis, size) in shape.iter().enumerate().filter(|(_, size)| **size != -1) {
        let size = match size {
            0 if view.int("allowzero", 0) == 0 => match kept(axis) {
                Some(size) => size,
                None => return refused("there is no size to keep for a 0"),
            },
            size => u128::try_from(*size).ok(),
        };
        product = product.zip(size).and_then(|(a, b)| a.checked_mul(b));
    }
    let elements = dims.iter().try_fold(1u128, |all, dim| all.checked_mul(u128::from((*dim)?)));
    let (Some(product), Some(elements)) = (product, elements) else { return Ok(()) };
    let open = shape.contains(&-1);
    let fits = if open && product != 0 { elements % product == 0 } else { open || elements == product };
    if fits { Ok(()) } else { refused(&format!("it has {elements} elements")) }
}

/// `Resize`: a scale or size for each axis that changes.
pub(super) fn resize(view: &FitView<'_>) -> Fit {
    let Some(rank) = view.rank(0) else { return Ok(()) };
    let axes = view.ints("axes").map_or(rank, <[_]>::len);
    let inputs: &[(usize, &str)] =
        if view.opset() < 11 { &[(1, "scales")] } else { &[(2, "scales"), (3, "sizes")] };
    for (input, formal) in inputs {
        // An empty list stands for one that is left out; ONNX Runtime takes lists of any rank.
        if view.dim(*input, 0) == Some(0) || view.rank(*input) != Some(1) {
            continue;
        }
        view.wants(*input, formal, &[u64::try_from(axes).ok()], "one for each axis")?;
    }
    Ok(())
}

/// `Slice`: lists of one length.
pub(super) fn slice(view: &FitView<'_>) -> Fit {
    let Some(rank) = view.rank(0) else { return Ok(()) };
    if let Some(axes) = view.operand("axes", 3) {
        view.axes(axes, rank)?;
    }
    if view.opset() < 10 {
        return Ok(());
    }
    let Some([count]) = view.dims(1) else { return Ok(()) };
    for (input, formal) in [(2, "ends"), (3, "axes"), (4, "steps")] {
        view.wants(input, formal, &[*count], "one for each of starts")?;
    }
    match view.constant(4) {
        Some(steps) if steps.contains(&0) => Err("a step of 0 leads nowhere".to_owned()),
        _ => Ok(()),
    }
}

/// `Split`: parts add up to the whole.
pub(super) fn split(view: &FitView<'_>) -> Fit {
    view.wants_rank(1, "split", 1)?;
    let Some(axis) = view.axis_of_first(0)? else { return Ok(()) };
    let parts = view.node.outputs.len();
    let size = view.dim(0, axis);
    match (view.operand("split", 1), size) {
        (Some(split), _) if split.len() != parts => {
            Err(format!("split {split:?} is of {} parts, but there are {parts} outputs", split.len()))
        }
        (Some(split), Some(size)) => {
            let sum: i128 = split.iter().map(|part| i128::from(*part)).sum();
            if sum == i128::from(size) && split.iter().all(|part| *part >= 0) {
                return Ok(());
            }
            Err(format!("split {split:?} does not add up to the {size} positions of axis {axis}"))
        }
        (None, Some(size)) if view.opset() < 18 && !view.has(1) && size % (parts.max(1) as u64) != 0 => {
            Err(format!("the {size} positions of axis {axis} can't be parted into {parts} of one size"))
        }
        _ => Ok(()),
    }
}

/// `Squeeze`: axes of one position.
pub(super) fn squeeze(view: &FitView<'_>) -> Fit {
    view.wants_rank(1, "axes", 1)?;
    let (Some(axes), Some(dims)) = (view.operand("axes", 1), view.dims(0)) else { return Ok(()) };
    for axis in axes {
        let axis = view.axis(*axis, dims.len())?;
        if let Some(size) = dims[axis].filter(|size| *size != 1) {
            return Err(format!("axis {axis} of {} has {size} positions, not 1", view.called(0, "data")));
        }
    }
    Ok(())
}

/// `Unsqueeze`: axes of the output.
pub(super) fn unsqueeze(view: &FitView<'_>) -> Fit {
    match (view.operand("axes", 1), view.rank(0)) {
        (Some(axes), Some(rank)) => view.axes(axes, rank + axes.len()).map(|_| ()),
        _ => Ok(()),
    }
}

/// `Tile`: a number for each axis.
pub(super) fn tile(view: &FitView<'_>) -> Fit {
    let Some(rank) = view.rank(0).filter(|_| view.opset() >= 6) else { return Ok(()) };
    view.wants(1, "repeats", &[u64::try_from(rank).ok()], "one for each axis of the input")?;
    match view.constant(1).and_then(|repeats| repeats.iter().find(|n| **n < 0)) {
        Some(n) => Err(format!("repeats holds {n}, where 0 is the least")),
        None => Ok(()),
    }
}

/// `Transpose`: each axis once.
pub(super) fn transpose(view: &FitView<'_>) -> Fit {
    let (Some(dims), Some(perm)) = (view.dims(0), view.ints("perm")) else { return Ok(()) };
    let mut sorted = perm.to_vec();
    sorted.sort_unstable();
    if sorted.iter().map(|axis| usize::try_from(*axis).ok()).eq((0..dims.len()).map(Some)) {
        return Ok(());
    }
    Err(format!("perm {perm:?} does not name each axis of {} once", shown(dims)))
}
