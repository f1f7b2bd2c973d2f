//! What a rule sees of a node, and the words for what does not fit.

use hawkeye_graph::{Attribute, Elements, Fact, Graph, Node};

/// What is wrong, if anything is.
pub(crate) type Fit = Result<(), String>;

/// A size, if it is known.
pub(super) type Size = Option<u64>;

/// A node and what is known of its inputs.
pub(crate) struct FitView<'a> {
    pub(super) node: &'a Node,
    opset: i64,
    /// What is known of each input that is not left out.
    inputs: Vec<Option<&'a Fact>>,
    /// The graph that knows the names of values, if anybody reads them.
    graph: Option<&'a Graph>,
}

impl<'a> FitView<'a> {
    /// A node under an opset, and what is known of its inputs.
    pub(crate) fn new(node: &'a Node, opset: i64, inputs: Vec<Option<&'a Fact>>) -> Self {
        Self { node, opset, inputs, graph: None }
    }

    /// The same, with the graph that knows the names of values.
    pub(super) fn named(self, graph: &'a Graph) -> Self {
        Self { graph: Some(graph), ..self }
    }

    pub(super) fn op(&self) -> &'a str {
        &self.node.op
    }

    pub(super) fn opset(&self) -> i64 {
        self.opset
    }

    fn fact(&self, input: usize) -> Option<&'a Fact> {
        self.inputs.get(input).copied().flatten()
    }

    pub(super) fn has(&self, input: usize) -> bool {
        self.fact(input).is_some()
    }

    /// Dimensions of an input, if their number is known.
    pub(super) fn dims(&self, input: usize) -> Option<&'a [Size]> {
        self.fact(input)?.dims.as_deref()
    }

    /// The size of an input along an axis, if it is known.
    pub(super) fn dim(&self, input: usize, axis: usize) -> Size {
        self.dims(input)?.get(axis).copied().flatten()
    }

    pub(super) fn rank(&self, input: usize) -> Option<usize> {
        self.dims(input).map(<[_]>::len)
    }

    /// Elements of a constant input of integers.
    pub(super) fn constant(&self, input: usize) -> Option<&'a [i64]> {
        self.fact(input)?.elements.as_ref().and_then(Elements::ints)
    }

    pub(super) fn int(&self, attribute: &str, default: i64) -> i64 {
        self.node.attributes.int(attribute).unwrap_or(default)
    }

    pub(super) fn text(&self, attribute: &str) -> Option<&'a str> {
        match self.node.attributes.get(attribute) {
            Some(Attribute::String(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn ints(&self, attribute: &str) -> Option<&'a [i64]> {
        self.node.attributes.ints(attribute).filter(|list| !list.is_empty())
    }

    /// What older opsets have as an attribute and newer ones as an input.
    pub(super) fn operand(&self, attribute: &str, input: usize) -> Option<&'a [i64]> {
        self.ints(attribute).or_else(|| self.constant(input))
    }

    /// An input as messages call it: what ONNX calls it, the value's name, its shape.
    pub(super) fn called(&self, input: usize, formal: &str) -> String {
        let id = self.node.inputs.get(input).copied().flatten();
        let name = self.graph.zip(id).map_or("", |(graph, id)| graph.value(id).name.as_str());
        let dims = self.dims(input).map(shown).unwrap_or_default();
        format!("{formal} (\"{name}\", {dims})")
    }

    /// Wants an input to have a shape; sizes that are not known may be any.
    pub(super) fn wants(&self, input: usize, formal: &str, shape: &[Size], why: &str) -> Fit {
        let Some(dims) = self.dims(input) else { return Ok(()) };
        let fits = dims.len() == shape.len() && dims.iter().zip(shape).all(|(a, b)| same(*a, *b));
        if fits {
            return Ok(());
        }
        Err(format!("{} should be {}: {why}", self.called(input, formal), shown(shape)))
    }

    /// Wants an input to have so many dimensions.
    pub(super) fn wants_rank(&self, input: usize, formal: &str, rank: usize) -> Fit {
        match self.rank(input) {
            Some(found) if found != rank => {
                Err(format!("{} should have {}", self.called(input, formal), dimensions(rank)))
            }
            _ => Ok(()),
        }
    }

    /// Wants an input to have at least so many dimensions.
    pub(super) fn wants_at_least(&self, input: usize, formal: &str, rank: usize) -> Fit {
        match self.rank(input) {
            Some(found) if found < rank => {
                Err(format!("{} should have at least {}", self.called(input, formal), dimensions(rank)))
            }
            _ => Ok(()),
        }
    }

    /// Wants an input to become a shape by broadcasting.
    pub(super) fn wants_broadcast(&self, input: usize, formal: &str, shape: &[Size]) -> Fit {
        let Some(dims) = self.dims(input) else { return Ok(()) };
        let fits = dims.len() <= shape.len()
            && dims.iter().rev().zip(shape.iter().rev()).all(|(a, b)| *a == Some(1) || same(*a, *b));
        if fits {
            Ok(())
        } else {
            Err(format!("{} can't be broadcast to {}", self.called(input, formal), shown(shape)))
        }
    }

    /// Wants a list of an attribute, if it is given, to be so long.
    pub(super) fn wants_length(&self, attribute: &str, length: usize) -> Fit {
        match self.ints(attribute) {
            Some(list) if list.len() != length => {
                Err(format!("{attribute} has {} numbers, where {length} are needed: {list:?}", list.len()))
            }
            _ => Ok(()),
        }
    }

    /// Wants what is not below a bound in a list of an attribute.
    pub(super) fn wants_least(&self, attribute: &str, least: i64) -> Fit {
        match self.ints(attribute).and_then(|list| list.iter().find(|n| **n < least)) {
            Some(n) => Err(format!("{attribute} holds {n}, where {least} is the least")),
            None => Ok(()),
        }
    }

    /// The position of an axis of a tensor of `rank` dimensions, which may count from the end.
    pub(super) fn axis(&self, axis: i64, rank: usize) -> Result<usize, String> {
        let signed = i64::try_from(rank).unwrap_or(i64::MAX);
        let position = if axis < 0 { axis.saturating_add(signed) } else { axis };
        let found = usize::try_from(position).ok().filter(|position| *position < rank);
        found.ok_or_else(|| match rank {
            0 => format!("there is no axis {axis}: the tensor is a single number"),
            _ => format!(
                "there is no axis {axis}: a tensor of {} has axes -{rank} to {}",
                dimensions(rank),
                rank - 1
            ),
        })
    }

    /// The axis that the attribute names, of the first input; `None` if nobody knows its dimensions.
    pub(super) fn axis_of_first(&self, default: i64) -> Result<Option<usize>, String> {
        self.rank(0).map(|rank| self.axis(self.int("axis", default), rank)).transpose()
    }

    /// Positions of axes, each of which may be named once.
    pub(super) fn axes(&self, axes: &[i64], rank: usize) -> Result<Vec<usize>, String> {
        let mut found = Vec::with_capacity(axes.len());
        for axis in axes {
            let position = self.axis(*axis, rank)?;
            if found.contains(&position) {
                return Err(format!("axes {axes:?} name axis {position} twice"));
            }
            found.push(position);
        }
        Ok(found)
    }

    /// Wants the constant indices of an input to be positions among `size`, perhaps from the end.
    pub(super) fn wants_indices<'b>(indices: impl IntoIterator<Item = &'b i64>, size: Size) -> Fit {
        let Some(size) = size.and_then(|size| i64::try_from(size).ok()) else { return Ok(()) };
        match indices.into_iter().find(|index| **index < -size || **index >= size) {
            Some(index) => Err(format!("index {index} is beyond the {size} positions that there are")),
            None => Ok(()),
        }
    }
}

/// Whether sizes may be the same.
pub(super) fn same(a: Size, b: Size) -> bool {
    a.zip(b).is_none_or(|(a, b)| a == b)
}

/// The product of two sizes.
pub(super) fn times(a: Size, b: u64) -> Size {
    a?.checked_mul(b)
}

/// A shape as messages write it.
pub(super) fn shown(dims: &[Size]) -> String {
    let dims = dims.iter().map(|dim| dim.map_or_else(|| "?".to_owned(), |dim| dim.to_string()));
    format!("[{}]", dims.collect::<Vec<_>>().join(", "))
}

fn dimensions(rank: usize) -> String {
    if rank == 1 { "1 dimension".to_owned() } else { format!("{rank} dimensions") }
}
