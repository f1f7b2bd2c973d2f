//! Shape rules for operators that tract lacks, gets wrong, or would compute at great expense.

mod attention;
mod constant;
mod container;
mod context;
mod control;
mod elementwise;
mod guard;
mod image;
mod legacy;
mod linear;
mod loss;
mod mixed_types;
mod ml;
mod normalization;
mod pooling;
mod quantised;
mod selection;
mod signal;
mod window;

pub(crate) use context::{UnknownReason, axis};
pub(crate) use control::control;
pub(crate) use guard::MISFIT;
pub use guard::{catch_panics, catches_panics};
pub(crate) use mixed_types::mixed_type_fallback;

use std::collections::HashMap;
use std::sync::LazyLock;

use context::Outputs;
use hawkeye_graph::Node;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use crate::proto;

/// A shape rule for one ONNX operator.
#[derive(Clone, Copy)]
enum ShapeRule {
    /// Works on tract's facts, constants included: facts of the outputs, of which there are as many as
    /// the last argument says, given those of the inputs. What is not known yet stays open.
    Facts(Facts),
    /// Works on shapes and types.
    Outputs(Outputs),
}

/// A rule on tract's facts.
type Facts = fn(&NodeProto, &[&InferenceFact], usize) -> TractResult<TVec<InferenceFact>>;

/// Rules on tract's facts, by operator.
const FACTS: &[(&str, Facts)] = &[
    ("AveragePool", pooling::one_output),
    ("BatchNormalization", normalization::batch_normalization),
    ("Cast", constant::cast),
    ("ConstantOfShape", constant::constant_of_shape),
    ("LpPool", pooling::one_output),
    ("MaxPool", pooling::max_pool),
    ("Range", constant::range),
    ("com.microsoft.QLinearAveragePool", pooling::one_output),
];

/// Rules on shapes and types, by operator as the proto for tract spells it.
const TABLE: &[(&str, Outputs)] = &[
    ("Affine", elementwise::first),
    ("AffineGrid", image::affine_grid),
    ("Attention", attention::attention),
    ("Bernoulli", elementwise::drawn),
    ("Binarizer", elementwise::first),
    ("BitCast", elementwise::reinterpreted),
    ("BlackmanWindow", signal::window),
    ("CastMap", ml::cast_map),
    ("CausalConvWithState", attention::causal_conv),
    ("CenterCropPad", image::center_crop_pad),
    ("Col2Im", image::col2im),
    ("Compress", selection::compress),
    ("ConcatFromSequence", container::concat),
    ("ConvInteger", linear::conv_integer),
    ("ConvTranspose", linear::conv_transpose),
    ("CumProd", elementwise::first),
    ("CumSum", elementwise::first),
    ("DFT", signal::dft),
    ("DeformConv", image::deform_conv),
    ("DequantizeLinear", elementwise::dequantized),
    ("Det", linear::determinant),
    ("DynamicQuantizeLinear", elementwise::dynamically_quantized),
    ("Einsum", linear::einsum),
    ("FeatureVectorizer", ml::features),
    ("GroupNormalization", elementwise::first),
    ("HammingWindow", signal::window),
    ("HannWindow", signal::window),
    ("ImageDecoder", image::image_decoder),
    ("ImageScaler", elementwise::first),
    ("Imputer", elementwise::first),
    ("LabelEncoder", ml::label_encoder),
    ("LinearAttention", attention::linear_attention),
    ("LinearClassifier", ml::classifier),
    ("MatMulInteger", linear::matmul_integer),
    ("MaxRoiPool", image::max_roi_pool),
    ("MaxUnpool", image::max_unpool),
    ("MeanVarianceNormalization", elementwise::first),
    ("MelWeightMatrix", signal::mel_weights),
    ("NegativeLogLikelihoodLoss", loss::cross_entropy),
    ("NonMaxSuppression", selection::non_max_suppression),
    ("NonZero", selection::non_zero),
    ("Normalizer", ml::scaled),
    ("OneHot", window::one_hot),
    ("OneHotEncoder", ml::one_hot),
    ("Optional", container::content),
    ("OptionalGetElement", container::content),
    ("OptionalHasElement", selection::has_element),
    ("Pad", window::pad),
    ("ParametricSoftplus", elementwise::first),
    ("QLinearMatMul", linear::qlinear_matmul),
    ("QuantizeLinear", elementwise::quantized),
    ("RMSNormalization", elementwise::first),
    ("RandomNormalLike", elementwise::drawn),
    ("RandomUniformLike", elementwise::drawn),
    ("RegexFullMatch", elementwise::matched),
    ("Resize", image::resize),
    ("ReverseSequence", elementwise::first),
    ("RoiAlign", image::roi_align),
    ("RotaryEmbedding", elementwise::first),
    ("STFT", signal::stft),
    ("SVMClassifier", ml::classifier),
    ("SVMRegressor", ml::svm_regressor),
    ("ScaledTanh", elementwise::first),
    ("Scaler", ml::scaled),
    ("SequenceAt", container::at),
    ("SequenceConstruct", container::construct),
    ("SequenceEmpty", container::empty),
    ("SequenceErase", container::erase),
    ("SequenceInsert", container::insert),
    ("SequenceLength", container::length),
    ("SoftmaxCrossEntropyLoss", loss::cross_entropy),
    ("SplitToSequence", container::split),
    ("StringConcat", elementwise::broadcast),
    ("StringNormalizer", selection::string_normalizer),
    ("StringSplit", selection::string_split),
    ("SwiGLU", elementwise::broadcast),
    ("TensorScatter", elementwise::first),
    ("TfIdfVectorizer", selection::tf_idf),
    ("TopK", selection::top_k),
    ("TreeEnsemble", ml::tree_ensemble),
    ("TreeEnsembleClassifier", ml::classifier),
    ("TreeEnsembleRegressor", ml::tree_regressor),
    ("Unique", selection::unique),
    ("Upsample", image::upsample),
    ("ai.onnx.preview.FlexAttention", attention::flex_attention),
    ("ai.onnx.preview.training.Adagrad", elementwise::one_statistic),
    ("ai.onnx.preview.training.Adam", elementwise::two_statistics),
    ("ai.onnx.preview.training.Gradient", elementwise::derivatives),
    ("ai.onnx.preview.training.Momentum", elementwise::one_statistic),
    ("com.microsoft.BiasGelu", elementwise::first),
    ("com.microsoft.DequantizeLinear", elementwise::dequantized),
    ("com.microsoft.FastGelu", elementwise::first),
    ("com.microsoft.Gelu", elementwise::first),
    ("com.microsoft.QGemm", quantised::gemm),
    ("com.microsoft.QLinearAdd", quantised::elementwise),
    ("com.microsoft.QLinearConcat", quantised::concat),
    ("com.microsoft.QLinearGlobalAveragePool", quantised::global_average),
    ("com.microsoft.QLinearLeakyRelu", elementwise::first),
    ("com.microsoft.QLinearMul", quantised::elementwise),
    ("com.microsoft.QLinearSigmoid", elementwise::first),
    ("com.microsoft.QLinearSoftmax", elementwise::first),
    ("com.microsoft.QuantizeLinear", elementwise::quantized),
    ("com.microsoft.QuickGelu", elementwise::first),
    ("com.microsoft.SkipLayerNormalization", normalization::skip),
    ("com.microsoft.SkipSimplifiedLayerNormalization", normalization::skip),
];

