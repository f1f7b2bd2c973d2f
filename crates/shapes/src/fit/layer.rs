//! Products, convolutions, pooling, activations with parameters, losses.

use super::view::{Fit, FitView, Size, same, shown, times};

/// Operators on elements: operands have a common shape.
pub(super) fn elementwise(view: &FitView<'_>) -> Fit {
    // Older opsets broadcast by attributes.
    if view.opset() < 7 {
        return Ok(());
    }
    let shapes: Vec<&[Size]> = (0..view.node.inputs.len()).filter_map(|input| view.dims(input)).collect();
    common(&shapes).map(|_| ())
}

/// The common shape of operands.
fn common(shapes: &[&[Size]]) -> Result<Vec<Size>, String> {
    let rank = shapes.iter().map(|shape| shape.len()).max().unwrap_or(0);
    let mut all: Vec<Size> = vec![Some(1); rank];
    for shape in shapes {
        for (whole, size) in all[rank - shape.len()..].iter_mut().zip(*shape) {
            if *whole == Some(1) {
                *whole = *size;
            } else if *size != Some(1) {
                if !same(*whole, *size) {
                    let shapes: Vec<String> = shapes.iter().map(|shape| shown(shape)).collect();
                    return Err(format!("{} can't be broadcast to one shape", shapes.join(" and ")));
                }
                *whole = whole.or(*size);
            }
        }
    }
    Ok(all)
}

/// `MatMul` and its quantised forms.
pub(super) fn matmul(view: &FitView<'_>) -> Fit {
    let (left, right) = if view.op() == "QLinearMatMul" { (0, 3) } else { (0, 1) };
    let (Some(a), Some(b)) = (view.dims(left), view.dims(right)) else { return Ok(()) };
    if a.is_empty() || b.is_empty() {
        return Err(format!(
            "{} and {}: neither may be a single number",
            view.called(left, "A"),
            view.called(right, "B")
        ));
    }
    let inner = b[b.len().saturating_sub(2)];
    if !same(a[a.len() - 1], inner) {
        let (a, b) = (view.called(left, "A"), view.called(right, "B"));
        return Err(format!("rows of {a} are of another length than columns of {b}"));
    }
    let batch = |dims: &'_ [Size]| dims.len().saturating_sub(2);
    common(&[&a[..batch(a)], &b[..batch(b)]])?;
    let columns = (b.len() > 1).then(|| b[b.len() - 1]);
    let scales: &[(usize, &str, bool)] = match view.op() {
        "QLinearMatMul" => &[
            (1, "a_scale", false),
            (2, "a_zero_point", false),
            (4, "b_scale", true),
            (5, "b_zero_point", true),
            (6, "y_scale", false),
            (7, "y_zero_point", false),
        ],
        "MatMulInteger" => &[(2, "a_zero_point", false), (3, "b_zero_point", true)],
        _ => &[],
    };
    scales.iter().try_for_each(|(input, formal, by_column)| match view.dims(*input) {
        None | Some([] | [Some(1)]) => Ok(()),
        Some([length]) if *by_column && columns.is_none_or(|columns| same(columns, *length)) => Ok(()),
        Some(_) if *by_column => {
            Err(format!("{} should be one number, or one for each column of B", view.called(*input, formal)))
        }
        Some(_) => Err(format!("{} should be one number", view.called(*input, formal))),
    })
}

/// `Gemm`: what is added is broadcast to the product. Frameworks multiply stacks of matrices here too, so that
/// other operands than matrices are left to inference.
pub(super) fn gemm(view: &FitView<'_>) -> Fit {
    let (Some([a0, a1]), Some([b0, b1])) = (view.dims(0), view.dims(1)) else { return Ok(()) };
    let (rows, inner) = if view.int("transA", 0) == 0 { (a0, a1) } else { (a1, a0) };
    let (other, columns) = if view.int("transB", 0) == 0 { (b0, b1) } else { (b1, b0) };
    if !same(*inner, *other) {
        return Err(format!(
            "{} and {} with transA {} and transB {} have no common inner size",
            view.called(0, "A"),
            view.called(1, "B"),
            view.int("transA", 0),
            view.int("transB", 0)
        ));
    }
    if view.opset() < 7 { Ok(()) } else { view.wants_broadcast(2, "C", &[*rows, *columns]) }
}

fn positive_group(view: &FitView<'_>) -> Result<u64, String> {
    let group = view.int("group", 1);
    u64::try_from(group)
        .ok()
        .filter(|g| *g > 0)
        .ok_or_else(|| format!("group is {group}, where 1 is the least"))
}

