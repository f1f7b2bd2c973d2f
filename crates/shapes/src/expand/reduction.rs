//! Sums over operands or axes, and comparisons.

use hawkeye_graph::{Node, ValueId};

use super::builder::DefinitionBuilder;
use super::{Decomposed, one};

fn added(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Option<ValueId> {
    let mut all = emit.input(0)?;
    for input in 1..node.inputs.len() {
        let other = emit.input(input)?;
        all = emit.op("Add", &[all, other]);
    }
    Some(all)
}

/// `Sum`.
pub(crate) fn sum(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    one(added(emit, node)?)
}

/// `Mean`.
pub(crate) fn mean(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let all = added(emit, node)?;
    one(emit.scaled(all, 1.0 / node.inputs.len() as f64))
}

/// `GreaterOrEqual`.
pub(crate) fn greater_or_equal(emit: &mut DefinitionBuilder<'_, '_>, _node: &Node) -> Decomposed {
    let less = emit.op("Less", &[emit.input(0)?, emit.input(1)?]);
    one(emit.op("Not", &[less]))
}

/// `LessOrEqual`.
pub(crate) fn less_or_equal(emit: &mut DefinitionBuilder<'_, '_>, _node: &Node) -> Decomposed {
    let greater = emit.op("Greater", &[emit.input(0)?, emit.input(1)?]);
    one(emit.op("Not", &[greater]))
}

/// The axes that a reduction is over.
fn axes(emit: &DefinitionBuilder<'_, '_>, node: &Node) -> Option<Vec<i64>> {
    let given = match emit.input(1) {
        Some(_) => Some(emit.ints(1)?),
        None => node.attributes.ints("axes").map(<[i64]>::to_vec),
    };
    match given.filter(|axes| !axes.is_empty()) {
        Some(axes) => Some(axes),
        None if node.attributes.int("noop_with_empty_axes").unwrap_or(0) != 0 => None,
        None => Some((0..i64::try_from(emit.shape(0)?.len()).ok()?).collect()),
    }
}

fn reduced(emit: &mut DefinitionBuilder<'_, '_>, node: &Node, op: &str, value: ValueId) -> Option<ValueId> {
    let axes = axes(emit, node)?;
    Some(emit.reduce(op, value, axes, node.attributes.int("keepdims").unwrap_or(1) != 0))
}

/// `ReduceSum`: the mean times how many there are.
pub(crate) fn reduce_sum(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let dims = emit.shape(0)?;
    let mut count = 1.0;
    for axis in axes(emit, node)? {
        count *= dims[crate::rules::axis(axis, dims.len())?] as f64;
    }
    let mean = reduced(emit, node, "ReduceMean", emit.input(0)?)?;
    one(emit.scaled(mean, count))
}

/// `ReduceL1`.
pub(crate) fn l1(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let sizes = emit.op("Abs", &[emit.input(0)?]);
    one(reduced(emit, node, "ReduceSum", sizes)?)
}

fn squares(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Option<ValueId> {
    let x = emit.input(0)?;
    let squares = emit.op("Mul", &[x, x]);
    reduced(emit, node, "ReduceSum", squares)
}

/// `ReduceSumSquare`.
pub(crate) fn sum_of_squares(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    one(squares(emit, node)?)
}

/// `ReduceL2`.
pub(crate) fn l2(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let sum = squares(emit, node)?;
    one(emit.op("Sqrt", &[sum]))
}

/// `ReduceLogSum`.
pub(crate) fn log_of_sum(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let sum = reduced(emit, node, "ReduceSum", emit.input(0)?)?;
    one(emit.op("Log", &[sum]))
}

/// `ReduceLogSumExp`.
pub(crate) fn log_of_sum_of_exponentials(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let powers = emit.op("Exp", &[emit.input(0)?]);
    let sum = reduced(emit, node, "ReduceSum", powers)?;
    one(emit.op("Log", &[sum]))
}
