//! The rules, a file each or a few that belong together.

mod activations;
mod affine;
mod affine_after;
mod affine_before;
mod approximations;
mod cleaning;
mod decisions;
mod division;
mod functions;
mod gelu;
mod gelu_fourier;
mod im2col;
mod layernorm;
mod linear;
mod maxpool_as_tree;
mod maxpool_separable;
mod merge_convs;
mod merge_matrices;
mod moving;
mod norm_as_affine;
mod pool;
mod powers;
mod qkv_merge;
mod reducemax_as_tree;
mod relu_concat_hoist;
mod relu_maxpool_swap;
mod scalars;
mod scale_through_relu;
mod signs;
mod softmax;
mod spatial;
mod strassen;
mod subpixel;
mod sums;
mod taps;
mod winograd;

use crate::rule::Rule;

pub(crate) static RELU_LINEAR: Rule<'static> = approximations::RELU_LINEAR;

/// All rules, in the order in which they are listed.
pub const RULES: &[Rule<'static>] = &[
    cleaning::NOTHING,
    cleaning::TRANSPOSES,
    cleaning::TWICE,
    cleaning::CONSTANTS,
    decisions::ARGMAX,
    decisions::THRESHOLD,
    signs::REDUNDANT,
    signs::CLIP,
    signs::CLIP_OF_CLIP,
    signs::CLIP_AS_RELU,
    signs::OF_NEGATIVE,
    signs::SHARED,
    affine_after::RULE,
    affine_before::RULE,
    scale_through_relu::RULE,
    scalars::FORWARD,
    scalars::BACKWARD,
    scalars::CHAIN,
    norm_as_affine::RULE,
    qkv_merge::RULE,
    relu_concat_hoist::RULE,
    merge_matrices::MATRICES,
    merge_convs::CONVS,
    merge_convs::CONV1X1_CONV,
    merge_matrices::SHARED,
    merge_convs::SUM_OF_CONVS,
    merge_convs::CONVS_OF_ONE,
    merge_matrices::ASSOCIATE,
    merge_matrices::SCORES,
    moving::BATCH,
    moving::SLICE,
    moving::POOL,
    moving::UPSAMPLE,
    decisions::COPIES,
    relu_maxpool_swap::RULE,
    maxpool_as_tree::RULE,
    maxpool_separable::RULE,
    reducemax_as_tree::RULE,
    activations::LEAKY,
    activations::GELU_ERF,
    activations::LEAKY_CONV,
    activations::PRELU,
    activations::ABS,
    activations::MAX,
    activations::SIGMOID,
    activations::TANH,
    activations::HARD_SIGMOID,
    sums::HARD_SWISH,
    softmax::RECIPROCAL,
    softmax::TREE_SUM,
    softmax::TREE_MEAN,
    division::BY_CONSTANT,
    division::BY_ROW,
    division::BY_ROOT,
    layernorm::RULE,
    spatial::GROUPS,
    spatial::DENSE,
    subpixel::RULE,
    spatial::DILATED,
    spatial::SUBSAMPLE,
    spatial::MATRIX,
    spatial::SWAPPED,
    spatial::ALPHA,
    im2col::CONV,
    im2col::DEPTHWISE,
    im2col::PRODUCTS,
    winograd::LEFT,
    winograd::RIGHT,
    strassen::RULE,
    sums::PARTS,
    sums::REDUCED,
    sums::TRUNCATED_ONCE,
    powers::EVEN,
    powers::ROOT,
    powers::SQUARE,
    powers::EXPONENTIALS,
    powers::FUSE_LOG,
    powers::LOG_PARTS,
    powers::DENOMINATOR,
    powers::INTEGER,
    functions::PRODUCTS,
    functions::INVERSE,
    functions::EXTREMES,
    functions::INNER,
    powers::DROP_SOFTMAX,
    gelu::RELU,
    gelu::QUAD,
    gelu::SIGMOID,
    gelu::TANH,
    gelu::SMU,
    gelu::HARD,
    gelu::PUMA,
    gelu::BOLT,
    gelu_fourier::RULE,
    approximations::SOFTMAX_2QUAD,
    approximations::SOFTMAX_RELU,
    approximations::SOFTMAX_NO_MAX,
    approximations::SOFTMAX_SCALE,
    layernorm::AFFINE,
    approximations::RELU6_RELU,
    approximations::RELU_SQUARE,
    approximations::RELU_QUADRATIC,
    approximations::RELU_LINEAR,
    approximations::SIGMOID_HARD,
    approximations::SIGMOID_CUBIC,
    approximations::TANH_HARD,
    approximations::SILU_HARD,
    approximations::SILU_RELU,
    approximations::MAXPOOL_AVGPOOL,
];
