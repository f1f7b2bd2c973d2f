//! Recurrent layers, step by step as ONNX defines them.

use hawkeye_graph::{Attribute, Node, ValueId};

use super::Decomposed;
use super::builder::DefinitionBuilder;

/// A layer's sizes and operands.
struct Layer<'n> {
    node: &'n Node,
    steps: u64,
    batch: u64,
    width: u64,
    hidden: u64,
    directions: u64,
    gates: u64,
    batch_first: bool,
    activations: Vec<String>,
}

/// One direction's weights, as the right operands of products, and its biases.
struct LayerWeights {
    input: ValueId,
    recurrent: ValueId,
    biases: Option<(ValueId, ValueId)>,
    peepholes: Option<ValueId>,
}

/// Hidden and cell state; absent where they are zero.
#[derive(Clone, Copy, Default)]
struct CellState {
    hidden: Option<ValueId>,
    cell: Option<ValueId>,
}

type Cell = fn(
    &mut DefinitionBuilder<'_, '_>,
    &Layer<'_>,
    &LayerWeights,
    &[String],
    ValueId,
    CellState,
) -> Option<CellState>;

/// `LSTM`.
pub(crate) fn lstm(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    layer(emit, node, 4, &["Sigmoid", "Tanh", "Tanh"], lstm_cell)
}

/// `GRU`.
pub(crate) fn gru(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    layer(emit, node, 3, &["Sigmoid", "Tanh"], gru_cell)
}

/// `RNN`.
pub(crate) fn rnn(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    layer(emit, node, 1, &["Tanh"], rnn_cell)
}

fn layer(
    emit: &mut DefinitionBuilder<'_, '_>,
    node: &Node,
    gates: u64,
    defaults: &[&str],
    cell: Cell,
) -> Decomposed {
    let layer = read(emit, node, gates, defaults)?;
    let reversed = |direction: u64| match text(node, "direction").as_deref() {
        Some("reverse") => true,
        Some("bidirectional") => direction == 1,
        _ => false,
    };
    let per_direction = defaults.len();
    let (mut sequences, mut hidden, mut cells) = (Vec::new(), Vec::new(), Vec::new());
    for direction in 0..layer.directions {
        let weights = weights(emit, &layer, direction)?;
        // ONNX lists the activations of the forward direction first, then those of the backward one.
        let position = usize::try_from(direction).ok()? * per_direction;
        let activations = layer.activations.get(position..position + per_direction)?.to_vec();
        let mut state = CellState {
            hidden: initial(emit, &layer, 5, direction),
            cell: if gates == 4 { initial(emit, &layer, 6, direction) } else { None },
        };
        let mut steps = Vec::new();
        for step in 0..layer.steps {
            let step = if reversed(direction) { layer.steps - 1 - step } else { step };
            let x = emit.slice(emit.input(0)?, usize::from(layer.batch_first), step, step + 1);
            let x = emit.reshape(x, &[layer.batch, layer.width]);
            state = cell(emit, &layer, &weights, &activations, x, state)?;
            steps.push(state.hidden?);
            // A long sequence stops at the limit of nodes, not after it.
            if emit.full() {
                return None;
            }
        }
        if reversed(direction) {
            steps.reverse();
        }
        sequences.push(steps);
        hidden.push(state.hidden?);
        cells.push(state.cell);
    }
    let wanted = |output: usize| node.outputs.get(output).copied().flatten().is_some();
    let sequence = if wanted(0) { Some(sequence(emit, &layer, &sequences)) } else { None };
    let last = if wanted(1) { Some(last(emit, &layer, &hidden)) } else { None };
    let mut outputs = vec![sequence, last];
    if gates == 4 && wanted(2) {
        outputs.push(Some(last_of(emit, &layer, &cells)?));
    }
    Some(outputs)
}

fn last_of(
    emit: &mut DefinitionBuilder<'_, '_>,
    layer: &Layer<'_>,
    cells: &[Option<ValueId>],
) -> Option<ValueId> {
    let cells: Vec<ValueId> = cells.iter().copied().collect::<Option<_>>()?;
    Some(last(emit, layer, &cells))
}

