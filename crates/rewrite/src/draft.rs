//! A graph on its way: what is known of it, and one rule applied to it.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use hawkeye_graph::{Attributes, Graph, Node, NodeId, Origin, Shapes, Table, Tensor, ValueId, verify};
use hawkeye_shapes::{bind, infer};

use crate::edit::{Edit, Edited, Spelling};
use crate::rule::{Rule, Site, is};
use crate::weights::{Recipes, Weights};

/// A graph, and what passes found out about it.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) graph: Graph,
    pub(crate) shapes: Shapes,
    consumers: Table<ValueId, Vec<NodeId>>,
    classes: OnceCell<Vec<u64>>,
    pub(crate) recipes: Recipes,
}

/// Where a rule was applied.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The node that it started from.
    pub(crate) name: String,
    /// Its operator, attributes and shapes: at equal ones a rule saves equally, but for neighbours.
    pub(crate) class: u64,
    /// The same of its neighbours, too.
    pub(crate) context: u64,
}

/// A draft with a rule applied.
pub(crate) struct Candidate {
    pub(crate) draft: Draft,
    pub(crate) places: Vec<Place>,
    pub(crate) questions: Vec<String>,
    /// Whether parts of tensors are taken, so that the spelling matters.
    pub(crate) takes_parts: bool,
}

impl Draft {
    /// The draft of a graph whose inputs have fixed shapes.
    pub(crate) fn new(graph: Graph, recipes: Recipes) -> Self {
        let inputs = bind(&graph, &Default::default()).unwrap_or_default();
        let shapes = infer(&graph, &inputs);
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
        Self { graph, shapes, consumers, classes: OnceCell::new(), recipes }
    }

    /// Applies a rule wherever it holds, at nodes of which `takes` takes the class and the context.
    pub(crate) fn apply(
        &self,
        rule: &'static Rule,
        takes: &dyn Fn(u64, u64) -> bool,
        spelling: Spelling,
        weights: &Weights,
    ) -> Option<Candidate> {
        self.edited(rule, &|id| takes(self.class(id), self.context(id)), spelling, weights)
    }

    /// Applies a rule at some nodes.
    pub(crate) fn apply_at(
        &self,
        rule: &'static Rule,
        nodes: &BTreeSet<NodeId>,
        weights: &Weights,
    ) -> Option<Candidate> {
        self.edited(rule, &|id| nodes.contains(&id), Spelling::Slice, weights)
    }

    /// Nodes of some operators, with the elements of what they read.
    pub(crate) fn sizes(&self, ops: &[&str]) -> Vec<(NodeId, u64)> {
        let size = |id: NodeId| {
            let node = self.graph.node(id);
            let shape = self.shapes.facts[node.present_inputs().next()?].shape()?;
            ops.iter().any(|op| is(node, op)).then(|| (id, shape.iter().product()))
        };
        self.graph.node_ids().filter_map(size).collect()
    }

    fn edited(
        &self,
        rule: &'static Rule,
        takes: &dyn Fn(NodeId) -> bool,
        spelling: Spelling,
        weights: &Weights,
    ) -> Option<Candidate> {
        let mut edit = Edit::new(&self.graph, rule.name, spelling);
        let (mut places, mut questions) = (Vec::new(), Vec::new());
        for id in self.graph.node_ids() {
            let node = self.graph.node(id);
            if !rule.anchors.iter().any(|op| is(node, op)) {
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
                shapes: &self.shapes,
                consumers: &self.consumers,
                weights,
                recipes: &self.recipes,
                questions: RefCell::default(),
            };
            if (rule.rewrite)(&site, &mut edit).is_some() {
                let (class, context) = (self.class(id), self.context(id));
                places.push(Place { name: label(node, id), class, context });
                questions.extend(site.questions.into_inner());
            }
        }
        if places.is_empty() {
            return None;
        }
        let takes_parts = edit.took_parts;
        let edited = edit.finish()?;
        let draft = fold(edited, &self.recipes);
        draft.is_sound().then_some(Candidate { draft, places, questions, takes_parts })
    }

