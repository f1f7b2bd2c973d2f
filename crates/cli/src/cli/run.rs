//! What is run: options that several commands share.

use std::path::PathBuf;

use clap::Args;
use hawkeye::{
    Bindings, Failure, Loss, Optimizer, Options, Overlay, Steps, TimeOptions, TrainingOptions, Widths,
};

use super::time::{OnMachine, Time};
use super::values::{Who, dimension, loss, named_who, pair, shape, who};

/// How the framework is set up, and who knows what.
#[derive(Debug, Args)]
pub(crate) struct Setup {
    /// Number of parties
    #[arg(long)]
    pub(crate) parties: Option<u16>,
    /// A parameter of the framework, in its own spelling (repeatable)
    #[arg(long = "set", value_name = "PARAM=VALUE", value_parser = pair)]
    settings: Vec<(String, String)>,
    #[command(flatten)]
    overlays: Overlays,
    /// Who knows the weights: secret, public, or a party's number or name
    #[arg(long, value_name = "WHO", value_parser = who)]
    weights: Option<Who>,
    /// Who knows an input or initializer: secret, public, or a party's number or name (repeatable)
    #[arg(long = "input", value_name = "NAME=WHO", value_parser = named_who)]
    inputs: Vec<(String, Who)>,
}

impl Setup {
    pub(crate) fn options(&self) -> Options {
        let mut options = Options {
            parties: self.parties,
            settings: self.settings.iter().cloned().collect(),
            overlays: self.overlays.list(),
            ..Options::default()
        };
        known(&self.weights, &self.inputs, &mut options);
        options
    }
}

/// Says who knows the weights and the inputs.
pub(super) fn known(weights: &Option<Who>, inputs: &[(String, Who)], options: &mut Options) {
    weights.iter().cloned().for_each(|who| who.know_weights(options));
    inputs.iter().cloned().for_each(|(name, who)| who.know(name, options));
}

/// How the framework runs the model.
#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) setup: Setup,
    #[command(flatten)]
    sizes: Sizes,
    /// Bits of single layers' weights and outputs, for frameworks with weight_bits and activation_bits: a YAML file
    #[arg(long, value_name = "FILE", value_parser = widths)]
    pub(crate) widths: Option<Widths>,
    #[command(flatten)]
    time: Time,
    #[command(flatten)]
    machine: OnMachine,
}

impl Run {
    /// What is fixed, with one network at most.
    ///
    /// # Errors
    /// If several networks are given.
    pub(crate) fn options(&self) -> Result<Options, Failure> {
        Ok(self.with(self.time.options(&self.machine)?))
    }

    /// What is fixed, for each network that is given; once if none is.
    pub(crate) fn each(&self) -> Vec<Options> {
        let timed = self.time.each(&self.machine);
        if timed.is_empty() {
            vec![self.with(None)]
        } else {
            timed.into_iter().map(|time| self.with(Some(time))).collect()
        }
    }

    fn with(&self, time: Option<TimeOptions>) -> Options {
        Options { bindings: self.sizes.bindings(), time, widths: self.widths.clone(), ..self.setup.options() }
    }
}

/// What takes the place of functions of a framework.
#[derive(Debug, Args)]
pub(crate) struct Overlays {
    /// A sheet whose functions take the place of the framework's of the same names (repeatable)
    #[arg(long = "overlay", value_name = "SHEET")]
    sheets: Vec<PathBuf>,
    /// What a function of the framework sends instead: a Starlark expression of its parameters that calls send,
    /// or that gives the bytes which every party sends to every other in one round (repeatable)
    #[arg(long = "cost", value_name = "FUNCTION=FORMULA", value_parser = cost)]
    costs: Vec<(String, String)>,
}

impl Overlays {
    pub(crate) fn list(&self) -> Vec<Overlay> {
        let sheets = self.sheets.iter().cloned().map(Overlay::Sheet);
        let costs = self.costs.iter().cloned().map(|(name, formula)| Overlay::Cost { name, formula });
        sheets.chain(costs).collect()
    }
}

