//! The graph as tract reads it: ONNX protobuf without weights, values named by their ids.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hawkeye_graph::{Attribute, DType, Dim, Elements, Graph, Node, Origin, Tensor, ValueId};
use tract_onnx::pb;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::prelude::f16;

use crate::Fact;

/// Name of a value of the model's graph in the proto.
pub(crate) fn value_name(id: ValueId) -> String {
    format!("v{}", id.index())
}

/// Name of a node in the proto, by position.
pub(crate) fn node_name(index: usize) -> String {
    format!("n{index}")
}

/// Converts the graph; `inputs` gives the shapes of its inputs. Nodes whose output is in `found` are
/// left out.
pub(crate) fn model(
    graph: &Graph,
    inputs: &BTreeMap<ValueId, Vec<u64>>,
    found: &BTreeMap<ValueId, Fact>,
) -> pb::ModelProto {
    let names = Names { prefix: String::new(), graph, around: None };
    let mut proto = pb::GraphProto::default();
    for id in graph.inputs.iter().copied() {
        let Origin::Input(declared) = &graph.value(id).origin else { continue };
        let dims: Option<Vec<_>> = match inputs.get(&id) {
            Some(shape) => Some(shape.iter().copied().map(Some).collect()),
            None => declared.dims.as_ref().map(|dims| dims.iter().map(fixed).collect()),
        };
        proto.input.push(typed(value_name(id), declared.dtype, dims.as_deref()));
    }
    constants(&names, &mut proto);
    for (index, n) in graph.nodes.iter().enumerate() {
        let known = n.present_outputs().next().and_then(|id| Some((id, found.get(&id)?)));
        if let Some((id, Fact { dtype: Some(dtype), dims: Some(dims), .. })) = known {
            proto.input.push(typed(value_name(id), *dtype, Some(dims)));
        } else {
            add(&names, index, n, &mut proto);
        }
    }
    let opsets = graph
        .opsets
        .iter()
        .map(|(domain, version)| pb::OperatorSetIdProto { domain: domain.clone(), version: *version });
    pb::ModelProto { graph: Some(proto), opset_import: opsets.collect(), ..Default::default() }
}

/// What the values of a graph are called in the proto.
struct Names<'a> {
    prefix: String,
    graph: &'a Graph,
    around: Option<&'a Names<'a>>,
}

impl Names<'_> {
    fn of(&self, id: ValueId) -> String {
        match (&self.graph.value(id).origin, self.around) {
            (Origin::Outer(outer), Some(around)) => around.of(*outer),
            _ => format!("{}{}", self.prefix, value_name(id)),
        }
    }

    fn all(&self, values: &[Option<ValueId>]) -> Vec<String> {
        values.iter().map(|v| v.map(|id| self.of(id)).unwrap_or_default()).collect()
    }
}

fn fixed(dim: &Dim) -> Option<u64> {
    match dim {
        Dim::Fixed(size) => Some(*size),
        Dim::Symbol(_) => None,
    }
}

/// Adds the initializers: small ones with their elements, others as inputs of their type.
fn constants(names: &Names<'_>, proto: &mut pb::GraphProto) {
    for id in names.graph.value_ids() {
        let Origin::Initializer(tensor) = &names.graph.value(id).origin else { continue };
        let name = names.of(id);
        match small(tensor) {
            Some(small) => proto.initializer.push(pb::TensorProto { name, ..small }),
            None => proto.input.push(weight(name, tensor)),
        }
    }
}

fn weight(name: String, tensor: &Tensor) -> pb::ValueInfoProto {
    let dims: Vec<Option<u64>> = tensor.dims.iter().copied().map(Some).collect();
    typed(name, tensor.dtype, Some(&dims))
}

