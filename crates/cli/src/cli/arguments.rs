//! What the command line accepts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use hawkeye_report::{Axis, Quantity};

use super::annotate::AnnotateArguments;
use super::budget::BudgetArguments;
use super::calibrate::CalibrateArguments;
use super::check::CheckArguments;
use super::compare::CompareArguments;
use super::explain::ExplainArguments;
use super::files::Files;
use super::frameworks::Frameworks;
use super::grad::GradArguments;
use super::optimize::OptimizeArguments;
use super::run::{Run, Sizes, TrainingArguments};
use super::sweep::SweepArguments;
use super::values::{axis, quantity};

/// What does your model cost in multi-party learning? Bytes, messages and rounds of every operator,
/// from the ONNX file alone.
#[derive(Debug, Parser)]
#[command(
    name = "hawkeye",
    version,
    arg_required_else_help = true,
    after_help = "Examples:
  hawkeye profile lenet5.onnx -f crypten
  hawkeye profile resnet50.onnx -f cryptflow2 --batch 1 --format html -o resnet50.html
  hawkeye check lenet5.onnx -f crypten --max online.bytes=20MiB
  hawkeye frameworks show crypten

Exit codes: 0 fine; 1 a budget or comparison failed; 2 an error. Results go to standard output, all
else to standard error. Colours are for terminals only; NO_COLOR=1 turns them off."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// What is read, and where the result goes.
    #[arg(skip)]
    pub(crate) files: Files,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Report what a model sends under a framework
    #[command(after_help = "Examples:
  hawkeye profile lenet5.onnx --framework crypten
  hawkeye profile bert.onnx -f crypten --batch 1 --dim seq=128 --parties 3
  hawkeye profile lenet5.onnx -f crypten --set max_method=pairwise --format json -o report.json
  hawkeye profile lenet5.onnx -f crypten --train cross_entropy --optimizer sgd:lr=0.1,momentum=0.9 --step 2
  hawkeye profile resnet50.onnx -f cryptflow2 --batch 1 --by module --depth 1 --sort rounds
  hawkeye profile lenet5.onnx resnet18.onnx -f crypten -f cheetah --batch 1
  hawkeye profile resnet50.onnx -f crypten --batch 1 --format html -o resnet50.html
  hawkeye profile resnet50.onnx -f crypten --batch 1 --format folded | inferno-flamegraph > resnet50.svg
  hawkeye profile lenet5.onnx -f crypten --network lan-10g,lan-1g,wan-100m
  hawkeye profile lenet5.onnx -f crypten --network wan-100m --format perfetto -o lenet5.json")]
    Profile(ProfileArguments),
    /// Print the type and shape of every value of a model
    #[command(after_help = "Examples:
  hawkeye shapes lenet5.onnx
  hawkeye shapes bert.onnx --batch 1 --dim seq=128 -o shapes.json")]
    Shapes(ShapesArguments),
    /// Write a model without its weights
    #[command(long_about = "Write a model without its weights, for those who may share an architecture but \
                            not its parameters. Types, shapes, names and single numbers stay, so that a \
                            profile of the result is that of the model.")]
    Strip(StripArguments),
    /// List, show, write, check and test frameworks
    #[command(after_help = "Examples:
  hawkeye frameworks list
  hawkeye frameworks show crypten
  hawkeye frameworks new beaver
  hawkeye frameworks check ./beaver
  hawkeye frameworks test ./beaver
  hawkeye frameworks export crypten ./my-crypten
  hawkeye frameworks operators -m lenet5.onnx -f ./beaver")]
    Frameworks {
        #[command(subcommand)]
        command: Frameworks,
    },
    /// Print the JSON schema of a report
    #[command(after_help = "Examples:
  hawkeye schema > report.schema.json
  hawkeye profile lenet5.onnx -f crypten --format json -o report.json
  check-jsonschema --schemafile report.schema.json report.json")]
    Schema,
    /// Hold a model or a report to budgets: exit with 1 if it exceeds one
    #[command(after_help = "Examples:
  hawkeye check lenet5.onnx -f crypten --max online.bytes=20MiB --max rounds=200
  hawkeye check resnet50.onnx -f crypten --batch 1 --max module:layer1:online.bytes=2GiB
  hawkeye check report.yaml --max operator:/conv1/Conv:messages=4 --max op-type:Relu:bytes=5GiB
  hawkeye check --format json                  # the project in hawkeye.toml
  hawkeye check lenet5.onnx -f crypten --baseline main.yaml --max-increase 1% --format github

