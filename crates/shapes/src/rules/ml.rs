//! Classical machine learning, `ai.onnx.ml`.

use tract_onnx::tract_hir::internal::DatumType;

use super::context::{Output, RuleCall};

/// How many rows the first input has; a vector is one row.
fn rows(call: &RuleCall<'_>) -> Option<Option<i64>> {
    let dims = call.partial_dims(0)?;
    Some(if dims.len() > 1 { dims.first().copied()? } else { Some(1) })
}

fn matrix(dtype: Option<DatumType>, rows: Option<i64>, columns: Option<i64>) -> Output {
    Output { dtype, dims: vec![rows, columns] }
}

/// `TreeEnsemble`: a score for every target.
pub(crate) fn tree_ensemble(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    Some(vec![matrix(call.dtype(0), rows(call)?, Some(call.int("n_targets").unwrap_or(1)))])
}

/// `TreeEnsembleRegressor`, whose scores are in single precision always.
pub(crate) fn tree_regressor(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    Some(vec![matrix(Some(DatumType::F32), rows(call)?, Some(call.int("n_targets").unwrap_or(1)))])
}

/// `SVMRegressor`: a score.
pub(crate) fn svm_regressor(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    Some(vec![matrix(Some(DatumType::F32), rows(call)?, Some(1))])
}

/// Classifiers: the label, and a score for every class.
pub(crate) fn classifier(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let labels = |name: &str| call.list(name).map(|labels| labels.len()).filter(|n| *n > 0);
    let numbers = labels("classlabels_int64s").or_else(|| labels("classlabels_ints"));
    let texts = call.texts("classlabels_strings").map(|labels| labels.len()).filter(|n| *n > 0);
    let dtype = if texts.is_some() { DatumType::String } else { DatumType::I64 };
    let classes = numbers.or(texts).and_then(|n| i64::try_from(n).ok());
    let rows = rows(call)?;
    Some(vec![Output { dtype: Some(dtype), dims: vec![rows] }, matrix(Some(DatumType::F32), rows, classes)])
}

/// `LabelEncoder`: the type is that of the values.
pub(crate) fn label_encoder(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let dtype = if call.states("values_floats") {
        Some(DatumType::F32)
    } else if call.states("values_int64s") {
        Some(DatumType::I64)
    } else if call.states("values_strings") || call.dtype(0) == Some(DatumType::I64) {
        Some(DatumType::String)
    } else {
        None
    };
    Some(vec![Output { dtype, ..call.same(0)? }])
}

/// `Scaler` and `Normalizer`: numbers in single precision.
pub(crate) fn scaled(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    Some(vec![Output { dtype: Some(DatumType::F32), ..call.same(0)? }])
}

/// `OneHotEncoder`: a flag for every category.
pub(crate) fn one_hot(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let numbers = call.list("cats_int64s").map(|cats| cats.len()).filter(|n| *n > 0);
    let texts = || call.texts("cats_strings").map(|cats| cats.len());
    let mut output = call.same(0)?;
    output.dtype = Some(DatumType::F32);
    output.dims.push(i64::try_from(numbers.or_else(texts)?).ok());
    Some(vec![output])
}

/// `FeatureVectorizer`: the columns of all inputs.
pub(crate) fn features(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let columns = call.list("inputdimensions")?.iter().try_fold(0i64, |n, d| n.checked_add(*d))?;
    Some(vec![matrix(Some(DatumType::F32), rows(call)?, Some(columns))])
}

/// `CastMap`: a row of values, as many as the map says unless it is told.
pub(crate) fn cast_map(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let dtype = match call.text("cast_to").as_str() {
        "TO_INT64" => DatumType::I64,
        "TO_STRING" => DatumType::String,
        _ => DatumType::F32,
    };
    let columns = call.int("max_map").filter(|_| call.text("map_form") == "SPARSE");
    Some(vec![matrix(Some(dtype), Some(1), columns)])
}
