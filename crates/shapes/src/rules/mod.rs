//! Shape rules for operators that tract lacks, gets wrong, or would compute at great expense.

mod alike;
mod attention;
mod call;
mod constant;
mod container;
mod control;
mod extent;
mod guard;
mod image;
mod learning;
mod legacy;
mod lenient;
mod linear;
mod loss;
mod normalization;
mod own;
mod pooling;
mod selection;
mod signal;

pub(crate) use call::axis;
pub(crate) use control::start;
pub(crate) use guard::add_unknown;
pub(crate) use lenient::lenient;

use std::sync::LazyLock;

use call::Outputs;
use guard::Guarded;
use own::{Own, Rule};
use tract_onnx::Onnx;
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
    ("Affine", alike::first),
    ("AffineGrid", image::affine_grid),
    ("Attention", attention::attention),
    ("Bernoulli", alike::drawn),
    ("Binarizer", alike::first),
    ("BitCast", alike::reinterpreted),
    ("BlackmanWindow", signal::window),
    ("CastMap", learning::cast_map),
    ("CausalConvWithState", attention::causal_conv),
    ("CenterCropPad", image::center_crop_pad),
    ("Col2Im", image::col2im),
    ("Compress", selection::compress),
    ("ConcatFromSequence", container::concat),
    ("ConvInteger", linear::conv_integer),
    ("CumProd", alike::first),
    ("DFT", signal::dft),
    ("DeformConv", image::deform_conv),
    ("DequantizeLinear", alike::dequantized),
    ("Det", linear::determinant),
    ("DynamicQuantizeLinear", alike::dynamically_quantized),
    ("Einsum", linear::einsum),
    ("FeatureVectorizer", learning::features),
    ("GroupNormalization", alike::first),
    ("HammingWindow", signal::window),
    ("HannWindow", signal::window),
    ("ImageDecoder", image::image_decoder),
    ("ImageScaler", alike::first),
    ("Imputer", alike::first),
    ("LabelEncoder", learning::label_encoder),
    ("LinearAttention", attention::linear_attention),
    ("LinearClassifier", learning::classifier),
    ("MatMulInteger", linear::matmul_integer),
    ("MaxRoiPool", image::max_roi_pool),
    ("MaxUnpool", image::max_unpool),
    ("MeanVarianceNormalization", alike::first),
    ("MelWeightMatrix", signal::mel_weights),
    ("NegativeLogLikelihoodLoss", loss::cross_entropy),
    ("NonMaxSuppression", selection::non_max_suppression),
    ("NonZero", selection::non_zero),
    ("Normalizer", learning::scaled),
    ("OneHot", extent::one_hot),
    ("OneHotEncoder", learning::one_hot),
    ("Optional", container::content),
    ("OptionalGetElement", container::content),
    ("OptionalHasElement", selection::has_element),
    ("Pad", extent::pad),
    ("ParametricSoftplus", alike::first),
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
    ("SVMClassifier", learning::classifier),
    ("SVMRegressor", learning::svm_regressor),
    ("ScaledTanh", alike::first),
    ("Scaler", learning::scaled),
    ("SequenceAt", container::at),
    ("SequenceConstruct", container::construct),
    ("SequenceEmpty", container::empty),
    ("SequenceErase", container::erase),
    ("SequenceInsert", container::insert),
    ("SequenceLength", container::length),
    ("SoftmaxCrossEntropyLoss", loss::cross_entropy),
    ("SplitToSequence", container::split),
    ("StringConcat", alike::broadcast),
    ("StringNormalizer", selection::string_normalizer),
    ("StringSplit", selection::string_split),
    ("SwiGLU", alike::broadcast),
    ("TensorScatter", alike::first),
    ("TfIdfVectorizer", selection::tf_idf),
    ("TopK", selection::top_k),
    ("TreeEnsemble", learning::tree_ensemble),
    ("TreeEnsembleClassifier", learning::classifier),
    ("TreeEnsembleRegressor", learning::tree_regressor),
    ("Unique", selection::unique),
    ("Upsample", image::upsample),
    ("ai.onnx.preview.FlexAttention", attention::flex_attention),
    ("ai.onnx.preview.training.Adagrad", alike::one_statistic),
    ("ai.onnx.preview.training.Adam", alike::two_statistics),
    ("ai.onnx.preview.training.Gradient", alike::derivatives),
    ("ai.onnx.preview.training.Momentum", alike::one_statistic),
];

/// tract with our rules.
pub(crate) fn tract() -> &'static Onnx {
    static TRACT: LazyLock<Onnx> = LazyLock::new(|| {
        let mut tract = tract_onnx::onnx();
        let own = || FACTS.iter().map(|(op, _)| *op).chain(TABLE.iter().map(|(op, _)| *op));
        own().for_each(|op| own::register(&mut tract.op_register, op));
        control::register(&mut tract.op_register);
        guard::guard(&mut tract.op_register, &own().chain(control::OPERATORS.iter().copied()).collect());
        tract
    });
    &TRACT
}

/// Why an operator of the analysis says nothing; `Err` with the input whose elements it would need.
pub(crate) fn excuse(op: &dyn Op) -> Option<Result<String, usize>> {
    if let Some(theirs) = op.downcast_ref::<Guarded>() {
        return theirs.problem.clone().map(Ok);
    }
    let own = op.downcast_ref::<Own>()?;
    own.problem.clone().map(Ok).or(own.missing.map(Err))
}

/// The rule for an operator, with the operator's name.
fn rule(op: &str) -> Option<(&'static str, Rule)> {
    let facts = FACTS.iter().find(|(name, _)| *name == op).map(|(name, rule)| (*name, Rule::Facts(*rule)));
    facts.or_else(|| {
        TABLE.iter().find(|(name, _)| *name == op).map(|(name, rule)| (*name, Rule::Outputs(*rule)))
    })
}