/// Sizes and operands; `None` where the layer has something that is not expanded.
fn read<'n>(
    emit: &DefinitionBuilder<'_, '_>,
    node: &'n Node,
    gates: u64,
    defaults: &[&str],
) -> Option<Layer<'n>> {
    let batch_first = node.attributes.int("layout").unwrap_or(0) == 1;
    let x = emit.shape(0)?;
    let w = emit.shape(1)?;
    let [first, second, width] = x[..] else { return None };
    let [directions, rows, _] = w[..] else { return None };
    let (steps, batch) = if batch_first { (second, first) } else { (first, second) };
    // Sequences of different lengths would be masked.
    if emit.input(4).is_some() {
        let full = i64::try_from(steps).ok()?;
        if emit.ints(4)?.iter().any(|length| *length != full) {
            return None;
        }
    }
    let special = ["clip", "activation_alpha", "activation_beta"];
    if special.iter().any(|name| node.attributes.get(name).is_some())
        || node.attributes.int("input_forget").unwrap_or(0) != 0
        || steps == 0
    {
        return None;
    }
    let activations = match node.attributes.get("activations") {
        Some(Attribute::Strings(names)) if !names.is_empty() => names.clone(),
        _ => {
            let all = (0..directions).flat_map(|_| defaults.iter().map(|name| (*name).to_owned()));
            all.collect()
        }
    };
    let known = ["Sigmoid", "Tanh", "Relu", "Softsign", "Softplus", "HardSigmoid", "Elu", "LeakyRelu"];
    if !activations.iter().all(|name| known.contains(&name.as_str())) {
        return None;
    }
    let hidden = rows / gates;
    Some(Layer { node, steps, batch, width, hidden, directions, gates, batch_first, activations })
}

fn text(node: &Node, name: &str) -> Option<String> {
    match node.attributes.get(name) {
        Some(Attribute::String(text)) => Some(text.clone()),
        _ => None,
    }
}

/// A direction's part of an operand whose leading dimension is the directions.
fn part(
    emit: &mut DefinitionBuilder<'_, '_>,
    layer: &Layer<'_>,
    id: ValueId,
    direction: u64,
    dims: &[u64],
) -> ValueId {
    let part = if layer.directions > 1 { emit.slice(id, 0, direction, direction + 1) } else { id };
    emit.reshape(part, dims)
}

fn weights(emit: &mut DefinitionBuilder<'_, '_>, layer: &Layer<'_>, direction: u64) -> Option<LayerWeights> {
    let rows = layer.gates * layer.hidden;
    let (w, r) = (emit.input(1)?, emit.input(2)?);
    let input = part(emit, layer, w, direction, &[rows, layer.width]);
    let recurrent = part(emit, layer, r, direction, &[rows, layer.hidden]);
    let biases = emit.input(3).map(|biases| {
        let both = part(emit, layer, biases, direction, &[2 * rows]);
        (emit.slice(both, 0, 0, rows), emit.slice(both, 0, rows, 2 * rows))
    });
    let given = if layer.gates == 4 { emit.input(7) } else { None };
    let peepholes = given.map(|p| part(emit, layer, p, direction, &[3 * layer.hidden]));
    Some(LayerWeights {
        input: emit.transpose(input, &[1, 0]),
        recurrent: emit.transpose(recurrent, &[1, 0]),
        biases,
        peepholes,
    })
}

/// The state before the first step. An initializer of zeros is none of the model's parameters: PyTorch's exporter writes
/// it where the program gave no state.
fn initial(
    emit: &mut DefinitionBuilder<'_, '_>,
    layer: &Layer<'_>,
    input: usize,
    direction: u64,
) -> Option<ValueId> {
    let id = emit.input(input)?;
    if emit.is_zero_initializer(id) {
        let zero = emit.number(0.0);
        return Some(emit.expand(zero, &[layer.batch, layer.hidden]));
    }
    let axis = usize::from(layer.batch_first);
    let part = if layer.directions > 1 { emit.slice(id, axis, direction, direction + 1) } else { id };
    Some(emit.reshape(part, &[layer.batch, layer.hidden]))
}

