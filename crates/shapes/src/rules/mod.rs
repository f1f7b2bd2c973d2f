//! Shape rules for operators that tract lacks, gets wrong, or would compute at great expense.

mod constant;
mod normalization;
mod own;

use tract_onnx::model::OnnxOpRegister;

/// Adds the rules to tract's operators.
pub(crate) fn register(operators: &mut OnnxOpRegister) {
    own::register::<constant::ConstantOfShape>(operators);
    own::register::<normalization::BatchNormalization>(operators);
}
