//! Who knows which value.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use hawkeye_cost::{Data, Party};
use hawkeye_graph::{Elements, Graph, Node, Origin, Table, Tensor, ValueId};

use crate::weights::{constant_weights, is_constant};

/// Who knows a value. The order is that of information lost: what depends on values of different
/// visibility has the greatest of them, and is secret if two parties each know a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Visibility {
    /// Every party.
    Public,
    /// One party, in the clear.
    Known(Party),
    /// No party: it is shared or encrypted.
    Secret,
}

impl Visibility {
    /// Visibility of what depends on both: the least upper bound.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Public, v) | (v, Self::Public) => v,
            (Self::Known(a), Self::Known(b)) if a == b => self,
            _ => Self::Secret,
        }
    }

    /// As sheets see it.
    pub(crate) fn data(self) -> Data {
        match self {
            Self::Public => "public".into(),
            Self::Secret => "secret".into(),
            Self::Known(party) => Data::Int(party.0.into()),
        }
    }
}

impl FromStr for Visibility {
    type Err = String;

    /// `secret`, `public`, or a party's number.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "secret" => Ok(Self::Secret),
            "public" => Ok(Self::Public),
            party => party
                .parse()
                .map(|party| Self::Known(Party(party)))
                .map_err(|_| format!("\"{text}\" is neither secret, public nor a party")),
        }
    }
}

impl fmt::Display for Visibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.write_str("public"),
            Self::Known(party) => write!(f, "party {party}"),
            Self::Secret => f.write_str("secret"),
        }
    }
}

/// Who knows what goes into the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conventions {
    /// The inputs.
    pub inputs: Visibility,
    /// Initializers of real numbers; others are structure (axes, shapes, indices) and public.
    pub weights: Visibility,
    /// Weights that the model holds in nodes ([`constant_weights`]).
    pub constants: Visibility,
    /// Inputs, initializers and constants that differ, by name.
    pub named: BTreeMap<String, Visibility>,
}

/// Who knows each value: a forward analysis over the nodes.
#[must_use]
pub fn secrecy(graph: &Graph, conventions: &Conventions) -> Table<ValueId, Visibility> {
    let origin = |id: ValueId| {
        let value = graph.value(id);
        let convention = match &value.origin {
            Origin::Input(_) => conventions.inputs,
            Origin::Initializer(tensor) if tensor.dtype.is_float() => conventions.weights,
            Origin::Initializer(_) | Origin::Node(_) | Origin::Outer(_) => Visibility::Public,
        };
        conventions.named.get(&value.name).copied().unwrap_or(convention)
    };
    let mut table = Table::new(graph.value_ids().map(origin).collect());
    for id in zero_states(graph).into_iter().chain(grid_numbers(graph)) {
        if !conventions.named.contains_key(&graph.value(id).name) {
            table[id] = Visibility::Public;
        }
    }
    let weights: BTreeSet<ValueId> = constant_weights(graph).into_iter().collect();
    for node in &graph.nodes {
        let visibility = if reveals_shape_only(node) {
            Visibility::Public
        } else if let Some(constant) = is_constant(node).then(|| node.present_outputs().next()).flatten() {
            let convention =
                if weights.contains(&constant) { conventions.constants } else { Visibility::Public };
            conventions.named.get(&graph.value(constant).name).copied().unwrap_or(convention)
        } else {
            let inputs = node.present_inputs().chain(node.captured());
            inputs.map(|id| table[id]).fold(Visibility::Public, Visibility::join)
        };
        for output in node.present_outputs() {
            table[output] = visibility;
        }
    }
    table
}

/// Initializers of nothing but zeros with which recurrent layers start, and which nothing else takes:
/// PyTorch's exporter writes them where the program gave no state.
fn zero_states(graph: &Graph) -> Vec<ValueId> {
    let mut states = BTreeSet::new();
    let mut others = BTreeSet::new();
    for node in &graph.nodes {
        let recurrent = node.domain.is_empty() && matches!(node.op.as_str(), "LSTM" | "GRU" | "RNN");
        for (position, id) in node.inputs.iter().enumerate() {
            let Some(id) = id else { continue };
            if recurrent && matches!(position, 5 | 6) {
                states.insert(*id)
            } else {
                others.insert(*id)
            };
        }
        others.extend(node.captured());
    }
    let zeros = |id: &&ValueId| match &graph.value(**id).origin {
        Origin::Initializer(Tensor { elements: Some(Elements::Floats(all)), .. }) => {
            all.iter().all(|x| *x == 0.0)
        }
        _ => false,
    };
    states.difference(&others).filter(zeros).copied().collect()
}

/// Single real numbers that limit a `Range`, or meet nothing but what a `Range` gives and others of their kind: numbers
/// of a grid of coordinates, as optimisers of graphs store them, and no weights.
fn grid_numbers(graph: &Graph) -> BTreeSet<ValueId> {
    let single = |id: &ValueId| matches!(&graph.value(*id).origin, Origin::Initializer(t) if t.dtype.is_float() && t.dims.is_empty());
    if graph.nodes.iter().all(|node| node.op != "Range") {
        return BTreeSet::new();
    }
    // What depends on anything else, be it an input or a weight.
    let mut foreign: Table<ValueId, bool> = Table::new(
        graph
            .value_ids()
            .map(|id| match &graph.value(id).origin {
                Origin::Input(_) | Origin::Outer(_) => true,
                Origin::Initializer(tensor) => tensor.dtype.is_float() && !single(&id),
                Origin::Node(_) => false,
            })
            .collect(),
    );
    let mut ranged = Table::new(vec![false; graph.values.len()]);
    let mut taken: BTreeMap<ValueId, bool> = BTreeMap::new();
    for node in &graph.nodes {
        let inputs: Vec<ValueId> = node.present_inputs().chain(node.captured()).collect();
        let range = node.domain.is_empty() && node.op == "Range";
        let grid = range || inputs.iter().any(|id| ranged[*id]);
        let stays = !inputs.iter().any(|id| foreign[*id]);
        for id in inputs.iter().filter(|id| single(id)) {
            // One use as a weight is enough to be one.
            *taken.entry(*id).or_insert(true) &= grid && stays;
        }
        for output in node.present_outputs() {
            foreign[output] = !stays && !reveals_shape_only(node);
            ranged[output] = grid && stays;
        }
    }
    taken.into_iter().filter_map(|(id, grid)| grid.then_some(id)).collect()
}

/// Shapes are public whatever the elements are.
fn reveals_shape_only(node: &Node) -> bool {
    node.domain.is_empty() && matches!(node.op.as_str(), "Shape" | "Size")
}

#[cfg(test)]
mod tests {
    use super::Visibility::{Known, Public, Secret};
    use super::*;

    #[test]
    fn join_is_a_least_upper_bound() {
        let all = [Public, Known(Party(0)), Known(Party(1)), Secret];
        for a in all {
            assert_eq!(a.join(a), a);
            assert_eq!(a.join(Public), a);
            assert_eq!(a.join(Secret), Secret);
            for b in all {
                assert_eq!(a.join(b), b.join(a));
                for c in all {
                    assert_eq!(a.join(b).join(c), a.join(b.join(c)));
                }
            }
        }
        assert_eq!(Known(Party(0)).join(Known(Party(1))), Secret);
    }
}
