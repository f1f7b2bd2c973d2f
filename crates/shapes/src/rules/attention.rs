//! Attention in its several forms.

use super::context::{Output, RuleCall, known};

/// Y, present key, present value, and the scores. Three-dimensional operands pack the heads into
/// their last dimension.
pub(crate) fn attention(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let q = heads(call, 0, "q_num_heads")?;
    let k = heads(call, 1, "kv_num_heads")?;
    let v = heads(call, 2, "kv_num_heads")?;
    let past = |input| if call.has(input) { call.dims(input)?.get(2).copied() } else { Some(0) };
    let total_k = past(4)?.checked_add(k[2])?;
    let total_v = past(5)?.checked_add(v[2])?;
    let y = match call.dims(0)?.len() {
        3 => vec![q[0], q[2], q[1].checked_mul(v[3])?],
        _ => vec![q[0], q[1], q[2], v[3]],
    };
    Some(vec![
        known(call.dtype(0), y),
        known(call.dtype(1), vec![k[0], k[1], total_k, k[3]]),
        known(call.dtype(2), vec![v[0], v[1], total_v, v[3]]),
        known(call.dtype(0), vec![q[0], q[1], q[2], total_k]),
    ])
}

/// Batch, heads, length and head size of an operand.
fn heads(call: &RuleCall<'_>, input: usize, heads: &str) -> Option<[i64; 4]> {
    match call.dims(input)?[..] {
        [batch, heads, length, size] => Some([batch, heads, length, size]),
        [batch, length, packed] => {
            let heads = call.int(heads).filter(|h| *h > 0)?;
            Some([batch, heads, length, packed / heads])
        }
        _ => None,
    }
}

/// `FlexAttention`: Y.
pub(crate) fn flex_attention(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let (q, v) = (call.dims(0)?, call.dims(2)?);
    Some(vec![known(call.dtype(0), vec![*q.first()?, *q.get(1)?, *q.get(2)?, *v.get(3)?])])
}

/// `LinearAttention`: the packed result and the recurrent state.
pub(crate) fn linear_attention(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let q = heads(call, 0, "q_num_heads")?;
    let k = heads(call, 1, "kv_num_heads")?;
    let v = heads(call, 2, "kv_num_heads")?;
    let state_type = if call.has(3) { call.dtype(3) } else { call.dtype(0) };
    Some(vec![
        known(call.dtype(0), vec![q[0], q[2], q[1].checked_mul(v[3])?]),
        known(state_type, vec![k[0], k[1], k[3], v[3]]),
    ])
}

/// `CausalConvWithState`: the convolution and what the next step carries over.
pub(crate) fn causal_conv(call: &RuleCall<'_>) -> Option<Vec<Output>> {
    let (x, w) = (call.dims(0)?, call.dims(1)?);
    let carried = w.last()?.checked_sub(1)?;
    Some(vec![call.alike(0)?, known(call.dtype(0), vec![*x.first()?, *x.get(1)?, carried])])
}
