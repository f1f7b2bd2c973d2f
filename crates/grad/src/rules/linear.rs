//! Matrix products.

use hawkeye_graph::{Attribute, ValueId};

use crate::adjoint::{Adjoint, GradientResult};

/// y = α·op(a)·op(b) + β·c, op being a transposition or nothing.
pub(crate) fn gemm(adjoint: &mut Adjoint<'_>) -> GradientResult {
    let (alpha, beta) = (adjoint.float("alpha", 1.0), adjoint.float("beta", 1.0));
    let trans_a = adjoint.int("transA", 0) != 0;
    let trans_b = adjoint.int("transB", 0) != 0;
    let (dy, a, b) = (adjoint.dy()?, adjoint.x(0)?, adjoint.x(1)?);
    let mut product = |p: (ValueId, bool), q: (ValueId, bool)| {
        let mut attributes = Vec::new();
        if alpha != 1.0 {
            attributes.push(("alpha", Attribute::Float(alpha as f32)));
        }
        attributes.push(("transA", Attribute::Int(p.1.into())));
        attributes.push(("transB", Attribute::Int(q.1.into())));
        adjoint.graph.with("Gemm", &[p.0, q.0], &attributes)
    };
    let wants = |index: usize| adjoint.wanted.get(index).copied().unwrap_or(false);
    let da = wants(0).then(|| {
        if trans_a { product((b, trans_b), (dy, true)) } else { product((dy, false), (b, !trans_b)) }
    });
    let db = wants(1).then(|| {
        if trans_b { product((dy, true), (a, trans_a)) } else { product((a, !trans_a), (dy, false)) }
    });
    for (index, gradient) in [(0, da), (1, db)] {
        if let Some(gradient) = gradient {
            adjoint.give(index, gradient);
        }
    }
    if adjoint.wants(2) {
        let dy = adjoint.graph.scale(dy, beta);
        adjoint.give_broadcast(2, dy)?;
    }
    Ok(())
}

/// Products of stacks of matrices, which are broadcast; vectors are matrices of one row or column.
pub(crate) fn matmul(a: &mut Adjoint<'_>) -> GradientResult {
    let (left, right) = (a.x(0)?, a.x(1)?);
    let (left_shape, right_shape, out_shape) = (a.shape(0)?, a.shape(1)?, a.out_shape(0)?);
    let as_left =
        if left_shape.len() == 1 { [&[1], left_shape.as_slice()].concat() } else { left_shape.clone() };
    let as_right =
        if right_shape.len() == 1 { [right_shape.as_slice(), &[1]].concat() } else { right_shape.clone() };
    let ([batch_left @ .., m, k], [batch_right @ .., _, n]) = (as_left.as_slice(), as_right.as_slice())
    else {
        return Err("has a scalar operand".to_owned());
    };
    let vectors = left_shape.len() == 1 || right_shape.len() == 1;
    let batch = if batch_left.len().max(batch_right.len()) == 0 {
        &[]
    } else {
        let inner = usize::from(left_shape.len() > 1) + usize::from(right_shape.len() > 1);
        &out_shape[..out_shape.len().saturating_sub(inner)]
    };
    let full = [batch, &[*m, *n]].concat();
    let mut dy = a.dy()?;
    if vectors {
        dy = a.graph.reshape(dy, &full);
    }
    let promote = |a: &mut Adjoint<'_>, id, from: &[i64], to: &[i64]| {
        if from == to { id } else { a.graph.reshape(id, to) }
    };
    let left = promote(a, left, &left_shape, &as_left);
    let right = promote(a, right, &right_shape, &as_right);
    if a.wants(0) {
        let flipped = flip(a, right, as_right.len());
        let product = a.graph.op("MatMul", &[dy, flipped]);
        let reduced = a.graph.unbroadcast(product, &[batch, &[*m, *k]].concat(), &as_left);
        let gradient = promote(a, reduced, &as_left, &left_shape);
        a.give(0, gradient);
    }
    if a.wants(1) {
        let gradient = if batch_right.is_empty() && !batch_left.is_empty() {
            // One product over all rows of the stack, instead of a sum of products.
            let rows = a.graph.reshape(left, &[-1, *k]);
            let dy = a.graph.reshape(dy, &[-1, *n]);
            let flipped = flip(a, rows, 2);
            a.graph.op("MatMul", &[flipped, dy])
        } else {
            let flipped = flip(a, left, as_left.len());
            let product = a.graph.op("MatMul", &[flipped, dy]);
            a.graph.unbroadcast(product, &[batch, &[*k, *n]].concat(), &as_right)
        };
        let gradient = promote(a, gradient, &as_right, &right_shape);
        a.give(1, gradient);
    }
    Ok(())
}

/// Transposes the matrices of a stack.
pub(crate) fn flip(a: &mut Adjoint<'_>, id: ValueId, rank: usize) -> ValueId {
    let mut perm: Vec<usize> = (0..rank).collect();
    perm.swap(rank - 1, rank - 2);
    a.graph.transpose(id, &perm)
}

/// The gradient of an operand is the sum over products of the others with the result's gradient.
pub(crate) fn einsum(a: &mut Adjoint<'_>) -> GradientResult {
    let equation = a.text("equation").replace(' ', "");
    let dy = a.dy()?;
    let (left, right) = match equation.split_once("->") {
        Some((left, right)) => (left.to_owned(), right.to_owned()),
        None => (equation.clone(), implicit(&equation)),
    };
    if equation.contains('.') {
        return Err(format!("has no gradient for an ellipsis, as in \"{equation}\""));
    }
    let terms: Vec<&str> = left.split(',').collect();
    for (index, term) in terms.iter().enumerate().filter(|(index, _)| a.wanted.get(*index) == Some(&true)) {
        let repeated = term.chars().any(|c| term.matches(c).count() > 1);
        if repeated || right.chars().any(|c| right.matches(c).count() > 1) {
            return Err(format!("has no gradient for a diagonal, as in \"{equation}\""));
        }
        let others: Vec<usize> = (0..terms.len()).filter(|other| *other != index).collect();
        let mut sources = vec![right.as_str()];
        let mut operands = vec![dy];
        for other in others {
            sources.push(terms[other]);
            operands.push(a.x(other)?);
        }
        // What is summed over this operand alone is the same everywhere along that axis.
        let kept: String = term.chars().filter(|c| sources.iter().any(|s| s.contains(*c))).collect();
        let text = format!("{}->{kept}", sources.join(","));
        let mut gradient = a.graph.with("Einsum", &operands, &[("equation", Attribute::String(text))]);
        if kept.len() < term.len() {
            let shape = a.shape(index)?;
            let narrow: Vec<i64> =
                term.chars().zip(&shape).map(|(c, size)| if kept.contains(c) { *size } else { 1 }).collect();
            gradient = a.graph.reshape(gradient, &narrow);
            gradient = a.graph.expand(gradient, &shape);
        }
        a.found.push((index, gradient));
    }
    Ok(())
}

/// The result of an equation without an arrow: letters that occur once, in order.
fn implicit(left: &str) -> String {
    let mut letters: Vec<char> = left.chars().filter(|c| c.is_alphabetic()).collect();
    letters.sort_unstable();
    letters.iter().filter(|c| left.matches(**c).count() == 1).collect()
}
