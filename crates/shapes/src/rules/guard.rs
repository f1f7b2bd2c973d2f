//! Operators that tract computes on constants whatever the size of the result.

use tract_onnx::model::{OnnxOpRegister, ParsingContext};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// Results of more elements are not computed; no shape depends on so many.
const MOST_ELEMENTS: usize = 1 << 16;

/// Has tract compute the operator only where the result is small.
pub(crate) fn guard(operators: &mut OnnxOpRegister, op: &'static str) {
    if let Some(own) = operators.0.get(op).copied() {
        operators.0.insert(unguarded(op), own);
        operators.insert(op, build);
    }
}

fn unguarded(op: &str) -> String {
    format!("unguarded {op}")
}

fn build(context: &ParsingContext<'_>, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let Some(own) = context.framework.op_register.0.get(&unguarded(&node.op_type)) else {
        bail!("tract has no {}", node.op_type)
    };
    let (inner, closures) = own(context, node)?;
    Ok((Box::new(Guarded { node: node.clone(), inner }), closures))
}

#[derive(Clone, Debug)]
struct Guarded {
    node: NodeProto,
    inner: Box<dyn InferenceOp>,
}

impl PartialEq for Guarded {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

impl Eq for Guarded {}

impl Op for Guarded {
    fn name(&self) -> StaticName {
        "Guarded".into()
    }

    not_a_typed_op!();
}

impl EvalOp for Guarded {
    fn eval_out_of_plan(&self, _inputs: TVec<TValue>) -> TractResult<Option<TVec<TValue>>> {
        Ok(None)
    }
}

impl InferenceOp for Guarded {
    fn infer(
        &mut self,
        inputs: TVec<&InferenceFact>,
        outputs: TVec<&InferenceFact>,
        observed: TVec<&InferenceFact>,
    ) -> TractResult<(TVec<InferenceFact>, TVec<InferenceFact>, TVec<InferenceFact>)> {
        let found = self.inner.infer_facts(inputs.clone(), outputs.clone(), observed.clone())?;
        let small = |fact: &InferenceFact| {
            let shape = fact.shape.as_concrete_finite().ok().flatten();
            let count = shape.and_then(|s| s.iter().try_fold(1usize, |n, d| n.checked_mul(*d)));
            count.is_some_and(|n| n <= MOST_ELEMENTS)
        };
        if found.1.iter().all(small) { self.inner.infer(inputs, outputs, observed) } else { Ok(found) }
    }

    fn infer_facts(
        &mut self,
        inputs: TVec<&InferenceFact>,
        outputs: TVec<&InferenceFact>,
        observed: TVec<&InferenceFact>,
    ) -> TractResult<(TVec<InferenceFact>, TVec<InferenceFact>, TVec<InferenceFact>)> {
        self.inner.infer_facts(inputs, outputs, observed)
    }

    fn nboutputs(&self) -> TractResult<usize> {
        self.inner.nboutputs()
    }

    as_op!();
}
