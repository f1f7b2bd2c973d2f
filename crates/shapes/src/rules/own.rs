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
    Ok((own(context, node, op, rule), Vec::new()))
}

/// The operator of a rule.
pub(crate) fn own(
    context: &ParsingContext<'_>,
    node: &NodeProto,
    op: &'static str,
    rule: Rule,
) -> Box<dyn InferenceOp> {
    let opset = context.onnx_operator_set_version;
    Box::new(Own { op, node: node.clone(), opset, rule, problem: None, missing: None })
}

#[derive(Clone, Debug)]
pub(crate) struct Own {
    op: &'static str,
    node: NodeProto,
    opset: i64,
    rule: Rule,
    /// Why nothing is known.
    pub(crate) problem: Option<String>,
    /// The input whose elements would tell more.
    pub(crate) missing: Option<usize>,
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
            Rule::Facts(rule) => match rule(&self.node, &inputs, outputs.len()) {
                Ok(found) => {
                    self.problem = None;
                    found
                }
                Err(error) => {
                    self.problem = Some(error.root_cause().to_string());
                    tvec!(InferenceFact::default(); outputs.len())
                }
            },
            Rule::Outputs(rule) => {
                let (found, missing) = facts(rule, &self.node, self.opset, &inputs, outputs.len());
                self.missing = missing;
                found
            }
        };
        let own = |facts: TVec<&InferenceFact>| facts.into_iter().cloned().collect();
        Ok((own(inputs), found, own(observed)))
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(self.node.output.iter().filter(|name| !name.is_empty()).count())
    }

    as_op!();
}
