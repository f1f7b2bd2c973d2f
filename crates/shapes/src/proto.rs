//! The graph as tract reads it: ONNX protobuf without weights, values named by their ids.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use hawkeye_graph::{Attribute, DType, Elements, Graph, Node, Origin, Tensor, ValueId};
use prost::Message;
use tract_onnx::pb;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::prelude::f16;

use crate::Fact;

/// Name of a value in the proto.
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
    let mut proto = pb::GraphProto::default();
    for id in graph.value_ids() {
        match &graph.value(id).origin {
            Origin::Input(declared) => {
                let shape = inputs.get(&id).map(Vec::as_slice).unwrap_or_default();
                proto.input.push(typed(id, declared.dtype, shape));
            }
            Origin::Initializer(tensor) => match small(tensor) {
                Some(small) => proto.initializer.push(pb::TensorProto { name: value_name(id), ..small }),
                None => proto.input.push(typed(id, tensor.dtype, &tensor.dims)),
            },
            Origin::Node(_) => {}
        }
    }
    for (index, n) in graph.nodes.iter().enumerate() {
        let known = n.present_outputs().next().and_then(|id| Some((id, found.get(&id)?)));
        if let Some((id, tensor)) = large_constant(n) {
            proto.input.push(typed(id, tensor.dtype, &tensor.dims));
        } else if let Some((id, Fact { dtype: Some(dtype), dims: Some(_), .. })) = known {
            proto.input.push(typed(id, *dtype, &found[&id].shape().unwrap_or_default()));
        } else {
            let mut node = node(index, n);
            node.attribute.extend(bodies(graph, n));
            proto.node.push(node);
        }
    }
    let opsets = graph
        .opsets
        .iter()
        .map(|(domain, version)| pb::OperatorSetIdProto { domain: domain.clone(), version: *version });
    pb::ModelProto { graph: Some(proto), opset_import: opsets.collect(), ..Default::default() }
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

fn typed(id: ValueId, dtype: DType, shape: &[u64]) -> pb::ValueInfoProto {
    use pb::tensor_shape_proto::{Dimension, dimension::Value};
    let dim = shape.iter().map(|size| Dimension {
        denotation: String::new(),
        value: Some(Value::DimValue(i64::try_from(*size).unwrap_or(i64::MAX))),
    });
    let tensor = pb::type_proto::Tensor {
        elem_type: stand_in(dtype).to_onnx(),
        shape: Some(pb::TensorShapeProto { dim: dim.collect() }),
    };
    pb::ValueInfoProto {
        name: value_name(id),
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
    match node.attributes.get("value") {
        Some(Attribute::Tensor(tensor)) if node.op == "Constant" && small(tensor).is_none() => {
            Some((node.present_outputs().next()?, tensor))
        }
        _ => None,
    }
}

fn node(index: usize, node: &Node) -> pb::NodeProto {
    let names =
        |values: &[Option<ValueId>]| values.iter().map(|v| v.map(value_name).unwrap_or_default()).collect();
    // tract looks operators up by name alone; those of other domains are unknown to it.
    let op_type = match node.domain.as_str() {
        "" | "ai.onnx.ml" => node.op.clone(),
        domain => format!("{domain}.{}", node.op),
    };
    pb::NodeProto {
        name: node_name(index),
        op_type,
        domain: node.domain.clone(),
        input: names(&node.inputs),
        output: names(&node.outputs),
        attribute: node
            .attributes
            .iter()
            .filter_map(|(name, value)| attribute(name, &stated(name, value)))
            .collect(),
        ..Default::default()
    }
}

/// Bodies of control flow of more bytes than this are left out: they may hold weights.
const LARGEST_BODY: usize = 1 << 16;

/// The node's bodies; what they take from around them is named as the proto names it.
fn bodies(graph: &Graph, node: &Node) -> Vec<pb::AttributeProto> {
    let body = |(name, value): (&str, &Attribute)| {
        let Attribute::Graph(wire) = value else { return None };
        if wire.len() > LARGEST_BODY {
            return None;
        }
        let mut body = pb::GraphProto::decode(wire.as_slice()).ok()?;
        let inputs = body.input.iter().map(|i| i.name.clone());
        let constants = body.initializer.iter().map(|t| t.name.clone());
        let results = body.node.iter().flat_map(|n| n.output.clone());
        let inner: BTreeSet<String> = inputs.chain(constants).chain(results).collect();
        let mut outer = BTreeMap::new();
        for name in body.node.iter().flat_map(|n| &n.input).filter(|name| !inner.contains(*name)) {
            let id = graph.value_ids().find(|id| graph.value(*id).name == *name);
            outer.extend(id.map(|id| (name.clone(), value_name(id))));
        }
        for input in body.node.iter_mut().flat_map(|n| &mut n.input) {
            if let Some(name) = outer.get(input) {
                input.clone_from(name);
            }
        }
        let mut attribute = pb::AttributeProto { name: name.to_owned(), g: Some(body), ..Default::default() };
        attribute.r#type = AttributeType::Graph.into();
        Some(attribute)
    };
    node.attributes.iter().filter_map(body).collect()
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
