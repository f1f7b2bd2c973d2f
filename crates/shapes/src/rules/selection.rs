//! Operators whose results are as large as the data says, which is often not known beforehand.

use tract_onnx::tract_hir::internal::DatumType;

use super::call::{Call, Output, axis, known};

/// `NonZero`: an index per dimension.
pub(crate) fn non_zero(call: &Call<'_>) -> Option<Vec<Output>> {
    let rank = i64::try_from(call.dims(0)?.len()).ok()?;
    Some(vec![Output { dtype: Some(DatumType::I64), dims: vec![Some(rank), None] }])
}

/// `Compress`, which is told what to keep, often by a constant.
pub(crate) fn compress(call: &Call<'_>) -> Option<Vec<Output>> {
    let mut output = chosen(call)?;
    let count =
        call.ints(1).and_then(|chosen| i64::try_from(chosen.iter().filter(|c| **c != 0).count()).ok());
    for dim in &mut output.dims {
        *dim = dim.or(count);
    }
    Some(vec![output])
}

/// `Unique`: the elements, then three index vectors, of which the second has one per element.
pub(crate) fn unique(call: &Call<'_>) -> Option<Vec<Output>> {
    let vector = |length| Output { dtype: Some(DatumType::I64), dims: vec![length] };
    Some(vec![chosen(call)?, vector(None), vector(None), vector(None)])
}

/// The input with an unknown size along the axis, flat if there is none.
fn chosen(call: &Call<'_>) -> Option<Output> {
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
pub(crate) fn has_element(_call: &Call<'_>) -> Option<Vec<Output>> {
    Some(vec![known(Some(DatumType::Bool), Vec::new())])
}

/// `NonMaxSuppression`: batch, class and box of each box that remains.
pub(crate) fn non_max_suppression(_call: &Call<'_>) -> Option<Vec<Output>> {
    Some(vec![Output { dtype: Some(DatumType::I64), dims: vec![None, Some(3)] }])
}

/// `StringSplit`: parts, up to the most of any string, and how many each has.
pub(crate) fn string_split(call: &Call<'_>) -> Option<Vec<Output>> {
    let dims = call.dims(0)?;
    let mut parts = known(Some(DatumType::String), dims.clone());
    parts.dims.push(None);
    Some(vec![parts, known(Some(DatumType::I64), dims)])
}

/// `StringNormalizer`: stop words go.
pub(crate) fn string_normalizer(call: &Call<'_>) -> Option<Vec<Output>> {
    let mut output = call.alike(0)?;
    if call.states("stopwords") {
        *output.dims.last_mut()? = None;
    }
    Some(vec![output])
}

/// `TfIdfVectorizer`: a count for every n-gram.
pub(crate) fn tf_idf(call: &Call<'_>) -> Option<Vec<Output>> {
    let counts = call.list("ngram_indexes")?.into_iter().max()?.checked_add(1)?;
    let dims = call.dims(0)?;
    let batch = if dims.len() > 1 { dims.first().copied() } else { None };
    Some(vec![known(Some(DatumType::F32), batch.into_iter().chain([counts]).collect())])
}

/// `TreeEnsemble`: a score for every target.
pub(crate) fn tree_ensemble(call: &Call<'_>) -> Option<Vec<Output>> {
    let rows = *call.dims(0)?.first()?;
    Some(vec![known(call.dtype(0), vec![rows, call.int("n_targets").unwrap_or(1)])])
}

/// `TreeEnsembleRegressor`, whose scores are in single precision always.
pub(crate) fn tree_regressor(call: &Call<'_>) -> Option<Vec<Output>> {
    let mut scores = tree_ensemble(call)?;
    scores[0].dtype = Some(DatumType::F32);
    Some(scores)
}

/// `LabelEncoder`: the type is that of the values.
pub(crate) fn label_encoder(call: &Call<'_>) -> Option<Vec<Output>> {
    let dtype = if call.states("values_floats") {
        Some(DatumType::F32)
    } else if call.states("values_int64s") {
        Some(DatumType::I64)
    } else if call.states("values_strings") {
        Some(DatumType::String)
    } else {
        None
    };
    Some(vec![known(dtype, call.dims(0)?)])
}
