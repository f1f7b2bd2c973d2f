//! Constant tensors, of which only small ones carry their elements.

use crate::DType;

/// Tensors of at most this many elements keep their values; larger ones are weights, of which only
/// the shape matters.
pub const SMALL: u64 = 64;

/// Elements of a small constant, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum Elements {
    /// Integers and booleans (0 and 1).
    Ints(Vec<i64>),
    /// Real numbers.
    Floats(Vec<f64>),
    /// Strings.
    Strings(Vec<String>),
}

impl Elements {
    /// The integers, if these are integers.
    #[must_use]
    pub fn ints(&self) -> Option<&[i64]> {
        match self {
            Self::Ints(v) => Some(v),
            Self::Floats(_) | Self::Strings(_) => None,
        }
    }
}

/// A constant of the model: an initializer or a tensor attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Element type.
    pub dtype: DType,
    /// Shape, in elements per dimension.
    pub dims: Vec<u64>,
    /// Elements, if there are at most [`SMALL`] of them and the file holds them; also more where a recurrent
    /// layer starts with zeros.
    pub elements: Option<Elements>,
}

impl Tensor {
    /// A vector of 64-bit integers, as ONNX passes axes and shapes.
    #[must_use]
    pub fn vector(ints: Vec<i64>) -> Self {
        Self { dtype: DType::Int64, dims: vec![ints.len() as u64], elements: Some(Elements::Ints(ints)) }
    }
}