/// Input and recurrent products of all gates, with their biases.
fn products(
    emit: &mut DefinitionBuilder<'_, '_>,
    weights: &LayerWeights,
    x: ValueId,
    hidden: Option<ValueId>,
) -> (ValueId, Option<ValueId>) {
    let mut input = emit.op("MatMul", &[x, weights.input]);
    let mut recurrent = hidden.map(|h| emit.op("MatMul", &[h, weights.recurrent]));
    if let Some((w, r)) = weights.biases {
        input = emit.op("Add", &[input, w]);
        recurrent = Some(match recurrent {
            Some(recurrent) => emit.op("Add", &[recurrent, r]),
            None => r,
        });
    }
    (input, recurrent)
}

fn sum(emit: &mut DefinitionBuilder<'_, '_>, a: ValueId, b: Option<ValueId>) -> ValueId {
    match b {
        Some(b) => emit.op("Add", &[a, b]),
        None => a,
    }
}

fn lstm_cell(
    emit: &mut DefinitionBuilder<'_, '_>,
    layer: &Layer<'_>,
    weights: &LayerWeights,
    activations: &[String],
    x: ValueId,
    state: CellState,
) -> Option<CellState> {
    let h = layer.hidden;
    let (input, recurrent) = products(emit, weights, x, state.hidden);
    let all = sum(emit, input, recurrent);
    let [f, g, out] = activations else { return None };
    let gate = |emit: &mut DefinitionBuilder<'_, '_>, position: u64| {
        emit.slice(all, 1, position * h, (position + 1) * h)
    };
    let peep =
        |emit: &mut DefinitionBuilder<'_, '_>, value: ValueId, position: u64, cell: Option<ValueId>| {
            let (Some(p), Some(cell)) = (weights.peepholes, cell) else { return value };
            let p = emit.slice(p, 0, position * h, (position + 1) * h);
            let seen = emit.op("Mul", &[p, cell]);
            emit.op("Add", &[value, seen])
        };
    // ONNX's gates lie in the order i, o, f, c; peepholes in the order i, o, f.
    let i = gate(emit, 0);
    let i = peep(emit, i, 0, state.cell);
    let i = emit.op(f, &[i]);
    let candidate = gate(emit, 3);
    let candidate = emit.op(g, &[candidate]);
    let mut cell = emit.op("Mul", &[i, candidate]);
    // Without a cell before there is nothing to forget.
    if let Some(before) = state.cell {
        let forget = gate(emit, 2);
        let forget = peep(emit, forget, 2, state.cell);
        let forget = emit.op(f, &[forget]);
        let kept = emit.op("Mul", &[forget, before]);
        cell = emit.op("Add", &[kept, cell]);
    }
    let o = gate(emit, 1);
    let o = peep(emit, o, 1, Some(cell));
    let o = emit.op(f, &[o]);
    let shown = emit.op(out, &[cell]);
    Some(CellState { hidden: Some(emit.op("Mul", &[o, shown])), cell: Some(cell) })
}

