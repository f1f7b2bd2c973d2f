//! A model of a single operator.

use bytes::Bytes;
use hawkeye_onnx::wire::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, attribute_proto::AttributeType, tensor_proto,
    tensor_shape_proto, type_proto,
};
use prost::Message;

use crate::{Failure, Model, import};

/// ONNX's number for 32-bit floats.
const FLOAT: i32 = 1;
/// The newest opset in wide use.
const OPSET: i64 = 17;

/// An operand of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// An input of that shape.
    Input(Vec<u64>),
    /// A weight of that shape.
    Weight(Vec<u64>),
}

/// A model of one operator on floats; its node has the operator's name.
///
/// # Errors
/// If there is no such operator, or it can't have such operands.
pub fn operator(op: &str, operands: &[Operand], attributes: &[(String, String)]) -> Result<Model, Failure> {
    let names: Vec<String> = (0..operands.len()).map(|i| format!("operand_{i}")).collect();
    let signed =
        |shape: &[u64]| shape.iter().map(|d| i64::try_from(*d).unwrap_or(i64::MAX)).collect::<Vec<_>>();
    let mut graph = GraphProto { name: Some(op.to_owned()), ..GraphProto::default() };
    for (name, operand) in names.iter().zip(operands) {
        match operand {
            Operand::Input(shape) => graph
                .input
                .push(ValueInfoProto { name: Some(name.clone()), r#type: Some(float(&signed(shape))) }),
            // Nothing reads weights, so there are none: their data is said to be elsewhere.
            Operand::Weight(shape) => graph.initializer.push(TensorProto {
                name: Some(name.clone()),
                dims: signed(shape),
                data_type: Some(FLOAT),
                data_location: Some(tensor_proto::DataLocation::External.into()),
                external_data: vec![StringStringEntryProto {
                    key: Some("location".to_owned()),
                    value: Some("nowhere".to_owned()),
                }],
                ..TensorProto::default()
            }),
        }
    }
    graph.node.push(NodeProto {
        input: names,
        output: vec!["result".to_owned()],
        name: Some(op.to_owned()),
        op_type: Some(op.to_owned()),
        attribute: attributes.iter().map(|(name, value)| attribute(name, value)).collect(),
        ..NodeProto::default()
    });
    graph.output.push(ValueInfoProto { name: Some("result".to_owned()), r#type: None });
    let model = ModelProto {
        ir_version: Some(8),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(OPSET) }],
        ..ModelProto::default()
    };
    import(Bytes::from(model.encode_to_vec()), None)
}

fn float(shape: &[i64]) -> TypeProto {
    let dim = |size: &i64| tensor_shape_proto::Dimension {
        value: Some(tensor_shape_proto::dimension::Value::DimValue(*size)),
    };
    TypeProto {
        tensor_type: Some(type_proto::Tensor {
            elem_type: Some(FLOAT),
            shape: Some(TensorShapeProto { dim: shape.iter().map(dim).collect() }),
        }),
        ..TypeProto::default()
    }
}

/// An attribute: integers (several with commas), a float, or else text.
fn attribute(name: &str, value: &str) -> AttributeProto {
    let ints: Result<Vec<i64>, _> = value.split(',').map(|part| part.trim().parse()).collect();
    let mut attribute = AttributeProto { name: Some(name.to_owned()), ..AttributeProto::default() };
    let kind = match (ints, value.parse::<f32>()) {
        (Ok(ints), _) if ints.len() > 1 || LISTS.contains(&name) => {
            attribute.ints = ints;
            AttributeType::Ints
        }
        (Ok(ints), _) => {
            attribute.i = ints.first().copied();
            AttributeType::Int
        }
        (_, Ok(float)) => {
            attribute.f = Some(float);
            AttributeType::Float
        }
        _ => {
            attribute.s = Some(Bytes::copy_from_slice(value.as_bytes()));
            AttributeType::String
        }
    };
    attribute.r#type = Some(kind.into());
    attribute
}

/// Attributes of ONNX that are lists even if they hold one number.
const LISTS: [&str; 6] = ["kernel_shape", "strides", "pads", "dilations", "axes", "perm"];
