//! Elementwise functions by others. `max(x, 0)` is `Relu`, which every framework has.

use hawkeye_graph::{Attribute, Node, ValueId};

use super::builder::DefinitionBuilder;
use super::{Decomposed, one};

/// A number among the attributes.
pub(crate) fn float(node: &Node, name: &str, default: f64) -> f64 {
    match node.attributes.get(name) {
        Some(Attribute::Float(f)) => f64::from(*f),
        _ => default,
    }
}

fn positive(emit: &mut DefinitionBuilder<'_, '_>, x: ValueId) -> ValueId {
    emit.op("Relu", &[x])
}

/// `max(-x, 0)`.
fn negative(emit: &mut DefinitionBuilder<'_, '_>, x: ValueId) -> ValueId {
    let opposite = emit.op("Neg", &[x]);
    emit.op("Relu", &[opposite])
}

/// `Gelu`, exactly or by tanh.
pub(crate) fn gelu(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let x = emit.input(0)?;
    let by_tanh = matches!(node.attributes.get("approximate"), Some(Attribute::String(s)) if s == "tanh");
    one(gelu_of(emit, x, by_tanh))
}

pub(crate) fn gelu_of(emit: &mut DefinitionBuilder<'_, '_>, x: ValueId, by_tanh: bool) -> ValueId {
    let bent = if by_tanh {
        let square = emit.op("Mul", &[x, x]);
        let cube = emit.op("Mul", &[square, x]);
        let cube = emit.scaled(cube, 0.044715);
        let sum = emit.op("Add", &[x, cube]);
        let inner = emit.scaled(sum, std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2);
        emit.op("Tanh", &[inner])
    } else {
        let inner = emit.scaled(x, std::f64::consts::FRAC_1_SQRT_2);
        emit.op("Erf", &[inner])
    };
    let bent = emit.shifted(bent, 1.0);
    let half = emit.scaled(x, 0.5);
    emit.op("Mul", &[half, bent])
}

/// `Swish` and `QuickGelu`.
pub(crate) fn swish(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let default = if node.op == "QuickGelu" { 1.702 } else { 1.0 };
    let x = emit.input(0)?;
    let alpha = float(node, "alpha", default);
    let inner = if alpha == 1.0 { x } else { emit.scaled(x, alpha) };
    let gate = emit.op("Sigmoid", &[inner]);
    one(emit.op("Mul", &[x, gate]))
}

/// `SwiGLU`: the first operand's Swish times the second.
pub(crate) fn swiglu(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let (x, y) = (emit.input(0)?, emit.input(1)?);
    let alpha = float(node, "alpha", 1.0);
    let inner = if alpha == 1.0 { x } else { emit.scaled(x, alpha) };
    let gate = emit.op("Sigmoid", &[inner]);
    let swish = emit.op("Mul", &[x, gate]);
    one(emit.op("Mul", &[swish, y]))
}

/// `HardSwish`.
pub(crate) fn hard_swish(emit: &mut DefinitionBuilder<'_, '_>, _node: &Node) -> Decomposed {
    let x = emit.input(0)?;
    let attributes = [("alpha", Attribute::Float(1.0 / 6.0)), ("beta", Attribute::Float(0.5))];
    let gate = emit.op_with("HardSigmoid", &[x], &attributes);
    one(emit.op("Mul", &[x, gate]))
}

/// `HardSigmoid`: a line between 0 and 1.
pub(crate) fn hard_sigmoid(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let scaled = emit.scaled(emit.input(0)?, float(node, "alpha", 0.2));
    let line = emit.shifted(scaled, float(node, "beta", 0.5));
    if emit.opset() < 11 {
        let bounds = [("min", Attribute::Float(0.0)), ("max", Attribute::Float(1.0))];
        return one(emit.op_with("Clip", &[line], &bounds));
    }
    let (low, high) = (emit.number(0.0), emit.number(1.0));
    one(emit.op("Clip", &[line, low, high]))
}

/// `Mish`.
pub(crate) fn mish(emit: &mut DefinitionBuilder<'_, '_>, _node: &Node) -> Decomposed {
    let x = emit.input(0)?;
    let soft = emit.op("Softplus", &[x]);
    let gate = emit.op("Tanh", &[soft]);
    one(emit.op("Mul", &[x, gate]))
}

