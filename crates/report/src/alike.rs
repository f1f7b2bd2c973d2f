//! Matching the operators of two exports of one model, which call them by other names.

use crate::Operator;

/// Pairs that are looked at at most; of larger models only names are matched.
const MOST_PAIRS: usize = 50_000_000;

/// Positions in `first` and `second` of operators that correspond: a longest common subsequence of what they
/// do to how many elements. Exporters name operators as they like, but keep to the order in which the model
/// runs. Operators that send nothing are left out, since exporters differ most in these.
///
/// `None` if the models are too large.
pub(crate) fn alike(first: &[Operator], second: &[Operator]) -> Option<Vec<(usize, usize)>> {
    let (first, second) = (costly(first), costly(second));
    let columns = second.len() + 1;
    if first.len().checked_mul(second.len())? > MOST_PAIRS {
        return None;
    }
    // Lengths of the longest common subsequences of what is left from each position on: none is longer than the shorter of
    // the two, whose square is less than the pairs are.
    let mut lengths = vec![0u16; (first.len() + 1) * columns];
    for (i, (_, a)) in first.iter().enumerate().rev() {
        for (j, (_, b)) in second.iter().enumerate().rev() {
            let at = i * columns + j;
            lengths[at] = if a == b {
                lengths[at + columns + 1] + 1
            } else {
                lengths[at + columns].max(lengths[at + 1])
            };
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < first.len() && j < second.len() {
        let at = i * columns + j;
        if first[i].1 == second[j].1 {
            pairs.push((first[i].0, second[j].0));
            (i, j) = (i + 1, j + 1);
        } else if lengths[at + columns] >= lengths[at + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    Some(pairs)
}

/// What an operator does: its pass, what kind it is of, and how many elements come out.
type Deed<'a> = (&'a str, &'a str, Option<u64>);

fn costly(operators: &[Operator]) -> Vec<(usize, Deed<'_>)> {
    let deed = |operator: &Operator| {
        let shape = operator.outputs.first().and_then(|output| output.shape.as_ref());
        shape.and_then(|dims| dims.iter().try_fold(1u64, |product, dim| product.checked_mul((*dim)?)))
    };
    let sends = operators.iter().enumerate().filter(|(_, operator)| operator.sends());
    sends.map(|(i, o)| (i, (o.pass.as_str(), kind(&o.op), deed(o)))).collect()
}

/// Operators that exporters take for one another.
fn kind(op: &str) -> &str {
    match op {
        "Gemm" | "FusedMatMul" | "FusedGemm" => "MatMul",
        "FusedConv" => "Conv",
        "Sum" => "Add",
        op => op,
    }
}

#[cfg(test)]
mod tests {
    use super::alike;
    use crate::{Operator, OutputInfo, PhaseCost, Phases};

    fn operators(kinds: &[(&str, u64)]) -> Vec<Operator> {
        let operator = |(index, (op, elements)): (usize, &(&str, u64))| Operator {
            index,
            name: format!("{op}{index}"),
            op: (*op).to_owned(),
            pass: "forward".to_owned(),
            outputs: vec![OutputInfo { name: String::new(), shape: Some(vec![Some(1), Some(*elements)]) }],
            phases: Phases { online: PhaseCost { messages: 1, ..PhaseCost::default() }, ..Phases::default() },
            ..Operator::default()
        };
        kinds.iter().enumerate().map(operator).collect()
    }

    #[test]
    fn order_and_sizes_tell_what_corresponds() {
        let torchscript = operators(&[("MatMul", 8), ("Add", 8), ("Erf", 32), ("MatMul", 8), ("Softmax", 4)]);
        let dynamo = operators(&[("Gemm", 8), ("Gelu", 32), ("MatMul", 8), ("Softmax", 4), ("Softmax", 5)]);
        assert_eq!(alike(&torchscript, &dynamo), Some(vec![(0, 0), (3, 2), (4, 3)]));
        assert_eq!(alike(&torchscript, &[]), Some(Vec::new()));
    }
}
