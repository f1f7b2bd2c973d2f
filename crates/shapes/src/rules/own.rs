//! The bridge between a rule and tract's analyser.

use std::fmt::Debug;
use std::marker::PhantomData;

use tract_onnx::model::{OnnxOpRegister, ParsingContext};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// A shape rule for one ONNX operator.
pub(crate) trait Rule: Clone + Debug + Send + Sync + 'static {
    /// The operator.
    const OP: &'static str;

    /// Facts of the outputs, of which there are `outputs`, given the facts of the inputs. What is
    /// not known yet stays open.
    fn outputs(
        node: &NodeProto,
        inputs: &[&InferenceFact],
        outputs: usize,
    ) -> TractResult<TVec<InferenceFact>>;
}

/// Makes tract use the rule for its operator.
pub(crate) fn register<R: Rule>(operators: &mut OnnxOpRegister) {
    operators.insert(R::OP, build::<R>);
}

fn build<R: Rule>(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let outputs = node.output.iter().filter(|name| !name.is_empty()).count();
    let op = Own::<R> { node: node.clone(), outputs, rule: PhantomData };
    Ok((Box::new(op), Vec::new()))
}

#[derive(Clone, Debug)]
struct Own<R> {
    node: NodeProto,
    outputs: usize,
    rule: PhantomData<R>,
}

impl<R> PartialEq for Own<R> {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

impl<R> Eq for Own<R> {}

impl<R: Rule> Op for Own<R> {
    fn name(&self) -> StaticName {
        R::OP.into()
    }

    not_a_typed_op!();
}

impl<R: Rule> EvalOp for Own<R> {
    fn eval_out_of_plan(&self, _inputs: TVec<TValue>) -> TractResult<Option<TVec<TValue>>> {
        Ok(None)
    }
}

impl<R: Rule> InferenceOp for Own<R> {
    fn infer_facts(
        &mut self,
        inputs: TVec<&InferenceFact>,
        outputs: TVec<&InferenceFact>,
        observed: TVec<&InferenceFact>,
    ) -> TractResult<(TVec<InferenceFact>, TVec<InferenceFact>, TVec<InferenceFact>)> {
        let found = R::outputs(&self.node, &inputs, outputs.len())?;
        let own = |facts: TVec<&InferenceFact>| facts.into_iter().cloned().collect();
        Ok((own(inputs), found, own(observed)))
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(self.outputs)
    }

    as_op!();
}