/// `Softplus`.
pub(crate) fn softplus(emit: &mut DefinitionBuilder<'_, '_>, _node: &Node) -> Decomposed {
    let power = emit.op("Exp", &[emit.input(0)?]);
    let sum = emit.shifted(power, 1.0);
    one(emit.op("Log", &[sum]))
}

/// `Softsign`.
pub(crate) fn softsign(emit: &mut DefinitionBuilder<'_, '_>, _node: &Node) -> Decomposed {
    let x = emit.input(0)?;
    let size = emit.op("Abs", &[x]);
    let sum = emit.shifted(size, 1.0);
    one(emit.op("Div", &[x, sum]))
}

/// `max(x, 0) + factor (exp(min(x, 0) / scale) - 1)`.
fn exponential(emit: &mut DefinitionBuilder<'_, '_>, factor: f64, scale: f64) -> Option<ValueId> {
    let x = emit.input(0)?;
    let up = positive(emit, x);
    let down = negative(emit, x);
    let down = emit.scaled(down, -1.0 / scale);
    let power = emit.op("Exp", &[down]);
    let below = emit.shifted(power, -1.0);
    let below = emit.scaled(below, factor);
    Some(emit.op("Add", &[up, below]))
}

/// `Elu`.
pub(crate) fn elu(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    one(exponential(emit, float(node, "alpha", 1.0), 1.0)?)
}

/// `Celu`.
pub(crate) fn celu(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let alpha = float(node, "alpha", 1.0);
    one(exponential(emit, alpha, alpha)?)
}

/// `Selu`.
pub(crate) fn selu(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let elu = exponential(emit, float(node, "alpha", 1.673_263_2), 1.0)?;
    one(emit.scaled(elu, float(node, "gamma", 1.050_701)))
}

/// `LeakyRelu`.
pub(crate) fn leaky_relu(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let x = emit.input(0)?;
    let up = positive(emit, x);
    let down = negative(emit, x);
    let down = emit.scaled(down, float(node, "alpha", 0.01));
    one(emit.op("Sub", &[up, down]))
}

/// `PRelu`.
pub(crate) fn parametric_relu(emit: &mut DefinitionBuilder<'_, '_>, _node: &Node) -> Decomposed {
    let (x, slope) = (emit.input(0)?, emit.input(1)?);
    let up = positive(emit, x);
    let down = negative(emit, x);
    let down = emit.op("Mul", &[down, slope]);
    one(emit.op("Sub", &[up, down]))
}

/// `Abs`.
pub(crate) fn absolute(emit: &mut DefinitionBuilder<'_, '_>, _node: &Node) -> Decomposed {
    let x = emit.input(0)?;
    let up = positive(emit, x);
    let down = negative(emit, x);
    one(emit.op("Add", &[up, down]))
}

/// `Reciprocal`.
pub(crate) fn reciprocal(emit: &mut DefinitionBuilder<'_, '_>, _node: &Node) -> Decomposed {
    let one_ = emit.number(1.0);
    one(emit.op("Div", &[one_, emit.input(0)?]))
}

/// `Pow` with a small whole exponent.
pub(crate) fn power(emit: &mut DefinitionBuilder<'_, '_>, _node: &Node) -> Decomposed {
    use hawkeye_graph::Elements;
    let exponent = match emit.fact(emit.input(1)?)?.elements.as_ref()? {
        Elements::Floats(v) if v.len() == 1 && v[0].fract() == 0.0 => v[0] as i64,
        Elements::Ints(v) if v.len() == 1 => v[0],
        _ => return None,
    };
    let x = emit.input(0)?;
    let mut product = x;
    if !(2..=8).contains(&exponent) {
        return None;
    }
    for _ in 1..exponent {
        product = emit.op("Mul", &[product, x]);
    }
    one(product)
}

/// `Max`: `b + max(a - b, 0)`.
pub(crate) fn maximum(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let mut found = emit.input(0)?;
    for input in 1..node.inputs.len() {
        let other = emit.input(input)?;
        let rest = emit.op("Sub", &[found, other]);
        let more = positive(emit, rest);
        found = emit.op("Add", &[other, more]);
    }
    one(found)
}

/// `Min`: `a - max(a - b, 0)`.
pub(crate) fn minimum(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let mut found = emit.input(0)?;
    for input in 1..node.inputs.len() {
        let other = emit.input(input)?;
        let rest = emit.op("Sub", &[found, other]);
        let more = positive(emit, rest);
        found = emit.op("Sub", &[found, more]);
    }
    one(found)
}
