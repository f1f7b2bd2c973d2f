//! Training runs: which steps are priced, and what they cost together.

use std::collections::BTreeMap;

use hawkeye_grad::{Activity, Loss, Optimizer, Part, StepSpec, activity, parameters, synthesise};
use hawkeye_graph::{Diagnostic, Dim, Failure, Graph, Node, Origin, Place, Shapes, ValueId};
use hawkeye_lower::{Ability, Program, Runs, Training, lower, secrecy};
use hawkeye_report::TrainingInfo;
use hawkeye_shapes::{Bindings, bind, infer};
use hawkeye_sheets::Gradients;

use crate::passes::{LoweredModel, LoweringPasses, sound};

/// What to train, and how.
#[derive(Clone, Debug, Default)]
pub struct TrainingOptions {
    /// The loss.
    pub loss: Loss,
    /// The optimizer.
    pub optimizer: Optimizer,
    /// Which steps.
    pub steps: Steps,
    /// Name of the output that the loss looks at; the only one of real numbers if not given.
    pub output: Option<String>,
    /// Names of parameters that are not trained.
    pub frozen: Vec<String>,
}

/// Which steps of a run are priced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steps {
    /// One, counted from 1: optimizers with state do less in the first.
    Only(u64),
    /// That many, from the first on.
    First(u64),
    /// All of that many passes over a set of samples; the last batch of a pass is what is left.
    Epochs {
        /// Passes.
        epochs: u64,
        /// Samples.
        samples: u64,
    },
}

impl Default for Steps {
    fn default() -> Self {
        Self::Only(1)
    }
}

impl Steps {
    /// What the settings `step`, `steps`, and `epochs` with `dataset_size` say together; the first step if there are
    /// none, and nothing if they are not one of the three.
    #[must_use]
    pub fn chosen(
        step: Option<u64>,
        steps: Option<u64>,
        epochs: Option<u64>,
        dataset_size: Option<u64>,
    ) -> Option<Self> {
        match (step, steps, epochs, dataset_size) {
            (step, None, None, None) => Some(Self::Only(step.unwrap_or(1))),
            (None, Some(count), None, None) => Some(Self::First(count)),
            (None, None, Some(epochs), Some(samples)) => Some(Self::Epochs { epochs, samples }),
            _ => None,
        }
    }
}

/// Equal steps, one after the other.
struct StepKind {
    batch: u64,
    /// The step that stands for all of them.
    step: u64,
    times: u64,
}

impl Steps {
    /// The first step, and how many there are.
    fn span(self, batch: u64) -> Option<(u64, u64)> {
        match self {
            Self::Only(step) => Some((step, 1)),
            Self::First(count) => Some((1, count)),
            Self::Epochs { .. } if batch == 0 => None,
            Self::Epochs { epochs, samples } => Some((1, samples.div_ceil(batch).checked_mul(epochs)?)),
        }
    }

    /// Every step once: the first is different from those that follow, and so is the last batch of an
    /// epoch. Costs do not depend on the order, so equal steps are put together.
    fn kinds(self, batch: u64) -> Option<Vec<StepKind>> {
        let (first, count) = self.span(batch)?;
        let rest = match self {
            Self::Epochs { samples, .. } if samples < batch => samples,
            Self::Only(_) | Self::First(_) | Self::Epochs { .. } => batch,
        };
        let mut kinds = vec![StepKind { batch: rest, step: first, times: 1 }];
        let (left, partial) = match self {
            Self::Epochs { epochs, samples } if samples > batch && samples % batch != 0 => {
                (samples % batch, epochs)
            }
            Self::Only(_) | Self::First(_) | Self::Epochs { .. } => (0, 0),
        };
        let alike = count.checked_sub(1)?.checked_sub(partial)?;
        kinds.push(StepKind { batch: rest, step: 2, times: alike });
        kinds.push(StepKind { batch: left, step: 2, times: partial });
        kinds.retain(|kind| kind.times > 0);
        Some(kinds)
    }
}