A limit is on all phases together unless it names one (setup, offline, online). The baseline's
limits are on bytes, messages and rounds of each phase. Exit 0: all kept; 1: one exceeded; 2: an error.")]
    Check(CheckArguments),
    /// Print a script that completes hawkeye's arguments in a shell
    #[command(after_help = "Examples:
  hawkeye completions bash > ~/.local/share/bash-completion/completions/hawkeye
  hawkeye completions zsh > ~/.zfunc/_hawkeye
  hawkeye completions fish > ~/.config/fish/completions/hawkeye.fish")]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print a manual page
    #[command(after_help = "Examples:
  hawkeye man | man -l -
  hawkeye man profile > /usr/local/share/man/man1/hawkeye-profile.1")]
    Man {
        /// The command that it is about; all of hawkeye if not given
        command: Option<String>,
    },
    /// Set reports, frameworks or parameters side by side, or a run beside its report
    #[command(after_help = "Examples:
  hawkeye compare before.yaml after.yaml --fail-on-difference
  hawkeye compare resnet50.onnx -f crypten -f spu-semi2k --batch 1
  hawkeye compare lenet5.onnx -f crypten --variant max_method=pairwise --variant parties=3
  hawkeye compare --measured crypten.log lenet5.onnx -f crypten
  hawkeye compare --measured alice.log --measured bob.log report.yaml")]
    Compare(CompareArguments),
    /// Explain a node's costs: its protocol calls, where sheets define them, and the source they follow
    #[command(after_help = "Examples:
  hawkeye explain lenet5.onnx Relu_1 -f crypten
  hawkeye explain lenet5.onnx Conv_3 -f crypten --train cross_entropy --pass backward
  hawkeye explain --op Relu --shape 1x64x56x56 -f cheetah
  hawkeye explain --op Conv --shape 1x3x32x32 --weight 16x3x3x3 --attr pads=1,1,1,1 -f cryptflow2
  hawkeye explain --explain-units -f delphi")]
    Explain(ExplainArguments),
    /// Write the model with its costs as metadata of its nodes, and the shapes of its values
    #[command(after_help = "Examples:
  hawkeye annotate lenet5.onnx -f crypten -o lenet5.crypten.onnx
  hawkeye annotate bert.onnx -f spu-semi2k --batch 1 --dim seq=128 -o annotated.onnx")]
    Annotate(AnnotateArguments),
    /// Profile a model over batch sizes, dimensions, parameters, parties and frameworks
    #[command(after_help = "Examples:
  hawkeye sweep lenet5.onnx -f crypten -f spu-semi2k --batch 1..64
  hawkeye sweep bert.onnx -f crypten --batch 1 --dim seq=32..512:32 -o bert.svg
  hawkeye sweep lenet5.onnx -f crypten --set max_method=pairwise,log_reduction --parties 2..5
  hawkeye sweep lenet5.onnx -f crypten -f spu-semi2k --bandwidth 1Mbit/s..10Gbit/s --rtt 20ms")]
    Sweep(SweepArguments),
    /// Price each activation layer, and the model with fewer and fewer of them
    #[command(after_help = "Examples:
  hawkeye budget resnet18.onnx -f delphi --batch 1
  hawkeye budget resnet32.onnx -f sirnn --set weight_bits=4 --set activation_bits=6
  hawkeye budget lenet5.onnx -f crypten --replacement square -o budget.html")]
    Budget(BudgetArguments),
    /// Write a training step of a model as an ONNX file
    #[command(after_help = "Examples:
  hawkeye grad lenet5.onnx --batch 32 -o step.onnx
  hawkeye grad bert.onnx --batch 8 --dim seq=128 --train mse --optimizer adam:lr=0.001 --step 2 -o step.onnx")]
    Grad(GradArguments),
    /// Rewrite a model so that it sends less
    #[command(after_help = "Examples:
  hawkeye optimize lenet5.onnx -f crypten
  hawkeye optimize lenet5.onnx -f crypten -o lenet5.crypten.onnx
  hawkeye optimize bert.onnx -f spu-semi2k --batch 1 --dim seq=128 --objective rounds
  hawkeye optimize --list
  hawkeye optimize --explain relu-maxpool-swap

Exit codes: 0 fine; 1 with --check, if something can be saved; 2 an error.")]
    Optimize(Box<OptimizeArguments>),
    /// Time the primitives of a framework that is installed here, and write a profile for --machine
    #[command(after_help = "Examples:
  hawkeye calibrate spu-semi2k --python .venv/bin/python -o mine.yaml
  hawkeye profile lenet5.onnx -f spu-semi2k --network wan-100m --machine mine.yaml")]
    Calibrate(CalibrateArguments),
}

