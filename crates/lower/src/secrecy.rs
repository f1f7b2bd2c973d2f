//! Who knows which value.

use std::collections::BTreeMap;
use std::fmt;

use hawkeye_cost::{Data, Party};
use hawkeye_graph::{Graph, Node, Origin, Table, ValueId};

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
    /// Inputs and initializers that differ, by name.
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
    for node in &graph.nodes {
        let visibility = if reveals_shape_only(node) {
            Visibility::Public
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
