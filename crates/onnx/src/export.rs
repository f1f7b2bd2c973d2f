//! From the graph back to an ONNX file.
//!
//! The graph holds no weights. They are copied, byte for byte, from the model that the graph was made
//! from; weights in files of their own stay there.

use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;
use hawkeye_graph::{
    Attribute, DType, DeclaredType, Derivation, Diagnostic, Dim, Elements, Failure, Graph, Node, Origin,
    Place, Tensor, ValueId,
};
use prost::Message;

use crate::attribute::name as attribute_name;
use crate::foreign::decode;
use crate::function::{FlatNode, Functions, imports};
use crate::map::read;
use crate::scope::scope;
use crate::wire::attribute_proto::AttributeType as Type;
use crate::wire::tensor_proto::DataLocation;
use crate::wire::tensor_shape_proto::{Dimension, dimension::Value as DimValue};
use crate::wire::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, SparseTensorProto,
    StringStringEntryProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, type_proto,
};

/// The oldest file format in which initializers need not be inputs and opset 18 is known.
const IR_VERSION: i64 = 8;
/// Larger files are none to protobuf.
const MOST_BYTES: usize = i32::MAX as usize;

/// An ONNX file.
#[derive(Clone, Debug)]
pub struct Exported {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Whether weights lie in other files, next to the model that they were taken from.
    pub external: bool,
}

/// Writes a graph as an ONNX file. `outputs` are the types of its outputs, in their order; `source` is
/// the model that the graph was made from, for its weights.
///
/// # Errors
/// Constants whose elements neither the graph nor the source holds; a source that can't be read.
pub fn export(graph: &Graph, outputs: &[DeclaredType], source: Option<&Path>) -> Result<Exported, Failure> {
    let source = match source {
        Some(path) => decode(&read(path)?)?,
        None => ModelProto::default(),
    };
    let (functions, opsets) = (Functions::new(&source), imports(&source.opset_import));
    let nodes = source.graph.as_ref().map(|graph| graph.node.as_slice()).unwrap_or_default();
    let flat = functions.inline(nodes, &opsets)?;
    let mut exporter = Exporter {
        graph,
        source: SourceModel::new(&source, &flat),
        names: HashMap::new(),
        errors: Vec::new(),
    };
    let opsets = graph.opsets.iter().map(|(domain, version)| OperatorSetIdProto {
        domain: Some(domain.clone()),
        version: Some(*version),
    });
    let model = ModelProto {
        ir_version: Some(source.ir_version.unwrap_or(0).max(IR_VERSION)),
        producer_name: Some(env!("CARGO_PKG_NAME").to_owned()),
        producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        opset_import: opsets.collect(),
        graph: Some(exporter.graph(outputs)),
        functions: Vec::new(),
    };
    if !exporter.errors.is_empty() {
        return Err(Failure(exporter.errors));
    }
    if model.encoded_len() > MOST_BYTES {
        let message = "holds more than 2 GiB, which no ONNX file can";
        return Err(Diagnostic::error(Place::Model, message)
            .help("save the model with external data first (onnx.save_model, save_as_external_data=True)")
            .into());
    }
    let initializers = model.graph.iter().flat_map(|graph| &graph.initializer);
    let external = initializers.into_iter().any(|t| t.data_location() == DataLocation::External);
    Ok(Exported { bytes: model.encode_to_vec(), external })
}

/// The model that a graph was made from.
struct SourceModel<'a> {
    initializers: HashMap<&'a str, &'a TensorProto>,
    /// Constants of which zeros are left out, by name.
    sparse: HashMap<&'a str, &'a SparseTensorProto>,
    /// Nodes by their first output.
    nodes: HashMap<&'a str, &'a NodeProto>,
}

impl<'a> SourceModel<'a> {
    fn new(model: &'a ModelProto, flat: &'a [FlatNode<'a>]) -> Self {
        let initializers = model.graph.iter().flat_map(|graph| &graph.initializer);
        let sparse = model.graph.iter().flat_map(|graph| &graph.sparse_initializer);
        let first = |node: &'a FlatNode<'a>| {
            let output = node.proto.output.iter().find(|name| !name.is_empty())?;
            Some((output.as_str(), node.proto.as_ref()))
        };
        Self {
            initializers: initializers.map(|tensor| (tensor.name(), tensor)).collect(),
            sparse: sparse.filter_map(|tensor| Some((tensor.values.as_ref()?.name(), tensor))).collect(),
            nodes: flat.iter().filter_map(first).collect(),
        }
    }
}

struct Exporter<'a> {
    graph: &'a Graph,
    source: SourceModel<'a>,
    /// Names of nodes written, and how often they occurred.
    names: HashMap<String, usize>,
    errors: Vec<Diagnostic>,
}

