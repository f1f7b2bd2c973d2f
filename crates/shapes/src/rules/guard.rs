//! tract's own operators, kept from ending the analysis of a whole model: one that can't be built, fails
//! or panics says nothing, and why. Some it would compute on constants whatever the size of the result.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use tract_onnx::Onnx;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::{ModelProto, NodeProto};
use tract_onnx::tract_hir::internal::*;

/// What is said of a node that no rule has an answer for.
pub(crate) const MISFIT: &str = "its inputs and attributes do not fit together";

/// Results of more elements are not computed; no shape depends on so many.
const MOST_ELEMENTS: usize = 1 << 16;

/// Operators whose results can be far larger than their inputs.
const LARGE: &[&str] = &["Expand", "Tile"];

/// What tract finds out about the `wanted` outputs of a node, given its inputs.
///
/// # Errors
/// Why it finds out nothing.
pub(crate) fn tract_infer(
    node: &NodeProto,
    opset: i64,
    inputs: &[&InferenceFact],
    wanted: usize,
) -> Result<TVec<InferenceFact>, String> {
    static TRACT: LazyLock<Onnx> = LazyLock::new(tract_onnx::onnx);
    static MODEL: LazyLock<ModelProto> = LazyLock::new(ModelProto::default);
    let Some(build) = TRACT.op_register.0.get(&node.op_type) else {
        return Err("there is no shape rule for this operator".to_owned());
    };
    let context = ParsingContext {
        onnx_operator_set_version: opset,
        framework: &TRACT,
        model: &MODEL,
        parent_graphs: Vec::new(),
        model_dir: None,
        template: InferenceModel::default(),
    };
    let found = catch_panics(|| {
        let (mut op, _) = build(&context, node)?;
        let mut outputs: TVec<InferenceFact> = tvec!(InferenceFact::default(); wanted);
        // What a first look finds of one output may tell more of another.
        for _ in 0..2 {
            let found = infer(op.as_mut(), LARGE.contains(&node.op_type.as_str()), inputs, &outputs)?;
            ensure!(found.len() == wanted, "{wanted} outputs, where a rule has {}", found.len());
            let same = found == outputs;
            outputs = found;
            if same || outputs.iter().all(|fact| fact.shape.is_concrete()) {
                break;
            }
        }
        Ok(outputs)
    });
    // What tract says is about its own terms.
    found.map_err(|_| MISFIT.to_owned())
}

fn infer(
    op: &mut dyn InferenceOp,
    large: bool,
    inputs: &[&InferenceFact],
    outputs: &[InferenceFact],
) -> TractResult<TVec<InferenceFact>> {
    let inputs: TVec<&InferenceFact> = inputs.iter().copied().collect();
    let outputs: TVec<&InferenceFact> = outputs.iter().collect();
    if large {
        let found = op.infer_facts(inputs.clone(), outputs.clone(), tvec!())?.1;
        if !found.iter().all(small) {
            return Ok(found);
        }
    }
    Ok(op.infer(inputs, outputs, tvec!())?.1)
}

fn small(fact: &InferenceFact) -> bool {
    let shape = fact.shape.as_concrete_finite().ok().flatten();
    let count = shape.and_then(|s| s.iter().try_fold(1usize, |n, d| n.checked_mul(*d)));
    count.is_some_and(|n| n <= MOST_ELEMENTS)
}

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread would be caught and become a diagnostic, so that a program's panic hook
/// need not print it.
#[must_use]
pub fn catches_panics() -> bool {
    CATCHING.get()
}

/// Runs a rule, or a model in tract. tract's panic on inputs that make no sense, and ours on sizes that overflow; that
/// becomes an answer.
///
/// # Errors
/// What was wrong.
pub fn catch_panics<T>(run: impl FnOnce() -> TractResult<T>) -> Result<T, String> {
    let outer = CATCHING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    CATCHING.set(outer);
    match result {
        Ok(result) => result.map_err(|error| error.root_cause().to_string()),
        Err(_) => Err(MISFIT.to_owned()),
    }
}
