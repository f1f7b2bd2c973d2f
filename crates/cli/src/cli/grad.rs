//! `hawkeye grad`.

use std::path::PathBuf;

use clap::Args;
use hawkeye::{Diagnostic, Failure, Place, bind, check_dims, infer, load, with_values};
use hawkeye_grad::{
    Loss, Optimizer, StepGraph, StepSpec, Trainable, activity, differentiable, parameters, synthesise,
};
use hawkeye_graph::{DeclaredType, Dim, Graph, Kind, Shapes, ValueId};
use hawkeye_onnx::export;
use hawkeye_shapes::expand;

use super::input::source;
use super::output;
use super::run::Sizes;

#[derive(Debug, Args)]
pub(crate) struct GradArguments {
    /// The model, an ONNX file
    pub(crate) model: PathBuf,
    /// What to minimize: cross_entropy, nll, mse, l1, bce, bce_with_logits or kl_div
    #[arg(long, value_name = "LOSS", default_value = "cross_entropy")]
    train: Loss,
    /// How parameters follow their gradients: sgd, adam, adamw, rmsprop or adagrad, with settings
    #[arg(long, value_name = "NAME:SETTING=VALUE,...", default_value = "sgd")]
    optimizer: Optimizer,
    /// The number of the step, 1 for the first
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    step: u64,
    /// The output that the loss looks at; the first of real numbers if not given
    #[arg(long, value_name = "NAME")]
    train_output: Option<String>,
    /// A parameter that stays as it is (repeatable)
    #[arg(long, value_name = "NAME")]
    frozen: Vec<String>,
    #[command(flatten)]
    sizes: Sizes,
    /// Where to write the step; standard output if not given
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
}

pub(crate) fn run(command: &GradArguments) -> Result<(), Failure> {
    let source = source(&command.model)?;
    let model = load(&source.path)?;
    output::warn(&model.diagnostics);
    let bindings = command.sizes.bindings();
    let given = with_values(&model.graph, &bindings)?;
    let graph = given.as_ref();
    check_dims(graph, &bindings.dims)?;
    let inputs = bind(graph, &bindings)?;
    // Recurrent layers, attention and control flow are differentiated as what defines them.
    let expanded = expand(graph, &inputs, &differentiable)?;
    let step = differentiate(command, &expanded.graph, &expanded.shapes)?;
    let types = types(&step.graph);
    let exported = export(&step.graph, &types, Some(&source.path))?;
    if exported.external {
        let message = "the weights stay in other files, next to the model; keep the step next to them";
        output::warn(&[Diagnostic::warning(Place::Model, message)]);
    }
    output::write_model(command.output.as_deref(), |to| to.write_all(&exported.bytes))
}

fn differentiate(command: &GradArguments, graph: &Graph, shapes: &Shapes) -> Result<StepGraph, Failure> {
    let output = trained_output(graph, shapes, command.train_output.as_deref())?;
    let trained = parameters(graph, Trainable::Learnable, &command.frozen)?;
    let activity = activity(graph, shapes, output, &trained, &|_| false);
    if activity.order.is_empty() {
        let name = &graph.value(output).name;
        let message = format!("its output \"{name}\" depends on no parameter, so there is nothing to train");
        return Err(Diagnostic::error(Place::Model, message).help("name another with --train-output").into());
    }
    let optimizer = command.optimizer.clone();
    let spec = StepSpec { loss: command.train, optimizer, step: command.step, output, trained };
    synthesise(graph, shapes, &activity, &spec)
}

fn trained_output(graph: &Graph, shapes: &Shapes, name: Option<&str>) -> Result<ValueId, Failure> {
    let real = |id: &&ValueId| shapes.facts[**id].dtype.is_some_and(|dtype| dtype.is_float());
    let chosen = match name {
        Some(name) => graph.outputs.iter().find(|id| graph.value(**id).name == name),
        None => graph.outputs.iter().find(real),
    };
    chosen.copied().ok_or_else(|| {
        let outputs: Vec<String> =
            graph.outputs.iter().map(|id| format!("\"{}\"", graph.value(*id).name)).collect();
        let message = match name {
            Some(name) => format!("the model has no output named \"{name}\""),
            None => "the model has no output of real numbers to train".to_owned(),
        };
        Diagnostic::error(Place::Model, message).help(format!("its outputs: {}", outputs.join(", "))).into()
    })
}

/// The types of a step's outputs; its inputs have fixed shapes.
fn types(graph: &Graph) -> Vec<DeclaredType> {
    let inputs = bind(graph, &Default::default()).unwrap_or_default();
    let facts = infer(graph, &inputs).facts;
    let declared = |id: &ValueId| DeclaredType {
        dtype: facts[*id].dtype.unwrap_or(hawkeye_graph::DType::Float32),
        dims: facts[*id].shape().map(|shape| shape.into_iter().map(Dim::Fixed).collect()),
        kind: Kind::Tensor,
    };
    graph.outputs.iter().map(declared).collect()
}
