//! A framework's own reading of the model.

use hawkeye_cost::Data;
use hawkeye_graph::{
    Attribute, Failure, Graph, GraphBuilder, Node, NodeId, Place, Shapes, Table, Tensor, ValueId,
};

use crate::obstacles::error_at;
use crate::views::Views;
use crate::{Ability, Lowering, Reading, Visibility};

/// The graph as the framework reads it, from which shapes must be inferred anew; `None` if that is
/// how ONNX means it. Values and nodes keep their ids. `readings` are those that don't come of a node alone.
///
/// # Errors
/// What the framework refuses.
pub fn reinterpret(
    graph: &Graph,
    shapes: &Shapes,
    visibility: &Table<ValueId, Visibility>,
    readings: Vec<(NodeId, Reading)>,
    lowering: &mut dyn Lowering,
) -> Result<Option<Graph>, Failure> {
    let views = Views::new(graph, shapes, visibility, None);
    let copy = || GraphBuilder::from_graph(graph.clone());
    let mut changed: Option<GraphBuilder> = None;
    let mut errors = Vec::new();
    for (id, reading) in readings {
        apply(changed.get_or_insert_with(copy), id, reading);
    }
    for id in graph.node_ids() {
        let node = graph.node(id);
        if lowering.supports(Ability::Read, &node.domain, &node.op).is_err() {
            continue;
        }
        // Shapes that are not known are shown empty: a reading may be what makes them known.
        match lowering.readings(&views.outlined(node)) {
            Ok(readings) if readings.is_empty() => {}
            Ok(readings) => {
                let builder = changed.get_or_insert_with(copy);
                for reading in readings {
                    apply(builder, id, reading);
                }
            }
            Err(error) => errors.push(error_at(Place::node(node), error)),
        }
    }
    if errors.is_empty() { Ok(changed.map(GraphBuilder::appended)) } else { Err(Failure(errors)) }
}

fn apply(builder: &mut GraphBuilder, id: NodeId, reading: Reading) {
    match reading {
        Reading::Attribute(name, value) => {
            let attributes = &mut builder.node_mut(id).attributes;
            match attribute(value) {
                Some(value) => attributes.set(&name, value),
                None => attributes.remove(&name),
            }
        }
        Reading::Input(position, ints) => {
            let name = format!("{}:{position}", label(builder.graph().node(id), id.index()));
            let constant = builder.initializer(&name, Tensor::vector(ints));
            let inputs = &mut builder.node_mut(id).inputs;
            if inputs.len() <= position {
                inputs.resize(position + 1, None);
            }
            inputs[position] = Some(constant);
        }
    }
}

fn label(node: &Node, index: usize) -> String {
    if node.name.is_empty() { format!("node {index}") } else { node.name.clone() }
}

fn attribute(value: Data) -> Option<Attribute> {
    Some(match value {
        Data::Int(i) => Attribute::Int(i),
        Data::Bool(b) => Attribute::Int(b.into()),
        Data::Float(bits) => Attribute::Float(f64::from_bits(bits) as f32),
        Data::Text(s) => Attribute::String(s),
        Data::List(items) | Data::Tuple(items) => {
            let int = |item| if let Data::Int(i) = item { Some(i) } else { None };
            Attribute::Ints(items.into_iter().map(int).collect::<Option<_>>()?)
        }
        Data::None | Data::Dict(_) | Data::Struct(_) => return None,
    })
}
