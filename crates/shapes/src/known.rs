//! What the analysis knows of a value: tract's fact, what it says, and a key to look it up by.

use std::rc::Rc;

use hawkeye_graph::{DType, Elements, Fact, SMALL, Tensor as Constant};
use tract_onnx::data_resolver::MmapDataResolver;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::prelude::*;
use tract_onnx::tensor::load_tensor;
use tract_onnx::tract_hir::infer::{DimFact, Factoid, GenericFactoid, ShapeFactoid};

use crate::proto::{small, stand_in};

/// Constants of more elements have no key.
const LONGEST_KEY: usize = 4096;

/// What is known of a value.
#[derive(Debug)]
pub(crate) struct KnownValue {
    /// In tract's terms.
    pub(crate) inference: InferenceFact,
    /// In ours.
    pub(crate) fact: Fact,
    /// Equal for equal facts; `None` if there is none.
    pub(crate) key: Option<Vec<u8>>,
}

impl KnownValue {
    pub(crate) fn new(inference: InferenceFact) -> Rc<Self> {
        Rc::new(Self { fact: read(&inference), key: key(&inference), inference })
    }

    /// A value of this type and, as far as they are known, these dimensions.
    pub(crate) fn typed(dtype: DType, dims: Option<&[Option<u64>]>) -> Rc<Self> {
        let mut fact = InferenceFact::default();
        if let Some(datum) = datum(dtype) {
            fact = fact.with_datum_type(datum);
        }
        if let Some(dims) = dims {
            let size = |dim: &Option<u64>| match dim {
                Some(size) => GenericFactoid::Only(i64::try_from(*size).unwrap_or(i64::MAX).to_dim()),
                None => GenericFactoid::Any,
            };
            fact.shape = ShapeFactoid::closed(dims.iter().map(size).collect());
        }
        Self::new(fact)
    }

    /// A constant, with its elements where they are kept.
    pub(crate) fn constant(tensor: &Constant) -> Rc<Self> {
        let loaded = small(tensor).and_then(|proto| load_tensor(&MmapDataResolver, &proto, None).ok());
        match loaded.and_then(|loaded| InferenceFact::try_from(loaded.into_arc_tensor()).ok()) {
            Some(fact) => Self::new(fact),
            None => {
                let dims: Vec<Option<u64>> = tensor.dims.iter().copied().map(Some).collect();
                Self::typed(tensor.dtype, Some(&dims))
            }
        }
    }
}

fn datum(dtype: DType) -> Option<DatumType> {
    DatumType::try_from(DataType::try_from(stand_in(dtype).to_onnx()).ok()?).ok()
}

fn key(fact: &InferenceFact) -> Option<Vec<u8>> {
    let mut key = Vec::with_capacity(32);
    match fact.datum_type.concretize() {
        Some(datum) => key.extend(format!("{datum:?}").into_bytes()),
        None => key.push(b'?'),
    }
    key.push(if fact.shape.is_open() { b'~' } else { b':' });
    for dim in fact.shape.dims() {
        match dim.concretize() {
            None => key.push(b'?'),
            Some(dim) => {
                key.push(b'x');
                key.extend(dim.to_i64().ok()?.to_le_bytes());
            }
        }
    }
    if let Some(tensor) = fact.value.concretize() {
        key.push(b'=');
        let datum = tensor.datum_type();
        if tensor.len() > LONGEST_KEY || datum == DatumType::String {
            return None;
        } else if datum.is_float() {
            let floats = tensor.cast_to::<f64>().ok()?;
            key.extend(
                floats.try_as_plain_ram().ok()?.as_slice::<f64>().ok()?.iter().flat_map(|f| f.to_le_bytes()),
            );
        } else {
            let ints = tensor.cast_to::<i64>().ok()?;
            key.extend(
                ints.try_as_plain_ram().ok()?.as_slice::<i64>().ok()?.iter().flat_map(|i| i.to_le_bytes()),
            );
        }
    }
    key.push(b';');
    Some(key)
}

fn read(fact: &InferenceFact) -> Fact {
    let dims = (!fact.shape.is_open()).then(|| {
        let size = |dim: &DimFact| {
            dim.concretize().and_then(|dim| dim.to_i64().ok()).and_then(|size| u64::try_from(size).ok())
        };
        fact.shape.dims().map(size).collect()
    });
    Fact {
        dtype: fact.datum_type.concretize().and_then(dtype),
        dims,
        elements: fact.value.concretize().and_then(|tensor| elements(&tensor)),
    }
}

fn dtype(datum: DatumType) -> Option<DType> {
    Some(match datum {
        DatumType::Bool => DType::Bool,
        DatumType::U8 => DType::Uint8,
        DatumType::U16 => DType::Uint16,
        DatumType::U32 => DType::Uint32,
        DatumType::U64 => DType::Uint64,
        DatumType::I8 => DType::Int8,
        DatumType::I16 => DType::Int16,
        DatumType::I32 => DType::Int32,
        // Shapes are computed on symbolic integers.
        DatumType::I64 | DatumType::TDim => DType::Int64,
        DatumType::F16 => DType::Float16,
        DatumType::F32 => DType::Float32,
        DatumType::F64 => DType::Float64,
        DatumType::String => DType::String,
        _ => return None,
    })
}

fn elements(tensor: &Tensor) -> Option<Elements> {
    if tensor.len() as u64 > SMALL {
        return None;
    }
    let datum = tensor.datum_type();
    if datum.is_float() {
        let tensor = tensor.cast_to::<f64>().ok()?;
        Some(Elements::Floats(tensor.try_as_plain_ram().ok()?.as_slice::<f64>().ok()?.to_vec()))
    } else if datum.is_integer() || datum == DatumType::Bool || datum == DatumType::TDim {
        let tensor = tensor.cast_to::<i64>().ok()?;
        Some(Elements::Ints(tensor.try_as_plain_ram().ok()?.as_slice::<i64>().ok()?.to_vec()))
    } else {
        None
    }
}
