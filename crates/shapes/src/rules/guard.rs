//! tract's own operators, kept from ending the analysis of a whole model: one that can't be built, fails
//! or panics says nothing, and why. Some it would compute on constants whatever the size of the result.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use tract_onnx::model::{OnnxOpRegister, ParsingContext};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::legacy;
use super::own::{self, Rule};

/// Results of more elements are not computed; no shape depends on so many.
const MOST_ELEMENTS: usize = 1 << 16;

/// Operators whose results can be far larger than their inputs.
const LARGE: &[&str] = &["EyeLike", "Expand", "Tile"];

/// Guards every operator but those of `own`.
pub(crate) fn guard(operators: &mut OnnxOpRegister, own: &BTreeSet<&str>) {
    let theirs: BTreeSet<String> =
        operators.0.keys().filter(|op| !own.contains(op.as_str())).cloned().collect();
    for op in theirs {
        if let Some(build_theirs) = operators.0.insert(op.clone(), build) {
            operators.0.insert(unguarded(&op), build_theirs);
        }
    }
}

/// Makes tract know an operator that neither it nor we have a rule for.
pub(crate) fn add_unknown(operators: &mut OnnxOpRegister, op: &str) {
    operators.0.entry(op.to_owned()).or_insert(build);
}

fn unguarded(op: &str) -> String {
    format!("unguarded {op}")
}

fn build(context: &ParsingContext<'_>, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let guarded = |inner, problem, closures| {
        let large = LARGE.contains(&node.op_type.as_str());
        let own: Box<dyn InferenceOp> = Box::new(Guarded { node: node.clone(), inner, problem, large });
        Ok((own, closures))
    };
    if let Some((op, rule)) = legacy::rule(&node.op_type, context.onnx_operator_set_version) {
        return Ok((own::own(context, node, op, Rule::Outputs(rule)), Vec::new()));
    }
    let Some(theirs) = context.framework.op_register.0.get(&unguarded(&node.op_type)) else {
        return guarded(None, Some("there is no shape rule for this operator".to_owned()), Vec::new());
    };
    match quietly(|| theirs(context, node)) {
        Ok((inner, closures)) => guarded(Some(inner), None, closures),
        Err(problem) => guarded(None, Some(problem), Vec::new()),
    }
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs code of tract's, which panics on inputs that make no sense, without a word of that.
fn quietly<T>(run: impl FnOnce() -> TractResult<T>) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                others(info);
            }
        }));
    });
    let outer = QUIET.replace(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    QUIET.set(outer);
    match result {
        Ok(result) => result.map_err(|error| error.root_cause().to_string()),
        Err(_) => Err("the operator's inputs or attributes make no sense".to_owned()),
    }
}

/// An operator of tract's; without one, nothing is known of the outputs.
#[derive(Clone, Debug)]
pub(crate) struct Guarded {
    node: NodeProto,
    inner: Option<Box<dyn InferenceOp>>,
    /// Why nothing is known.
    pub(crate) problem: Option<String>,
    large: bool,
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

type Facts = (TVec<InferenceFact>, TVec<InferenceFact>, TVec<InferenceFact>);

impl InferenceOp for Guarded {
    fn infer(
        &mut self,
        inputs: TVec<&InferenceFact>,
        outputs: TVec<&InferenceFact>,
        observed: TVec<&InferenceFact>,
    ) -> TractResult<Facts> {
        self.run(inputs, outputs, observed, |inner, large, inputs, outputs, observed| {
            if !large {
                return inner.infer(inputs, outputs, observed);
            }
            let found = inner.infer_facts(inputs.clone(), outputs.clone(), observed.clone())?;
            if found.1.iter().all(small) { inner.infer(inputs, outputs, observed) } else { Ok(found) }
        })
    }

    fn infer_facts(
        &mut self,
        inputs: TVec<&InferenceFact>,
        outputs: TVec<&InferenceFact>,
        observed: TVec<&InferenceFact>,
    ) -> TractResult<Facts> {
        self.run(inputs, outputs, observed, |inner, _, inputs, outputs, observed| {
            inner.infer_facts(inputs, outputs, observed)
        })
    }

    fn observe_outlets(&self, model: &InferenceModel, node: &InferenceNode) -> TractResult<Vec<OutletId>> {
        match &self.inner {
            Some(inner) => inner.observe_outlets(model, node),
            None => Ok(Vec::new()),
        }
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(self.node.output.iter().filter(|name| !name.is_empty()).count())
    }

    as_op!();
}

fn small(fact: &InferenceFact) -> bool {
    let shape = fact.shape.as_concrete_finite().ok().flatten();
    let count = shape.and_then(|s| s.iter().try_fold(1usize, |n, d| n.checked_mul(*d)));
    count.is_some_and(|n| n <= MOST_ELEMENTS)
}

impl Guarded {
    fn run(
        &mut self,
        inputs: TVec<&InferenceFact>,
        outputs: TVec<&InferenceFact>,
        observed: TVec<&InferenceFact>,
        infer: impl FnOnce(
            &mut dyn InferenceOp,
            bool,
            TVec<&InferenceFact>,
            TVec<&InferenceFact>,
            TVec<&InferenceFact>,
        ) -> TractResult<Facts>,
    ) -> TractResult<Facts> {
        let own = |facts: &[&InferenceFact]| facts.iter().map(|fact| (*fact).clone()).collect();
        let unchanged = (own(&inputs), own(&outputs), own(&observed));
        let Some(inner) = &mut self.inner else { return Ok(unchanged) };
        let wanted = outputs.len();
        let found =
            quietly(|| infer(inner.as_mut(), self.large, inputs, outputs, observed)).and_then(|found| {
                let count = found.1.len();
                if count == wanted {
                    Ok(found)
                } else {
                    Err(format!("{wanted} outputs, where a rule has {count}"))
                }
            });
        match found {
            Ok(found) => {
                self.problem = None;
                Ok(found)
            }
            Err(problem) => {
                self.problem = Some(problem);
                Ok(unchanged)
            }
        }
    }
}
