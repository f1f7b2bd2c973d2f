//! A framework's own reading of the model.

use hawkeye_cost::Data;
use hawkeye_graph::Shapes;
use hawkeye_graph::{Attribute, Failure, Graph, Node, Origin, Place, Table, Tensor, Value, ValueId};

use crate::program::complain;
use crate::view::Views;
use crate::{Ability, Lowering, Reading, Visibility};

/// The graph as the framework reads it, from which shapes must be inferred anew; `None` if that is
/// how ONNX means it. Values and nodes keep their ids.
///
/// # Errors
/// What the framework refuses.
pub fn read(
    graph: &Graph,
    shapes: &Shapes,
    visibility: &Table<ValueId, Visibility>,
    lowering: &mut dyn Lowering,
) -> Result<Option<Graph>, Failure> {
    let views = Views::new(graph, shapes, visibility, None);
    let mut changed: Option<Graph> = None;
    let mut errors = Vec::new();
    for id in graph.node_ids() {
        let node = graph.node(id);
        if lowering.supports(Ability::Read, &node.domain, &node.op).is_err() {
            continue;
        }
        match lowering.read(&views.outlined(node)) {
            Ok(readings) if readings.is_empty() => {}
            Ok(readings) => {
                let graph = changed.get_or_insert_with(|| graph.clone());
                for reading in readings {
                    apply(graph, id.index(), reading);
                }
            }
            Err(error) => errors.push(complain(Place::node(node), error)),
        }
    }
    if errors.is_empty() { Ok(changed) } else { Err(Failure(errors)) }
}

fn apply(graph: &mut Graph, index: usize, reading: Reading) {
    match reading {
        Reading::Attribute(name, value) => {
            let attributes = &mut graph.nodes[index].attributes;
            match attribute(value) {
                Some(value) => attributes.set(&name, value),
                None => attributes.remove(&name),
            }
        }
        Reading::Input(position, ints) => {
            let id = ValueId::new(graph.values.len());
            let name = format!("{}:{position}", label(&graph.nodes[index], index));
            graph.values.push(Value { name, origin: Origin::Initializer(Tensor::vector(ints)) });
            let inputs = &mut graph.nodes[index].inputs;
            if inputs.len() <= position {
                inputs.resize(position + 1, None);
            }
            inputs[position] = Some(id);
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
