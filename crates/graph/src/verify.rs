//! What every graph must be like, whichever pass made it.

use std::collections::HashSet;

use crate::{
    Attribute, Attributes, Diagnostic, Elements, Failure, Graph, Node, NodeId, Origin, Place, Tensor, ValueId,
};

/// Checks a graph: names of values are unique, nodes stand in execution order, everything that is taken is
/// defined, and defined once, constants have the elements that their types say, nodes are of the opset that
/// the graph imports. Takes time in proportion to the graph.
///
/// # Errors
/// Everything that does not hold. A pass that gives such a graph is at fault, not the model.
pub fn verify(graph: &Graph) -> Result<(), Failure> {
    let mut verifier = Verifier { errors: Vec::new() };
    verifier.graph(graph, 0, &Place::Model);
    if verifier.errors.is_empty() { Ok(()) } else { Err(Failure(verifier.errors)) }
}

struct Verifier {
    errors: Vec<Diagnostic>,
}

impl Verifier {
    fn error(&mut self, place: Place, message: impl Into<String>) {
        self.errors.push(Diagnostic::error(place, message));
    }

    /// Checks a graph around which there are as many values as given.
    fn graph(&mut self, graph: &Graph, around: usize, place: &Place) {
        let mut names = HashSet::with_capacity(graph.values.len());
        let mut defined = vec![false; graph.values.len()];
        for (value, defined) in graph.values.iter().zip(&mut defined) {
            if !names.insert(value.name.as_str()) {
                self.error(Place::Value(value.name.clone()), "is the name of two values");
            }
            *defined = match &value.origin {
                Origin::Input(_) => true,
                Origin::Initializer(tensor) => {
                    self.tensor(tensor, &Place::Value(value.name.clone()));
                    true
                }
                Origin::Outer(id) => {
                    if id.index() >= around {
                        self.error(Place::Value(value.name.clone()), "is not defined around the body");
                    }
                    true
                }
                Origin::Node(_) => false,
            };
        }
        for id in &graph.inputs {
            if !graph.values.get(id.index()).is_some_and(|value| matches!(value.origin, Origin::Input(_))) {
                self.error(place.clone(), format!("lists value {} as an input, which it is not", id.index()));
            }
        }
        for id in graph.node_ids() {
            self.node(graph, id, &mut defined);
        }
        for id in &graph.outputs {
            if !defined.get(id.index()).is_some_and(|defined| *defined) {
                self.error(place.clone(), format!("gives value {}, which nothing defines", id.index()));
            }
        }
    }

    fn node(&mut self, graph: &Graph, id: NodeId, defined: &mut [bool]) {
        let node = graph.node(id);
        if node.op.is_empty() {
            self.error(Place::node(node), "has no operator");
        }
        if !consistent(graph, node) {
            let imported = graph.opsets.get(&node.domain).copied().unwrap_or(0);
            self.error(
                Place::node(node),
                format!("is of another opset than the graph, which imports {imported}"),
            );
        }
        for taken in node.present_inputs().chain(node.captured()) {
            if !defined.get(taken.index()).is_some_and(|defined| *defined) {
                let name = name(graph, taken);
                self.error(Place::node(node), format!("takes \"{name}\", which nothing before it defines"));
            }
        }
        self.attributes(&node.attributes, graph.values.len(), &Place::node(node));
        for output in node.present_outputs() {
            let origin = graph.values.get(output.index()).map(|value| &value.origin);
            let again = defined.get(output.index()).is_none_or(|defined| *defined);
            if again || origin != Some(&Origin::Node(id)) {
                let name = name(graph, output);
                self.error(Place::node(node), format!("gives \"{name}\", which comes from elsewhere"));
            }
            if let Some(defined) = defined.get_mut(output.index()) {
                *defined = true;
            }
        }
    }

    fn attributes(&mut self, attributes: &Attributes, around: usize, place: &Place) {
        for (_, attribute) in attributes.iter() {
            match attribute {
                Attribute::Tensor(tensor) => self.tensor(tensor, place),
                Attribute::Graph(body) => self.graph(body, around, place),
                Attribute::Int(_)
                | Attribute::Float(_)
                | Attribute::String(_)
                | Attribute::Ints(_)
                | Attribute::Floats(_)
                | Attribute::Strings(_)
                | Attribute::Other => {}
            }
        }
    }

    /// Elements are as many as the shape says, and of the kind that the type says.
    fn tensor(&mut self, tensor: &Tensor, place: &Place) {
        let Some(elements) = &tensor.elements else { return };
        let (count, fits) = match elements {
            Elements::Ints(v) => (v.len(), !tensor.dtype.is_float()),
            Elements::Floats(v) => (v.len(), tensor.dtype.is_float()),
            Elements::Strings(v) => (v.len(), true),
        };
        let size = tensor.dims.iter().try_fold(1u64, |size, dim| size.checked_mul(*dim));
        if size != Some(count as u64) || !fits {
            let dims = &tensor.dims;
            self.error(
                place.clone(),
                format!("has {count} elements in a constant of shape {dims:?} of {}", tensor.dtype),
            );
        }
    }
}

/// Whether a node is of the opset that its graph imports; the body of a function may import another.
fn consistent(graph: &Graph, node: &Node) -> bool {
    let imported = graph.opsets.get(&node.domain).copied().unwrap_or(0);
    node.opset == imported || node.provenance.is_by(crate::Derivation::FunctionInlining)
}

fn name(graph: &Graph, id: ValueId) -> String {
    graph.values.get(id.index()).map_or_else(|| format!("value {}", id.index()), |value| value.name.clone())
}
