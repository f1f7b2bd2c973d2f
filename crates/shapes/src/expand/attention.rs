//! Attention and what belongs to it, by the function bodies that ONNX gives.

use hawkeye_graph::{Attribute, DType, Elements, Node, SMALL, Tensor, ValueId};

use super::Decomposed;
use super::activation::float;
use super::builder::DefinitionBuilder;

/// An operand with its heads apart.
struct Heads {
    value: ValueId,
    batch: u64,
    heads: u64,
    length: u64,
    size: u64,
}

fn heads(emit: &mut DefinitionBuilder<'_, '_>, node: &Node, input: usize, attribute: &str) -> Option<Heads> {
    let value = emit.input(input)?;
    match emit.shape(input)?[..] {
        [batch, heads, length, size] => Some(Heads { value, batch, heads, length, size }),
        [batch, length, packed] => {
            let heads = u64::try_from(node.attributes.int(attribute)?).ok().filter(|h| *h > 0)?;
            let size = packed / heads;
            let value = emit.reshape(value, &[batch, length, heads, size]);
            let value = emit.transpose(value, &[0, 2, 1, 3]);
            Some(Heads { value, batch, heads, length, size })
        }
        _ => None,
    }
}

/// Puts what was there before in front of keys or values.
fn after(emit: &mut DefinitionBuilder<'_, '_>, input: usize, new: Heads) -> Option<Heads> {
    let Some(past) = emit.input(input) else { return Some(new) };
    let length = new.length.checked_add(*emit.shape(input)?.get(2)?)?;
    Some(Heads { value: emit.concat(&[past, new.value], 2), length, ..new })
}

/// Repeats heads so that there are as many as queries have.
fn shared(emit: &mut DefinitionBuilder<'_, '_>, own: &Heads, wanted: u64) -> Option<ValueId> {
    if own.heads == wanted {
        return Some(own.value);
    }
    let times = wanted.checked_div(own.heads).filter(|t| t * own.heads == wanted)?;
    let apart = emit.reshape(own.value, &[own.batch, own.heads, 1, own.length, own.size]);
    let copies = vec![apart; usize::try_from(times).ok()?];
    let copies = emit.concat(&copies, 2);
    Some(emit.reshape(copies, &[own.batch, wanted, own.length, own.size]))
}

/// `Attention`.
pub(crate) fn attention(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let q = heads(emit, node, 0, "q_num_heads")?;
    let k = heads(emit, node, 1, "kv_num_heads")?;
    let v = heads(emit, node, 2, "kv_num_heads")?;
    // Lengths of the batch's sequences would be one more mask.
    if emit.input(6).is_some() || node.attributes.int("qk_matmul_output_mode").unwrap_or(0) != 0 {
        return None;
    }
    let packed = emit.shape(0)?.len() == 3;
    let k = after(emit, 4, k)?;
    let v = after(emit, 5, v)?;
    let root = float(node, "scale", 1.0 / (q.size as f64).sqrt()).sqrt();
    let keys = shared(emit, &k, q.heads)?;
    let values = shared(emit, &v, q.heads)?;
    let turned = emit.transpose(keys, &[0, 1, 3, 2]);
    let queries = emit.scaled(q.value, root);
    let turned = emit.scaled(turned, root);
    let raw = emit.op("MatMul", &[queries, turned]);
    let mut scores = raw;
    if node.attributes.int("is_causal").unwrap_or(0) != 0 {
        let mask = emit.constant(later_keys(q.length, k.length)?);
        scores = emit.op("Add", &[scores, mask]);
    }
    if let Some(mask) = emit.input(3) {
        scores = if emit.fact(mask)?.dtype == Some(DType::Bool) {
            let (none, least) = (emit.number(0.0), emit.number(f64::from(f32::MIN)));
            let bias = emit.op("Where", &[mask, none, least]);
            emit.op("Add", &[scores, bias])
        } else {
            emit.op("Add", &[scores, mask])
        };
    }
    let cap = float(node, "softcap", 0.0);
    if cap > 0.0 {
        let inner = emit.scaled(scores, 1.0 / cap);
        let bent = emit.op("Tanh", &[inner]);
        scores = emit.scaled(bent, cap);
    }
    let weights = emit.op_with("Softmax", &[scores], &[("axis", Attribute::Int(-1))]);
    let mut y = emit.op("MatMul", &[weights, values]);
    if packed {
        y = emit.transpose(y, &[0, 2, 1, 3]);
        y = emit.reshape(y, &[q.batch, q.length, q.heads.checked_mul(v.size)?]);
    }
    Some(vec![Some(y), Some(k.value), Some(v.value), Some(raw)])
}

