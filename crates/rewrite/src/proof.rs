//! Running a model and what became of it on the same numbers.

use std::fmt;
use std::path::Path;

use hawkeye_graph::{DType, Diagnostic, Failure, Graph, Origin, Place};
use hawkeye_shapes::bind;

use crate::run::{Feed, run};
use crate::{Promise, Rewritten, Weights, completed};

/// Largest difference of outputs, relative to the largest output or 1: what float32 loses when sums are
/// taken in another order.
const TOLERANCE: f32 = 1e-3;

/// What running both models showed.
#[derive(Clone, Debug, PartialEq)]
pub enum Proof {
    /// Both ran.
    Ran {
        /// The largest difference of an output.
        difference: f32,
        /// The largest output.
        largest: f32,
        /// Whether a rule that was applied changes the function, so that a difference is no fault.
        approximate: bool,
    },
    /// The original can't be run here, so nothing was compared.
    NotRun {
        /// Why.
        reason: String,
    },
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ran { difference, largest, approximate } => {
                write!(f, "on random inputs the outputs differ by at most {difference:.1e}")?;
                write!(f, " (the largest is {largest:.1e})")?;
                if *approximate { write!(f, ", with rules that change the function") } else { Ok(()) }
            }
            Self::NotRun { reason } => write!(f, "not compared by running: {reason}"),
        }
    }
}

/// Compares the model in `source`, which `original` is the graph of, with what it was rewritten to.
///
/// # Errors
/// If they differ, with the rule that is to blame; if the result does not run though the original does.
pub fn prove(original: &Graph, rewritten: &Rewritten, source: &Path) -> Result<Proof, Failure> {
    let feeds = feeds(original)?;
    let expected = match run(original, &feeds, Some(source)) {
        Ok(outputs) => outputs,
        Err(Failure(errors)) => {
            let reason = errors.first().map(|error| error.message.clone()).unwrap_or_default();
            return Ok(Proof::NotRun { reason });
        }
    };
    let largest = expected.iter().flatten().fold(0f32, |most, x| most.max(x.abs()));
    let approximate = rewritten.applied.iter().any(|step| step.rule.promise != Promise::Exact);
    let difference =
        |graph: &Graph| -> Result<f32, Failure> { Ok(apart(&expected, &run(graph, &feeds, Some(source))?)) };
    let found = difference(&rewritten.graph)?;
    // Not a number is no agreement.
    let agrees = |difference: f32| difference <= TOLERANCE * largest.max(1.0);
    if approximate || agrees(found) {
        return Ok(Proof::Ran { difference: found, largest, approximate });
    }
    let weights = Weights::new(Some(source), original);
    let (mut right, mut wrong) = (0, rewritten.applied.len());
    while wrong - right > 1 {
        let middle = usize::midpoint(right, wrong);
        let snapshot = &rewritten.applied[middle - 1].snapshot;
        let graph = completed(&snapshot.0, &snapshot.1, &weights)?;
        if difference(&graph).is_ok_and(agrees) {
            right = middle;
        } else {
            wrong = middle;
        }
    }
    let guilty = rewritten.applied.get(wrong.saturating_sub(1));
    let rule = guilty.map_or("a rule", |step| step.rule.name);
    let message = format!(
        "the rewritten model's outputs differ from the original's by {found:.1e} on random inputs, of at most \
         {largest:.1e}; rule {rule} is to blame"
    );
    Err(Diagnostic::error(Place::Model, message)
        .help(format!("nothing was written; leave the rule out with --ignore {rule}, and report it"))
        .into())
}

/// The largest difference; infinite where shapes differ or one alone is not a number.
fn apart(expected: &[Vec<f32>], found: &[Vec<f32>]) -> f32 {
    let same = expected.len() == found.len() && expected.iter().zip(found).all(|(a, b)| a.len() == b.len());
    if !same {
        return f32::INFINITY;
    }
    let pairs = expected.iter().flatten().zip(found.iter().flatten());
    pairs.fold(0f32, |most, (a, b)| {
        let equal = a == b || a.is_nan() && b.is_nan();
        let difference = if equal { 0.0 } else { (a - b).abs() };
        if difference.is_nan() { f32::INFINITY } else { most.max(difference) }
    })
}

/// Numbers for every input: between -1 and 1, or 0 and 1 where integers are wanted.
fn feeds(graph: &Graph) -> Result<Vec<Feed>, Failure> {
    let shapes = bind(graph, &Default::default())?;
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        // xorshift64* (Vigna, 2014).
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40) as f32 / (1u64 << 24) as f32
    };
    let feed = |id: &hawkeye_graph::ValueId| {
        let dtype = match &graph.value(*id).origin {
            Origin::Input(declared) => declared.dtype,
            Origin::Initializer(_) | Origin::Node(_) | Origin::Outer(_) => DType::Float32,
        };
        let shape: Vec<usize> = shapes[id].iter().map(|size| *size as usize).collect();
        let count = shape.iter().product();
        let number = |x: f32| if dtype.is_float() { 2.0 * x - 1.0 } else { x.round() };
        Feed { shape, dtype, numbers: (0..count).map(|_| number(next())).collect() }
    };
    Ok(graph.inputs.iter().map(feed).collect())
}
