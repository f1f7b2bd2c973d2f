//! Binary operators before opset 7, which stretched the right operand along axes that they named.

use hawkeye_graph::{Node, ValueId};

use super::builder::DefinitionBuilder;

/// Whether the node stretches its right operand the old way.
pub(crate) fn stretches(node: &Node) -> bool {
    let binary = ["Add", "Sub", "Mul", "Div", "Pow", "And", "Or", "Xor", "Equal", "Greater", "Less"];
    node.opset < 7 && node.attributes.get("broadcast").is_some() && binary.contains(&node.op.as_str())
}

/// The operator of today, on a right operand with the dimensions that broadcasting wants.
pub(crate) fn stretch(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Option<Vec<Option<ValueId>>> {
    let (left, mut right) = (emit.shape(0)?, emit.shape(1)?);
    let mut operand = emit.input(1)?;
    if let Some(axis) = node.attributes.int("axis") {
        let axis = crate::rules::axis(axis, left.len())?;
        let behind = left.len().checked_sub(axis + right.len())?;
        if behind > 0 {
            right.resize(right.len() + behind, 1);
            operand = emit.reshape(operand, &right);
        }
    }
    Some(vec![Some(emit.plain(vec![emit.input(0), Some(operand)]))])
}