    /// What distinguishes a node from others but its name.
    fn class(&self, id: NodeId) -> u64 {
        let class = |id| {
            let node = self.graph.node(id);
            let mut hasher = DefaultHasher::new();
            node.op.hash(&mut hasher);
            format!("{:?}", node.attributes).hash(&mut hasher);
            for input in node.present_inputs() {
                format!("{:?}", self.shapes.facts[input].dims).hash(&mut hasher);
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
        verify(&self.graph).is_ok()
            && self.graph.outputs.iter().all(|id| self.shapes.facts[*id].shape().is_some())
    }

    /// What makes the graph different from others, names apart.
    pub(crate) fn key(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for value in &self.graph.values {
            if let Origin::Initializer(tensor) = &value.origin {
                format!("{:?}{:?}", tensor.dtype, tensor.dims).hash(&mut hasher);
            }
        }
        for node in &self.graph.nodes {
            node.op.hash(&mut hasher);
            format!("{:?}{:?}{:?}", node.attributes, node.inputs, node.outputs).hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// Name of a node, or its operator and number where it has none.
fn label(node: &Node, id: NodeId) -> String {
    if node.name.is_empty() { format!("{} {}", node.op, id.index()) } else { node.name.clone() }
}

/// New nodes over constants, with a weight among them, become weights whose values are computed when
/// they are asked for.
fn fold(edited: Edited, recipes: &Recipes) -> Draft {
    let Edited { graph, made } = edited;
    let mut recipes = recipes.clone();
    let draft = Draft::new(graph, Recipes::default());
    let Draft { mut graph, shapes, consumers, .. } = draft;
    let mut folded = BTreeSet::new();
    let mut constant = vec![false; graph.values.len()];
    let mut weight = vec![false; graph.values.len()];
    for (index, value) in graph.values.iter().enumerate() {
        if let Origin::Initializer(tensor) = &value.origin {
            constant[index] = true;
            weight[index] = tensor.dtype.is_float();
        }
    }
    for id in graph.node_ids() {
        let node = graph.node(id);
        let outputs: Vec<ValueId> = node.present_outputs().collect();
        if is(node, "Constant") {
            outputs.iter().for_each(|output| constant[output.index()] = true);
            continue;
        }
        let mut inputs = node.present_inputs();
        let all = inputs.all(|input| constant[input.index()]);
        let any = node.present_inputs().any(|input| weight[input.index()]);
        let known = outputs.iter().all(|output| shapes.facts[*output].shape().is_some());
        if !(all && known && outputs.iter().all(|output| made.contains(output))) {
            continue;
        }
        recipes.note(&graph, node);
        for output in outputs {
            constant[output.index()] = true;
            weight[output.index()] = any;
            if any {
                folded.insert(output);
            }
        }
    }
    if folded.is_empty() {
        return Draft { graph, shapes, consumers, classes: OnceCell::new(), recipes };
    }
    for output in &folded {
        let fact = &shapes.facts[*output];
        let tensor = Tensor {
            dtype: fact.dtype.unwrap_or(hawkeye_graph::DType::Float32),
            dims: fact.shape().unwrap_or_default(),
            elements: None,
        };
        let value = &mut graph.values[output.index()];
        if let Origin::Node(node) = value.origin {
            // It gives nothing any more, and goes with what nobody reads.
            graph.nodes[node.index()].outputs.clear();
            graph.nodes[node.index()].inputs.clear();
            graph.nodes[node.index()].attributes = Attributes::default();
        }
        value.origin = Origin::Initializer(tensor);
    }
    match Edit::new(&graph, "", Spelling::Slice).finish() {
        Some(edited) => Draft::new(edited.graph, recipes),
        None => Draft::new(graph, recipes),
    }
}
