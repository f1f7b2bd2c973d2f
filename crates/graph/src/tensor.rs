//! Constant tensors, of which only small ones carry their elements.

use crate::DType;

/// Tensors of at most this many elements keep their values; larger ones are weights, of which only
/// the shape matters.
pub const SMALL: u64 = 64;

/// Largest number of elements a tensor may have; beyond it, costs would overflow anyway.
const MOST_ELEMENTS: u64 = 1 << 48;

/// Product of dimensions.
///
/// # Errors
/// Says what is wrong with them.
pub fn element_count(dims: &[u64]) -> Result<u64, String> {
    let mut count: u64 = 1;
    for dim in dims.iter().filter(|d| **d != 0) {
        count = count.checked_mul(*dim).filter(|c| *c <= MOST_ELEMENTS).ok_or_else(|| {
            format!("shape {dims:?} has more than 2^48 elements, which no framework can hold")
        })?;
    }
    Ok(if dims.contains(&0) { 0 } else { count })
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn element_counts_are_bounded() {
        assert_eq!(element_count(&[2, 3]), Ok(6));
        assert_eq!(element_count(&[]), Ok(1));
        assert!(element_count(&[0, 1 << 40, 1 << 40]).is_err());
        assert_eq!(element_count(&[1 << 48]), Ok(1 << 48));
        assert!(element_count(&[1 << 62]).is_err());
    }
}
