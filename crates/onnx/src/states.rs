//! Initial states of recurrent layers. Exporters write zeros where a program gave no state: those are no weights,
//! however many there are.

use std::collections::HashSet;

use hawkeye_graph::{Elements, Tensor};

use crate::wire::tensor_proto::DataLocation;
use crate::wire::{NodeProto, TensorProto};

/// Longer states are not looked at.
const LONGEST: u64 = 1 << 14;

/// Whether an operator takes an initial state at that input.
pub(crate) fn is_state(op: &str, position: usize) -> bool {
    matches!(op, "LSTM" | "GRU" | "RNN") && matches!(position, 5 | 6)
}

/// Names of the values with which recurrent layers start.
pub(crate) fn states(nodes: &[NodeProto]) -> HashSet<&str> {
    let mut found = HashSet::new();
    for node in nodes {
        let taken = node
            .input
            .iter()
            .enumerate()
            .filter(|(at, name)| is_state(node.op_type(), *at) && !name.is_empty());
        found.extend(taken.map(|(_, name)| name.as_str()));
    }
    found
}

/// Whether all elements are in the file, and zero.
pub(crate) fn is_zero(proto: &TensorProto) -> bool {
    if proto.data_location() == DataLocation::External {
        return false;
    }
    match &proto.raw_data {
        Some(raw) => !raw.is_empty() && raw.iter().all(|byte| *byte == 0),
        None => {
            let floats = proto.float_data.iter().map(|x| f64::from(*x));
            let mut all = floats.chain(proto.double_data.iter().copied()).peekable();
            all.peek().is_some() && all.all(|x| x == 0.0)
        }
    }
}

/// The elements of a state of zeros.
pub(crate) fn zeros(proto: &TensorProto, tensor: &Tensor) -> Option<Elements> {
    let count = tensor.dims.iter().try_fold(1u64, |count, dim| count.checked_mul(*dim))?;
    let known = tensor.dtype.is_float() && count <= LONGEST && is_zero(proto);
    known.then(|| Elements::Floats(vec![0.0; usize::try_from(count).unwrap_or_default()]))
}