fn gru_cell(
    emit: &mut DefinitionBuilder<'_, '_>,
    layer: &Layer<'_>,
    weights: &LayerWeights,
    activations: &[String],
    x: ValueId,
    state: CellState,
) -> Option<CellState> {
    let h = layer.hidden;
    let [f, g] = activations else { return None };
    // ONNX's gates lie in the order z, r, h. With linear_before_reset = 0 (ONNX, operator GRU) the candidate is
    // g(Xt·Whᵀ + (rt ⊙ Ht-1)·Rhᵀ + Rbh + Wbh), else g(Xt·Whᵀ + rt ⊙ (Ht-1·Rhᵀ + Rbh) + Wbh), as cuDNN has it.
    let reset_first = layer.node.attributes.int("linear_before_reset").unwrap_or(0) == 0;
    let (input, recurrent) = match reset_first {
        // The candidate's product waits for the reset gate.
        true => {
            let recurrent = emit.slice(weights.recurrent, 1, 0, 2 * h);
            let biases = weights.biases.map(|(w, r)| (w, emit.slice(r, 0, 0, 2 * h)));
            products(
                emit,
                &LayerWeights { input: weights.input, recurrent, biases, peepholes: None },
                x,
                state.hidden,
            )
        }
        false => products(emit, weights, x, state.hidden),
    };
    // In the first step of zeros nothing is multiplied: what is recurrent is the bias alone.
    let biased = state.hidden.is_none();
    let gate = |emit: &mut DefinitionBuilder<'_, '_>, all: ValueId, position: u64| {
        // A bias is a vector, products are matrices.
        let axis = usize::from(!(biased && Some(all) == recurrent));
        emit.slice(all, axis, position * h, (position + 1) * h)
    };
    let squashed = |emit: &mut DefinitionBuilder<'_, '_>, position: u64| {
        let x = gate(emit, input, position);
        let r = recurrent.map(|r| gate(emit, r, position));
        let both = sum(emit, x, r);
        emit.op(f, &[both])
    };
    let z = squashed(emit, 0);
    let r = squashed(emit, 1);
    let x = gate(emit, input, 2);
    let seen = if !reset_first {
        recurrent.map(|all| {
            let part = gate(emit, all, 2);
            emit.op("Mul", &[r, part])
        })
    } else {
        let product = state.hidden.map(|hidden| {
            let reset = emit.op("Mul", &[r, hidden]);
            let matrix = emit.slice(weights.recurrent, 1, 2 * h, 3 * h);
            emit.op("MatMul", &[reset, matrix])
        });
        let bias = weights.biases.map(|(_, bias)| emit.slice(bias, 0, 2 * h, 3 * h));
        match (product, bias) {
            (Some(product), bias) => Some(sum(emit, product, bias)),
            (None, bias) => bias,
        }
    };
    let both = sum(emit, x, seen);
    let new = emit.op(g, &[both]);
    // Ht = (1 - zt) * ht + zt * Ht-1; the second term is not there in the first step of zeros.
    let one = emit.number(1.0);
    let rest = emit.op("Sub", &[one, z]);
    let mut hidden = emit.op("Mul", &[rest, new]);
    if let Some(before) = state.hidden {
        let kept = emit.op("Mul", &[z, before]);
        hidden = emit.op("Add", &[hidden, kept]);
    }
    Some(CellState { hidden: Some(hidden), cell: None })
}

fn rnn_cell(
    emit: &mut DefinitionBuilder<'_, '_>,
    _layer: &Layer<'_>,
    weights: &LayerWeights,
    activations: &[String],
    x: ValueId,
    state: CellState,
) -> Option<CellState> {
    let (input, recurrent) = products(emit, weights, x, state.hidden);
    let both = sum(emit, input, recurrent);
    Some(CellState { hidden: Some(emit.op(activations.first()?, &[both])), cell: None })
}

/// Hidden states of all steps and directions.
fn sequence(emit: &mut DefinitionBuilder<'_, '_>, layer: &Layer<'_>, sequences: &[Vec<ValueId>]) -> ValueId {
    let (dims, time, directions) = if layer.batch_first {
        ([layer.batch, 1, 1, layer.hidden], 1, 2)
    } else {
        ([1, 1, layer.batch, layer.hidden], 0, 1)
    };
    let mut parts = Vec::new();
    for steps in sequences {
        let steps: Vec<ValueId> = steps.iter().map(|step| emit.reshape(*step, &dims)).collect();
        parts.push(emit.concat(&steps, time));
    }
    emit.concat(&parts, directions)
}

/// States after the last step of all directions.
fn last(emit: &mut DefinitionBuilder<'_, '_>, layer: &Layer<'_>, states: &[ValueId]) -> ValueId {
    let (dims, axis) = if layer.batch_first {
        ([layer.batch, 1, layer.hidden], 1)
    } else {
        ([1, layer.batch, layer.hidden], 0)
    };
    let parts: Vec<ValueId> = states.iter().map(|state| emit.reshape(*state, &dims)).collect();
    emit.concat(&parts, axis)
}
