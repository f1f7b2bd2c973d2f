//! Operators of opsets before 7, where they meant something else or were written differently.

use tract_onnx::tract_hir::internal::DatumType;

use super::context::{Output, Outputs, RuleCall, axis, known};

/// Rules by operator, for opsets before the given one.
const TABLE: &[(&str, i64, Outputs)] = &[
    ("Add", 7, like_the_left),
    ("And", 7, like_the_left),
    ("Cast", 6, cast),
    ("Concat", 4, concat),
    ("Div", 7, like_the_left),
    ("Equal", 7, comparison),
    ("Greater", 7, comparison),
    ("Less", 7, comparison),
    ("Mul", 7, like_the_left),
    ("Or", 7, like_the_left),
    ("PRelu", 7, like_the_left),
    ("Pow", 7, like_the_left),
    ("Reshape", 5, reshape),
    ("Sub", 7, like_the_left),
    ("Tile", 6, tile),
    ("Xor", 7, like_the_left),
];

/// The rule for an operator of an old opset, if it has one of its own.
pub(crate) fn rule(op: &str, opset: i64) -> Option<Outputs> {
    let (_, until, rule) = TABLE.iter().find(|(name, _, _)| *name == op)?;
    (opset > 0 && opset < *until).then_some(*rule)
}

/// The right operand was stretched to the left one (`broadcast`, `axis`), never the other way round.
fn like_the_left(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    Some(vec![call.same(0)?])
}

fn comparison(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    Some(vec![Output { dtype: Some(DatumType::Bool), ..call.same(0)? }])
}

/// `Cast` named the type as a text.
fn cast(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let dtype = match call.text("to").to_uppercase().as_str() {
        "FLOAT" => DatumType::F32,
        "DOUBLE" => DatumType::F64,
        "FLOAT16" => DatumType::F16,
        "INT8" => DatumType::I8,
        "INT16" => DatumType::I16,
        "INT32" => DatumType::I32,
        "INT64" => DatumType::I64,
        "UINT8" => DatumType::U8,
        "UINT16" => DatumType::U16,
        "UINT32" => DatumType::U32,
        "UINT64" => DatumType::U64,
        "BOOL" => DatumType::Bool,
        "STRING" => DatumType::String,
        _ => return None,
    };
    Some(vec![Output { dtype: Some(dtype), ..call.same(0)? }])
}

/// `Concat` joined along dimension 1 unless told otherwise.
fn concat(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let mut dims = call.dims(0)?;
    let along = axis(call.int("axis").unwrap_or(1), dims.len())?;
    for input in 1..call.arity() {
        dims[along] = dims[along].checked_add(*call.dims(input)?.get(along)?)?;
    }
    Some(vec![known(call.dtype(0), dims)])
}

/// `Reshape` had its shape as an attribute.
fn reshape(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let (old, mut new) = (call.dims(0)?, call.list("shape")?);
    for (position, size) in new.iter_mut().enumerate().filter(|(_, size)| **size == 0) {
        *size = *old.get(position)?;
    }
    if let Some(open) = new.iter().position(|size| *size == -1) {
        let product = |dims: &[i64]| dims.iter().try_fold(1i64, |n, d| n.checked_mul(*d));
        new[open] = 1;
        new[open] = product(&old)?.checked_div(product(&new)?)?;
    }
    Some(vec![known(call.dtype(0), new)])
}

/// `Tile` repeated one dimension.
fn tile(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let mut dims = call.dims(0)?;
    let along = axis(*call.ints(2)?.first()?, dims.len())?;
    dims[along] = dims[along].checked_mul(*call.ints(1)?.first()?)?;
    Some(vec![known(call.dtype(0), dims)])
}
