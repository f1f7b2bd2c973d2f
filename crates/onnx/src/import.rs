//! From the wire form to the graph.

use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;
use hawkeye_graph::{
    Attributes, DType, DeclaredType, Diagnostic, Dim, Failure, Graph, Node, NodeId, Origin, Place, Value,
    ValueId, execution_order,
};
use prost::Message;

use crate::attribute::attribute;
use crate::digest::{Digest, digest};
use crate::function::{FlatNode, Opsets, domain, expand, imports};
use crate::tensor::{element_count, tensor};
use crate::wire::tensor_shape_proto::dimension::Value as DimValue;
use crate::wire::{GraphProto, ModelProto, TensorProto, ValueInfoProto};

/// Opsets of ONNX's own domain that are understood.
const OPSETS: std::ops::RangeInclusive<i64> = 7..=28;

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
    let proto = ModelProto::decode(bytes.clone()).map_err(|e| {
        Diagnostic::error(Place::Model, format!("not an ONNX file: {e}"))
            .help("the file may be truncated, or in another format; export it again")
    })?;
    let Some(graph) = &proto.graph else {
        let message =
            if bytes.is_empty() { "the file is empty" } else { "not an ONNX file: it holds no graph" };
        return Err(Diagnostic::error(Place::Model, message).into());
    };
    let opsets = imports(&proto.opset_import);
    let mut errors = Vec::new();
    let mut diagnostics = Vec::new();
    check_opset(&opsets, graph, &mut errors, &mut diagnostics);
    let mut builder = Builder { folder, ..Builder::default() };
    builder.initializers(graph);
    builder.inputs(graph);
    let nodes = expand(&proto, &opsets)?;
    if builder.nodes(&nodes) {
        builder.outputs(graph);
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
        graph: Graph { opsets, ..builder.graph },
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
        Some(version) if version < OPSETS.start() => errors.push(
            Diagnostic::error(Place::Model, format!("opset {version} is older than 7"))
                .help("convert it with onnx.version_converter, or export it again"),
        ),
        Some(version) if version > OPSETS.end() => warnings.push(Diagnostic::warning(
            Place::Model,
            format!("opset {version} is newer than {}; operators are read as of that one", OPSETS.end()),
        )),
        _ => {}
    }
}

#[derive(Default)]
struct Builder<'a> {
    folder: Option<&'a Path>,
    graph: Graph,
    by_name: HashMap<String, ValueId>,
    parameters: u64,
    unnamed: usize,
    errors: Vec<Diagnostic>,
}

impl Builder<'_> {
    fn error(&mut self, place: Place, message: impl Into<String>) {
        self.errors.push(Diagnostic::error(place, message));
    }

    /// Adds a value; a name that exists already is an error.
    fn value(&mut self, name: &str, origin: Origin) -> ValueId {
        let id = ValueId::new(self.graph.values.len());
        self.graph.values.push(Value { name: name.to_owned(), origin });
        if self.by_name.insert(name.to_owned(), id).is_some() {
            self.error(Place::Value(name.to_owned()), "defined more than once");
        }
        id
    }

    fn initializers(&mut self, graph: &GraphProto) {
        for proto in &graph.initializer {
            self.initializer(proto.name(), proto);
        }
        for sparse in &graph.sparse_initializer {
            if let Some(values) = &sparse.values {
                let dense = TensorProto {
                    dims: sparse.dims.clone(),
                    data_type: values.data_type,
                    ..Default::default()
                };
                self.initializer(values.name(), &dense);
            }
        }
    }

    fn initializer(&mut self, name: &str, proto: &TensorProto) {
        match tensor(proto, self.folder) {
            Ok(tensor) => {
                if tensor.dtype.is_float() {
                    // A tensor has at most 2^48 elements, so a sum needs 2^16 of them to overflow.
                    self.parameters = self.parameters.saturating_add(tensor.dims.iter().product());
                }
                self.value(name, Origin::Initializer(tensor));
            }
            Err(message) => self.error(Place::Value(name.to_owned()), format!("initializer: {message}")),
        }
    }

    fn inputs(&mut self, graph: &GraphProto) {
        for info in &graph.input {
            // Up to IR version 3 initializers are listed among the inputs.
            if self.by_name.contains_key(info.name()) {
                continue;
            }
            match self.declared(info) {
                Ok(declared) => {
                    let id = self.value(info.name(), Origin::Input(declared));
                    self.graph.inputs.push(id);
                }
                Err(message) => self.error(Place::Value(info.name().to_owned()), format!("input: {message}")),
            }
        }
    }

    fn declared(&mut self, info: &ValueInfoProto) -> Result<DeclaredType, String> {
        let tensor = info.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
        let tensor = tensor.ok_or("is no tensor; only tensors can be inputs")?;
        let code = tensor.elem_type();
        let dtype = DType::from_onnx(code).ok_or_else(|| format!("unknown element type {code}"))?;
        let Some(shape) = &tensor.shape else { return Ok(DeclaredType { dtype, dims: None }) };
        let mut dims = Vec::with_capacity(shape.dim.len());
        for dim in &shape.dim {
            dims.push(match &dim.value {
                Some(DimValue::DimValue(size)) => {
                    Dim::Fixed(u64::try_from(*size).map_err(|_| format!("negative dimension {size}"))?)
                }
                Some(DimValue::DimParam(symbol)) if !symbol.is_empty() => Dim::Symbol(symbol.clone()),
                _ => {
                    self.unnamed += 1;
                    Dim::Symbol(format!("unnamed_{}", self.unnamed))
                }
            });
        }
        let fixed: Vec<u64> =
            dims.iter().filter_map(|d| if let Dim::Fixed(size) = d { Some(*size) } else { None }).collect();
        element_count(&fixed)?;
        Ok(DeclaredType { dtype, dims: Some(dims) })
    }

    /// Adds the nodes; false if they have no order.
    fn nodes(&mut self, flat: &[FlatNode<'_>]) -> bool {
        let Some(order) = self.order(flat) else { return false };
        for (position, index) in order.into_iter().enumerate() {
            let node = self.node(NodeId::new(position), &flat[index]);
            self.graph.nodes.push(node);
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
                let name = |i: &usize| format!("{} ({})", flat[*i].file_index, flat[*i].proto.op_type());
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
        let mut attributes = Attributes::default();
        for a in &proto.attribute {
            match attribute(a, self.folder) {
                Ok(value) => attributes.set(a.name(), value),
                Err(message) => self.error(place(flat), format!("attribute \"{}\": {message}", a.name())),
            }
        }
        let mut inputs = Vec::with_capacity(proto.input.len());
        for name in &proto.input {
            let known = self.by_name.get(name).copied();
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
            scope: flat.scope.clone(),
            file_index: flat.file_index,
        }
    }

    fn outputs(&mut self, graph: &GraphProto) {
        for info in &graph.output {
            match self.by_name.get(info.name()) {
                Some(id) => self.graph.outputs.push(*id),
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
    Place::Node { index: flat.file_index, name: flat.proto.name().to_owned(), op, opset: flat.opset }
}
