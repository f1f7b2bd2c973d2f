//! Bringing a model's nodes to one operator set, so that nodes of today can follow them.
//!
//! Between opsets 7 and 18 attributes became inputs; every node stays one node.

use hawkeye_graph::Shapes;
use hawkeye_graph::{Attribute, DType, Diagnostic, Elements, Node, NodeId, Place, Tensor, ValueId};

use crate::builder::StepBuilder;

/// The oldest opset in which steps are written: the first with every attribute moved.
pub(crate) const OPSET: i64 = 18;

/// Brings every node to the given opset; gives the nodes for which there is no way.
pub(crate) fn upgrade(graph: &mut StepBuilder, shapes: &Shapes) -> Vec<Diagnostic> {
    let from = graph.graph().opset();
    let target = from.max(OPSET);
    graph.set_opset(target);
    let mut errors = Vec::new();
    for id in graph.graph().node_ids() {
        let mut node = graph.graph().node(id).clone();
        if !node.domain.is_empty() || node.opset >= OPSET {
            continue;
        }
        if let Err(message) = convert(graph, id, &mut node, shapes) {
            errors.push(
                Diagnostic::error(
                    Place::node(&node),
                    format!("{message}, so it can't be brought to opset {target}"),
                )
                .help("convert the model with onnx.version_converter, or export it with a newer opset"),
            );
        }
        node.opset = target;
        graph.respell(id, node);
    }
    errors
}

fn convert(graph: &mut StepBuilder, id: NodeId, node: &mut Node, shapes: &Shapes) -> Result<(), String> {
    let old = node.opset;
    match node.op.as_str() {
        "Squeeze" | "Unsqueeze" if old < 13 => ints(graph, node, 1, "axes"),
        "ReduceSum" if old < 13 => ints(graph, node, 1, "axes"),
        "ReduceL1" | "ReduceL2" | "ReduceLogSum" | "ReduceLogSumExp" | "ReduceMax" | "ReduceMean"
        | "ReduceMin" | "ReduceProd" | "ReduceSumSquare" => ints(graph, node, 1, "axes"),
        "Split" => {
            if old < 13 {
                ints(graph, node, 1, "split");
            }
            // From opset 18 on, equal parts must be said to be so many.
            if node.inputs.get(1).copied().flatten().is_none() {
                node.attributes.set("num_outputs", Attribute::Int(node.outputs.len() as i64));
            }
        }
        "Slice" if old < 10 => {
            for (index, name) in [(1, "starts"), (2, "ends"), (3, "axes")] {
                ints(graph, node, index, name);
            }
        }
        "TopK" if old < 10 => {
            let k = node.attributes.int("k").ok_or("lacks its attribute k")?;
            let k = graph.ints(&[k]);
            operand(node, 1, k);
            node.attributes.remove("k");
        }
        "Clip" if old < 11 => {
            for (index, name) in [(1, "min"), (2, "max")] {
                float(graph, node, index, name, shapes);
            }
        }
        "Dropout" if old < 12 => float(graph, node, 1, "ratio", shapes),
        "Pad" if old < 11 => {
            ints(graph, node, 1, "pads");
            float(graph, node, 2, "value", shapes);
        }
        "Softmax" | "LogSoftmax" | "Hardmax" if old < 13 => softmax(node, shapes)?,
        "BatchNormalization" if old < 14 => batch_normalization(graph, id, node)?,
        "Upsample" => {
            let scales = match node.attributes.get("scales") {
                Some(Attribute::Floats(scales)) => {
                    let scales: Vec<f64> = scales.iter().copied().map(f64::from).collect();
                    let dims = vec![scales.len() as u64];
                    let elements = Some(Elements::Floats(scales));
                    graph.constant(Tensor { dtype: DType::Float32, dims, elements })
                }
                _ => node.inputs.get(1).copied().flatten().ok_or("lacks its scales")?,
            };
            node.attributes.remove("scales");
            as_resize(node, scales);
        }
        "Resize" if old < 11 => {
            let scales = node.inputs.get(1).copied().flatten().ok_or("lacks its scales")?;
            as_resize(node, scales);
        }
        "Resize"
            if node.attributes.get("coordinate_transformation_mode")
                == Some(&Attribute::String("tf_half_pixel_for_nn".to_owned())) =>
        {
            return Err("uses a coordinate transformation that opset 13 dropped".to_owned());
        }
        "Scatter" => node.op = "ScatterElements".to_owned(),
        "RoiAlign" if old < 16 => node
            .attributes
            .set("coordinate_transformation_mode", Attribute::String("output_half_pixel".to_owned())),
        _ => {}
    }
    // Bodies are nodes of the same opset; none of them is looked at here.
    if node.attributes.iter().any(|(_, value)| matches!(value, Attribute::Graph(_))) {
        return Err("has a body whose nodes are of an older opset".to_owned());
    }
    Ok(())
}

