//! What ONNX demands of a node's operands beyond what inference needs: lengths of parameters, axes and indices
//! within bounds, sizes that divide. A model that breaks it has shapes all the same, and would be priced though
//! nothing can run it.
//!
//! The demands are those of ONNX's Operators.md; `fixtures/misfits.jsonl` holds what ONNX Runtime refuses and
//! takes. Whatever is not known is taken to fit.

mod arity;
mod arranging;
mod indexing;
mod layer;
mod normalizing;
mod recurrent;
mod view;

use hawkeye_graph::{Diagnostic, Fact, Graph, Place, Table, ValueId};

pub(crate) use view::FitView;

use view::Fit;

/// Says what is wrong with a node of one operator, if anything is.
type FitRule = fn(&FitView<'_>) -> Fit;

/// What does not fit, node by node: errors in ONNX's terms.
pub(crate) fn misfits(graph: &Graph, facts: &Table<ValueId, Fact>) -> Vec<Diagnostic> {
    let wrong = graph.nodes.iter().filter_map(|node| {
        let inputs = node.inputs.iter().map(|id| id.map(|id| &facts[id])).collect();
        let opset = if node.opset > 0 { node.opset } else { graph.opset() };
        let message = fit(&FitView::new(node, opset, inputs).named(graph)).err()?;
        let help = "ONNX does not allow it, and no runtime can run it: mend the model where it is exported";
        Some(Diagnostic::error(Place::node(node), message).help(help))
    });
    wrong.collect()
}

/// Whether a node's operands fit together.
///
/// # Errors
/// What does not fit.
pub(crate) fn fit(view: &FitView<'_>) -> Fit {
    arity::enough(view)?;
    rule(view).map_or(Ok(()), |rule| rule(view))
}

fn rule(view: &FitView<'_>) -> Option<FitRule> {
    if !view.node.domain.is_empty() {
        return match (view.node.domain.as_str(), view.op()) {
            ("com.microsoft", "SkipLayerNormalization" | "SkipSimplifiedLayerNormalization") => {
                Some(normalizing::skip)
            }
            _ => None,
        };
    }
    Some(match view.op() {
        "Add" | "And" | "BitShift" | "BitwiseAnd" | "BitwiseOr" | "BitwiseXor" | "Div" | "Equal"
        | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" | "Max" | "Mean" | "Min" | "Mod" | "Mul"
        | "Or" | "PRelu" | "Pow" | "Sub" | "Sum" | "Where" | "Xor" => layer::elementwise,
        "ArgMax" | "ArgMin" | "Hardmax" | "LogSoftmax" | "LpNormalization" | "Softmax"
        | "SplitToSequence" => arranging::axis,
        "Attention" => layer::attention,
        "AveragePool" | "LpPool" | "MaxPool" => layer::pool,
        "BatchNormalization" | "InstanceNormalization" => normalizing::by_channel,
        "Compress" => arranging::compress,
        "Concat" => arranging::concat,
        "Conv" | "ConvInteger" | "QLinearConv" => layer::conv,
        "ConvTranspose" => layer::conv_transpose,
        "CumProd" | "CumSum" => arranging::cumulative,
        "DepthToSpace" | "SpaceToDepth" => arranging::blocks,
        "DequantizeLinear" | "QuantizeLinear" => normalizing::quantized,
        "Det" => arranging::square,
        "Expand" => arranging::expand,
        "EyeLike" => arranging::matrix,
        "Flatten" => arranging::flatten,
        "GRU" => recurrent::gru,
        "Gather" => indexing::gather,
        "GatherElements" => indexing::gather_elements,
        "GatherND" => indexing::gather_nd,
        "Gemm" => layer::gemm,
        "GridSample" => layer::grid_sample,
        "GroupNormalization" => normalizing::by_group,
        "LRN" => normalizing::local_response,
        "LSTM" => recurrent::lstm,
        "LayerNormalization" | "RMSNormalization" => normalizing::layer,
        "MatMul" | "MatMulInteger" | "QLinearMatMul" => layer::matmul,
        "MaxUnpool" => layer::unpool,
        "NegativeLogLikelihoodLoss" | "SoftmaxCrossEntropyLoss" => layer::classes,
        "NonMaxSuppression" => indexing::boxes,
        "OneHot" => indexing::one_hot,
        "Pad" => arranging::pad,
        "RNN" => recurrent::rnn,
        "ReduceL1" | "ReduceL2" | "ReduceLogSum" | "ReduceLogSumExp" | "ReduceMax" | "ReduceMean"
        | "ReduceMin" | "ReduceProd" | "ReduceSum" | "ReduceSumSquare" => arranging::reduce,
        "Reshape" => arranging::reshape,
        "Resize" => arranging::resize,
        "ReverseSequence" => indexing::reverse_sequence,
        "RoiAlign" => indexing::regions,
        "Scatter" | "ScatterElements" => indexing::scatter_elements,
        "ScatterND" => indexing::scatter_nd,
        "Slice" => arranging::slice,
        "Split" => arranging::split,
        "Squeeze" => arranging::squeeze,
        "Tile" => arranging::tile,
        "TopK" => indexing::top_k,
        "Transpose" => arranging::transpose,
        "Trilu" => arranging::matrices,
        "Unsqueeze" => arranging::unsqueeze,
        _ => return None,
    })
}