impl Exporter<'_> {
    fn graph(&mut self, outputs: &[DeclaredType]) -> GraphProto {
        let graph = self.graph;
        let name = |id: ValueId| graph.value(id).name.as_str();
        let mut proto = GraphProto { name: Some("graph".to_owned()), ..GraphProto::default() };
        for value in &graph.values {
            if let Origin::Initializer(tensor) = &value.origin {
                match self.source.sparse.get(value.name.as_str()) {
                    Some(sparse) => proto.sparse_initializer.push((*sparse).clone()),
                    None => proto.initializer.extend(self.initializer(&value.name, tensor)),
                }
            }
        }
        for id in &graph.inputs {
            if let Origin::Input(declared) = &graph.value(*id).origin {
                proto.input.push(info(name(*id), declared));
            }
        }
        for (id, declared) in graph.outputs.iter().zip(outputs) {
            proto.output.push(info(name(*id), declared));
        }
        for node in &graph.nodes {
            let node = self.node(node);
            proto.node.push(node);
        }
        proto
    }

    fn initializer(&mut self, name: &str, tensor: &Tensor) -> Option<TensorProto> {
        if let Some(proto) = self.source.initializers.get(name) {
            return Some((*proto).clone());
        }
        let proto = constant(tensor);
        if proto.is_none() {
            let message = format!("its {} elements are not in the model", tensor.dtype);
            self.errors.push(Diagnostic::error(Place::Value(name.to_owned()), message));
        }
        proto.map(|proto| TensorProto { name: Some(name.to_owned()), ..proto })
    }

    /// A name that no node before has, which ONNX Runtime insists on; what one node was expanded to
    /// shares its name.
    fn unique(&mut self, name: &str) -> String {
        let count = self.names.entry(name.to_owned()).or_insert(0);
        *count += 1;
        match *count {
            1 => name.to_owned(),
            _ if name.is_empty() => String::new(),
            count => {
                let numbered = format!("{name}_{count}");
                self.unique(&numbered)
            }
        }
    }

    fn node(&mut self, node: &Node) -> NodeProto {
        let names = |ids: &[Option<ValueId>]| -> Vec<String> {
            ids.iter().map(|id| id.map(|id| self.graph.value(id).name.clone()).unwrap_or_default()).collect()
        };
        let (input, mut output) = (names(&node.inputs), names(&node.outputs));
        while output.last().is_some_and(String::is_empty) {
            output.pop();
        }
        let origin =
            output.iter().find(|name| !name.is_empty()).and_then(|name| self.source.nodes.get(name.as_str()));
        let mut attributes = Vec::new();
        for (name, value) in node.attributes.iter() {
            let original = || origin?.attribute.iter().find(|a| attribute_name(a) == name).cloned();
            match attribute(name, value).or_else(original) {
                Some(proto) => attributes.push(proto),
                None => {
                    let message = format!("the elements of its attribute \"{name}\" are not in the model");
                    self.errors.push(Diagnostic::error(Place::node(node), message));
                }
            }
        }
        let mut proto = NodeProto {
            input,
            output,
            name: Some(self.unique(&node.name)),
            op_type: Some(node.op.clone()),
            attribute: attributes,
            domain: Some(node.domain.clone()),
            ..NodeProto::default()
        };
        if *scope(&proto) != *node.scope {
            proto.metadata_props.push(StringStringEntryProto {
                key: Some("namespace".to_owned()),
                value: Some(format!("{}/{}", node.scope.join("."), node.op)),
            });
        }
        if let Some(step) = node.provenance.steps.iter().rfind(|step| step.by == Derivation::Rewrite) {
            proto.metadata_props.push(StringStringEntryProto {
                key: Some("hawkeye.rule".to_owned()),
                value: Some(step.name.to_string()),
            });
        }
        proto
    }
}

fn info(name: &str, declared: &DeclaredType) -> ValueInfoProto {
    let dim = |dim: &Dim| Dimension {
        value: Some(match dim {
            Dim::Fixed(size) => DimValue::DimValue(i64::try_from(*size).unwrap_or(i64::MAX)),
            Dim::Symbol(symbol) => DimValue::DimParam(symbol.clone()),
        }),
    };
    let tensor = type_proto::Tensor {
        elem_type: Some(declared.dtype.to_onnx()),
        shape: declared.dims.as_ref().map(|dims| TensorShapeProto { dim: dims.iter().map(dim).collect() }),
    };
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto { tensor_type: Some(tensor), ..TypeProto::default() }),
    }
}

