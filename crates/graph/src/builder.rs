//! Building a graph, or another one out of a graph.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::finish::{drop_unmade, execution_order_of};
use crate::graph::excess;
use crate::{
    Attribute, Cycle, DType, DeclaredType, Derivation, Dim, Elements, Graph, Kind, Node, NodeId, Origin,
    Provenance, Tensor, Value, ValueId,
};

/// On whose behalf nodes are made.
#[derive(Clone, Debug)]
pub struct Owner {
    /// Where the node comes from that new ones are made of.
    pub provenance: Provenance,
    /// What the pass does.
    pub by: Derivation,
    /// Module path of new nodes.
    pub scope: Arc<[String]>,
    /// Names of new values start with this.
    pub prefix: String,
    /// Name of new nodes; `None` for that of their first output.
    pub name: Option<String>,
    /// The node in whose place new nodes stand, as far as their inputs allow; `None` for the end.
    pub place: Option<NodeId>,
}

impl Owner {
    /// For what belongs to no node of the file.
    #[must_use]
    pub fn outside(by: Derivation, prefix: &str) -> Self {
        Self {
            provenance: Provenance::outside(),
            by,
            scope: Arc::default(),
            prefix: prefix.to_owned(),
            name: None,
            place: None,
        }
    }

    /// For what is made of a node.
    #[must_use]
    pub fn of(node: &Node, by: Derivation, prefix: &str) -> Self {
        Self {
            provenance: node.provenance.clone(),
            by,
            scope: Arc::clone(&node.scope),
            prefix: prefix.to_owned(),
            name: None,
            place: None,
        }
    }
}

/// A point to which a builder can go back.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    nodes: usize,
    values: usize,
    within: usize,
}

/// A graph under construction.
///
/// Names of values stay unique, and every new node knows which node of the file it stands for and which
/// pass made it. Nodes may be put in, changed and taken out in any order: [`GraphBuilder::finish`] brings
/// them into execution order. Ids of nodes are then new; ids of values stay as they are, but for values
/// that no node makes any more.
///
/// ```
/// use hawkeye_graph::{DType, Derivation, GraphBuilder, Owner, verify};
///
/// let mut builder = GraphBuilder::default();
/// builder.set_opset("", 18);
/// builder.set_owner(Owner::outside(Derivation::Rewrite, "twice"));
/// let x = builder.tensor_input("x", DType::Float32, &[2, 3]);
/// let sum = builder.op("Add", &[x, x]);
/// builder.set_outputs(vec![sum]);
/// let graph = builder.finish().expect("has no cycle");
/// assert!(verify(&graph).is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct GraphBuilder {
    graph: Graph,
    /// Whether the node at that position was taken out.
    removed: Vec<bool>,
    /// The position before which each node is to stand, if it can.
    places: Vec<Option<NodeId>>,
    names: HashSet<String>,
    /// How many names start like this one; the next gets this number.
    taken: HashMap<String, usize>,
    /// Nodes and values within the bodies of nodes, and what long names and lists of operands take.
    within: usize,
    owner: Owner,
}

impl Default for GraphBuilder {
    fn default() -> Self {
        Self::from_graph(Graph::default())
    }
}

impl GraphBuilder {
    /// Continues a graph: its nodes and values keep their ids until [`GraphBuilder::finish`].
    #[must_use]
    pub fn from_graph(graph: Graph) -> Self {
        Self {
            names: graph.values.iter().map(|value| value.name.clone()).collect(),
            removed: vec![false; graph.nodes.len()],
            places: vec![None; graph.nodes.len()],
            taken: HashMap::new(),
            within: graph.size() - graph.nodes.len() - graph.values.len(),
            owner: Owner::outside(Derivation::Rewrite, ""),
            graph,
        }
    }

    /// The graph as it stands: its nodes may be out of order, and those taken out are still there.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// On whose behalf nodes are made from now on.
    pub fn set_owner(&mut self, owner: Owner) {
        self.owner = owner;
    }

    /// On whose behalf nodes are made.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Imports a version of a domain's operators.
    pub fn set_opset(&mut self, domain: &str, version: i64) {
        self.graph.opsets.insert(domain.to_owned(), version);
    }