/// A file of widths.
fn widths(path: &str) -> Result<Widths, String> {
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    Widths::parse(&text)
}

/// A formula may hold equals signs, a function's name does not.
fn cost(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, formula)) if !name.is_empty() && !formula.is_empty() => {
            Ok((name.trim().to_owned(), formula.to_owned()))
        }
        _ => Err("is not of the form FUNCTION=FORMULA".to_owned()),
    }
}

/// Sizes of open dimensions.
#[derive(Debug, Args)]
pub(crate) struct Open {
    /// Size of the inputs' leading dimension
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    batch: Option<u64>,
    /// Size of one of the model's symbolic dimensions (repeatable)
    #[arg(long = "dim", value_name = "NAME=N", value_parser = dimension)]
    dims: Vec<(String, u64)>,
    /// Value of an input that holds one number and steers an If or a Loop (repeatable)
    #[arg(long = "value", value_name = "INPUT=NUMBER", value_parser = pair)]
    values: Vec<(String, String)>,
}

impl Open {
    pub(crate) fn bindings(&self) -> Bindings {
        Bindings {
            dims: self.dims.iter().cloned().collect(),
            batch: self.batch,
            values: self.values.iter().cloned().collect(),
            ..Bindings::default()
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Sizes {
    #[command(flatten)]
    open: Open,
    /// Shape of an input (repeatable)
    #[arg(long = "shape", value_name = "INPUT=AxBxC", value_parser = shape)]
    shapes: Vec<(String, Vec<u64>)>,
}

impl Sizes {
    pub(crate) fn bindings(&self) -> Bindings {
        Bindings { shapes: self.shapes.iter().cloned().collect(), ..self.open.bindings() }
    }
}

/// What to train.
#[derive(Debug, Args)]
#[command(next_help_heading = "Training")]
pub(crate) struct TrainingArguments {
    /// Price training steps with this loss instead of inference
    #[arg(long, value_name = "LOSS", value_parser = loss())]
    train: Option<Loss>,
    /// The optimizer with its settings, as in PyTorch: sgd, adam, adamw, rmsprop or adagrad
    #[arg(long, value_name = "NAME[:SETTING=VALUE,...]", default_value = "sgd", requires = "train")]
    optimizer: Optimizer,
    /// Price this step alone, counted from 1; optimizers with state do less in the first
    #[arg(long, value_name = "K", requires = "train", value_parser = clap::value_parser!(u64).range(1..))]
    step: Option<u64>,
    /// Price a run of that many steps
    #[arg(long, value_name = "N", requires = "train", conflicts_with = "step", value_parser = clap::value_parser!(u64).range(1..))]
    steps: Option<u64>,
    /// Price a run of that many passes over the data set
    #[arg(long, value_name = "N", requires_all = ["train", "dataset_size"], conflicts_with_all = ["step", "steps"], value_parser = clap::value_parser!(u64).range(1..))]
    epochs: Option<u64>,
    /// Samples of the data set; the last batch of an epoch is what is left
    #[arg(long, value_name = "N", requires = "epochs", value_parser = clap::value_parser!(u64).range(1..))]
    dataset_size: Option<u64>,
    /// The output that the loss looks at; the only one if not given
    #[arg(long, value_name = "OUTPUT", requires = "train")]
    train_output: Option<String>,
    /// A parameter that is not trained (repeatable)
    #[arg(long, value_name = "NAME", requires = "train")]
    frozen: Vec<String>,
}

impl TrainingArguments {
    pub(crate) fn options(&self) -> Option<TrainingOptions> {
        let steps = match (self.step, self.steps, self.epochs, self.dataset_size) {
            (_, Some(count), _, _) => Steps::First(count),
            (_, _, Some(epochs), Some(samples)) => Steps::Epochs { epochs, samples },
            (step, _, _, _) => Steps::Only(step.unwrap_or(1)),
        };
        Some(TrainingOptions {
            loss: self.train?,
            optimizer: self.optimizer.clone(),
            steps,
            output: self.train_output.clone(),
            frozen: self.frozen.clone(),
        })
    }
}
