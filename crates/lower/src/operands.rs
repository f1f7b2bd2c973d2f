//! Operands that some opsets pass as inputs and others as attributes.
//!
//! Frameworks find them among the attributes, whatever the opset.

use hawkeye_cost::Data;
use hawkeye_graph::Node;

use crate::view::{TensorView, list};

enum Form {
    Scalar,
    Vector,
}

use Form::{Scalar, Vector};

/// Input positions of ONNX operators that carry such operands, with the attributes' names.
fn positions(node: &Node) -> &'static [(usize, &'static str, Form)] {
    match node.op.as_str() {
        "Squeeze" | "Unsqueeze" | "ReduceL1" | "ReduceL2" | "ReduceLogSum" | "ReduceLogSumExp"
        | "ReduceMax" | "ReduceMean" | "ReduceMin" | "ReduceProd" | "ReduceSum" | "ReduceSumSquare" => {
            &[(1, "axes", Vector)]
        }
        "Clip" => &[(1, "min", Scalar), (2, "max", Scalar)],
        "Pad" => &[(1, "pads", Vector), (2, "value", Scalar), (3, "axes", Vector)],
        "Slice" => &[(1, "starts", Vector), (2, "ends", Vector), (3, "axes", Vector), (4, "steps", Vector)],
        "Split" => &[(1, "split", Vector)],
        "TopK" => &[(1, "k", Scalar)],
        "Dropout" => &[(1, "ratio", Scalar), (2, "training_mode", Scalar)],
        "Reshape" | "Expand" | "CenterCropPad" => &[(1, "shape", Vector)],
        "Tile" => &[(1, "repeats", Vector)],
        "Upsample" => &[(1, "scales", Vector)],
        "Resize" if node.opset < 11 => &[(1, "scales", Vector)],
        "Resize" => &[(2, "scales", Vector), (3, "sizes", Vector)],
        "OneHot" => &[(1, "depth", Scalar)],
        "CumSum" => &[(1, "axis", Scalar)],
        "Trilu" => &[(1, "k", Scalar)],
        _ => &[],
    }
}

/// The operands whose values are known, by attribute name.
pub(crate) fn operands(node: &Node, inputs: &[Option<TensorView>]) -> Vec<(String, Data)> {
    if !node.domain.is_empty() {
        return Vec::new();
    }
    let operand = |(index, name, form): &(usize, &str, Form)| {
        let elements = inputs.get(*index)?.as_ref()?.elements.as_ref()?;
        let values = list(elements);
        let value = match (form, values) {
            (Vector, values) => values,
            (Scalar, Data::List(values)) => values.into_iter().next()?,
            (Scalar, _) => return None,
        };
        Some(((*name).to_owned(), value))
    };
    positions(node).iter().filter_map(operand).collect()
}

/// Positions of inputs that decide which elements a node looks at, or how many: what it does with them it
/// can't do without sending anything, if nobody knows them.
pub(crate) fn selectors(node: &Node) -> &'static [usize] {
    if !node.domain.is_empty() {
        return &[];
    }
    match node.op.as_str() {
        "Gather" | "GatherElements" | "GatherND" | "Scatter" | "ScatterElements" | "ScatterND"
        | "ReverseSequence" | "Compress" | "MaxUnpool" => &[1],
        "Slice" => &[1, 2, 3, 4],
        "OneHot" | "Where" => &[0],
        "TensorScatter" | "RoiAlign" => &[2],
        "LSTM" | "GRU" | "RNN" => &[4],
        _ => &[],
    }
}