fn operand(node: &mut Node, index: usize, id: ValueId) {
    if node.inputs.len() <= index {
        node.inputs.resize(index + 1, None);
    }
    node.inputs[index] = Some(id);
}

/// A list of integers becomes an input.
fn ints(graph: &mut StepBuilder, node: &mut Node, index: usize, name: &str) {
    if let Some(list) = node.attributes.ints(name) {
        let id = graph.ints(list);
        operand(node, index, id);
        node.attributes.remove(name);
    }
}

/// A number becomes an input, of the type of the data.
fn float(graph: &mut StepBuilder, node: &mut Node, index: usize, name: &str, shapes: &Shapes) {
    if let Some(Attribute::Float(number)) = node.attributes.get(name) {
        let number = f64::from(*number);
        let data = node.inputs.first().copied().flatten();
        let dtype = data.and_then(|id| shapes.facts[id].dtype).unwrap_or(DType::Float32);
        graph.dtype = if name == "ratio" { DType::Float32 } else { dtype };
        let id = graph.number(number);
        operand(node, index, id);
        node.attributes.remove(name);
    }
}

/// Before opset 13 the axes from `axis` on were taken together: the same if only one is not 1.
fn softmax(node: &mut Node, shapes: &Shapes) -> Result<(), String> {
    let shape = node.inputs.first().copied().flatten().and_then(|id| shapes.facts[id].shape());
    let shape = shape.ok_or("has an operand of unknown shape")?;
    let rank = shape.len();
    let first = node.attributes.int("axis").unwrap_or(1);
    let first = if first < 0 { first + rank as i64 } else { first };
    let first = usize::try_from(first).unwrap_or(0).min(rank);
    let long: Vec<usize> = (first..rank).filter(|i| shape[*i] != 1).collect();
    let axis = match long.as_slice() {
        [] => rank.saturating_sub(1),
        [axis] => *axis,
        _ => return Err(format!("takes axes {first} to {} together", rank - 1)),
    };
    node.attributes.set("axis", Attribute::Int(axis as i64));
    Ok(())
}

/// Outputs for training became three, and an attribute says that they are wanted.
fn batch_normalization(graph: &StepBuilder, id: NodeId, node: &mut Node) -> Result<(), String> {
    if node.attributes.int("spatial") == Some(0) {
        return Err("normalizes every position by itself".to_owned());
    }
    node.attributes.remove("spatial");
    if node.outputs.iter().skip(1).flatten().next().is_none() {
        return Ok(());
    }
    let saved: Vec<ValueId> = node.outputs.iter().skip(3).flatten().copied().collect();
    let mut users = graph.graph().nodes.iter().skip(id.index() + 1).flat_map(Node::present_inputs);
    if users.any(|used| saved.contains(&used))
        || graph.graph().outputs.iter().any(|used| saved.contains(used))
    {
        return Err("has its saved mean or variance used".to_owned());
    }
    node.outputs.truncate(3);
    node.attributes.set("training_mode", Attribute::Int(1));
    Ok(())
}

fn as_resize(node: &mut Node, scales: ValueId) {
    node.op = "Resize".to_owned();
    node.inputs.truncate(1);
    operand(node, 2, scales);
    for (name, value) in [("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor")] {
        node.attributes.set(name, Attribute::String(value.to_owned()));
    }
}
