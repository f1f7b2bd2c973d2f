//! Shape rules for operators that tract lacks, gets wrong, or would compute at great expense.

mod alike;
mod attention;
mod call;
mod constant;
mod extent;
mod guard;
mod image;
mod lenient;
mod linear;
mod loss;
mod normalization;
mod own;
mod pooling;
mod selection;
mod signal;

pub(crate) use lenient::lenient;

use call::Outputs;
use own::Rule;
use tract_onnx::model::OnnxOpRegister;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// A rule on tract's facts.
type Facts = fn(&NodeProto, &[&InferenceFact], usize) -> TractResult<TVec<InferenceFact>>;

/// Rules on tract's facts, by operator.
const FACTS: &[(&str, Facts)] = &[
    ("AveragePool", pooling::one_output),
    ("BatchNormalization", normalization::batch_normalization),
    ("ConstantOfShape", constant::constant_of_shape),
    ("LpPool", pooling::one_output),
    ("MaxPool", pooling::max_pool),
    ("Range", constant::range),
];

/// Rules on shapes and types, by operator as the proto for tract spells it.
const TABLE: &[(&str, Outputs)] = &[
    ("AffineGrid", image::affine_grid),
    ("Attention", attention::attention),
    ("Bernoulli", alike::drawn),
    ("Binarizer", alike::first),
    ("BitCast", alike::reinterpreted),
    ("BlackmanWindow", signal::window),
    ("CausalConvWithState", attention::causal_conv),
    ("CenterCropPad", image::center_crop_pad),
    ("Col2Im", image::col2im),
    ("Compress", selection::compress),
    ("CumProd", alike::first),
    ("DFT", signal::dft),
    ("DeformConv", image::deform_conv),
    ("DequantizeLinear", alike::dequantized),
    ("Det", linear::determinant),
    ("DynamicQuantizeLinear", alike::dynamically_quantized),
    ("Einsum", linear::einsum),
    ("GroupNormalization", alike::first),
    ("HammingWindow", signal::window),
    ("HannWindow", signal::window),
    ("ImageDecoder", image::image_decoder),
    ("LabelEncoder", selection::label_encoder),
    ("LinearAttention", attention::linear_attention),
    ("MatMulInteger", linear::matmul_integer),
    ("MaxUnpool", image::max_unpool),
    ("MeanVarianceNormalization", alike::first),
    ("MelWeightMatrix", signal::mel_weights),
    ("NegativeLogLikelihoodLoss", loss::cross_entropy),
    ("NonMaxSuppression", selection::non_max_suppression),
    ("NonZero", selection::non_zero),
    ("OneHot", extent::one_hot),
    ("OptionalHasElement", selection::has_element),
    ("Pad", extent::pad),
    ("QLinearMatMul", linear::qlinear_matmul),
    ("QuantizeLinear", alike::quantized),
    ("RMSNormalization", alike::first),
    ("RandomNormalLike", alike::drawn),
    ("RandomUniformLike", alike::drawn),
    ("RegexFullMatch", alike::matched),
    ("Resize", image::resize),
    ("ReverseSequence", alike::first),
    ("RoiAlign", image::roi_align),
    ("RotaryEmbedding", alike::first),
    ("STFT", signal::stft),
    ("SoftmaxCrossEntropyLoss", loss::cross_entropy),
    ("StringConcat", alike::broadcast),
    ("StringNormalizer", selection::string_normalizer),
    ("StringSplit", selection::string_split),
    ("SwiGLU", alike::broadcast),
    ("TensorScatter", alike::first),
    ("TfIdfVectorizer", selection::tf_idf),
    ("TreeEnsemble", selection::tree_ensemble),
    ("TreeEnsembleRegressor", selection::tree_regressor),
    ("Unique", selection::unique),
    ("Upsample", image::upsample),
    ("ai.onnx.preview.FlexAttention", attention::flex_attention),
    ("ai.onnx.preview.training.Adagrad", alike::one_statistic),
    ("ai.onnx.preview.training.Adam", alike::two_statistics),
    ("ai.onnx.preview.training.Gradient", alike::derivatives),
    ("ai.onnx.preview.training.Momentum", alike::one_statistic),
];

/// Adds the rules to tract's operators.
pub(crate) fn register(operators: &mut OnnxOpRegister) {
    for op in ["EyeLike", "Expand", "Tile"] {
        guard::guard(operators, op);
    }
    let ops = FACTS.iter().map(|(op, _)| op).chain(TABLE.iter().map(|(op, _)| op));
    for op in ops {
        own::register(operators, op);
    }
}

/// The rule for an operator, with the operator's name.
fn rule(op: &str) -> Option<(&'static str, Rule)> {
    let facts = FACTS.iter().find(|(name, _)| *name == op).map(|(name, rule)| (*name, Rule::Facts(*rule)));
    facts.or_else(|| {
        TABLE.iter().find(|(name, _)| *name == op).map(|(name, rule)| (*name, Rule::Outputs(*rule)))
    })
}