/// Lists that describe a window over `spatial` dimensions.
fn window(view: &FitView<'_>, spatial: usize) -> Fit {
    for attribute in ["strides", "dilations"] {
        view.wants_length(attribute, spatial)?;
        view.wants_least(attribute, 1)?;
    }
    view.wants_length("kernel_shape", spatial)?;
    view.wants_least("kernel_shape", 1)?;
    view.wants_length("pads", 2 * spatial)?;
    view.wants_least("pads", 0)
}

/// A window lies within each padded axis somewhere; the last one of a pool that rounds up may reach beyond the end.
fn fits(view: &FitView<'_>, kernel: &[i64]) -> Fit {
    let padding = view.text("auto_pad").unwrap_or("NOTSET");
    let pads = view.ints("pads").filter(|_| padding == "NOTSET");
    let at = |list: Option<&[i64]>, index: usize, default: i64| {
        i128::from(list.and_then(|list| list.get(index)).copied().unwrap_or(default))
    };
    for (axis, size) in kernel.iter().enumerate() {
        let Some(length) = view.dim(0, axis + 2).filter(|_| !padding.starts_with("SAME")) else { continue };
        // Attributes may hold any 64-bit number; their sums and products fit 128 bits.
        let reach = (i128::from(*size) - 1) * at(view.ints("dilations"), axis, 1) + 1;
        let beyond = if view.int("ceil_mode", 0) != 0 { at(view.ints("strides"), axis, 1) - 1 } else { 0 };
        let padded = i128::from(length) + at(pads, axis, 0) + at(pads, axis + kernel.len(), 0);
        if reach > padded + beyond {
            return Err(format!(
                "a window of {reach} does not fit axis {}, which has {padded} with pads",
                axis + 2
            ));
        }
    }
    Ok(())
}

/// The kernel is what the weights say.
fn kernel(view: &FitView<'_>, weights: &[Size]) -> Fit {
    let Some(stated) = view.ints("kernel_shape") else { return Ok(()) };
    let differs = |(stated, size): (&i64, &Size)| size.is_some_and(|size| u64::try_from(*stated) != Ok(size));
    if stated.iter().zip(&weights[2..]).any(differs) {
        return Err(format!("kernel_shape is {stated:?}, but the kernel of W is {}", shown(&weights[2..])));
    }
    Ok(())
}

/// `Conv`, `ConvInteger`, `QLinearConv`.
pub(super) fn conv(view: &FitView<'_>) -> Fit {
    let (weight, bias) = if view.op() == "QLinearConv" { (3, 8) } else { (1, 2) };
    let Some(rank) = view.rank(0) else { return Ok(()) };
    view.wants_at_least(0, "X", 3)?;
    view.wants_rank(weight, "W", rank)?;
    window(view, rank - 2)?;
    let group = positive_group(view)?;
    let Some(dims) = view.dims(weight) else { return Ok(()) };
    kernel(view, dims)?;
    let sizes = dims[2..].iter().map(|size| i64::try_from((*size)?).ok());
    if let Some(sizes) = sizes.collect::<Option<Vec<_>>>() {
        fits(view, &sizes)?;
    }
    let channels = view.dim(0, 1);
    if !same(times(dims[1], group), channels) {
        return Err(format!(
            "{} has {} channels, but {} of {group} group{} takes {}",
            view.called(0, "X"),
            shown(&[channels]),
            view.called(weight, "W"),
            if group == 1 { "" } else { "s" },
            shown(&[times(dims[1], group)])
        ));
    }
    if let Some(filters) = dims[0].filter(|filters| filters % group != 0) {
        return Err(format!("{filters} filters can't be parted into {group} groups of one size"));
    }
    if view.op() == "ConvInteger" {
        return Ok(());
    }
    view.wants(bias, "B", &[dims[0]], "one for each filter")
}

/// `ConvTranspose`: weights are by input channels first.
pub(super) fn conv_transpose(view: &FitView<'_>) -> Fit {
    let Some(rank) = view.rank(0) else { return Ok(()) };
    view.wants_at_least(0, "X", 3)?;
    view.wants_rank(1, "W", rank)?;
    window(view, rank - 2)?;
    let group = positive_group(view)?;
    let Some(dims) = view.dims(1) else { return Ok(()) };
    kernel(view, dims)?;
    let channels = view.dim(0, 1);
    if !same(dims[0], channels) {
        let (x, w) = (view.called(0, "X"), view.called(1, "W"));
        return Err(format!("{w} is for other channels than those of {x}"));
    }
    if let Some(channels) = channels.filter(|channels| channels % group != 0) {
        return Err(format!("{channels} channels can't be parted into {group} groups of one size"));
    }
    view.wants(2, "B", &[times(dims[1], group)], "one for each filter")
}

