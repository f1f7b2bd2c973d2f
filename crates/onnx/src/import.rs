//! From the wire form to the graph.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use hawkeye_graph::{
    Attribute, Attributes, DType, DeclaredType, Diagnostic, Failure, FileNode, Graph, Kind, Node, NodeId,
    Origin, Place, Value, ValueId, execution_order,
};
use prost::Message;

use crate::attribute::{attribute, kind, name};
use crate::declared::declared;
use crate::digest::{Digest, digest};
use crate::foreign::{decode, not_onnx};
use crate::function::{DEEPEST, FlatNode, Functions, MOST_NODES, Opsets, domain, imports};
use crate::scope::scope;
use crate::states::{states, zeros};
use crate::tensor::{dense, tensor};
use crate::wire::attribute_proto::AttributeType;
use crate::wire::{AttributeProto, GraphProto, NodeProto, TensorProto};

/// Opsets of ONNX's own domain that are understood.
const OPSETS: std::ops::RangeInclusive<i64> = 1..=28;

/// Inputs, or outputs, that a node or the model may have.
const MOST_OPERANDS: usize = 100_000;

/// Attributes that a node may have.
const MOST_ATTRIBUTES: usize = 1000;

/// An imported model.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its computation graph, functions expanded.
    pub graph: Graph,
    /// Program that wrote the file, with its version.
    pub producer: String,
    /// Nodes in the file, before functions are expanded.
    pub file_nodes: usize,
    /// Elements of all initializers of real numbers.
    pub parameters: u64,
    /// Identity of the file.
    pub digest: Digest,
    /// Warnings.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a model; `folder` is where its external data lies, if that may be looked at.
///
/// # Errors
/// Everything that is wrong with the model, each with its place.
pub fn import(bytes: Bytes, folder: Option<&Path>) -> Result<Model, Failure> {
    let proto = decode(&bytes)?;
    let Some(graph) = &proto.graph else { return Err(not_onnx(&bytes, "it holds no graph").into()) };
    let opsets = imports(&proto.opset_import);
    let mut errors = Vec::new();
    let mut diagnostics = Vec::new();
    check_opset(&opsets, graph, &mut errors, &mut diagnostics);
    let functions = Functions::new(&proto);
    let mut builder = Importer {
        folder,
        functions: &functions,
        frames: vec![OpenGraph::default()],
        parameters: 0,
        unnamed: 0,
        errors: Vec::new(),
    };
    builder.initializers(graph);
    builder.inputs(graph);
    let inputs = builder.frame().graph.inputs.len();
    builder.operands(Place::Model, inputs, graph.output.len());
    builder.at_most(MOST_NODES, graph.node.len(), "nodes", Place::Model);
    if graph.node.len() > MOST_NODES {
        errors.append(&mut builder.errors);
        return Err(Failure(errors));
    }
    let nodes = functions.inline(&graph.node, &opsets)?;
    if builder.nodes(&nodes) {
        builder.outputs(graph);
        builder.file(graph);
    }
    errors.append(&mut builder.errors);
    if !errors.is_empty() {
        return Err(Failure(errors));
    }
    let payloads = graph.initializer.iter().filter_map(|t| t.raw_data.as_ref());
    Ok(Model {
        digest: digest(&bytes, payloads),
        producer: [proto.producer_name(), proto.producer_version()].join(" ").trim().to_owned(),
        file_nodes: graph.node.len(),
        parameters: builder.parameters,
        graph: Graph { opsets, ..builder.frames.pop().unwrap_or_default().graph },
        diagnostics,
    })
}

fn check_opset(
    opsets: &Opsets,
    graph: &GraphProto,
    errors: &mut Vec<Diagnostic>,
    warnings: &mut Vec<Diagnostic>,
) {
    let needed = graph.node.iter().any(|n| domain(n.domain()).is_empty());
    match opsets.get("") {
        None if needed => {
            errors.push(Diagnostic::error(Place::Model, "imports no version of the ONNX operators"))
        }
        Some(version) if version < OPSETS.start() => {
            errors.push(Diagnostic::error(Place::Model, format!("opset {version} does not exist")));
        }
        Some(version) if version > OPSETS.end() => warnings.push(Diagnostic::warning(
            Place::Model,
            format!("opset {version} is newer than {}; operators are read as of that one", OPSETS.end()),
        )),
        _ => {}
    }
}

/// A graph that is being built, and its values by name.
#[derive(Default)]
struct OpenGraph {
    graph: Graph,
    by_name: HashMap<String, ValueId>,
}

struct Importer<'a> {
    folder: Option<&'a Path>,
    functions: &'a Functions<'a>,
    /// The model's graph, and the bodies within each other that are being built.
    frames: Vec<OpenGraph>,
    parameters: u64,
    unnamed: usize,
    errors: Vec<Diagnostic>,
}

