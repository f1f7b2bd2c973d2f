//! Quantised operators of ONNX Runtime (domain `com.microsoft`) as the operator on real numbers between
//! `DequantizeLinear` and `QuantizeLinear` (onnxruntime/core/graph/contrib_ops/quantization_defs.cc).

use hawkeye_graph::{Attribute, Node, ValueId};

use super::builder::DefinitionBuilder;

/// The inputs at these positions that are there, which must be the first of them.
fn present(emit: &DefinitionBuilder<'_, '_>, positions: [usize; 2]) -> Vec<ValueId> {
    positions.iter().map_while(|position| emit.input(*position)).collect()
}

/// `QLinearLeakyRelu`, `QLinearSigmoid`, `QLinearSoftmax`: a tensor, its scale and zero point, those of the result.
pub(crate) fn unary(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Option<Vec<Option<ValueId>>> {
    let op = node.op.strip_prefix("QLinear")?;
    let mut quantised = vec![emit.input(0)?];
    quantised.extend(present(emit, [1, 2]));
    let x = emit.op("DequantizeLinear", &quantised);
    // QLinearSoftmax has the version of the operator that it stands for.
    let own = node.attributes.iter().filter(|(name, _)| *name != "opset");
    let attributes: Vec<(&str, Attribute)> = own.map(|(name, value)| (name, value.clone())).collect();
    let mut real = vec![emit.op_with(op, &[x], &attributes)];
    real.extend(present(emit, [3, 4]));
    Some(vec![Some(emit.op("QuantizeLinear", &real))])
}
