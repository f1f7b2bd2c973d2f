//! A graph on its way: what is known of it, and one rule applied to it.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashSet};
use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use hawkeye_graph::{Diagnostic, Fact, Failure, Graph, Node, NodeId, Origin, Table, ValueId, verify};
use hawkeye_shapes::{bind, infer};

use crate::edit::{Edit, Spelling};
use crate::fold::fold;
use crate::rule::{Rule, Site, is};
use crate::weights::{Recipes, Weights};

/// A graph, and what passes found out about it.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) graph: Rc<Graph>,
    pub(crate) facts: Table<ValueId, Fact>,
    consumers: Table<ValueId, Vec<NodeId>>,
    classes: OnceCell<Vec<u64>>,
    names: OnceCell<Rc<HashSet<String>>>,
    pub(crate) recipes: Rc<Recipes>,
}

/// Where a rule was applied.
#[derive(Clone, Debug)]
pub(crate) struct AppliedAt {
    /// The node that it started from.
    pub(crate) node: NodeId,
    /// Its name.
    pub(crate) name: String,
    /// Names of the nodes that it made.
    pub(crate) made: Vec<String>,
    /// Its operator, attributes and shapes: at equal ones a rule saves equally, but for neighbours.
    pub(crate) class: u64,
    /// The same of its neighbours, too.
    pub(crate) context: u64,
}

/// A draft with a rule applied.
pub(crate) struct Candidate {
    pub(crate) draft: Draft,
    pub(crate) places: Vec<AppliedAt>,
    pub(crate) questions: Vec<String>,
    /// Whether parts of tensors are taken, so that the spelling matters.
    pub(crate) takes_parts: bool,
}

impl Draft {
    /// The draft of a graph whose inputs have fixed shapes.
    ///
    /// # Errors
    /// What does not fit together in it: rules take their nodes to be as ONNX has them.
    pub(crate) fn new(graph: Graph) -> Result<Self, Failure> {
        let inputs = bind(&graph, &Default::default())?;
        let shapes = infer(&graph, &inputs);
        let misfits: Vec<Diagnostic> = shapes.misfits().cloned().collect();
        if misfits.is_empty() {
            Ok(Self::of(graph, shapes.facts, Rc::default()))
        } else {
            Err(Failure(misfits))
        }
    }

    /// The draft of a graph of which that is known.
    pub(crate) fn of(graph: Graph, facts: Table<ValueId, Fact>, recipes: Rc<Recipes>) -> Self {
        let mut consumers = Table::new(vec![Vec::new(); graph.values.len()]);
        for id in graph.node_ids() {
            let node = graph.node(id);
            for input in node.present_inputs().chain(node.captured()) {
                let list: &mut Vec<NodeId> = &mut consumers[input];
                if list.last() != Some(&id) {
                    list.push(id);
                }
            }
        }
        let (classes, names) = Default::default();
        Self { graph: Rc::new(graph), facts, consumers, classes, names, recipes }
    }

    /// Applies a rule wherever it holds, at nodes of which `takes` takes the class and the context.
    pub(crate) fn apply(
        &self,
        rule: &Rule<'_>,
        takes: &dyn Fn(u64, u64) -> bool,
        spelling: Spelling,
        weights: &Weights,
    ) -> Result<Option<Candidate>, Failure> {
        self.edited(rule, &|id| takes(self.class(id), self.context(id)), spelling, weights)
    }

    /// Applies a rule at some nodes.
    pub(crate) fn apply_at(
        &self,
        rule: &Rule<'_>,
        nodes: &BTreeSet<NodeId>,
        weights: &Weights,
    ) -> Result<Option<Candidate>, Failure> {
        self.edited(rule, &|id| nodes.contains(&id), Spelling::Slice, weights)
    }

    /// Nodes of some operators, with the elements of what they read.
    pub(crate) fn sizes(&self, ops: &[&str]) -> Vec<(NodeId, u64)> {
        let size = |id: NodeId| {
            let node = self.graph.node(id);
            let shape = self.facts[node.present_inputs().next()?].shape()?;
            ops.iter().any(|op| is(node, op)).then(|| (id, shape.iter().product()))
        };
        self.graph.node_ids().filter_map(size).collect()
    }