/// Lowers the different steps of a training run. `shapes` are those at the given inputs, of that batch.
///
/// # Errors
/// If the framework does not train, or not this model.
pub(crate) fn train(
    passes: &mut LoweringPasses<'_>,
    options: &TrainingOptions,
    shapes: Shapes,
    inputs: &BTreeMap<ValueId, Vec<u64>>,
    batch: u64,
) -> Result<(LoweredModel, TrainingInfo), Failure> {
    let rule = &passes.manifest.training;
    if let Some(reason) = &rule.refused {
        let message = format!("{} can't train: {reason}", passes.manifest.name);
        return Err(Diagnostic::error(Place::Model, message)
            .help("`hawkeye frameworks list` tells which frameworks train")
            .into());
    }
    let trained = parameters(passes.graph, rule.parameters, &options.frozen)?;
    let kinds = options.steps.kinds(batch).unwrap_or_default();
    let (Some((first_step, steps)), Some((first, others))) = (options.steps.span(batch), kinds.split_first())
    else {
        let message = "a run has at least one step and fewer than 2^64, and epochs have batches of at least \
                       one sample";
        return Err(Diagnostic::error(Place::Model, message).into());
    };
    let graph = passes.graph;
    let at_batch = |size| resized(graph, inputs, batch, size);
    let first_inputs = at_batch(first.batch);
    let shapes = if first.batch == batch { shapes } else { infer(passes.graph, &first_inputs) };
    let (shapes, mut diagnostics) = passes.reinterpret(shapes, &first_inputs)?;
    let (program, activity) = step(passes, options, &trained, &shapes, first.step)?;
    let mut runs = vec![Runs { program, times: first.times }];
    for kind in others {
        let (program, _) = if kind.batch == first.batch {
            step(passes, options, &trained, &shapes, kind.step)?
        } else {
            let inputs = at_batch(kind.batch);
            let (shapes, _) = passes.reinterpret(infer(passes.graph, &inputs), &inputs)?;
            step(passes, options, &trained, &shapes, kind.step)?
        };
        runs.push(Runs { program, times: kind.times });
    }
    if activity.order.is_empty() {
        let message = "no gradient reaches a parameter, so backward pass and optimizer do nothing";
        diagnostics.push(Diagnostic::warning(Place::Model, message));
    }
    diagnostics.extend(inference_export(passes.graph));
    let elements = |id: &ValueId| shapes.facts[*id].shape().map_or(0, |shape| shape.iter().product());
    let info = TrainingInfo {
        loss: options.loss.to_string(),
        optimizer: options.optimizer.to_string(),
        first_step,
        steps,
        trained: activity.with_gradient(&trained).map(|id| elements(&id)).sum(),
    };
    Ok((LoweredModel { shapes, runs, diagnostics }, info))
}

/// Lowers one step; returns it with what the gradient reaches.
fn step(
    passes: &mut LoweringPasses<'_>,
    options: &TrainingOptions,
    trained: &[ValueId],
    shapes: &Shapes,
    step: u64,
) -> Result<(Program, Activity), Failure> {
    let graph = passes.graph;
    let output = output(graph, shapes, options.output.as_deref())?;
    let cuts = &passes.manifest.training.cuts;
    let cut = |node: &Node| node.domain.is_empty() && cuts.contains(&node.op);
    let activity = activity(graph, shapes, output, trained, &cut);
    let parts = if passes.manifest.training.zero_gradients {
        activity.parts(trained.iter().copied())
    } else {
        activity.parts(activity.with_gradient(trained))
    };
    let training = Training {
        loss: options.loss,
        optimizer: &options.optimizer,
        step,
        output,
        target: passes.conventions.inputs,
        activity: &activity,
        parts: &parts,
        nodes: None,
    };
    let own = |part: &Part| {
        let (domain, op) = training.operator(graph, *part);
        passes.lowering.supports(Ability::Lower(part.pass()), domain, op).is_ok()
    };
    let rule = &passes.manifest.training;
    let program = if rule.gradients == Gradients::Graph && !parts.iter().all(own) {
        let spec = StepSpec {
            loss: options.loss,
            optimizer: options.optimizer.clone(),
            step,
            output,
            trained: trained.to_vec(),
        };
        with_gradient_graph(passes, shapes, &training, &spec)?
    } else {
        passes.lower(shapes, Some(training))?
    };
    Ok((program, activity))
}

