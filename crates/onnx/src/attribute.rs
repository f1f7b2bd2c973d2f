//! Operator attributes from their wire form.

use std::path::Path;

use hawkeye_graph::Attribute;

use crate::tensor::{dense, tensor};
use crate::wire::{AttributeProto, attribute_proto::AttributeType as Type};

/// Converts an attribute other than a body.
///
/// # Errors
/// Says what is wrong with it.
pub(crate) fn attribute(proto: &AttributeProto, folder: Option<&Path>) -> Result<Attribute, String> {
    let text = |bytes: &bytes::Bytes| String::from_utf8_lossy(bytes).into_owned();
    Ok(match kind(proto) {
        Type::Float => Attribute::Float(proto.f()),
        Type::Int => Attribute::Int(proto.i()),
        Type::String => Attribute::String(proto.s.as_ref().map(text).unwrap_or_default()),
        Type::Tensor => match &proto.t {
            Some(t) => Attribute::Tensor(tensor(t, folder)?),
            None => return Err("tensor attribute without a tensor".to_owned()),
        },
        Type::Floats => Attribute::Floats(proto.floats.clone()),
        Type::Ints => Attribute::Ints(proto.ints.clone()),
        Type::Strings => Attribute::Strings(proto.strings.iter().map(text).collect()),
        Type::SparseTensor => match &proto.sparse_tensor {
            Some(sparse) => Attribute::Tensor(tensor(&dense(sparse), folder)?),
            None => return Err("sparse tensor attribute without a tensor".to_owned()),
        },
        Type::Undefined
        | Type::Graph
        | Type::Tensors
        | Type::Graphs
        | Type::SparseTensors
        | Type::TypeProto
        | Type::TypeProtos => Attribute::Other,
    })
}

/// Its name. A sparse constant without an element is what stripping left of one, and its value still.
pub(crate) fn name(proto: &AttributeProto) -> &str {
    let values = proto.sparse_tensor.as_ref().and_then(|sparse| sparse.values.as_ref());
    let hollow = values.is_some_and(|values| values.dims == [0]);
    if proto.name() == SPARSE_VALUE && hollow { "value" } else { proto.name() }
}

/// The attribute with the elements of a `Constant` that are not zero.
pub(crate) const SPARSE_VALUE: &str = "sparse_value";

/// The stated type; IR version 1 did not state it, so it is guessed from the field that is set.
pub(crate) fn kind(proto: &AttributeProto) -> Type {
    match proto.r#type() {
        Type::Undefined if proto.f.is_some() => Type::Float,
        Type::Undefined if proto.i.is_some() => Type::Int,
        Type::Undefined if proto.s.is_some() => Type::String,
        Type::Undefined if proto.t.is_some() => Type::Tensor,
        Type::Undefined if proto.g.is_some() => Type::Graph,
        Type::Undefined if proto.sparse_tensor.is_some() => Type::SparseTensor,
        Type::Undefined if !proto.floats.is_empty() => Type::Floats,
        Type::Undefined if !proto.ints.is_empty() => Type::Ints,
        Type::Undefined if !proto.strings.is_empty() => Type::Strings,
        stated => stated,
    }
}
