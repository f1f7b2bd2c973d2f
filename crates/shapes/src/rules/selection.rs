//! Operators whose results are as large as the data says, which is often not known beforehand.

use tract_onnx::tract_hir::internal::DatumType;

use super::context::{Output, RuleCall, axis, known};

/// `NonZero`: an index per dimension.
pub(crate) fn non_zero(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let rank = i64::try_from(call.dims(0)?.len()).ok()?;
    Some(vec![Output { dtype: Some(DatumType::I64), dims: vec![Some(rank), None] }])
}

/// `Compress`, which is told what to keep, often by a constant.
pub(crate) fn compress(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let mut output = chosen(call)?;
    let count =
        call.ints(1).and_then(|chosen| i64::try_from(chosen.iter().filter(|c| **c != 0).count()).ok());
    for dim in &mut output.dims {
        *dim = dim.or(count);
    }
    Some(vec![output])
}

/// `Unique`: the elements, then three index vectors, of which the second has one per element.
pub(crate) fn unique(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let vector = |length| Output { dtype: Some(DatumType::I64), dims: vec![length] };
    Some(vec![chosen(call)?, vector(None), vector(None), vector(None)])
}

/// The input with an unknown size along the axis, flat if there is none.
fn chosen(call: &RuleCall<'_>) -> Option<Output> {
    let dims = call.dims(0)?;
    let mut output = known(call.dtype(0), dims);
    match call.int("axis") {
        Some(along) => {
            let along = axis(along, output.dims.len())?;
            output.dims[along] = None;
        }
        None => output.dims = vec![None],
    }
    Some(output)
}

/// `OptionalHasElement`.
pub(crate) fn has_element(_call: &RuleCall<'_>) -> Option<Vec<Output>> {
    Some(vec![known(Some(DatumType::Bool), Vec::new())])
}

/// `NonMaxSuppression`: batch, class and box of each box that remains.
pub(crate) fn non_max_suppression(_call: &RuleCall<'_>) -> Option<Vec<Output>> {
    Some(vec![Output { dtype: Some(DatumType::I64), dims: vec![None, Some(3)] }])
}

/// `StringSplit`: parts, up to the most of any string, and how many each has.
pub(crate) fn string_split(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let dims = call.dims(0)?;
    let mut parts = known(Some(DatumType::String), dims.clone());
    parts.dims.push(None);
    Some(vec![parts, known(Some(DatumType::I64), dims)])
}

/// `StringNormalizer`: stop words go.
pub(crate) fn string_normalizer(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let mut output = call.alike(0)?;
    if call.states("stopwords") {
        *output.dims.last_mut()? = None;
    }
    Some(vec![output])
}

/// `TfIdfVectorizer`: a count for every n-gram.
pub(crate) fn tf_idf(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let counts = call.list("ngram_indexes")?.into_iter().max()?.checked_add(1)?;
    let dims = call.dims(0)?;
    let batch = if dims.len() > 1 { dims.first().copied() } else { None };
    Some(vec![known(Some(DatumType::F32), batch.into_iter().chain([counts]).collect())])
}

/// `TopK`: values and where they were, as many as the attribute or, since opset 10, the input says.
pub(crate) fn top_k(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let mut values = call.same(0)?;
    let along = axis(call.int("axis").unwrap_or(-1), values.dims.len())?;
    let count = if call.has(1) { call.ints(1).and_then(|k| k.first().copied()) } else { call.int("k") };
    values.dims[along] = count;
    let indices = Output { dtype: Some(DatumType::I64), dims: values.dims.clone() };
    Some(vec![values, indices])
}