impl Command {
    /// The file or framework that errors are about.
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::Profile(profile) => several(&profile.models),
            Self::Shapes(shapes) => shapes.model.display().to_string(),
            Self::Strip(strip) => strip.model.display().to_string(),
            Self::Grad(grad) => grad.model.display().to_string(),
            Self::Optimize(optimize) => optimize.subject(),
            Self::Frameworks { command } => command.subject(),
            Self::Schema => "schema".to_owned(),
            Self::Calibrate(_) => "calibrate".to_owned(),
            Self::Check(check) if check.subjects.is_empty() => check.project.display().to_string(),
            Self::Check(check) => several(&check.subjects),
            Self::Completions { .. } => "completions".to_owned(),
            Self::Man { .. } => "man".to_owned(),
            Self::Budget(budget) => budget.model.display().to_string(),
            Self::Annotate(annotate) => annotate.model.display().to_string(),
            Self::Sweep(sweep) => sweep.model.display().to_string(),
            Self::Explain(explain) => match (&explain.model, &explain.op) {
                (Some(model), _) => model.display().to_string(),
                (None, Some(op)) => op.clone(),
                (None, None) => explain.framework.clone(),
            },
            Self::Compare(compare) => several(&compare.subjects),
        }
    }
}

/// Files that are named in a message.
const NAMED: usize = 3;

/// Several files, of which the first are named.
fn several(paths: &[PathBuf]) -> String {
    let named: Vec<String> = paths.iter().take(NAMED).map(|path| path.display().to_string()).collect();
    match paths.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

#[derive(Debug, Args)]
pub(crate) struct ProfileArguments {
    /// The model, an ONNX file; of several, and of several frameworks or networks, a table is made
    #[arg(required = true, value_name = "MODEL")]
    pub(crate) models: Vec<PathBuf>,
    /// A built-in framework, or the path of one's own directory (repeatable)
    #[arg(short, long = "framework", value_name = "FRAMEWORK", required = true)]
    pub(crate) frameworks: Vec<String>,
    #[command(flatten)]
    pub(crate) run: Run,
    #[command(flatten)]
    pub(crate) training: TrainingArguments,
    /// End text with what exact rewrites of the model would save, which takes seconds for large models
    #[arg(long)]
    pub(crate) advise: bool,
    /// Refuse a model that the framework's own front end does not load, in place of a warning
    #[arg(long)]
    pub(crate) strict: bool,
    /// Levels of modules or protocol calls in rows, and of the call tree: 3 if not given, and all of
    /// them for stacks and pages
    #[arg(long)]
    pub(crate) depth: Option<usize>,
    /// How to write the report; text on a terminal and yaml elsewhere if not given
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// What the rows of text, markdown and csv are
    #[arg(long, default_value = "operator", value_parser = axis())]
    pub(crate) by: Axis,
    /// Rows by this, largest first; text and markdown sort by bytes, csv not at all if not given
    #[arg(long, value_parser = quantity())]
    pub(crate) sort: Option<Quantity>,
    /// Rows to show before one for the rest; text and markdown show 15, csv all if not given
    #[arg(long)]
    pub(crate) top: Option<usize>,
    /// A row of its own for every operator, also where text and markdown show those alike as one:
    /// "12 x /encoder/layer.*/output/Erf"
    #[arg(long)]
    pub(crate) unfold: bool,
    /// What the stacks of folded and speedscope count
    #[arg(long, default_value = "bytes", value_parser = quantity())]
    pub(crate) weight: Quantity,
    /// Where to write it; standard output if not given
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ShapesArguments {
    /// The model, an ONNX file
    pub(crate) model: PathBuf,
    #[command(flatten)]
    pub(crate) sizes: Sizes,
    /// How to print them: text if not given
    #[arg(long, value_enum)]
    pub(crate) format: Option<ShapesFormat>,
    /// Where to write them; standard output if not given
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct StripArguments {
    /// The model, an ONNX file
    pub(crate) model: PathBuf,
    /// Where to write it
    #[arg(short, long)]
    pub(crate) output: PathBuf,
}

/// Formats of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Yaml,
    Json,
    Csv,
    Markdown,
    /// A page for browsers: summary, flame graph, tables, assumptions and evidence
    Html,
    /// Stacks of the call tree, one per line, for flame graph programs
    Folded,
    /// Stacks of the call tree for speedscope.app
    Speedscope,
    /// A timeline on the network that is given, for ui.perfetto.dev
    Perfetto,
}

/// Formats of shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShapesFormat {
    Text,
    Json,
}