/// Adds a node.
fn add(names: &Names<'_>, index: usize, n: &Node, proto: &mut pb::GraphProto) {
    if let Some((id, tensor)) = large_constant(n) {
        proto.input.push(weight(names.of(id), tensor));
        return;
    }
    let mut node = node(names, index, n);
    node.attribute.extend(n.attributes.bodies().enumerate().map(|(position, (name, graph))| {
        let prefix = format!("{}{}b{position}", names.prefix, node_name(index));
        let mut attribute = pb::AttributeProto {
            name: name.to_owned(),
            g: Some(body(&Names { prefix, graph, around: Some(names) })),
            ..Default::default()
        };
        attribute.r#type = AttributeType::Graph.into();
        attribute
    }));
    proto.node.push(node);
}

/// A body. Its own inputs, which have the types of what is handed to them, are listed as
/// `value_info`; its outputs are copies, since a body may hand on what it was given.
fn body(names: &Names<'_>) -> pb::GraphProto {
    let mut proto = pb::GraphProto::default();
    let untyped = |name| pb::ValueInfoProto { name, ..Default::default() };
    proto.value_info = names.graph.inputs.iter().map(|id| untyped(names.of(*id))).collect();
    constants(names, &mut proto);
    for (index, n) in names.graph.nodes.iter().enumerate() {
        add(names, index, n, &mut proto);
    }
    for (position, id) in names.graph.outputs.iter().enumerate() {
        let name = format!("{}o{position}", names.prefix);
        proto.node.push(pb::NodeProto {
            op_type: "Identity".to_owned(),
            input: vec![names.of(*id)],
            output: vec![name.clone()],
            ..Default::default()
        });
        proto.output.push(untyped(name));
    }
    proto
}

/// The type that stands in for one that tract does not have; shapes do not depend on it.
pub(crate) fn stand_in(dtype: DType) -> DType {
    match dtype {
        DType::Bfloat16
        | DType::Float8E4m3fn
        | DType::Float8E4m3fnuz
        | DType::Float8E5m2
        | DType::Float8E5m2fnuz
        | DType::Float4E2m1
        | DType::Float8E8m0
        | DType::Complex64
        | DType::Complex128 => DType::Float32,
        DType::Int4 | DType::Int2 => DType::Int8,
        DType::Uint4 | DType::Uint2 => DType::Uint8,
        other => other,
    }
}

fn typed(name: String, dtype: DType, shape: Option<&[Option<u64>]>) -> pb::ValueInfoProto {
    use pb::tensor_shape_proto::{Dimension, dimension::Value};
    let dim = |size: &Option<u64>| Dimension {
        denotation: String::new(),
        value: size.map(|size| Value::DimValue(i64::try_from(size).unwrap_or(i64::MAX))),
    };
    let tensor = pb::type_proto::Tensor {
        elem_type: stand_in(dtype).to_onnx(),
        shape: shape.map(|shape| pb::TensorShapeProto { dim: shape.iter().map(dim).collect() }),
    };
    pb::ValueInfoProto {
        name,
        r#type: Some(pb::TypeProto {
            denotation: String::new(),
            value: Some(pb::type_proto::Value::TensorType(tensor)),
        }),
        ..Default::default()
    }
}

