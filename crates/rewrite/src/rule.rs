//! What a rule is, and what it sees.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use hawkeye_graph::{Attribute, Diagnostic, Elements, Fact, Graph, Node, NodeId, Origin, Table, ValueId};

use crate::edit::Edit;
use crate::weights::{Recipes, Weights};

/// What kind of promise a rule makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise<'a> {
    /// The same function.
    Exact,
    /// Another function, near or trained to be near; only on request.
    Approximate {
        /// Largest error on the range that the source gives it for.
        error: &'a str,
        /// Whether the source trains the model again.
        training: bool,
    },
    /// Another output with the same information; only on request.
    Output,
}

/// Builds what takes a node's place; `None` if the rule does not hold there.
pub type Action<'a> = dyn Fn(&Site<'_>, &mut Edit) -> Option<()> + Sync + 'a;

/// A rewrite rule.
#[derive(Clone, Copy)]
pub struct Rule<'a> {
    /// Name, as `--select` and `--allow` take it.
    pub name: &'a str,
    /// Rules of a family are alternatives to each other: the cheapest of them is taken.
    pub family: Family,
    /// What it does.
    pub what: &'a str,
    /// When that is exact.
    pub when: &'a str,
    /// Why it saves.
    pub why: &'a str,
    /// Where it comes from.
    pub source: &'a str,
    /// What it promises.
    pub promise: Promise<'a>,
    /// Operators of the nodes that it starts from.
    pub anchors: &'a [&'a str],
    /// What it builds.
    pub rewrite: &'a Action<'a>,
}

impl std::fmt::Debug for Rule<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// What rules are about; in the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Family {
    Own,
    Cleaning,
    Folding,
    Merging,
    Moving,
    Pooling,
    Activation,
    Division,
    Spatial,
}

impl Family {
    /// All of them, in order.
    pub const ALL: [Self; 9] = [
        Self::Own,
        Self::Cleaning,
        Self::Folding,
        Self::Merging,
        Self::Moving,
        Self::Pooling,
        Self::Activation,
        Self::Division,
        Self::Spatial,
    ];

    /// Its name in lists.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cleaning => "clean-up",
            Self::Folding => "folding into linear layers",
            Self::Merging => "merging",
            Self::Moving => "moving",
            Self::Pooling => "maxima",
            Self::Activation => "activations",
            Self::Division => "division and powers",
            Self::Spatial => "spatial",
            Self::Own => "rules of your own",
        }
    }
}

/// A node that a rule looks at, with all that is known of its graph.
pub struct Site<'a> {
    /// The graph.
    pub graph: &'a Graph,
    /// The node.
    pub node: &'a Node,
    pub(crate) id: NodeId,
    pub(crate) facts: &'a Table<ValueId, Fact>,
    pub(crate) consumers: &'a Table<ValueId, Vec<NodeId>>,
    pub(crate) weights: &'a Weights,
    pub(crate) recipes: &'a Recipes,
    /// Conditions on weights that the model does not hold.
    pub(crate) questions: RefCell<Vec<String>>,
    /// What went wrong in a rule of a user's.
    pub(crate) faults: RefCell<Vec<Diagnostic>>,
}