/// What keeps a query from the keys that come after it.
fn later_keys(queries: u64, keys: u64) -> Option<Tensor> {
    let count = queries.checked_mul(keys)?;
    let bias = |query, key| if key > query { f64::from(f32::MIN) } else { 0.0 };
    let all = || (0..queries).flat_map(|query| (0..keys).map(move |key| bias(query, key))).collect();
    let elements = (count <= SMALL).then(|| Elements::Floats(all()));
    Some(Tensor { dtype: DType::Float32, dims: vec![queries, keys], elements })
}

/// `RotaryEmbedding`.
pub(crate) fn rotary(emit: &mut DefinitionBuilder<'_, '_>, node: &Node) -> Decomposed {
    let dims = emit.shape(0)?;
    let x = heads(emit, node, 0, "num_heads")?;
    let turned = u64::try_from(node.attributes.int("rotary_embedding_dim").unwrap_or(0)).ok()?;
    let turned = if turned == 0 { x.size } else { turned.min(x.size) };
    let half = turned / 2;
    let mut table = |input: usize| -> Option<ValueId> {
        let mut table = emit.input(input)?;
        if let Some(positions) = emit.input(3) {
            table = emit.op_with("Gather", &[table, positions], &[("axis", Attribute::Int(0))]);
        }
        Some(emit.reshape(table, &[x.batch, 1, x.length, half]))
    };
    let (cos, sin) = (table(1)?, table(2)?);
    let (first, second) = if node.attributes.int("interleaved").unwrap_or(0) != 0 {
        let pairs = emit.slice(x.value, 3, 0, turned);
        let pairs = emit.reshape(pairs, &[x.batch, x.heads, x.length, half, 2]);
        let flat = [x.batch, x.heads, x.length, half];
        let (even, odd) = (emit.slice(pairs, 4, 0, 1), emit.slice(pairs, 4, 1, 2));
        (emit.reshape(even, &flat), emit.reshape(odd, &flat))
    } else {
        (emit.slice(x.value, 3, 0, half), emit.slice(x.value, 3, half, turned))
    };
    let product = |emit: &mut DefinitionBuilder<'_, '_>, op: &str, a: ValueId, b: ValueId| {
        let left = emit.op("Mul", &[a, first]);
        let right = emit.op("Mul", &[b, second]);
        emit.op(op, &[left, right])
    };
    let real = product(emit, "Sub", cos, sin);
    let imaginary = product(emit, "Add", sin, cos);
    let mut y = if node.attributes.int("interleaved").unwrap_or(0) != 0 {
        let apart = [x.batch, x.heads, x.length, half, 1];
        let (real, imaginary) = (emit.reshape(real, &apart), emit.reshape(imaginary, &apart));
        let pairs = emit.concat(&[real, imaginary], 4);
        emit.reshape(pairs, &[x.batch, x.heads, x.length, turned])
    } else {
        emit.concat(&[real, imaginary], 3)
    };
    if turned < x.size {
        let rest = emit.slice(x.value, 3, turned, x.size);
        y = emit.concat(&[y, rest], 3);
    }
    if dims.len() == 3 {
        y = emit.transpose(y, &[0, 2, 1, 3]);
        y = emit.reshape(y, &dims);
    }
    Some(vec![Some(y)])
}
