//! Recurrent layers: weights of gates.

use super::view::{Fit, FitView};

/// `LSTM`: input, output, forget and cell gates.
pub(super) fn lstm(view: &FitView<'_>) -> Fit {
    recurrent(view, 4)?;
    let (directions, hidden) = sizes(view);
    let peepholes = hidden.and_then(|hidden| hidden.checked_mul(3));
    view.wants(7, "P", &[directions, peepholes], "weights of peepholes for 3 gates")
}

/// `GRU`: update, reset and hidden gates.
pub(super) fn gru(view: &FitView<'_>) -> Fit {
    recurrent(view, 3)
}

/// `RNN`: a single gate.
pub(super) fn rnn(view: &FitView<'_>) -> Fit {
    recurrent(view, 1)
}

/// Directions, and elements of the hidden state: as the attribute says, or the weights.
fn sizes(view: &FitView<'_>) -> (Option<u64>, Option<u64>) {
    let directions = match view.node.attributes.get("direction") {
        Some(hawkeye_graph::Attribute::String(text)) if text == "bidirectional" => 2,
        _ => 1,
    };
    let stated = view.node.attributes.int("hidden_size");
    (Some(directions), stated.map_or(view.dim(2, 2), |size| u64::try_from(size).ok()))
}

fn recurrent(view: &FitView<'_>, gates: u64) -> Fit {
    view.wants_rank(0, "X", 3)?;
    view.wants_rank(2, "R", 3)?;
    if let Some(size) = view.node.attributes.int("hidden_size").filter(|size| *size < 1) {
        return Err(format!("hidden_size is {size}, where 1 is the least"));
    }
    let (directions, hidden) = sizes(view);
    let all_gates = hidden.and_then(|hidden| hidden.checked_mul(gates));
    let features = view.dim(0, 2);
    let what = "[directions, gates * hidden_size,";
    view.wants(1, "W", &[directions, all_gates, features], &format!("{what} features of X]"))?;
    view.wants(2, "R", &[directions, all_gates, hidden], &format!("{what} hidden_size]"))?;
    let biases = all_gates.and_then(|gates| gates.checked_mul(2));
    view.wants(3, "B", &[directions, biases], "[directions, 2 * gates * hidden_size]")?;
    let batch_first = view.int("layout", 0) != 0;
    let batch = view.dim(0, usize::from(!batch_first));
    view.wants(4, "sequence_lens", &[batch], "one for each element of the batch")?;
    let state = if batch_first { [batch, directions, hidden] } else { [directions, batch, hidden] };
    view.wants(5, "initial_h", &state, "a state for each direction and element of the batch")?;
    if view.op() == "LSTM" {
        view.wants(6, "initial_c", &state, "a state for each direction and element of the batch")?;
    }
    Ok(())
}
