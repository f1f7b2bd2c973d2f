//! Values of weights, read when a rule asks for them, and of weights that rules make of others.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use hawkeye_graph::{DType, Elements, Failure, Graph, Node, NodeId, Origin, Tensor, Value, ValueId};

use crate::run::run;

/// What a new weight is computed from: nodes over constants, by the names of what they give.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recipes {
    nodes: BTreeMap<String, Rc<RecipeNode>>,
    constants: BTreeMap<String, Tensor>,
}

/// One node of a recipe, with names in place of ids.
#[derive(Debug)]
struct RecipeNode {
    node: Node,
    inputs: Vec<Option<String>>,
    outputs: Vec<Option<String>>,
}

impl Recipes {
    /// Notes how a node's outputs are computed.
    pub(crate) fn note(&mut self, graph: &Graph, node: &Node) {
        let name = |id: &Option<ValueId>| id.map(|id| graph.value(id).name.clone());
        let step = Rc::new(RecipeNode {
            node: node.clone(),
            inputs: node.inputs.iter().map(name).collect(),
            outputs: node.outputs.iter().map(name).collect(),
        });
        for output in step.outputs.iter().flatten() {
            self.nodes.insert(output.clone(), Rc::clone(&step));
        }
        for input in node.present_inputs() {
            let value = graph.value(input);
            if self.nodes.contains_key(&value.name) {
                continue;
            }
            let tensor = match &value.origin {
                Origin::Initializer(tensor) => Some(tensor.clone()),
                Origin::Node(producer) => match graph.node(*producer).attributes.get("value") {
                    Some(hawkeye_graph::Attribute::Tensor(tensor)) => Some(tensor.clone()),
                    _ => None,
                },
                Origin::Input(_) | Origin::Outer(_) => None,
            };
            if let Some(tensor) = tensor {
                self.constants.insert(value.name.clone(), tensor);
            }
        }
    }

    /// Whether a weight of that name is computed.
    pub(crate) fn computes(&self, name: &str) -> bool {
        self.nodes.contains_key(name)
    }

    /// Names of what is computed, and of what that is computed from.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.nodes.keys().chain(self.constants.keys())
    }

    /// A graph that computes the named weights from constants of the model.
    fn graph(&self, names: &[String], opsets: &BTreeMap<String, i64>) -> Graph {
        let mut graph = Graph { opsets: opsets.clone(), ..Graph::default() };
        let mut ids = HashMap::new();
        for name in names {
            if let Some(id) = self.place(name, &mut graph, &mut ids) {
                graph.outputs.push(id);
            }
        }
        graph
    }

    fn place(&self, name: &str, graph: &mut Graph, ids: &mut HashMap<String, ValueId>) -> Option<ValueId> {
        if let Some(id) = ids.get(name) {
            return Some(*id);
        }
        let value = |graph: &mut Graph, name: &str, origin: Origin| {
            let id = ValueId::new(graph.values.len());
            graph.values.push(Value { name: name.to_owned(), origin });
            id
        };
        let Some(step) = self.nodes.get(name) else {
            let id = value(graph, name, Origin::Initializer(self.constants.get(name)?.clone()));
            ids.insert(name.to_owned(), id);
            return Some(id);
        };
        let inputs: Vec<Option<ValueId>> =
            step.inputs.iter().map(|input| self.place(input.as_ref()?, graph, ids)).collect();
        let node = NodeId::new(graph.nodes.len());
        let outputs: Vec<Option<ValueId>> = step
            .outputs
            .iter()
            .map(|output| {
                let output = output.as_ref()?;
                let id = value(graph, output, Origin::Node(node));
                ids.insert(output.clone(), id);
                Some(id)
            })
            .collect();
        graph.nodes.push(Node { inputs, outputs, ..step.node.clone() });
        ids.get(name).copied()
    }
}

/// Reads weights of a model.
pub struct Weights {
    /// The model's file; without one, values are unknown.
    source: Option<PathBuf>,
    opsets: BTreeMap<String, i64>,
    known: RefCell<HashMap<String, KnownWeight>>,
}

/// Elements of a weight that were asked for.
struct KnownWeight {
    /// What computes it: candidates give the same name to weights of their own.
    step: Option<Rc<RecipeNode>>,
    elements: Option<Rc<Vec<f32>>>,
}

impl Weights {
    /// Weights of the model in a file, which has these opsets.
    #[must_use]
    pub fn new(source: Option<&Path>, graph: &Graph) -> Self {
        Self { source: source.map(Path::to_owned), opsets: graph.opsets.clone(), known: RefCell::default() }
    }

    /// Elements of weights, in order; `None` where the model does not hold them.
    ///
    /// # Errors
    /// If the model's file can't be read, or a weight can't be computed.
    pub(crate) fn values(&self, names: &[String], recipes: &Recipes) -> Result<Vec<Vec<f32>>, Failure> {
        let graph = recipes.graph(names, &self.opsets);
        let outputs = run(&graph, &[], self.source.as_deref())?;
        Ok(outputs)
    }

    /// Elements of one weight, remembered; `None` if the model does not hold them.
    pub(crate) fn value(&self, name: &str, tensor: &Tensor, recipes: &Recipes) -> Option<Rc<Vec<f32>>> {
        let step = recipes.nodes.get(name);
        if let Some(known) = self.known.borrow().get(name)
            && known.step.as_ref().map(Rc::as_ptr) == step.map(Rc::as_ptr)
        {
            return known.elements.clone();
        }
        let found = match &tensor.elements {
            Some(Elements::Floats(floats)) => Some(floats.iter().map(|x| *x as f32).collect()),
            Some(_) => None,
            None if tensor.dtype != DType::Float32 => None,
            None => {
                let mut recipes = recipes.clone();
                recipes.constants.entry(name.to_owned()).or_insert_with(|| tensor.clone());
                self.values(&[name.to_owned()], &recipes).ok().and_then(|mut values| values.pop())
            }
        };
        let found = found.map(Rc::new);
        let known = KnownWeight { step: step.cloned(), elements: found.clone() };
        self.known.borrow_mut().insert(name.to_owned(), known);
        found
    }
}
