//! Types of graph inputs as the model declares them.

use hawkeye_graph::{DType, DeclaredType, Dim, Kind, element_count};
use prost::Message;

use crate::wire::tensor_shape_proto::dimension::Value as DimValue;
use crate::wire::type_proto::{Nested, Tensor};
use crate::wire::{TypeProto, ValueInfoProto};

/// Sequences and optionals nest to this depth.
const DEEPEST: usize = 4;

/// The type of an input; `unnamed` counts dimensions without a name.
///
/// # Errors
/// Says what is wrong with it.
pub(crate) fn declared(info: &ValueInfoProto, unnamed: &mut usize) -> Result<DeclaredType, String> {
    match &info.r#type {
        Some(proto) => of_type(proto, unnamed, 0),
        None => Err("has no type".to_owned()),
    }
}

fn of_type(proto: &TypeProto, unnamed: &mut usize, depth: usize) -> Result<DeclaredType, String> {
    let (nested, kind) = match proto {
        TypeProto { tensor_type: Some(tensor), .. } => return of_tensor(tensor, unnamed),
        TypeProto { sequence_type: Some(nested), .. } => (nested, Kind::Sequence),
        TypeProto { optional_type: Some(nested), .. } => (nested, Kind::Optional),
        _ => return Err("is no tensor, nor made of tensors".to_owned()),
    };
    if depth == DEEPEST {
        return Err(format!("its type nests deeper than {DEEPEST}"));
    }
    let nested = Nested::decode(nested.clone()).map_err(|e| format!("its type is broken: {e}"))?;
    let element = of_type(&nested.elem_type.unwrap_or_default(), unnamed, depth + 1)?;
    let dims = match kind {
        Kind::Sequence => element.dims.map(|dims| [vec![symbol(unnamed)], dims].concat()),
        Kind::Tensor | Kind::Optional | Kind::Other => element.dims,
    };
    Ok(DeclaredType { dims, kind, ..element })
}

fn of_tensor(tensor: &Tensor, unnamed: &mut usize) -> Result<DeclaredType, String> {
    let code = tensor.elem_type();
    let dtype = DType::from_onnx(code).ok_or_else(|| format!("unknown element type {code}"))?;
    let kind = Kind::Tensor;
    let Some(shape) = &tensor.shape else { return Ok(DeclaredType { dtype, dims: None, kind }) };
    let mut dims = Vec::with_capacity(shape.dim.len());
    for dim in &shape.dim {
        dims.push(match &dim.value {
            // Exporters write -1 where others write nothing.
            Some(DimValue::DimValue(-1)) => symbol(unnamed),
            Some(DimValue::DimValue(size)) => {
                Dim::Fixed(u64::try_from(*size).map_err(|_| format!("negative dimension {size}"))?)
            }
            Some(DimValue::DimParam(name)) if !name.is_empty() => Dim::Symbol(name.clone()),
            _ => symbol(unnamed),
        });
    }
    let fixed: Vec<u64> =
        dims.iter().filter_map(|d| if let Dim::Fixed(size) = d { Some(*size) } else { None }).collect();
    element_count(&fixed)?;
    Ok(DeclaredType { dtype, dims: Some(dims), kind })
}

fn symbol(unnamed: &mut usize) -> Dim {
    *unnamed += 1;
    Dim::Symbol(format!("unnamed_{unnamed}"))
}
