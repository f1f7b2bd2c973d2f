//! The bridge between our rules and tract's analyser.

use tract_onnx::model::{OnnxOpRegister, ParsingContext};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::Facts;
use super::call::{Outputs, facts};

/// A shape rule for one ONNX operator.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    /// Works on tract's facts, constants included: facts of the outputs, of which there are as many as
    /// the last argument says, given those of the inputs. What is not known yet stays open.
    Facts(Facts),
    /// Works on shapes and types.
    Outputs(Outputs),
}

/// Makes tract use the rule that [`super::rule`] has for the operator.
pub(crate) fn register(operators: &mut OnnxOpRegister, op: &'static str) {
    operators.insert(op, build);
}

fn build(context: &ParsingContext<'_>, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let Some((op, rule)) = super::rule(&node.op_type) else { bail!("no rule for {}", node.op_type) };
    let own = Own { op, node: node.clone(), opset: context.onnx_operator_set_version, rule };
    Ok((Box::new(own), Vec::new()))
}

#[derive(Clone, Debug)]
struct Own {
    op: &'static str,
    node: NodeProto,
    opset: i64,
    rule: Rule,
}

impl PartialEq for Own {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

impl Eq for Own {}

impl Op for Own {
    fn name(&self) -> StaticName {
        self.op.into()
    }

    not_a_typed_op!();
}

impl EvalOp for Own {
    fn eval_out_of_plan(&self, _inputs: TVec<TValue>) -> TractResult<Option<TVec<TValue>>> {
        Ok(None)
    }
}

impl InferenceOp for Own {
    fn infer_facts(
        &mut self,
        inputs: TVec<&InferenceFact>,
        outputs: TVec<&InferenceFact>,
        observed: TVec<&InferenceFact>,
    ) -> TractResult<(TVec<InferenceFact>, TVec<InferenceFact>, TVec<InferenceFact>)> {
        let found = match self.rule {
            Rule::Facts(rule) => rule(&self.node, &inputs, outputs.len())?,
            Rule::Outputs(rule) => facts(rule, &self.node, self.opset, &inputs, outputs.len()),
        };
        let own = |facts: TVec<&InferenceFact>| facts.into_iter().cloned().collect();
        Ok((own(inputs), found, own(observed)))
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(self.node.output.iter().filter(|name| !name.is_empty()).count())
    }

    as_op!();
}