    fn edited(
        &self,
        rule: &Rule<'_>,
        takes: &dyn Fn(NodeId) -> bool,
        spelling: Spelling,
        weights: &Weights,
    ) -> Result<Option<Candidate>, Failure> {
        let is_anchor = |node: &Node| rule.anchors.iter().any(|op| is(node, op));
        if !self.graph.nodes.iter().any(is_anchor) {
            return Ok(None);
        }
        // Values that weights were computed from are gone from the graph, but recipes go by their names.
        let named = || self.graph.values.iter().map(|value| &value.name).chain(self.recipes.names());
        let names = || Rc::new(named().cloned().collect());
        let names = self.names.get_or_init(names);
        let mut edit = Edit::new(&self.graph, Rc::clone(names), rule.name, spelling);
        let (mut places, mut questions) = (Vec::new(), Vec::new());
        for id in self.graph.node_ids() {
            let node = self.graph.node(id);
            if !is_anchor(node) {
                continue;
            }
            let touched = node.present_inputs().chain(node.present_outputs()).any(|v| edit.is_replaced(v));
            if touched || !takes(id) {
                continue;
            }
            let site = Site {
                graph: &self.graph,
                node,
                id,
                facts: &self.facts,
                consumers: &self.consumers,
                weights,
                recipes: &self.recipes,
                questions: RefCell::default(),
                faults: RefCell::default(),
            };
            let first = edit.nodes.len();
            let rewritten = (rule.rewrite)(&site, &mut edit).is_some();
            let faults = std::mem::take(&mut *site.faults.borrow_mut());
            if !faults.is_empty() {
                return Err(Failure(faults));
            }
            if rewritten {
                let made = edit.nodes[first..].iter().map(|node| node.name.clone()).collect();
                let (class, context) = (self.class(id), self.context(id));
                places.push(AppliedAt { node: id, name: label(node, id), made, class, context });
                questions.extend(site.questions.into_inner());
            }
        }
        if places.is_empty() {
            return Ok(None);
        }
        if let Some((node, problem)) = edit.misfit(&self.graph, &self.facts) {
            let message = format!("rule {} ({}) does not hold here: {problem}", rule.name, rule.source);
            return Err(Diagnostic::error(hawkeye_graph::Place::node(self.graph.node(node)), message).into());
        }
        let takes_parts = edit.took_parts;
        let edited = edit.finish(&self.graph, &self.facts);
        let folded = edited.and_then(|edited| fold(edited, &self.recipes));
        let draft = folded.map(|(edited, recipes)| Self::of(edited.graph, edited.facts, recipes));
        let draft = draft.filter(Self::is_sound);
        Ok(draft.map(|draft| Candidate { draft, places, questions, takes_parts }))
    }

    /// What distinguishes a node from others but its name.
    fn class(&self, id: NodeId) -> u64 {
        let class = |id| {
            let node = self.graph.node(id);
            let mut hasher = DefaultHasher::new();
            node.op.hash(&mut hasher);
            Formatted::hash(&mut hasher, &node.attributes);
            for input in node.present_inputs() {
                self.facts[input].dims.hash(&mut hasher);
            }
            hasher.finish()
        };
        self.classes.get_or_init(|| self.graph.node_ids().map(class).collect())[id.index()]
    }

    /// What distinguishes a node from others by itself and the nodes around it.
    fn context(&self, id: NodeId) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.class(id).hash(&mut hasher);
        let node = self.graph.node(id);
        for input in node.present_inputs() {
            match self.graph.value(input).origin {
                Origin::Node(producer) => {
                    (self.class(producer), self.consumers[input].len()).hash(&mut hasher);
                }
                Origin::Input(_) => 1.hash(&mut hasher),
                Origin::Initializer(_) => 2.hash(&mut hasher),
                Origin::Outer(_) => 3.hash(&mut hasher),
            }
        }
        for output in node.present_outputs() {
            self.graph.outputs.contains(&output).hash(&mut hasher);
            self.consumers[output].iter().for_each(|reader| self.class(*reader).hash(&mut hasher));
        }
        hasher.finish()
    }

    /// Whether the graph is one, and its outputs have shapes, which is how a rule that builds what does
    /// not fit together is noticed.
    fn is_sound(&self) -> bool {
        verify(&self.graph).is_ok() && self.graph.outputs.iter().all(|id| self.facts[*id].shape().is_some())
    }

    /// What makes the graph different from others, names apart.
    pub(crate) fn key(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for value in &self.graph.values {
            if let Origin::Initializer(tensor) = &value.origin {
                (tensor.dtype, &tensor.dims).hash(&mut hasher);
            }
        }
        for node in &self.graph.nodes {
            (&node.op, &node.inputs, &node.outputs).hash(&mut hasher);
            Formatted::hash(&mut hasher, &node.attributes);
        }
        hasher.finish()
    }
}

/// Name of a node, or its operator and number where it has none.
fn label(node: &Node, id: NodeId) -> String {
    if node.name.is_empty() { format!("{} {}", node.op, id.index()) } else { node.name.clone() }
}

/// Hashes what is formatted.
struct Formatted<'a>(&'a mut DefaultHasher);

impl Formatted<'_> {
    fn hash(hasher: &mut DefaultHasher, what: &dyn fmt::Debug) {
        // Hashing never fails.
        write!(Formatted(hasher), "{what:?}").unwrap_or_default();
    }
}

impl fmt::Write for Formatted<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}