/// Pooling: a window within the padded input.
pub(super) fn pool(view: &FitView<'_>) -> Fit {
    let Some(rank) = view.rank(0) else { return Ok(()) };
    view.wants_at_least(0, "X", 3)?;
    window(view, rank - 2)?;
    let Some(kernel) = view.ints("kernel_shape") else { return Ok(()) };
    fits(view, kernel)?;
    let Some(pads) = view.ints("pads") else { return Ok(()) };
    let wide = pads.iter().zip(kernel.iter().cycle()).any(|(pad, size)| pad >= size);
    if wide { Err(format!("pads {pads:?} are not smaller than kernel_shape {kernel:?}")) } else { Ok(()) }
}

/// `MaxUnpool`: each element has a place.
pub(super) fn unpool(view: &FitView<'_>) -> Fit {
    let Some(dims) = view.dims(0) else { return Ok(()) };
    view.wants_at_least(0, "X", 3)?;
    window(view, dims.len() - 2)?;
    view.wants(1, "I", dims, "an index for each element of X")
}

/// `GridSample`: a coordinate for each dimension of a picture.
pub(super) fn grid_sample(view: &FitView<'_>) -> Fit {
    let Some(rank) = view.rank(0) else { return Ok(()) };
    view.wants_at_least(0, "X", 3)?;
    let mut grid = vec![None; rank];
    grid[0] = view.dim(0, 0);
    grid[rank - 1] = u64::try_from(rank - 2).ok();
    view.wants(1, "grid", &grid, "[batch, positions..., a coordinate for each spatial dimension]")
}

/// Losses over classes: a label for each row of scores, a weight for each class.
pub(super) fn classes(view: &FitView<'_>) -> Fit {
    let Some(scores) = view.dims(0) else { return Ok(()) };
    view.wants_at_least(0, "scores", 2)?;
    let labels: Vec<Size> = [&scores[..1], &scores[2..]].concat();
    view.wants(1, "labels", &labels, "the shape of the scores without that of classes")?;
    view.wants(2, "weights", &[scores[1]], "one for each class")
}

/// `Attention`: queries, keys and values of as many heads, each of one size.
pub(super) fn attention(view: &FitView<'_>) -> Fit {
    let (Some(q), Some(k), Some(v)) = (view.dims(0), view.dims(1), view.dims(2)) else { return Ok(()) };
    let formals = ["Q", "K", "V"];
    (1..3).try_for_each(|input| view.wants_rank(input, formals[input], q.len()))?;
    let misfit = |what: &str| {
        let named: Vec<String> =
            formals.iter().enumerate().map(|(i, formal)| view.called(i, formal)).collect();
        Err(format!("{} {what}", named.join(", ")))
    };
    if !same(q[0], k[0]) || !same(q[0], v[0]) {
        return misfit("are of several batches");
    }
    // (batch, sequence, hidden), or (batch, heads, sequence, size).
    let sequence = match q.len() {
        3 => 1,
        4 => 2,
        _ => return misfit("should have 3 or 4 dimensions"),
    };
    if !same(k[sequence], v[sequence]) {
        return misfit("have another length of keys than of values");
    }
    if sequence == 2 && (!same(q[3], k[3]) || !same(k[1], v[1])) {
        return misfit("have heads of several sizes, or keys and values of other heads");
    }
    // Each head of keys serves as many heads of queries (grouped queries).
    let shares = |queries: Size, keys: Size| queries.zip(keys).is_none_or(|(q, k)| k != 0 && q % k == 0);
    if sequence == 2 && !shares(q[1], k[1]) {
        return misfit("have heads of queries that can't be parted among those of keys");
    }
    let heads = |attribute: &str, hidden: Size| match (u64::try_from(view.int(attribute, 0)), hidden) {
        (Ok(heads), Some(hidden)) if heads > 0 && hidden % heads != 0 => {
            Err(format!("{hidden} elements can't be parted among {heads} heads ({attribute})"))
        }
        (Ok(0) | Err(_), _) => Err(format!("{attribute} is needed, as the inputs have 3 dimensions")),
        _ => Ok(()),
    };
    if sequence == 1 {
        heads("q_num_heads", q[2])?;
        heads("kv_num_heads", k[2])?;
        heads("kv_num_heads", v[2])?;
    }
    Ok(())
}
