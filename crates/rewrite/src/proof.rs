//! Running a model and what became of it on the same numbers.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use hawkeye_graph::{DType, Diagnostic, Failure, Graph, Origin, Place};
use hawkeye_shapes::bind;

use crate::run::{Feed, run};
use crate::{Applied, Promise, Rewritten, Weights, completed};

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

/// Compares the model in `source`, which `original` is the graph of, with what it was rewritten to. Steps that keep
/// the function are held to that among themselves, so that one that does not hides no mistake of theirs.
///
/// # Errors
/// If they differ, with the rule that is to blame; if the result does not run though the original does.
pub fn prove(original: &Graph, rewritten: &Rewritten<'_>, source: &Path) -> Result<Proof, Failure> {
    let runs = ProofRuns { original, rewritten, feeds: feeds(original)?, source };
    let expected = match runs.after(0) {
        Ok(outputs) => outputs,
        Err(Failure(errors)) => {
            let reason = errors.first().map(|error| error.message.clone()).unwrap_or_default();
            return Ok(Proof::NotRun { reason });
        }
    };
    let last = rewritten.applied.len();
    let found = runs.after(last)?;
    for span in exact_spans(&rewritten.applied) {
        let before = if span.start == 0 { expected.clone() } else { runs.after(span.start)? };
        let wrong = if span.end == last { !agree(&before, &found) } else { !runs.agrees(&before, span.end) };
        if wrong {
            return Err(runs.blame(&before, span));
        }
    }
    let (difference, largest) = (apart(&expected, &found), largest(&expected));
    let approximate = rewritten.applied.iter().any(|step| step.rule.promise != Promise::Exact);
    Ok(Proof::Ran { difference, largest, approximate })
}

/// Steps one after another that all keep the function, by how many steps come before their first and last.
fn exact_spans(applied: &[Applied<'_>]) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    for (index, _) in applied.iter().enumerate().filter(|(_, step)| step.rule.promise == Promise::Exact) {
        match spans.last_mut() {
            Some(span) if span.end == index => span.end = index + 1,
            _ => spans.push(index..index + 1),
        }
    }
    spans
}

/// Runs of a model and of what became of it, one at a time.
struct ProofRuns<'a> {
    original: &'a Graph,
    rewritten: &'a Rewritten<'a>,
    feeds: Vec<Feed>,
    source: &'a Path,
}

impl ProofRuns<'_> {
    /// The outputs after so many steps.
    fn after(&self, steps: usize) -> Result<Vec<Vec<f32>>, Failure> {
        let run = |graph: &Graph| run(graph, &self.feeds, Some(self.source));
        match steps.checked_sub(1) {
            None => run(self.original),
            Some(_) if steps == self.rewritten.applied.len() => run(&self.rewritten.graph),
            Some(last) => {
                let (graph, recipes) = &self.rewritten.applied[last].snapshot;
                run(&completed(graph, recipes, &Weights::new(Some(self.source), self.original))?)
            }
        }
    }

    /// Whether the outputs after so many steps are still these; what does not run does not agree.
    fn agrees(&self, expected: &[Vec<f32>], steps: usize) -> bool {
        self.after(steps).is_ok_and(|found| agree(expected, &found))
    }

    /// Finds the rule among some steps after which outputs are no longer as they were before all of them.
    fn blame(&self, expected: &[Vec<f32>], span: Range<usize>) -> Failure {
        let (mut right, mut wrong) = (span.start, span.end);
        while wrong - right > 1 {
            let middle = usize::midpoint(right, wrong);
            if self.agrees(expected, middle) {
                right = middle;
            } else {
                wrong = middle;
            }
        }
        let rule = self.rewritten.applied[right].rule.name;
        let by = match self.after(wrong) {
            Ok(found) => format!("differ by {:.1e} from what they were", apart(expected, &found)),
            Err(Failure(errors)) => {
                format!("can't be computed: {}", errors.first().map_or("", |error| error.message.as_str()))
            }
        };
        let largest = largest(expected);
        let message = format!(
            "the rewritten model's outputs {by} on random inputs, of at most {largest:.1e}; rule {rule} is to blame"
        );
        Diagnostic::error(Place::Model, message)
            .help(format!("nothing was written; leave the rule out with --ignore {rule}, and report it"))
            .into()
    }
}

fn largest(outputs: &[Vec<f32>]) -> f32 {
    outputs.iter().flatten().fold(0f32, |most, x| most.max(x.abs()))
}

/// Whether outputs are the same but for float32's own error; not a number is no agreement.
fn agree(expected: &[Vec<f32>], found: &[Vec<f32>]) -> bool {
    apart(expected, found) <= TOLERANCE * largest(expected).max(1.0)
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