/// Lowers a step for which the framework lacks functions of its own: parts without one are what the
/// gradient graph has for them.
fn with_gradient_graph(
    passes: &mut LoweringPasses<'_>,
    shapes: &Shapes,
    training: &Training<'_>,
    spec: &StepSpec,
) -> Result<Program, Failure> {
    let step = synthesise(passes.graph, shapes, training.activity, spec)?;
    sound(&step.graph)?;
    let mut all = infer(&step.graph, &bind(&step.graph, &Bindings::default())?);
    for id in passes.graph.value_ids() {
        all.facts[id] = shapes.facts[id].clone();
    }
    all.diagnostics.clone_from(&shapes.diagnostics);
    let visibility = secrecy(&step.graph, passes.conventions);
    let training = Training { nodes: Some(&step.parts), ..*training };
    lower(&step.graph, &all, &visibility, Some(training), passes.calls, passes.lowering)
}

/// The output that the loss looks at.
fn output(graph: &Graph, shapes: &Shapes, name: Option<&str>) -> Result<ValueId, Failure> {
    let real = |id: &ValueId| shapes.facts[*id].dtype.is_none_or(|dtype| dtype.is_float());
    let candidates: Vec<ValueId> = match name {
        Some(name) => graph.outputs.iter().copied().filter(|id| graph.value(*id).name == name).collect(),
        None => graph.outputs.iter().copied().filter(real).collect(),
    };
    match candidates.as_slice() {
        [one] => Ok(*one),
        _ => {
            let names: Vec<&str> = graph.outputs.iter().map(|id| graph.value(*id).name.as_str()).collect();
            let message = match name {
                Some(name) => format!("the model has no output named \"{name}\""),
                None => "which output does the loss look at?".to_owned(),
            };
            Err(Diagnostic::error(Place::Model, message)
                .help(format!("say --train-output NAME; outputs are {}", names.join(", ")))
                .into())
        }
    }
}

/// The input shapes with another batch: where the model leaves the batch open, of inputs whose leading
/// dimension it calls the same; where it fixes it, of all that begin with it.
fn resized(
    graph: &Graph,
    inputs: &BTreeMap<ValueId, Vec<u64>>,
    from: u64,
    to: u64,
) -> BTreeMap<ValueId, Vec<u64>> {
    let leading = |id: &ValueId| match &graph.value(*id).origin {
        Origin::Input(declared) => declared.dims.as_ref().and_then(|dims| dims.first().cloned()),
        Origin::Initializer(_) | Origin::Node(_) | Origin::Outer(_) => None,
    };
    let batch = graph.inputs.first().and_then(leading);
    // The importer numbers what has no name.
    let unnamed = |dim: &Option<Dim>| match dim {
        Some(Dim::Symbol(symbol)) => symbol.starts_with("unnamed_"),
        Some(Dim::Fixed(_)) | None => dim.is_none(),
    };
    let mut resized = inputs.clone();
    for (id, shape) in &mut resized {
        if let Some(first) = shape.first_mut()
            && *first == from
            && (leading(id) == batch || (unnamed(&leading(id)) && unnamed(&batch)))
        {
            *first = to;
        }
    }
    resized
}

