//! Rules: the gradient of every operator, as ONNX nodes.

mod arithmetic;
mod index;
mod layout;
mod linear;
mod normalize;
mod reduce;
mod resize;
mod unary;
mod window;

pub(crate) use reduce::log_softmax_gradient;

use hawkeye_graph::Node;

use crate::activity::flat;
use crate::adjoint::GradientRule;

/// Rules by operator of ONNX's own domain, sorted by name.
const TABLE: &[(&str, GradientRule)] = &[
    ("Abs", unary::abs),
    ("Acos", unary::acos),
    ("Acosh", unary::acosh),
    ("Add", arithmetic::add),
    ("Asin", unary::asin),
    ("Asinh", unary::asinh),
    ("Atan", unary::atan),
    ("Atanh", unary::atanh),
    ("AveragePool", window::average_pool),
    ("BatchNormalization", normalize::batch_normalization),
    ("Cast", unary::cast),
    ("CastLike", unary::cast),
    ("Celu", unary::celu),
    ("Clip", unary::clip),
    ("Concat", layout::concat),
    ("Conv", window::conv),
    ("ConvTranspose", window::conv_transpose),
    ("Cos", unary::cos),
    ("Cosh", unary::cosh),
    ("CumSum", reduce::cum_sum),
    ("DepthToSpace", layout::depth_to_space),
    ("Div", arithmetic::div),
    ("Dropout", unary::dropout),
    ("Einsum", linear::einsum),
    ("Elu", unary::elu),
    ("Erf", unary::erf),
    ("Exp", unary::exp),
    ("Expand", layout::expand),
    ("Flatten", layout::reshape),
    ("Gather", index::gather),
    ("GatherElements", index::gather_elements),
    ("GatherND", index::gather_nd),
    ("Gelu", unary::gelu),
    ("Gemm", linear::gemm),
    ("GlobalAveragePool", window::global_average_pool),
    ("GlobalLpPool", window::global_lp_pool),
    ("GlobalMaxPool", window::global_max_pool),
    ("GroupNormalization", normalize::group_normalization),
    ("HardSigmoid", unary::hard_sigmoid),
    ("HardSwish", unary::hard_swish),
    ("Identity", unary::identity),
    ("InstanceNormalization", normalize::instance_normalization),
    ("LRN", normalize::lrn),
    ("LayerNormalization", normalize::layer_normalization),
    ("LeakyRelu", unary::leaky_relu),
    ("Log", unary::log),
    ("LogSoftmax", reduce::log_softmax),
    ("LpNormalization", normalize::lp_normalization),
    ("LpPool", window::lp_pool),
    ("MatMul", linear::matmul),
    ("Max", arithmetic::extremum),
    ("MaxPool", window::max_pool),
    ("Mean", arithmetic::mean),
    ("MeanVarianceNormalization", normalize::mean_variance_normalization),
    ("Min", arithmetic::extremum),
    ("Mish", unary::mish),
    ("Mul", arithmetic::mul),
    ("Neg", unary::neg),
    ("NegativeLogLikelihoodLoss", reduce::negative_log_likelihood),
    ("PRelu", arithmetic::prelu),
    ("Pad", layout::pad),
    ("Pow", arithmetic::pow),
    ("RMSNormalization", normalize::rms_normalization),
    ("Reciprocal", unary::reciprocal),
    ("ReduceL1", reduce::l1),
    ("ReduceL2", reduce::l2),
    ("ReduceLogSum", reduce::log_sum),
    ("ReduceLogSumExp", reduce::log_sum_exp),
    ("ReduceMax", reduce::extremum),
    ("ReduceMean", reduce::mean),
    ("ReduceMin", reduce::extremum),
    ("ReduceProd", reduce::product),
    ("ReduceSum", reduce::sum),
    ("ReduceSumSquare", reduce::sum_square),
    ("Relu", unary::relu),
    ("Reshape", layout::reshape),
    ("Resize", resize::resize),
    ("ReverseSequence", layout::reverse_sequence),
    ("ScatterElements", index::scatter_elements),
    ("ScatterND", index::scatter_nd),
    ("Selu", unary::selu),
    ("Sigmoid", unary::sigmoid),
    ("Sin", unary::sin),
    ("Sinh", unary::sinh),
    ("Slice", layout::slice),
    ("Softmax", reduce::softmax),
    ("SoftmaxCrossEntropyLoss", reduce::softmax_cross_entropy),
    ("Softplus", unary::softplus),
    ("Softsign", unary::softsign),
    ("SpaceToDepth", layout::space_to_depth),
    ("Split", layout::split),
    ("Sqrt", unary::sqrt),
    ("Squeeze", layout::reshape),
    ("Sub", arithmetic::sub),
    ("Sum", arithmetic::add),
    ("Swish", unary::swish),
    ("Tan", unary::tan),
    ("Tanh", unary::tanh),
    ("ThresholdedRelu", unary::thresholded_relu),
    ("Tile", layout::tile),
    ("TopK", index::top_k),
    ("Transpose", layout::transpose),
    ("Trilu", layout::trilu),
    ("Unsqueeze", layout::reshape),
    ("Where", arithmetic::choice),
];

/// The rule for a node, if its operator has one.
pub(crate) fn rule(node: &Node) -> Option<GradientRule> {
    of(&node.domain, &node.op)
}

fn of(domain: &str, op: &str) -> Option<GradientRule> {
    if !domain.is_empty() {
        return None;
    }
    TABLE.binary_search_by(|(name, _)| (*name).cmp(op)).ok().map(|i| TABLE[i].1)
}

/// Whether an operator has a gradient, or needs none since its result does not change with its
/// operands. Others are to be expanded before, where they have a definition.
#[must_use]
pub fn differentiable(domain: &str, op: &str) -> bool {
    of(domain, op).is_some() || flat(domain, op)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_is_sorted() {
        assert!(super::TABLE.is_sorted_by_key(|(op, _)| op));
    }
}
