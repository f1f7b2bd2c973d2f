//! Products of matrices and tensors.

use std::collections::BTreeMap;

use tract_onnx::tract_hir::internal::DatumType;

use super::context::{Output, RuleCall, known};
use super::mixed_types::common_shape;

/// `MatMulInteger`.
pub(crate) fn matmul_integer(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    Some(vec![known(Some(DatumType::I32), product(&call.dims(0)?, &call.dims(1)?)?)])
}

/// `QLinearMatMul`: each operand comes with its scale and zero point.
pub(crate) fn qlinear_matmul(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    Some(vec![known(call.dtype(7), product(&call.dims(0)?, &call.dims(3)?)?)])
}

/// As numpy multiplies: a vector is a row on the left and a column on the right.
fn product(a: &[i64], b: &[i64]) -> Option<Vec<i64>> {
    let row = if a.len() == 1 { vec![1, a[0]] } else { a.to_vec() };
    let column = if b.len() == 1 { vec![b[0], 1] } else { b.to_vec() };
    let ([batch_a @ .., m, k], [batch_b @ .., l, n]) = (&row[..], &column[..]) else { return None };
    if k != l {
        return None;
    }
    let mut shape = common_shape(batch_a, batch_b)?;
    shape.extend((a.len() > 1).then_some(*m));
    shape.extend((b.len() > 1).then_some(*n));
    Some(shape)
}

/// `ConvInteger`.
pub(crate) fn conv_integer(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let (x, w) = (call.dims(0)?, call.dims(1)?);
    let spatial = x.len().checked_sub(2)?;
    let list = |name, default, length| call.list(name).unwrap_or(vec![default; length]);
    let (strides, dilations) = (list("strides", 1, spatial), list("dilations", 1, spatial));
    let pads = list("pads", 0, 2 * spatial);
    if w.len() != x.len()
        || strides.len() != spatial
        || dilations.len() != spatial
        || pads.len() != 2 * spatial
    {
        return None;
    }
    let mut dims = vec![x[0], w[0]];
    for i in 0..spatial {
        let reach = (w[i + 2].checked_sub(1)?).checked_mul(dilations[i])?.checked_add(1)?;
        let room = match call.text("auto_pad").as_str() {
            "SAME_UPPER" | "SAME_LOWER" => x[i + 2].checked_sub(1)?,
            "VALID" => x[i + 2].checked_sub(reach)?,
            _ => x[i + 2].checked_add(pads[i])?.checked_add(pads[i + spatial])?.checked_sub(reach)?,
        };
        dims.push(room.checked_div(strides[i])?.checked_add(1)?);
    }
    Some(vec![known(Some(DatumType::I32), dims)])
}

/// `ConvTranspose`. Where padding is automatic the output is as large as the input times the stride,
/// whatever `output_padding` says (ONNX, Operators.md, `ConvTranspose`, `auto_pad`).
pub(crate) fn conv_transpose(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let (x, w) = (call.dims(0)?, call.dims(1)?);
    let spatial = x.len().checked_sub(2)?;
    let list = |name, default, length| {
        let list = call.list(name).unwrap_or_else(|| vec![default; length]);
        Some(list).filter(|list| list.len() == length)
    };
    let (strides, dilations) = (list("strides", 1, spatial)?, list("dilations", 1, spatial)?);
    let (more, pads) = (list("output_padding", 0, spatial)?, list("pads", 0, 2 * spatial)?);
    let mut dims = vec![*x.first()?, w.get(1)?.checked_mul(call.int("group").unwrap_or(1))?];
    if w.len() != x.len() {
        return None;
    }
    if let Some(shape) = call.list("output_shape") {
        dims.extend(shape.get(shape.len().checked_sub(spatial)?..)?);
        return Some(vec![known(call.dtype(0), dims)]);
    }
    for i in 0..spatial {
        let reach = (w[i + 2].checked_sub(1)?).checked_mul(dilations[i])?.checked_add(1)?;
        let steps = (x[i + 2].checked_sub(1)?).checked_mul(strides[i])?;
        let whole = steps.checked_add(reach)?.checked_add(more[i])?;
        dims.push(match call.text("auto_pad").as_str() {
            "SAME_UPPER" | "SAME_LOWER" => x[i + 2].checked_mul(strides[i])?,
            "VALID" => whole,
            _ => whole.checked_sub(pads[i])?.checked_sub(pads[i + spatial])?,
        });
    }
    Some(vec![known(call.dtype(0), dims)])
}

/// `Det`: a number per matrix.
pub(crate) fn determinant(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let dims = call.dims(0)?;
    Some(vec![known(call.dtype(0), dims.get(..dims.len().checked_sub(2)?)?.to_vec())])
}

/// `Einsum`.
pub(crate) fn einsum(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let equation: String = call.text("equation").chars().filter(|c| !c.is_whitespace()).collect();
    let (left, right) = match equation.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (equation.as_str(), None),
    };
    let terms: Vec<&str> = left.split(',').collect();
    if terms.len() != call.arity() {
        return None;
    }
    // Sorted, since labels of an implicit output stand in the order of the alphabet.
    let mut sizes: BTreeMap<char, i64> = BTreeMap::new();
    let mut ellipsis = Vec::new();
    for (input, term) in terms.iter().enumerate() {
        let dims = call.dims(input)?;
        let (before, after) = term.split_once("...").unwrap_or((term, ""));
        let named = before.chars().count() + after.chars().count();
        let free = dims.len().checked_sub(named).filter(|free| *free == 0 || term.contains("..."))?;
        let start = before.chars().count();
        ellipsis = common_shape(&ellipsis, &dims[start..start + free])?;
        let rest = dims[..start].iter().chain(&dims[start + free..]);
        for (label, size) in before.chars().chain(after.chars()).zip(rest) {
            let known = sizes.entry(label).or_insert(*size);
            if *known == 1 {
                *known = *size;
            } else if *size != 1 && *known != *size {
                return None;
            }
        }
    }
    let implicit = || {
        // Without an arrow the output has the labels that occur once (numpy.einsum).
        let once = |label: &&char| left.chars().filter(|c| c == *label).count() == 1;
        let ellipsis = if left.contains("...") { "..." } else { "" };
        ellipsis.chars().chain(sizes.keys().filter(once).copied()).collect::<String>()
    };
    let right = right.map_or_else(implicit, str::to_owned);
    let (before, after) = match right.split_once("...") {
        Some((before, after)) => (before, Some(after)),
        None => (right.as_str(), None),
    };
    let size = |label: char| sizes.get(&label).copied();
    let mut dims: Vec<i64> = before.chars().map(size).collect::<Option<_>>()?;
    if let Some(after) = after {
        dims.extend(ellipsis);
        dims.extend(after.chars().map(size).collect::<Option<Vec<_>>>()?);
    }
    Some(vec![known(call.dtype(0), dims)])
}
