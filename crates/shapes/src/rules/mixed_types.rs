//! Shapes of operators on mixed types.
//!
//! ONNX wants operands of one type, tract insists on it, but frameworks that have a single type for
//! secret values run comparisons' results through arithmetic. Shapes don't depend on the types.

use std::rc::Rc;

use hawkeye_graph::{DType, Node};

use crate::known::KnownValue;

/// The output of a node that tract knows nothing about although all its inputs are known.
pub(crate) fn mixed_type_fallback(node: &Node, inputs: &[Option<&Rc<KnownValue>>]) -> Option<Rc<KnownValue>> {
    if !node.domain.is_empty() {
        return None;
    }
    let shapes = inputs.iter().flatten().map(|known| known.fact.shape()).collect::<Option<Vec<_>>>()?;
    let shape = match node.op.as_str() {
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Where" | "Equal" | "Greater" | "GreaterOrEqual" | "Less"
        | "LessOrEqual" | "And" | "Or" | "Xor" | "Min" | "Max" | "Mean" | "Sum" | "PRelu" => {
            shapes.iter().try_fold(Vec::new(), |all, shape| common_shape(&all, shape))?
        }
        "MatMul" => matmul(shapes.first()?, shapes.get(1)?)?,
        // Frameworks multiply stacks of matrices here too.
        "Gemm" if node.attributes.int("transA").unwrap_or(0) == 0 => {
            let mut weight = shapes.get(1)?.clone();
            if node.attributes.int("transB").unwrap_or(0) != 0 {
                weight.reverse();
            }
            matmul(shapes.first()?, &weight)?
        }
        _ => return None,
    };
    let dtypes: Vec<DType> = inputs.iter().flatten().filter_map(|known| known.fact.dtype).collect();
    let dtype = dtypes.iter().find(|d| d.is_float()).or(dtypes.first()).copied()?;
    let dims: Vec<Option<u64>> = shape.into_iter().map(Some).collect();
    Some(KnownValue::typed(dtype, Some(&dims)))
}

/// The common shape of two operands; `None` if there is none.
pub(crate) fn common_shape<T: Copy + PartialEq + From<u8>>(a: &[T], b: &[T]) -> Option<Vec<T>> {
    let rank = a.len().max(b.len());
    let one = T::from(1);
    let at = |shape: &[T], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(one, |i| shape[i]);
    (0..rank)
        .map(|axis| match (at(a, axis), at(b, axis)) {
            (x, y) if x == y => Some(x),
            (x, y) if x == one => Some(y),
            (x, y) if y == one => Some(x),
            _ => None,
        })
        .collect()
}

/// Also of two vectors, which tract does not multiply.
fn matmul(a: &[u64], b: &[u64]) -> Option<Vec<u64>> {
    if let ([k], [l]) = (a, b) {
        return (k == l).then(Vec::new);
    }
    let ([batch_a @ .., m, k], [batch_b @ .., l, n]) = (a, b) else { return None };
    if k != l {
        return None;
    }
    let mut shape = common_shape(batch_a, batch_b)?;
    shape.extend([*m, *n]);
    Some(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_are_broadcast() {
        assert_eq!(common_shape::<u64>(&[2, 1, 3], &[4, 1]), Some(vec![2, 4, 3]));
        assert_eq!(common_shape::<u64>(&[2], &[3]), None);
    }

    #[test]
    fn products_of_stacks() {
        assert_eq!(matmul(&[5, 2, 3], &[3, 4]), Some(vec![5, 2, 4]));
        assert_eq!(matmul(&[2, 3], &[4, 2]), None);
    }
}