    /// What the graph gives.
    pub fn set_outputs(&mut self, outputs: Vec<ValueId>) {
        self.graph.outputs = outputs;
    }

    /// Nodes and values, those of bodies too, of which every pass may make so many.
    #[must_use]
    pub fn size(&self) -> usize {
        self.graph.nodes.len() + self.graph.values.len() + self.within
    }

    // Values

    /// A name that no value has yet: this one, or this one with a number.
    pub fn unique(&mut self, name: &str) -> String {
        if self.names.insert(name.to_owned()) {
            return name.to_owned();
        }
        let count = self.taken.entry(name.to_owned()).or_insert(0);
        loop {
            *count += 1;
            let numbered = format!("{name}_{count}");
            if self.names.insert(numbered.clone()) {
                return numbered;
            }
        }
    }

    /// A new value; its name gets a number if it is taken.
    pub fn value(&mut self, name: &str, origin: Origin) -> ValueId {
        let name = self.unique(name);
        self.within += excess(&name);
        let id = ValueId::new(self.graph.values.len());
        self.graph.values.push(Value { name, origin });
        id
    }

    /// Gives a value another name.
    pub fn rename(&mut self, id: ValueId, name: &str) {
        let name = self.unique(name);
        self.names.remove(&self.graph.values[id.index()].name);
        self.graph.values[id.index()].name = name;
    }

    /// A new graph input.
    pub fn input(&mut self, name: &str, declared: DeclaredType) -> ValueId {
        let id = self.value(name, Origin::Input(declared));
        self.graph.inputs.push(id);
        id
    }

    /// A new graph input of known shape.
    pub fn tensor_input(&mut self, name: &str, dtype: DType, shape: &[u64]) -> ValueId {
        let dims = Some(shape.iter().copied().map(Dim::Fixed).collect());
        self.input(name, DeclaredType { dtype, dims, kind: Kind::Tensor })
    }

    /// Declares a graph input anew.
    pub fn declare(&mut self, id: ValueId, declared: DeclaredType) {
        self.graph.values[id.index()].origin = Origin::Input(declared);
    }

    /// A constant stored with the model, of any size; small ones are best given with their elements.
    pub fn initializer(&mut self, name: &str, tensor: Tensor) -> ValueId {
        self.value(name, Origin::Initializer(tensor))
    }

    // Nodes

    /// Adds a complete node; its outputs are values already.
    pub fn push(&mut self, node: Node) -> NodeId {
        let id = NodeId::new(self.graph.nodes.len());
        for output in node.present_outputs() {
            self.graph.values[output.index()].origin = Origin::Node(id);
        }
        self.within += node.bulk();
        self.graph.nodes.push(node);
        self.removed.push(false);
        self.places.push(self.owner.place);
        id
    }

    /// Adds a node of the owner with a number of new outputs.
    pub fn node<const N: usize>(
        &mut self,
        op: &str,
        inputs: &[Option<ValueId>],
        attributes: &[(&str, Attribute)],
    ) -> [ValueId; N] {
        let name = format!("{}/{op}", self.owner.prefix);
        let outputs = [(); N].map(|()| self.value(&name, Origin::Node(NodeId::new(0))));
        let named = outputs.first().map_or(name, |first| self.graph.value(*first).name.clone());
        let name = self.owner.name.clone().unwrap_or(named);
        self.push(Node {
            name,
            op: op.to_owned(),
            domain: String::new(),
            opset: self.graph.opset(),
            inputs: inputs.to_vec(),
            outputs: outputs.iter().copied().map(Some).collect(),
            attributes: attributes.iter().cloned().collect(),
            scope: Arc::clone(&self.owner.scope),
            provenance: self.owner.provenance.derive(self.owner.by, op),
        });
        outputs
    }

    /// Adds an operator of one output.
    pub fn op(&mut self, op: &str, inputs: &[ValueId]) -> ValueId {
        self.op_with(op, inputs, &[])
    }

    /// Adds an operator of one output, with attributes.
    pub fn op_with(&mut self, op: &str, inputs: &[ValueId], attributes: &[(&str, Attribute)]) -> ValueId {
        let inputs: Vec<_> = inputs.iter().copied().map(Some).collect();
        let [output] = self.node(op, &inputs, attributes);
        output
    }

