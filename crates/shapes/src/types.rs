//! Element types that tract does not have: it is given others in their place, and what it says of
//! their results is put right here.

use hawkeye_graph::{Attribute, DType, Fact, Graph, Node, Table, ValueId};

use crate::proto::stand_in;

/// Puts element types right, in execution order.
pub(crate) fn restore(graph: &Graph, facts: &mut Table<ValueId, Fact>) {
    for node in &graph.nodes {
        let Some(dtype) = result(node, facts) else { continue };
        for output in node.present_outputs() {
            let fact = &mut facts[output];
            if fact.dtype.is_none_or(|found| found == stand_in(dtype)) {
                fact.dtype = Some(dtype);
            }
        }
    }
}

/// The element type that the node says or hands on, if it is one that tract may not have.
fn result(node: &Node, facts: &Table<ValueId, Fact>) -> Option<DType> {
    let of = |input: usize| node.inputs.get(input).copied().flatten().and_then(|id| facts[id].dtype);
    let named = |name| {
        let code = node.attributes.int(name).filter(|code| *code != 0)?;
        DType::from_onnx(i32::try_from(code).ok()?)
    };
    match node.op.as_str() {
        "Cast" | "BitCast" => named("to"),
        "CastLike" => of(1),
        "QuantizeLinear" => named("output_dtype").or_else(|| of(2)),
        "DequantizeLinear" => named("output_dtype").or_else(|| of(1)),
        "Constant" => match node.attributes.get("value")? {
            Attribute::Tensor(tensor) => Some(tensor.dtype),
            _ => None,
        },
        // These have a type of their own; the data's happens to have the same stand-in, if any.
        "DynamicQuantizeLinear" | "EyeLike" | "Shape" | "Size" => named("dtype"),
        _ => {
            let foreign = |dtype: &DType| stand_in(*dtype) != *dtype;
            let first = match node.op.as_str() {
                "Where" => 1,
                "OneHot" => 2,
                _ => 0,
            };
            named("dtype").filter(foreign).or_else(|| of(first).filter(foreign))
        }
    }
}
