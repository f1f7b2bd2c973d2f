//! How many inputs an operator has at least.

use super::view::{Fit, FitView};

/// The least number of inputs of an operator of ONNX's own in any opset, by its schemas.
fn least(op: &str) -> usize {
    match op {
        "Add"
        | "AffineGrid"
        | "And"
        | "BitShift"
        | "BitwiseAnd"
        | "BitwiseOr"
        | "BitwiseXor"
        | "CastLike"
        | "CausalConvWithState"
        | "CenterCropPad"
        | "Compress"
        | "Conv"
        | "ConvInteger"
        | "ConvTranspose"
        | "CumProd"
        | "CumSum"
        | "DequantizeLinear"
        | "Div"
        | "Equal"
        | "Expand"
        | "Gather"
        | "GatherElements"
        | "GatherND"
        | "Gemm"
        | "Greater"
        | "GreaterOrEqual"
        | "GridSample"
        | "LayerNormalization"
        | "Less"
        | "LessOrEqual"
        | "Loop"
        | "MatMul"
        | "MatMulInteger"
        | "MaxRoiPool"
        | "MaxUnpool"
        | "Mod"
        | "Mul"
        | "NegativeLogLikelihoodLoss"
        | "NonMaxSuppression"
        | "Or"
        | "PRelu"
        | "Pow"
        | "QuantizeLinear"
        | "RMSNormalization"
        | "ReverseSequence"
        | "STFT"
        | "SequenceAt"
        | "SequenceInsert"
        | "SoftmaxCrossEntropyLoss"
        | "StringConcat"
        | "Sub"
        | "SwiGLU"
        | "TensorScatter"
        | "Tile"
        | "Xor" => 2,
        "Attention"
        | "Col2Im"
        | "DeformConv"
        | "GRU"
        | "GroupNormalization"
        | "InstanceNormalization"
        | "LSTM"
        | "LinearAttention"
        | "OneHot"
        | "RNN"
        | "Range"
        | "RoiAlign"
        | "RotaryEmbedding"
        | "Scatter"
        | "ScatterElements"
        | "ScatterND"
        | "Where" => 3,
        "BatchNormalization" | "MelWeightMatrix" => 5,
        "QLinearConv" | "QLinearMatMul" => 8,
        "Constant" | "Optional" | "OptionalHasElement" | "RandomNormal" | "RandomUniform"
        | "SequenceEmpty" => 0,
        _ => 1,
    }
}

/// Wants the inputs that no opset leaves out.
pub(super) fn enough(view: &FitView<'_>) -> Fit {
    if !view.node.domain.is_empty() || view.node.is_control_flow() {
        return Ok(());
    }
    let least = least(view.op());
    match (0..least).find(|input| !view.has(*input)) {
        Some(missing) => Err(format!("input {missing} is not given; {} has at least {least}", view.op())),
        None => Ok(()),
    }
}
