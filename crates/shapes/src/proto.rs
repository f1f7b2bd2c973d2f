//! Nodes and constants as tract reads them: ONNX protobuf without weights.

use std::borrow::Cow;

use hawkeye_graph::{Attribute, DType, Elements, Node, Tensor, ValueId};
use tract_onnx::pb;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::prelude::f16;

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

/// A constant whose elements are known; `None` for any other.
pub(crate) fn small(tensor: &Tensor) -> Option<pb::TensorProto> {
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
pub(crate) fn large_constant(node: &Node) -> Option<(ValueId, &Tensor)> {
    match node.attributes.get("value").or(node.attributes.get("sparse_value")) {
        Some(Attribute::Tensor(tensor)) if node.op == "Constant" && small(tensor).is_none() => {
            Some((node.present_outputs().next()?, tensor))
        }
        _ => None,
    }
}

/// The node; its values are named by their positions, and empty where they are left out.
pub(crate) fn node(node: &Node) -> pb::NodeProto {
    let names = |values: &[Option<ValueId>], letter: &str| {
        let name = |(position, id): (usize, &Option<ValueId>)| match id {
            Some(_) => format!("{letter}{position}"),
            None => String::new(),
        };
        values.iter().enumerate().map(name).collect()
    };
    pb::NodeProto {
        name: node.name.clone(),
        op_type: operator(node).into_owned(),
        domain: node.domain.clone(),
        input: names(&node.inputs, "i"),
        output: names(&node.outputs, "o"),
        attribute: node
            .attributes
            .iter()
            .filter_map(|(name, value)| attribute(name, &stated(name, value)))
            .chain(leading_axes(node).and_then(|axes| attribute("axes", &axes)))
            .collect(),
        ..Default::default()
    }
}

/// The axes of a `Slice` that has its bounds as attributes and leaves its axes out, for which tract asks.
fn leading_axes(node: &Node) -> Option<Attribute> {
    match node.attributes.get("starts") {
        Some(Attribute::Ints(starts)) if node.op == "Slice" && node.attributes.get("axes").is_none() => {
            Some(Attribute::Ints((0..starts.len() as i64).collect()))
        }
        _ => None,
    }
}

/// The operator as rules name it. tract looks operators up by name alone; those of other domains are
/// unknown to it.
pub(crate) fn operator(node: &Node) -> Cow<'_, str> {
    match node.domain.as_str() {
        "" | "ai.onnx.ml" => Cow::Borrowed(&node.op),
        domain => Cow::Owned(format!("{domain}.{}", node.op)),
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