impl<'a> Site<'a> {
    /// The same for another node of the graph.
    #[must_use]
    pub fn at(&self, id: NodeId) -> &'a Node {
        self.graph.node(id)
    }

    /// The node's input of that position.
    #[must_use]
    pub fn input(&self, index: usize) -> Option<ValueId> {
        self.node.inputs.get(index).copied().flatten()
    }

    /// The node's first output.
    #[must_use]
    pub fn output(&self) -> Option<ValueId> {
        self.node.outputs.first().copied().flatten()
    }

    /// The node that makes a value.
    #[must_use]
    pub fn producer(&self, value: ValueId) -> Option<&'a Node> {
        match self.graph.value(value).origin {
            Origin::Node(id) => Some(self.graph.node(id)),
            Origin::Input(_) | Origin::Initializer(_) | Origin::Outer(_) => None,
        }
    }

    /// The node that makes a value, if it applies that operator.
    #[must_use]
    pub fn made_by(&self, value: ValueId, op: &str) -> Option<&'a Node> {
        self.producer(value).filter(|node| is(node, op))
    }

    /// The nodes that read a value.
    #[must_use]
    pub fn consumers(&self, value: ValueId) -> Vec<&'a Node> {
        self.consumers[value].iter().map(|id| self.graph.node(*id)).collect()
    }

    /// Whether one node alone reads a value, which is no output of the graph.
    #[must_use]
    pub fn is_private(&self, value: ValueId) -> bool {
        self.consumers[value].len() == 1 && !self.graph.outputs.contains(&value)
    }

    /// Ids of the nodes that read a value, in execution order.
    #[must_use]
    pub fn readers(&self, value: ValueId) -> &'a [NodeId] {
        &self.consumers[value]
    }

    /// Whether a value is computed from another.
    #[must_use]
    pub fn depends(&self, value: ValueId, on: ValueId) -> bool {
        let (mut open, mut seen) = (vec![value], BTreeSet::new());
        while let Some(value) = open.pop() {
            if value == on {
                return true;
            }
            if seen.insert(value)
                && let Some(node) = self.producer(value)
            {
                open.extend(node.present_inputs().chain(node.captured()));
            }
        }
        false
    }

    /// What is known of a value.
    #[must_use]
    pub fn fact(&self, value: ValueId) -> &'a Fact {
        &self.facts[value]
    }

    /// The shape of a value.
    #[must_use]
    pub fn shape(&self, value: ValueId) -> Option<Vec<i64>> {
        let shape = self.fact(value).shape()?;
        shape.into_iter().map(|size| i64::try_from(size).ok()).collect()
    }

    /// The shape of a value that has four dimensions.
    #[must_use]
    pub fn image(&self, value: ValueId) -> Option<[i64; 4]> {
        self.shape(value)?.try_into().ok()
    }

    /// Whether a value is a weight: a constant of real numbers that the model stores.
    #[must_use]
    pub fn is_weight(&self, value: ValueId) -> bool {
        matches!(&self.graph.value(value).origin, Origin::Initializer(tensor) if tensor.dtype.is_float())
    }

    /// Whether a value is a constant.
    #[must_use]
    pub fn is_constant(&self, value: ValueId) -> bool {
        matches!(&self.graph.value(value).origin, Origin::Initializer(_))
            || self.made_by(value, "Constant").is_some()
    }

    /// Whether two values are one, or equal constants.
    #[must_use]
    pub fn is_same(&self, a: ValueId, b: ValueId) -> bool {
        let known = |value| self.is_constant(value) && self.fact(value).elements.is_some();
        a == b || known(a) && known(b) && self.fact(a) == self.fact(b)
    }

    /// The number that a constant of one element is.
    #[must_use]
    pub fn number(&self, value: ValueId) -> Option<f64> {
        if !self.is_constant(value) {
            return None;
        }
        match self.fact(value).elements.as_ref()? {
            Elements::Floats(list) if list.len() == 1 => Some(list[0]),
            Elements::Ints(list) if list.len() == 1 => Some(list[0] as f64),
            _ => None,
        }
    }

    /// The integers of a small constant.
    #[must_use]
    pub fn ints(&self, value: ValueId) -> Option<Vec<i64>> {
        self.fact(value).elements.as_ref()?.ints().map(<[i64]>::to_vec)
    }

    /// Elements of a weight; `None` if the model holds none, or zeros in all places, as a model has
    /// whose weights were removed.
    #[must_use]
    pub fn elements(&self, value: ValueId) -> Option<Rc<Vec<f32>>> {
        let Origin::Initializer(tensor) = &self.graph.value(value).origin else { return None };
        let found = self.weights.value(&self.graph.value(value).name, tensor, self.recipes)?;
        (!found.iter().all(|x| *x == 0.0)).then_some(found)
    }

    /// Whether every element of a weight meets a condition; a question if the model does not tell.
    #[must_use]
    pub fn every(&self, value: ValueId, condition: &str, holds: fn(f32) -> bool) -> bool {
        match self.elements(value) {
            Some(elements) => elements.iter().all(|x| holds(*x)),
            None => {
                let name = &self.graph.value(value).name;
                self.questions.borrow_mut().push(format!("every element of \"{name}\" is {condition}"));
                true
            }
        }
    }
}

/// Whether a node applies an operator of ONNX's own.
#[must_use]
pub(crate) fn is(node: &Node, op: &str) -> bool {
    node.op == op && (node.domain.is_empty() || node.domain == "ai.onnx")
}

/// An integer attribute, or what it is if not given.
#[must_use]
pub(crate) fn int(node: &Node, name: &str, default: i64) -> i64 {
    node.attributes.int(name).unwrap_or(default)
}

/// A number among the attributes, or what it is if not given.
#[must_use]
pub(crate) fn float(node: &Node, name: &str, default: f32) -> f32 {
    match node.attributes.get(name) {
        Some(Attribute::Float(x)) => *x,
        _ => default,
    }
}

/// A list of integers, or as many of one value.
#[must_use]
pub(crate) fn list(node: &Node, name: &str, length: usize, default: i64) -> Vec<i64> {
    node.attributes.ints(name).map_or_else(|| vec![default; length], <[i64]>::to_vec)
}

/// Whether padding is given in numbers, not left to be found.
#[must_use]
pub(crate) fn explicit_padding(node: &Node) -> bool {
    !matches!(node.attributes.get("auto_pad"), Some(Attribute::String(s)) if s != "NOTSET" && s != "VALID")
}