/// An attribute; `None` if its elements are not known, or if it is a body.
fn attribute(name: &str, value: &Attribute) -> Option<AttributeProto> {
    let mut proto = AttributeProto { name: Some(name.to_owned()), ..AttributeProto::default() };
    let text = |text: &String| Bytes::from(text.clone().into_bytes());
    let kind = match value {
        Attribute::Int(i) => {
            proto.i = Some(*i);
            Type::Int
        }
        Attribute::Float(f) => {
            proto.f = Some(*f);
            Type::Float
        }
        Attribute::String(s) => {
            proto.s = Some(text(s));
            Type::String
        }
        Attribute::Tensor(tensor) => {
            proto.t = Some(constant(tensor)?);
            Type::Tensor
        }
        Attribute::Ints(list) => {
            proto.ints.clone_from(list);
            Type::Ints
        }
        Attribute::Floats(list) => {
            proto.floats.clone_from(list);
            Type::Floats
        }
        Attribute::Strings(list) => {
            proto.strings = list.iter().map(text).collect();
            Type::Strings
        }
        Attribute::Graph(_) | Attribute::Other => return None,
    };
    proto.r#type = Some(kind.into());
    Some(proto)
}

/// A constant; `None` if its elements are not known.
fn constant(tensor: &Tensor) -> Option<TensorProto> {
    let mut proto = TensorProto {
        dims: tensor.dims.iter().map(|d| i64::try_from(*d).unwrap_or(i64::MAX)).collect(),
        data_type: Some(tensor.dtype.to_onnx()),
        ..TensorProto::default()
    };
    let raw: Vec<u8> = match (tensor.elements.as_ref()?, tensor.dtype) {
        (Elements::Strings(list), _) => {
            proto.string_data = list.iter().map(|s| Bytes::from(s.clone().into_bytes())).collect();
            return Some(proto);
        }
        (Elements::Floats(list), DType::Float32) => {
            list.iter().flat_map(|x| (*x as f32).to_le_bytes()).collect()
        }
        (Elements::Floats(list), DType::Float64) => list.iter().flat_map(|x| x.to_le_bytes()).collect(),
        (Elements::Floats(list), DType::Float16) => {
            list.iter().flat_map(|x| half(*x).to_le_bytes()).collect()
        }
        (Elements::Floats(list), DType::Bfloat16) => {
            list.iter().flat_map(|x| brain(*x).to_le_bytes()).collect()
        }
        (Elements::Ints(list), dtype) => {
            let width = match dtype {
                DType::Bool | DType::Int8 | DType::Uint8 => 1,
                DType::Int16 | DType::Uint16 => 2,
                DType::Int32 | DType::Uint32 => 4,
                DType::Int64 | DType::Uint64 => 8,
                _ => return None,
            };
            list.iter().flat_map(|i| i.to_le_bytes().into_iter().take(width)).collect()
        }
        (Elements::Floats(_), _) => return None,
    };
    proto.raw_data = Some(Bytes::from(raw));
    Some(proto)
}

/// The nearest number of type float16.
fn half(x: f64) -> u16 {
    let sign = if x.is_sign_negative() { 0x8000 } else { 0 };
    let size = x.abs();
    let bits = if x.is_nan() {
        0x7e00
    } else if size >= 65520.0 {
        0x7c00
    } else if size < 2f64.powi(-14) {
        (size * 2f64.powi(24)).round_ties_even() as u16
    } else {
        let exponent = size.log2().floor() as i32;
        let fraction = ((size / 2f64.powi(exponent) - 1.0) * 1024.0).round_ties_even() as u16;
        (((exponent + 15) as u16) << 10) + fraction
    };
    sign | bits
}

/// The nearest number of type bfloat16.
fn brain(x: f64) -> u16 {
    let bits = (x as f32).to_bits();
    if x.is_nan() {
        return 0x7fc0;
    }
    let rounded = u64::from(bits) + 0x7fff + u64::from(bits >> 16 & 1);
    (rounded >> 16) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_floats_are_rounded_to_the_nearest() {
        let halves: [u16; 5] = [0.1, -1.5, 65504.0, 1e9, 2f64.powi(-24)].map(half);
        assert_eq!(halves, [0x2e66, 0xbe00, 0x7bff, 0x7c00, 1]);
        assert_eq!([0.1, -1.5, 1.0].map(brain), [0x3dcd, 0xbfc0, 0x3f80]);
    }

    #[test]
    fn integers_take_the_width_of_their_type() {
        let tensor = |dtype| Tensor { dtype, dims: vec![1], elements: Some(Elements::Ints(vec![-2])) };
        let raw = |dtype| constant(&tensor(dtype)).and_then(|proto| proto.raw_data).unwrap();
        assert_eq!(raw(DType::Int16).as_ref(), [0xfe, 0xff]);
        assert_eq!(raw(DType::Int64).len(), 8);
    }
}
