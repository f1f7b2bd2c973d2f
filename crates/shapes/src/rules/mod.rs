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
mod linear;
mod loss;
mod mixed_types;
mod normalization;
mod pooling;
mod quantised;
mod selection;
mod signal;

pub(crate) use call::axis;
pub(crate) use control::control;
pub(crate) use guard::MISFIT;
pub use guard::{catch_panics, catches_panics};
pub(crate) use mixed_types::mixed_type_fallback;

use std::collections::HashMap;
use std::sync::LazyLock;

use call::Outputs;
use hawkeye_graph::Node;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use crate::analysis::UnknownReason;
use crate::proto;

/// A shape rule for one ONNX operator.
#[derive(Clone, Copy)]
enum Rule {
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
    ("ConvTranspose", linear::conv_transpose),
    ("CumProd", alike::first),
    ("CumSum", alike::first),
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
    ("com.microsoft.BiasGelu", alike::first),
    ("com.microsoft.DequantizeLinear", alike::dequantized),
    ("com.microsoft.FastGelu", alike::first),
    ("com.microsoft.Gelu", alike::first),
    ("com.microsoft.QGemm", quantised::gemm),
    ("com.microsoft.QLinearAdd", quantised::elementwise),
    ("com.microsoft.QLinearConcat", quantised::concat),
    ("com.microsoft.QLinearGlobalAveragePool", quantised::global_average),
    ("com.microsoft.QLinearLeakyRelu", alike::first),
    ("com.microsoft.QLinearMul", quantised::elementwise),
    ("com.microsoft.QLinearSigmoid", alike::first),
    ("com.microsoft.QLinearSoftmax", alike::first),
    ("com.microsoft.QuantizeLinear", alike::quantized),
    ("com.microsoft.QuickGelu", alike::first),
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
    let legacy = legacy::rule(&proto.op_type, opset).map(Rule::Outputs);
    let found = match legacy.or_else(|| rule(&proto.op_type)) {
        Some(Rule::Facts(rule)) => guard::catch_panics(|| rule(&proto, inputs, wanted)),
        Some(Rule::Outputs(rule)) => {
            match guard::catch_panics(|| Ok(call::facts(rule, &proto, opset, inputs, wanted))) {
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
fn rule(op: &str) -> Option<Rule> {
    static RULES: LazyLock<HashMap<&str, Rule>> = LazyLock::new(|| {
        let facts = FACTS.iter().map(|(op, rule)| (*op, Rule::Facts(*rule)));
        facts.chain(TABLE.iter().map(|(op, rule)| (*op, Rule::Outputs(*rule)))).collect()
    });
    RULES.get(op).copied()
}