    /// Adds a constant that every party knows, as a node of its own.
    pub fn constant(&mut self, tensor: Tensor) -> ValueId {
        self.op_with("Constant", &[], &[("value", Attribute::Tensor(tensor))])
    }

    /// Adds a constant vector of integers.
    pub fn ints(&mut self, ints: &[i64]) -> ValueId {
        self.constant(Tensor::vector(ints.to_vec()))
    }

    /// Adds a constant number.
    pub fn number(&mut self, dtype: DType, number: f64) -> ValueId {
        let elements = Some(Elements::Floats(vec![number]));
        self.constant(Tensor { dtype, dims: Vec::new(), elements })
    }

    /// A node, to be changed; what it makes are values already.
    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.graph.nodes[id.index()]
    }

    /// An output of a node, which is switched on if nobody has wanted it.
    pub fn output(&mut self, id: NodeId, position: usize) -> ValueId {
        let outputs = &self.graph.nodes[id.index()].outputs;
        if let Some(output) = outputs.get(position).copied().flatten() {
            return output;
        }
        let first = outputs.iter().flatten().next();
        let name = first.map(|first| self.graph.value(*first).name.as_str()).unwrap_or_default();
        let output = self.value(&format!("{name}/output{position}"), Origin::Node(id));
        let outputs = &mut self.graph.nodes[id.index()].outputs;
        if outputs.len() <= position {
            outputs.resize(position + 1, None);
        }
        outputs[position] = Some(output);
        output
    }

    /// Takes a node out; what it made must be made anew or go unused.
    pub fn remove(&mut self, id: NodeId) {
        self.removed[id.index()] = true;
    }

    // Going back and finishing

    /// Where the builder stands.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark { nodes: self.graph.nodes.len(), values: self.graph.values.len(), within: self.within }
    }

    /// The nodes made since.
    #[must_use]
    pub fn since(&self, mark: Mark) -> &[Node] {
        &self.graph.nodes[mark.nodes..]
    }

    /// Lets the nodes made since make and take other values in the place of some.
    pub fn substitute(&mut self, mark: Mark, values: &HashMap<ValueId, ValueId>) {
        let renamed = |id: ValueId| values.get(&id).copied().unwrap_or(id);
        for node in &mut self.graph.nodes[mark.nodes..] {
            node.inputs.iter_mut().chain(&mut node.outputs).flatten().for_each(|id| *id = renamed(*id));
            if node.captured().next().is_some() {
                node.attributes.rename_captured(&renamed);
            }
        }
    }

    /// Forgets the nodes and values made since; they must not have been handed to older nodes.
    pub fn go_back(&mut self, mark: Mark) {
        self.within = mark.within;
        self.graph.nodes.truncate(mark.nodes);
        self.removed.truncate(mark.nodes);
        self.places.truncate(mark.nodes);
        for value in self.graph.values.drain(mark.values..) {
            self.names.remove(&value.name);
        }
    }

    /// The graph of a builder that nodes were only added to, each after those that it takes from. Every
    /// value keeps its id, also one that no node makes any more.
    #[must_use]
    pub fn appended(self) -> Graph {
        self.graph
    }

    /// The finished graph: nodes in execution order, without those taken out and without values that
    /// no node makes and nobody takes.
    ///
    /// # Errors
    /// Nodes that depend on each other in a circle, as positions in [`GraphBuilder::graph`].
    pub fn finish(self) -> Result<Graph, Cycle> {
        let Self { mut graph, removed, places, .. } = self;
        let kept: Vec<usize> = (0..graph.nodes.len()).filter(|index| !removed[*index]).collect();
        let order = execution_order_of(&graph, &kept, &places)?;
        let mut nodes: Vec<Option<Node>> = graph.nodes.into_iter().map(Some).collect();
        graph.nodes = order.into_iter().filter_map(|index| nodes[index].take()).collect();
        drop_unmade(&mut graph);
        for (position, node) in graph.nodes.iter().enumerate() {
            for output in node.outputs.iter().flatten() {
                graph.values[output.index()].origin = Origin::Node(NodeId::new(position));
            }
        }
        Ok(graph)
    }
}