/// A constant whose elements are known; `None` for any other.
fn small(tensor: &Tensor) -> Option<pb::TensorProto> {
    let dtype = stand_in(tensor.dtype);
    let mut proto = pb::TensorProto {
        dims: tensor.dims.iter().map(|d| i64::try_from(*d).unwrap_or(i64::MAX)).collect(),
        data_type: dtype.to_onnx(),
        ..Default::default()
    };
    match tensor.elements.as_ref()? {
        Elements::Ints(ints) => match dtype {
            DType::Int64 => proto.raw_data = ints.iter().flat_map(|v| v.to_le_bytes()).collect(),
            DType::Uint64 | DType::Uint32 => {
                proto.uint64_data = ints.iter().map(|v| u64::from_ne_bytes(v.to_ne_bytes())).collect();
            }
            DType::Bool | DType::Int8 | DType::Uint8 => {
                proto.raw_data = ints.iter().map(|v| v.to_le_bytes()[0]).collect();
            }
            DType::Int16 | DType::Uint16 => {
                proto.raw_data = ints.iter().flat_map(|v| v.to_le_bytes()[..2].to_vec()).collect();
            }
            DType::Int32 => {
                proto.raw_data = ints.iter().flat_map(|v| v.to_le_bytes()[..4].to_vec()).collect()
            }
            _ => return None,
        },
        Elements::Floats(floats) => match dtype {
            DType::Float32 => {
                proto.raw_data = floats.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect()
            }
            DType::Float64 => proto.raw_data = floats.iter().flat_map(|v| v.to_le_bytes()).collect(),
            DType::Float16 => {
                let halves = floats.iter().map(|v| f16::from_f64(*v).to_bits());
                proto.raw_data = halves.flat_map(u16::to_le_bytes).collect();
            }
            _ => return None,
        },
        Elements::Strings(strings) => {
            proto.string_data = strings.iter().map(|s| s.clone().into_bytes()).collect()
        }
    }
    Some(proto)
}

/// The output and tensor of a `Constant` node whose elements are not kept.
fn large_constant(node: &Node) -> Option<(ValueId, &Tensor)> {
    match node.attributes.get("value").or(node.attributes.get("sparse_value")) {
        Some(Attribute::Tensor(tensor)) if node.op == "Constant" && small(tensor).is_none() => {
            Some((node.present_outputs().next()?, tensor))
        }
        _ => None,
    }
}

fn node(names: &Names<'_>, index: usize, node: &Node) -> pb::NodeProto {
    // tract looks operators up by name alone; those of other domains are unknown to it.
    let op_type = match node.domain.as_str() {
        "" | "ai.onnx.ml" => node.op.clone(),
        domain => format!("{domain}.{}", node.op),
    };
    pb::NodeProto {
        name: node_name(index),
        op_type,
        domain: node.domain.clone(),
        input: names.all(&node.inputs),
        output: names.all(&node.outputs),
        attribute: node
            .attributes
            .iter()
            .filter_map(|(name, value)| attribute(name, &stated(name, value)))
            .collect(),
        ..Default::default()
    }
}

/// The attribute, with a type that it names replaced by one that tract has.
fn stated<'a>(name: &str, value: &'a Attribute) -> Cow<'a, Attribute> {
    let names_type = matches!(name, "to" | "dtype" | "output_dtype" | "output_datatype");
    match value {
        Attribute::Int(code) if names_type => {
            let dtype = i32::try_from(*code).ok().and_then(DType::from_onnx);
            Cow::Owned(Attribute::Int(dtype.map_or(*code, |d| stand_in(d).to_onnx().into())))
        }
        value => Cow::Borrowed(value),
    }
}

fn attribute(name: &str, value: &Attribute) -> Option<pb::AttributeProto> {
    let mut proto = pb::AttributeProto { name: name.to_owned(), ..Default::default() };
    let kind = match value {
        Attribute::Int(i) => {
            proto.i = *i;
            AttributeType::Int
        }
        Attribute::Float(f) => {
            proto.f = *f;
            AttributeType::Float
        }
        Attribute::String(s) => {
            proto.s = s.clone().into_bytes();
            AttributeType::String
        }
        Attribute::Tensor(t) => {
            proto.t = Some(small(t)?);
            AttributeType::Tensor
        }
        Attribute::Ints(v) => {
            proto.ints = v.clone();
            AttributeType::Ints
        }
        Attribute::Floats(v) => {
            proto.floats = v.clone();
            AttributeType::Floats
        }
        Attribute::Strings(v) => {
            proto.strings = v.iter().map(|s| s.clone().into_bytes()).collect();
            AttributeType::Strings
        }
        Attribute::Graph(_) | Attribute::Other => return None,
    };
    proto.r#type = kind.into();
    Some(proto)
}