impl Importer<'_> {
    fn error(&mut self, place: Place, message: impl Into<String>) {
        self.errors.push(Diagnostic::error(place, message));
    }

    /// The innermost graph.
    fn frame(&mut self) -> &mut OpenGraph {
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    /// Adds a value; a name that exists already is an error.
    fn value(&mut self, name: &str, origin: Origin) -> ValueId {
        let frame = self.frame();
        let id = ValueId::new(frame.graph.values.len());
        frame.graph.values.push(Value { name: name.to_owned(), origin });
        if frame.by_name.insert(name.to_owned(), id).is_some() {
            self.error(Place::Value(name.to_owned()), "defined more than once");
        }
        id
    }

    /// The value that a name means in the innermost graph.
    fn named(&mut self, name: &str) -> Option<ValueId> {
        let defining = self.frames.iter().rposition(|frame| frame.by_name.contains_key(name))?;
        let mut id = self.frames[defining].by_name[name];
        for frame in &mut self.frames[defining + 1..] {
            let inner = ValueId::new(frame.graph.values.len());
            frame.graph.values.push(Value { name: name.to_owned(), origin: Origin::Outer(id) });
            frame.by_name.insert(name.to_owned(), inner);
            id = inner;
        }
        Some(id)
    }

    fn initializers(&mut self, graph: &GraphProto) {
        let states = states(&graph.node);
        for proto in &graph.initializer {
            self.initializer(proto.name(), proto, states.contains(proto.name()));
        }
        for sparse in &graph.sparse_initializer {
            if let Some(values) = &sparse.values {
                self.initializer(values.name(), &dense(sparse), false);
            }
        }
    }

    fn initializer(&mut self, name: &str, proto: &TensorProto, state: bool) {
        match tensor(proto, self.folder) {
            Ok(mut tensor) => {
                if state && tensor.elements.is_none() {
                    tensor.elements = zeros(proto, &tensor);
                }
                if tensor.dtype.is_float() {
                    // A tensor has at most 2^48 elements, so a sum needs 2^16 of them to overflow.
                    self.parameters = self.parameters.saturating_add(tensor.dims.iter().product());
                }
                self.value(name, Origin::Initializer(tensor));
            }
            Err(message) => self.error(Place::Value(name.to_owned()), format!("initializer: {message}")),
        }
    }

    /// Says so if there are too many inputs or outputs.
    fn operands(&mut self, place: Place, inputs: usize, outputs: usize) {
        self.at_most(MOST_OPERANDS, inputs, "inputs", place.clone());
        self.at_most(MOST_OPERANDS, outputs, "outputs", place);
    }

    fn at_most(&mut self, most: usize, count: usize, what: &str, place: Place) {
        if count > most {
            self.error(place, format!("has {count} {what}, where {most} are the most"));
        }
    }

    fn inputs(&mut self, graph: &GraphProto) {
        for info in &graph.input {
            // Up to IR version 3 initializers are listed among the inputs.
            if self.frame().by_name.contains_key(info.name()) {
                continue;
            }
            // What goes into a body is typed by what is handed to it.
            let undeclared = DeclaredType { dtype: DType::Float32, dims: None, kind: Kind::Other };
            let within = self.frames.len() > 1;
            match declared(info, &mut self.unnamed) {
                Err(message) if !within => {
                    self.error(Place::Value(info.name().to_owned()), format!("input: {message}"));
                }
                result => {
                    let id = self.value(info.name(), Origin::Input(result.unwrap_or(undeclared)));
                    self.frame().graph.inputs.push(id);
                }
            }
        }
    }

    /// Adds the nodes; false if they have no order.
    fn nodes(&mut self, flat: &[FlatNode<'_>]) -> bool {
        let Some(order) = self.order(flat) else { return false };
        for (position, index) in order.into_iter().enumerate() {
            let node = self.node(NodeId::new(position), &flat[index]);
            self.frame().graph.nodes.push(node);
        }
        true
    }

    /// Execution order of the nodes; `None` after an error.
    fn order(&mut self, flat: &[FlatNode<'_>]) -> Option<Vec<usize>> {
        let mut producers = HashMap::new();
        for (index, node) in flat.iter().enumerate() {
            for output in node.proto.output.iter().filter(|o| !o.is_empty()) {
                producers.insert(output.as_str(), index);
            }
        }
        let edges: Vec<_> = flat
            .iter()
            .enumerate()
            .flat_map(|(index, node)| node.proto.input.iter().map(move |input| (input, index)))
            .filter_map(|(input, index)| producers.get(input.as_str()).map(|producer| (*producer, index)))
            .collect();
        match execution_order(flat.len(), &edges) {
            Ok(order) => Some(order),
            Err(cycle) => {
                let name = |i: &usize| {
                    format!("{} ({})", flat[*i].provenance.node.unwrap_or(0), flat[*i].proto.op_type())
                };
                let nodes: Vec<String> = cycle.0.iter().take(8).map(name).collect();
                self.error(
                    place(&flat[cycle.0[0]]),
                    format!("depends on itself, through nodes {}", nodes.join(", ")),
                );
                None
            }
        }
    }

    fn node(&mut self, id: NodeId, flat: &FlatNode<'_>) -> Node {
        let proto = &flat.proto;
        if proto.op_type().is_empty() {
            self.error(place(flat), "has no operator");
        }
        self.operands(place(flat), proto.input.len(), proto.output.len());
        self.at_most(MOST_ATTRIBUTES, proto.attribute.len(), "attributes", place(flat));
        let mut attributes = Attributes::default();
        for a in &proto.attribute {
            let value = match kind(a) {
                AttributeType::Graph => self.body(a, flat),
                _ => attribute(a, self.folder),
            };
            match value {
                Ok(value) => attributes.set(name(a), value),
                Err(message) => self.error(place(flat), format!("attribute \"{}\": {message}", a.name())),
            }
        }
        let mut inputs = Vec::with_capacity(proto.input.len());
        for name in &proto.input {
            let known = self.named(name);
            if known.is_none() && !name.is_empty() {
                self.error(
                    place(flat),
                    format!("input \"{name}\" is not defined by any input, initializer or node"),
                );
            }
            inputs.push(known);
        }
        let outputs = proto.output.iter();
        let outputs =
            outputs.map(|name| (!name.is_empty()).then(|| self.value(name, Origin::Node(id)))).collect();
        Node {
            name: proto.name().to_owned(),
            op: proto.op_type().to_owned(),
            domain: domain(proto.domain()).to_owned(),
            opset: flat.opset,
            inputs,
            outputs,
            attributes,
            scope: Arc::clone(&flat.scope),
            provenance: flat.provenance.clone(),
        }
    }

    /// The body that an attribute of `owner` holds.
    fn body(&mut self, proto: &AttributeProto, owner: &FlatNode<'_>) -> Result<Attribute, String> {
        if self.frames.len() > DEEPEST {
            return Err(format!("bodies nest deeper than {DEEPEST}"));
        }
        let bytes = proto.g.clone().ok_or("graph attribute without a graph")?;
        let graph = GraphProto::decode(bytes).map_err(|e| format!("the body is broken: {e}"))?;
        let functions = self.functions;
        let flat = match functions.expand_body(&graph.node, owner) {
            Ok(flat) => flat,
            Err(Failure(mut errors)) => {
                self.errors.append(&mut errors);
                return Ok(Attribute::Other);
            }
        };
        self.frames.push(OpenGraph::default());
        self.initializers(&graph);
        self.inputs(&graph);
        if self.nodes(&flat) {
            self.outputs(&graph);
        }
        let body = self.frames.pop().unwrap_or_default().graph;
        Ok(Attribute::Graph(Arc::new(Graph { opsets: owner.opsets.clone(), ..body })))
    }

    /// Keeps what the file's nodes are called.
    fn file(&mut self, graph: &GraphProto) {
        let by_name = &self.frames[0].by_name;
        let ids = |names: &[String]| names.iter().filter_map(|name| by_name.get(name).copied()).collect();
        let node = |proto: &NodeProto| FileNode {
            name: proto.name().to_owned(),
            op: proto.op_type().to_owned(),
            scope: scope(proto).into(),
            inputs: ids(&proto.input),
            outputs: ids(&proto.output),
            // PyTorch's newer exporter names the rules that it applied.
            folds_normalization: proto.metadata_props.iter().any(|entry| {
                entry.key() == "pkg.onnxscript.rewriter.rule_name"
                    && entry.value().contains("FuseBatchNormIntoConv")
            }),
        };
        self.frames[0].graph.file = graph.node.iter().map(node).collect();
    }

    fn outputs(&mut self, graph: &GraphProto) {
        for info in &graph.output {
            match self.named(info.name()) {
                Some(id) => self.frame().graph.outputs.push(id),
                None => self
                    .error(Place::Value(info.name().to_owned()), "is a graph output, but nothing defines it"),
            }
        }
    }
}

fn place(flat: &FlatNode<'_>) -> Place {
    let op = match domain(flat.proto.domain()) {
        "" => flat.proto.op_type().to_owned(),
        domain => format!("{domain}.{}", flat.proto.op_type()),
    };
    Place::Node { index: flat.provenance.node, name: flat.proto.name().into(), op, opset: flat.opset }
}
