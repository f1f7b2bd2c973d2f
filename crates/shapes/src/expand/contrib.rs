//! Operators that ONNX Runtime fuses (`com.microsoft`; its `docs/ContribOperators.md`), by the standard
//! ones that it fused.

use hawkeye_graph::{Attribute, Node, ValueId};

use super::activation::{float, gelu_of};
use super::builder::DefinitionBuilder;
use super::normalization::{normalized, root_mean_squared};
use super::{Decomposed, one};

fn text<'a>(node: &'a Node, name: &str) -> &'a str {
    match node.attributes.get(name) {
        Some(Attribute::String(text)) => text,
        _ => "",
    }
}

/// What the activation that was fused in gives; `None` if it is none that is known.
fn activated(emit: &mut DefinitionBuilder<'_, '_>, node: &Node, x: ValueId) -> Option<ValueId> {
    let parameter = |position: usize, name: &str, default: f64| match node.attributes.get("activation_params")
    {
        Some(Attribute::Floats(all)) => all.get(position).copied().map_or(default, f64::from),
        _ => float(node, name, default),
    };
    Some(match text(node, "activation") {
        "" => x,
        op @ ("Relu" | "Tanh" | "Sigmoid" | "Softplus" | "Softsign") => emit.op(op, &[x]),
        "LeakyRelu" => {
            let alpha = parameter(0, "activation_alpha", 0.01) as f32;
            emit.op_with("LeakyRelu", &[x], &[("alpha", Attribute::Float(alpha))])
        }
        "HardSigmoid" => {
            let alpha = parameter(0, "activation_alpha", 0.2) as f32;
            let beta = parameter(1, "activation_beta", 0.5) as f32;
            let attributes = [("alpha", Attribute::Float(alpha)), ("beta", Attribute::Float(beta))];
            emit.op_with("HardSigmoid", &[x], &attributes)
        }
        "Clip" => {
            let (low, high) =
                (parameter(0, "min", f64::from(f32::MIN)), parameter(1, "max", f64::from(f32::MAX)));
            let (low, high) = (emit.number(low), emit.number(high));
            emit.op("Clip", &[x, low, high])
        }
        _ => return None,
    })
}

/// The attributes that the fused operator has from the one that does most of the work.
fn inherited(node: &Node) -> Vec<(&str, Attribute)> {
    let own = node.attributes.iter().filter(|(name, _)| !name.starts_with("activation"));
    own.map(|(name, value)| (name, value.clone())).collect()
}

/// `FusedConv`: a convolution, the sum with another tensor, an activation.
pub(crate) fn fused_conv(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let mut inputs = vec![emit.input(0)?, emit.input(1)?];
    inputs.extend(emit.input(2));
    let mut y = emit.op_with("Conv", &inputs, &inherited(node));
    if let Some(summand) = emit.input(3) {
        y = emit.op("Add", &[y, summand]);
    }
    one(activated(emit, node, y)?)
}

/// `FusedGemm`: a product and an activation.
pub(crate) fn fused_gemm(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let mut inputs = vec![emit.input(0)?, emit.input(1)?];
    inputs.extend(emit.input(2));
    let y = emit.op_with("Gemm", &inputs, &inherited(node));
    one(activated(emit, node, y)?)
}

/// `FusedMatMul`: a product of operands whose first axis may be brought before the last one, and whose last two axes
/// may then be swapped, times a number.
pub(crate) fn fused_matmul(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let set = |name: &str| node.attributes.int(name).unwrap_or(0) != 0;
    let mut operands = [emit.input(0)?, emit.input(1)?];
    for (position, (batch, last)) in
        [("transBatchA", "transA"), ("transBatchB", "transB")].into_iter().enumerate()
    {
        let rank = i64::try_from(emit.shape(position)?.len()).ok()?;
        let mut perm: Vec<i64> = (0..rank).collect();
        if set(batch) && rank > 2 {
            perm[..rank as usize - 1].rotate_left(1);
        }
        if set(last) && rank > 1 {
            perm.swap(rank as usize - 2, rank as usize - 1);
        }
        if perm.iter().copied().ne(0..rank) {
            operands[position] = emit.transpose(operands[position], &perm);
        }
    }
    let y = emit.op("MatMul", &operands);
    let alpha = float(node, "alpha", 1.0);
    one(if alpha == 1.0 { y } else { emit.scaled(y, alpha) })
}

/// `Gelu`, `BiasGelu` and, by tanh, `FastGelu`: of the sum of the operands.
pub(crate) fn gelu(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let mut x = emit.input(0)?;
    if let Some(bias) = emit.input(1) {
        x = emit.op("Add", &[x, bias]);
    }
    one(gelu_of(emit, x, node.op == "FastGelu"))
}

/// The sum of the two inputs, and of the bias at that position.
fn skipped(emit: &mut DefinitionBuilder<'_, '_>, bias: usize) -> Option<ValueId> {
    let sum = [emit.input(0)?, emit.input(1)?];
    let sum = emit.op("Add", &sum);
    Some(match emit.input(bias) {
        Some(bias) => emit.op("Add", &[sum, bias]),
        None => sum,
    })
}

/// `SkipLayerNormalization`: of a sum, which is its last output.
pub(crate) fn skip_layer(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let axes = vec![-1];
    let sum = skipped(emit, 4)?;
    let scale = emit.input(2)?;
    let (y, mean, inverse) = normalized(emit, sum, axes, float(node, "epsilon", 1e-12));
    let mut y = emit.op("Mul", &[y, scale]);
    if let Some(shift) = emit.input(3) {
        y = emit.op("Add", &[y, shift]);
    }
    Some([y, mean, inverse, sum].map(Some).to_vec())
}

/// `SkipSimplifiedLayerNormalization`: the same without the mean.
pub(crate) fn skip_root_mean_square(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let sum = skipped(emit, 3)?;
    let scale = emit.input(2)?;
    let (y, inverse) = root_mean_squared(emit, sum, vec![-1], float(node, "epsilon", 1e-12));
    let y = emit.op("Mul", &[y, scale]);
    Some(vec![Some(y), None, Some(inverse), Some(sum)])
}
