//! Sequences and optionals. A sequence has the shape of its elements stacked along a new leading
//! dimension; where they differ in a dimension, that one is not known.

use tract_onnx::tract_hir::internal::DatumType;

use super::context::{Output, RuleCall, axis, known};

/// `SequenceEmpty`.
pub(crate) fn empty(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    Some(vec![known(call.named_type("dtype").or(Some(DatumType::F32)), vec![0])])
}

/// `SequenceConstruct`.
pub(crate) fn construct(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let mut element = call.partial_dims(0)?;
    for input in 1..call.arity() {
        element = either(&element, &call.partial_dims(input)?)?;
    }
    Some(vec![sequence(call, Some(i64::try_from(call.arity()).ok()?), element)])
}

/// `SequenceInsert`.
pub(crate) fn insert(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let (sequence_dims, tensor) = (call.partial_dims(0)?, call.partial_dims(1)?);
    let (length, element) = sequence_dims.split_first()?;
    let element = if *length == Some(0) { tensor } else { either(element, &tensor)? };
    Some(vec![sequence(call, length.map(|n| n + 1), element)])
}

/// `SequenceErase`.
pub(crate) fn erase(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let dims = call.partial_dims(0)?;
    let (length, element) = dims.split_first()?;
    Some(vec![sequence(call, length.map(|n| n - 1), element.to_vec())])
}

/// `SequenceAt`.
pub(crate) fn at(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let dims = call.partial_dims(0)?;
    Some(vec![Output { dtype: call.dtype(0), dims: dims.get(1..)?.to_vec() }])
}

/// `SequenceLength`.
pub(crate) fn length(_call: &RuleCall<'_>) -> Option<Vec<Output>> {
    Some(vec![known(Some(DatumType::I64), Vec::new())])
}

/// `SplitToSequence`: into slices, pieces of one size, or pieces of given sizes.
pub(crate) fn split(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let mut dims = call.partial_dims(0)?;
    let along = axis(call.int("axis").unwrap_or(0), dims.len())?;
    let size = dims[along];
    if !call.has(1) {
        if call.int("keepdims").unwrap_or(1) == 0 {
            dims.remove(along);
        } else {
            dims[along] = Some(1);
        }
        return Some(vec![sequence(call, size, dims)]);
    }
    let (Some(size), Some(pieces)) = (size, call.ints(1)) else {
        dims[along] = None;
        return Some(vec![sequence(call, None, dims)]);
    };
    let count = if call.dims(1)?.is_empty() {
        let piece = *pieces.first().filter(|piece| **piece > 0)?;
        dims[along] = if size % piece == 0 || size < piece { Some(piece.min(size)) } else { None };
        size / piece + i64::from(size % piece != 0)
    } else {
        dims[along] = pieces.first().copied().filter(|first| pieces.iter().all(|piece| piece == first));
        i64::try_from(pieces.len()).ok()?
    };
    Some(vec![sequence(call, Some(count), dims)])
}

/// `ConcatFromSequence`.
pub(crate) fn concat(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let mut dims = call.partial_dims(0)?;
    let length = if dims.is_empty() { return None } else { dims.remove(0) };
    let along = call.int("axis")?;
    if call.int("new_axis").unwrap_or(0) == 1 {
        dims.insert(axis(along, dims.len() + 1)?, length);
    } else {
        let along = axis(along, dims.len())?;
        dims[along] = dims[along].zip(length).and_then(|(size, n)| size.checked_mul(n));
    }
    Some(vec![Output { dtype: call.dtype(0), dims }])
}

/// `Optional` and `OptionalGetElement`: what is in it.
pub(crate) fn content(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    Some(vec![call.same(0)?])
}

fn sequence(call: &RuleCall<'_>, length: Option<i64>, element: Vec<Option<i64>>) -> Output {
    let dims = std::iter::once(length).chain(element).collect();
    Output { dtype: call.dtype(0), dims }
}

/// What is known of an element that has either shape; `None` if they have different ranks.
fn either(a: &[Option<i64>], b: &[Option<i64>]) -> Option<Vec<Option<i64>>> {
    (a.len() == b.len()).then(|| a.iter().zip(b).map(|(a, b)| a.filter(|_| a == b)).collect())
}