/// What else a rule may depend on.
pub(crate) struct Context {
    /// Version of ONNX's own operators.
    pub(crate) opset: i64,
    /// How many outputs are wanted.
    pub(crate) wanted: usize,
}

/// What is known of the wanted outputs of a node, given its inputs that are not left out, and why
/// not more. tract is not asked about a `misfit`, of which it may make anything without end.
pub(crate) fn outputs(
    node: &Node,
    context: &Context,
    inputs: &[&InferenceFact],
    misfit: bool,
) -> (TVec<InferenceFact>, Option<UnknownReason>) {
    let Context { opset, wanted } = *context;
    let proto = proto::node(node);
    let legacy = legacy::rule(&proto.op_type, opset).map(ShapeRule::Outputs);
    let found = match legacy.or_else(|| rule(&proto.op_type)) {
        Some(ShapeRule::Facts(rule)) => guard::catch_panics(|| rule(&proto, inputs, wanted)),
        Some(ShapeRule::Outputs(rule)) => {
            match guard::catch_panics(|| Ok(context::facts(rule, &proto, opset, inputs, wanted))) {
                Ok((found, missing)) => return (found, missing.map(UnknownReason::Missing)),
                Err(problem) => Err(problem),
            }
        }
        None if misfit => Err(MISFIT.to_owned()),
        None => guard::tract_infer(&proto, opset, inputs, wanted),
    };
    match found {
        Ok(found) => (found, None),
        Err(problem) => (tvec!(InferenceFact::default(); wanted), Some(UnknownReason::Problem(problem))),
    }
}

/// The rule for an operator.
fn rule(op: &str) -> Option<ShapeRule> {
    static RULES: LazyLock<HashMap<&str, ShapeRule>> = LazyLock::new(|| {
        let facts = FACTS.iter().map(|(op, rule)| (*op, ShapeRule::Facts(*rule)));
        facts.chain(TABLE.iter().map(|(op, rule)| (*op, ShapeRule::Outputs(*rule)))).collect()
    });
    RULES.get(op).copied()
}
