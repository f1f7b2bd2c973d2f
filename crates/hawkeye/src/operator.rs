//! A model of a single operator.

use std::collections::BTreeMap;

use bytes::Bytes;
use hawkeye_onnx::wire::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, attribute_proto::AttributeType, tensor_proto,
    tensor_shape_proto, type_proto,
};
use prost::Message;

use crate::{Failure, Model, Visibility, import};

/// ONNX's number for 32-bit floats.
const FLOAT: i32 = 1;
/// Its numbers for 64-bit integers and truth values.
const INT64: i32 = 7;
const BOOL: i32 = 9;
/// The newest opset in wide use.
const OPSET: i64 = 17;

/// An operand of the operator.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// An input of that shape.
    Input(Vec<u64>),
    /// A weight of that shape.
    Weight(Vec<u64>),
    /// An input of integers.
    Integers(Vec<u64>),
    /// An input of truth values.
    Truths(Vec<u64>),
    /// A constant list of integers.
    Constant(Vec<i64>),
    /// A constant number.
    Number(f32),
    /// An optional operand that is left out.
    Absent,
}

/// A model of one operator on floats; its node has the operator's name.
///
/// # Errors
/// If there is no such operator, or it can't have such operands.
pub fn operator(op: &str, operands: &[Operand], attributes: &[(String, String)]) -> Result<Model, Failure> {
    let single =
        Single { name: op, op, domain: "", opset: OPSET, operands, attributes, outputs: 1, trained: false };
    single.model()
}

/// Who knows the operands of a [`operator`] in the midst of a model: nobody but for weights, whoever knows what goes
/// into the model.
#[must_use]
pub fn in_the_midst(operator: &Model) -> BTreeMap<String, Visibility> {
    let names = operator.graph.inputs.iter().map(|id| operator.graph.value(*id).name.clone());
    names.map(|name| (name, Visibility::Secret)).collect()
}

/// The name of an operand in the model.
pub(crate) fn operand_name(index: usize) -> String {
    format!("operand_{index}")
}

/// A model of a single node.
pub(crate) struct Single<'a> {
    /// Name of the node.
    pub(crate) name: &'a str,
    pub(crate) op: &'a str,
    pub(crate) domain: &'a str,
    /// Version of the domain's operators, where that is ONNX's own.
    pub(crate) opset: i64,
    pub(crate) operands: &'a [Operand],
    pub(crate) attributes: &'a [(String, String)],
    pub(crate) outputs: usize,
    /// Whether a parameter is added to each input, so that there is something to train.
    pub(crate) trained: bool,
}

impl Single<'_> {
    /// # Errors
    /// If there is no such operator, or it can't have such operands.
    pub(crate) fn model(&self) -> Result<Model, Failure> {
        let mut graph = GraphProto { name: Some(self.op.to_owned()), ..GraphProto::default() };
        let inputs = self.inputs(&mut graph);
        let first = "result".to_owned();
        let more = (1..self.outputs).map(|index| format!("result_{index}"));
        let outputs: Vec<String> = std::iter::once(first).chain(more).collect();
        graph.output =
            outputs.iter().map(|name| ValueInfoProto { name: Some(name.clone()), r#type: None }).collect();
        graph.node.push(NodeProto {
            input: inputs,
            output: outputs,
            name: Some(self.name.to_owned()),
            op_type: Some(self.op.to_owned()),
            domain: (!self.domain.is_empty()).then(|| self.domain.to_owned()),
            attribute: self.attributes.iter().map(|(name, value)| attribute(name, value)).collect(),
            ..NodeProto::default()
        });
        let mut opsets = vec![OperatorSetIdProto { domain: None, version: Some(self.opset) }];
        if !self.domain.is_empty() {
            opsets.push(OperatorSetIdProto { domain: Some(self.domain.to_owned()), version: Some(1) });
        }
        let model = ModelProto {
            ir_version: Some(8),
            graph: Some(graph),
            opset_import: opsets,
            ..ModelProto::default()
        };
        import(Bytes::from(model.encode_to_vec()), None)
    }

    /// Adds what the operator takes to a graph, and gives the names.
    fn inputs(&self, graph: &mut GraphProto) -> Vec<String> {
        let mut inputs = Vec::new();
        for (index, operand) in self.operands.iter().enumerate() {
            let name = operand_name(index);
            let input = |elements: i32, shape: &[u64]| ValueInfoProto {
                name: Some(name.clone()),
                r#type: Some(typed(elements, &signed(shape))),
            };
            let mut taken = name.clone();
            match operand {
                Operand::Input(shape) => {
                    graph.input.push(input(FLOAT, shape));
                    if self.trained {
                        let offset = format!("offset_{index}");
                        taken = format!("moved_{index}");
                        graph.initializer.push(weight(&offset, &[1]));
                        graph.node.push(NodeProto {
                            input: vec![name, offset],
                            output: vec![taken.clone()],
                            op_type: Some("Add".to_owned()),
                            ..NodeProto::default()
                        });
                    }
                }
                Operand::Integers(shape) => graph.input.push(input(INT64, shape)),
                Operand::Truths(shape) => graph.input.push(input(BOOL, shape)),
                Operand::Weight(shape) => graph.initializer.push(weight(&name, shape)),
                Operand::Constant(integers) => graph.initializer.push(TensorProto {
                    name: Some(name),
                    dims: vec![i64::try_from(integers.len()).unwrap_or(i64::MAX)],
                    data_type: Some(INT64),
                    int64_data: integers.clone(),
                    ..TensorProto::default()
                }),
                Operand::Number(number) => graph.initializer.push(TensorProto {
                    name: Some(name),
                    data_type: Some(FLOAT),
                    float_data: vec![*number],
                    ..TensorProto::default()
                }),
                Operand::Absent => taken = String::new(),
            }
            inputs.push(taken);
        }
        inputs
    }
}

fn signed(shape: &[u64]) -> Vec<i64> {
    shape.iter().map(|d| i64::try_from(*d).unwrap_or(i64::MAX)).collect()
}

/// Nothing reads weights, so there are none: their data is said to be elsewhere.
fn weight(name: &str, shape: &[u64]) -> TensorProto {
    TensorProto {
        name: Some(name.to_owned()),
        dims: signed(shape),
        data_type: Some(FLOAT),
        data_location: Some(tensor_proto::DataLocation::External.into()),
        external_data: vec![StringStringEntryProto {
            key: Some("location".to_owned()),
            value: Some("nowhere".to_owned()),
        }],
        ..TensorProto::default()
    }
}

fn typed(elements: i32, shape: &[i64]) -> TypeProto {
    let dim = |size: &i64| tensor_shape_proto::Dimension {
        value: Some(tensor_shape_proto::dimension::Value::DimValue(*size)),
    };
    TypeProto {
        tensor_type: Some(type_proto::Tensor {
            elem_type: Some(elements),
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