/// A warning if the model bears the marks of an export for inference.
fn inference_export(graph: &Graph) -> Option<Diagnostic> {
    let is = |node: &Node, op: &str| node.op == op && node.domain.is_empty();
    if graph.nodes.iter().any(|node| is(node, "BatchNormalization")) {
        return None;
    }
    let name = |node: &Node, input: usize| Some(graph.value((*node.inputs.get(input)?)?).name.as_str());
    let mark = graph.nodes.iter().filter(|node| is(node, "Conv")).find_map(|node| {
        let weight = name(node, 1)?;
        // PyTorch's TorchScript exporter numbers the weights that it has folded something into, its newer
        // one adds a bias named after the weight.
        let numbered =
            weight.strip_prefix("onnx::Conv_").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
        let added = name(node, 2).filter(|bias| bias.strip_suffix("_bias") == Some(weight));
        let file = node.provenance.node.and_then(|index| graph.file.get(index));
        let folded = file.is_some_and(|file| file.folds_normalization);
        added.or((numbered || folded).then_some(weight))
    })?;
    let message = format!(
        "this looks like an export for inference: \"{mark}\" is what an exporter leaves where it folds a \
         BatchNormalization into a Conv, and the model has no BatchNormalization. In training each of them \
         costs extra, and so does each Dropout, which such exports leave out"
    );
    Some(Diagnostic::warning(Place::Model, message).help(
        "export in training mode: torch.onnx.export(..., dynamo=False, training=TrainingMode.TRAINING, \
         do_constant_folding=False)",
    ))
}

#[cfg(test)]
mod tests {
    use hawkeye_graph::{DType, DeclaredType, GraphBuilder, Kind};

    use super::*;

    fn kinds(steps: Steps, batch: u64) -> Vec<(u64, u64, u64)> {
        steps.kinds(batch).unwrap().iter().map(|s| (s.batch, s.step, s.times)).collect()
    }

    #[test]
    fn every_step_of_a_run_is_there_once() {
        assert_eq!(kinds(Steps::Only(7), 8), [(8, 7, 1)]);
        assert_eq!(kinds(Steps::First(1), 8), [(8, 1, 1)]);
        assert_eq!(kinds(Steps::First(10), 8), [(8, 1, 1), (8, 2, 9)]);
        assert_eq!(kinds(Steps::Epochs { epochs: 2, samples: 24 }, 8), [(8, 1, 1), (8, 2, 5)]);
        assert_eq!(kinds(Steps::Epochs { epochs: 2, samples: 27 }, 8), [(8, 1, 1), (8, 2, 5), (3, 2, 2)]);
        assert_eq!(kinds(Steps::Epochs { epochs: 1, samples: 9 }, 8), [(8, 1, 1), (1, 2, 1)]);
        assert_eq!(kinds(Steps::Epochs { epochs: 3, samples: 5 }, 8), [(5, 1, 1), (5, 2, 2)]);
    }

    #[test]
    fn a_run_too_long_to_count_is_refused() {
        assert!(Steps::Epochs { epochs: u64::MAX, samples: 100 }.kinds(8).is_none());
        assert!(Steps::First(0).kinds(8).is_none());
        assert!(Steps::Epochs { epochs: 1, samples: 5 }.kinds(0).is_none());
    }

    #[test]
    fn only_what_has_the_batch_shrinks_with_it() {
        let mut builder = GraphBuilder::default();
        let declared = |dim: Dim| DeclaredType {
            dtype: DType::Float32,
            dims: Some(vec![dim, Dim::Fixed(8)]),
            kind: Kind::Tensor,
        };
        let batch = || declared(Dim::Symbol("batch".to_owned()));
        let x = builder.input("x", batch());
        let table = builder.input("table", declared(Dim::Fixed(4)));
        let mask = builder.input("mask", batch());
        let graph = builder.finish().expect("no cycle");
        let inputs: BTreeMap<ValueId, Vec<u64>> = [x, table, mask].map(|id| (id, vec![4, 8])).into();
        let sizes: Vec<u64> = resized(&graph, &inputs, 4, 3).values().map(|shape| shape[0]).collect();
        assert_eq!(sizes, [3, 4, 3]);
    }
}
