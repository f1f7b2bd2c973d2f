//! Shape rules for operators that tract lacks, gets wrong, or would compute at great expense.

mod constant;
mod lenient;
mod normalization;
mod own;
mod pooling;

pub(crate) use lenient::lenient;

use tract_onnx::model::OnnxOpRegister;

/// Adds the rules to tract's operators.
pub(crate) fn register(operators: &mut OnnxOpRegister) {
    own::register::<constant::ConstantOfShape>(operators);
    own::register::<normalization::BatchNormalization>(operators);
    own::register::<pooling::AveragePool>(operators);
    own::register::<pooling::MaxPool>(operators);
}
