//! Control flow whose course is known before the model runs.

use hawkeye_graph::{Attribute, DType, Elements, Graph, Node, Origin, Tensor, ValueId};

use super::Decomposed;
use super::builder::{DefinitionBuilder, body};

/// `If` with a constant condition.
pub(crate) fn choose(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let taken = emit.ints(0)?.first().copied()? != 0;
    let branch = body(node, if taken { "then_branch" } else { "else_branch" })?;
    let outputs = emit.inline(&branch, &[])?;
    Some(outputs.into_iter().map(Some).collect())
}

/// `Loop` of a constant number of iterations.
pub(crate) fn repeat(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let most = u64::try_from(emit.ints(0)?.first().copied()?.max(0)).ok()?;
    let going = match emit.input(1) {
        Some(_) => emit.ints(1)?.first().copied()? != 0,
        None => true,
    };
    let body = body(node, "body")?;
    let trips = if going { most } else { 0 };
    let count = node.inputs.len().checked_sub(2)?;
    let mut states: Vec<ValueId> = node.inputs.get(2..)?.iter().copied().collect::<Option<_>>()?;
    if trips > 0 && !always_goes_on(emit, &body) {
        return None;
    }
    let truth = emit.constant(boolean(true));
    let mut collected: Vec<Vec<ValueId>> = vec![Vec::new(); body.outputs.len().checked_sub(1 + count)?];
    let formals = || body.nodes.iter().flat_map(Node::present_inputs).chain(body.outputs.iter().copied());
    let counts = body.inputs.first().is_some_and(|counter| {
        formals().any(|id| id == *counter)
            || body.nodes.iter().any(|node| node.captured().any(|id| id == *counter))
    });
    emit.repeats(trips)?;
    let mut number = None;
    for iteration in 0..trips {
        let value = Tensor { dims: Vec::new(), ..Tensor::vector(vec![i64::try_from(iteration).ok()?]) };
        // Only where the body looks at it is the number of the iteration a constant of its own.
        let number = match number {
            Some(number) if !counts => number,
            _ => *number.insert(emit.constant(value)),
        };
        let outputs = emit.inline(&body, &[&[number, truth], states.as_slice()].concat())?;
        states = outputs.get(1..=count)?.to_vec();
        for (all, element) in collected.iter_mut().zip(outputs.get(1 + count..)?) {
            all.push(*element);
        }
    }
    let stacked: Vec<Option<ValueId>> =
        collected.iter().enumerate().map(|(i, elements)| stack(emit, node, count + i, elements, 0)).collect();
    Some(states.into_iter().map(Some).chain(stacked).collect())
}

fn boolean(value: bool) -> Tensor {
    Tensor { dtype: DType::Bool, dims: Vec::new(), elements: Some(Elements::Ints(vec![value.into()])) }
}

/// Whether the condition that a body gives is always true, given that it was before.
fn always_goes_on(emit: &DefinitionBuilder<'_, '_>, body: &Graph) -> bool {
    let Some(mut id) = body.outputs.first().copied() else { return false };
    loop {
        match &body.value(id).origin {
            Origin::Input(_) => return body.inputs.get(1) == Some(&id),
            Origin::Initializer(tensor) => return holds(tensor.elements.as_ref()),
            Origin::Outer(outer) => {
                return emit.fact(*outer).is_some_and(|fact| holds(fact.elements.as_ref()));
            }
            Origin::Node(node) => {
                let node = body.node(*node);
                match (node.op.as_str(), node.attributes.get("value"), node.inputs.first()) {
                    ("Constant", Some(Attribute::Tensor(tensor)), _) => {
                        return holds(tensor.elements.as_ref());
                    }
                    ("Identity" | "Cast", _, Some(Some(input))) => id = *input,
                    _ => return false,
                }
            }
        }
    }
}

fn holds(elements: Option<&Elements>) -> bool {
    elements.and_then(Elements::ints).is_some_and(|ints| ints.first().is_some_and(|i| *i != 0))
}

/// The elements of all iterations as the node's output; `None` if nobody wants it.
fn stack(
    emit: &mut DefinitionBuilder<'_, '_>,
    node: &Node,
    output: usize,
    elements: &[ValueId],
    axis: i64,
) -> Option<ValueId> {
    let fact = emit.fact(node.outputs.get(output).copied().flatten()?)?;
    let mut dims = fact.shape()?;
    if elements.is_empty() {
        return Some(emit.constant(Tensor { dtype: fact.dtype?, dims, elements: None }));
    }
    let position =
        usize::try_from(if axis < 0 { axis + i64::try_from(dims.len()).ok()? } else { axis }).ok()?;
    *dims.get_mut(position)? = 1;
    let slices: Vec<ValueId> = elements.iter().map(|element| emit.reshape(*element, &dims)).collect();
    Some(emit.concat(&slices, axis))
}

/// `Scan` over an axis of known size.
pub(crate) fn scan(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    if emit.opset() < 9 {
        return None;
    }
    let body = body(node, "body")?;
    let scanned = usize::try_from(node.attributes.int("num_scan_inputs")?).ok()?;
    let count = node.inputs.len().checked_sub(scanned)?;
    let results = body.outputs.len().checked_sub(count)?;
    let list = |name: &str, length: usize| {
        let given = node.attributes.ints(name).filter(|ints| ints.len() == length);
        given.map_or(vec![0; length], <[i64]>::to_vec)
    };
    let axes = list("scan_input_axes", scanned);
    let directions = list("scan_input_directions", scanned);
    let mut states: Vec<ValueId> = node.inputs.get(..count)?.iter().copied().collect::<Option<_>>()?;
    let mut inputs = Vec::new();
    let mut trips = None;
    for (i, (axis, direction)) in axes.iter().zip(&directions).enumerate() {
        let mut dims = emit.shape(count + i)?;
        let axis = crate::rules::axis(*axis, dims.len())?;
        let length = dims.remove(axis);
        trips = trips.or(Some(length));
        inputs.push((emit.input(count + i)?, axis, dims, *direction != 0));
    }
    let trips = trips?;
    // As many elements as trips for each output that is scanned; the states are what the last trip leaves.
    let mut collected: Vec<Vec<ValueId>> = vec![Vec::new(); results];
    for step in 0..trips {
        let mut formals = states.clone();
        for (input, axis, dims, reversed) in &inputs {
            let at = if *reversed { trips - 1 - step } else { step };
            let slice = emit.slice(*input, *axis, at, at + 1);
            formals.push(emit.reshape(slice, dims));
        }
        let outputs = emit.inline(&body, &formals)?;
        states = outputs.get(..count)?.to_vec();
        for (all, element) in collected.iter_mut().zip(outputs.get(count..)?) {
            all.push(*element);
        }
    }
    let axes = list("scan_output_axes", results);
    let directions = list("scan_output_directions", results);
    let mut outputs: Vec<Option<ValueId>> = states.into_iter().map(Some).collect();
    for (i, elements) in collected.iter_mut().enumerate() {
        if directions[i] != 0 {
            elements.reverse();
        }
        outputs.push(stack(emit, node, count + i, elements, axes[i]));
    }
    Some(outputs)
}
