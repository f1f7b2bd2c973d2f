//! What the command line accepts.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use hawkeye::{Bindings, Visibility};
use hawkeye_cost::Party;
use hawkeye_report::render::{Axis, Quantity};

use super::grad::Grad;

/// What does your model cost in multi-party learning? Bytes, messages and rounds of every operator,
/// from the ONNX file alone.
#[derive(Debug, Parser)]
#[command(name = "hawkeye", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Report what a model sends under a framework
    #[command(after_help = "Examples:
  hawkeye profile lenet5.onnx --framework crypten
  hawkeye profile bert.onnx -f crypten --batch 1 --dim seq=128 --parties 3
  hawkeye profile lenet5.onnx -f crypten --set max_method=pairwise --format json -o report.json
  hawkeye profile resnet50.onnx -f cryptflow2 --by module --depth 1 --sort rounds
  hawkeye profile resnet50.onnx -f crypten --format folded | inferno-flamegraph > resnet50.svg")]
    Profile(Profile),
    /// Print the type and shape of every value of a model
    Shapes(Shapes),
    /// Write a model without its weights
    #[command(long_about = "Write a model without its weights, for those who may share an architecture but \
                            not its parameters. Types, shapes, names and single numbers stay, so that a \
                            profile of the result is that of the model.")]
    Strip(Strip),
    /// List, show and check frameworks
    Frameworks {
        #[command(subcommand)]
        command: Frameworks,
    },
    /// Write a training step of a model as an ONNX file
    #[command(after_help = "Examples:
  hawkeye grad lenet5.onnx --batch 32 -o step.onnx
  hawkeye grad bert.onnx --batch 8 --dim seq=128 --train mse --optimizer adam:lr=0.001 --step 2 -o step.onnx")]
    Grad(Grad),
}

impl Command {
    /// The file or framework that errors are about.
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::Profile(profile) => profile.model.display().to_string(),
            Self::Shapes(shapes) => shapes.model.display().to_string(),
            Self::Strip(strip) => strip.model.display().to_string(),
            Self::Grad(grad) => grad.model.display().to_string(),
            Self::Frameworks { command: Frameworks::List } => "frameworks".to_owned(),
            Self::Frameworks { command: Frameworks::Show { name } | Frameworks::Check { name } } => {
                name.clone()
            }
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Profile {
    /// The model, an ONNX file
    pub(crate) model: PathBuf,
    /// A built-in framework, or the path of one's own directory
    #[arg(short, long)]
    pub(crate) framework: String,
    /// Number of parties
    #[arg(long)]
    pub(crate) parties: Option<u16>,
    /// A parameter of the framework, in its own spelling (repeatable)
    #[arg(long = "set", value_name = "PARAM=VALUE", value_parser = pair)]
    pub(crate) settings: Vec<(String, String)>,
    /// Who knows the weights: secret, public or a party's number
    #[arg(long, value_parser = visibility)]
    pub(crate) weights: Option<Visibility>,
    /// Who knows an input or initializer: secret, public or a party's number (repeatable)
    #[arg(long = "input", value_name = "NAME=WHO", value_parser = named_visibility)]
    pub(crate) inputs: Vec<(String, Visibility)>,
    #[command(flatten)]
    pub(crate) sizes: Sizes,
    /// Levels of modules, and of the call tree: 3 if not given, and all of them for stacks
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
    /// What the stacks of folded and speedscope count
    #[arg(long, default_value = "bytes", value_parser = quantity())]
    pub(crate) weight: Quantity,
    /// Where to write it; standard output if not given
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Sizes {
    /// Size of the inputs' leading dimension
    #[arg(long)]
    batch: Option<u64>,
    /// Size of one of the model's symbolic dimensions (repeatable)
    #[arg(long = "dim", value_name = "NAME=N", value_parser = dimension)]
    dims: Vec<(String, u64)>,
    /// Shape of an input (repeatable)
    #[arg(long = "shape", value_name = "INPUT=AxBxC", value_parser = shape)]
    shapes: Vec<(String, Vec<u64>)>,
}

impl Sizes {
    pub(crate) fn bindings(&self) -> Bindings {
        Bindings {
            dims: self.dims.iter().cloned().collect(),
            batch: self.batch,
            shapes: self.shapes.iter().cloned().collect(),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Shapes {
    /// The model, an ONNX file
    pub(crate) model: PathBuf,
    #[command(flatten)]
    pub(crate) sizes: Sizes,
    /// How to print them
    #[arg(long, value_enum, default_value_t = ShapesFormat::Text)]
    pub(crate) format: ShapesFormat,
}

#[derive(Debug, Args)]
pub(crate) struct Strip {
    /// The model, an ONNX file
    pub(crate) model: PathBuf,
    /// Where to write it
    #[arg(short, long)]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Frameworks {
    /// List the built-in frameworks
    List,
    /// Show a framework's parties, parameters, counters and operators
    Show {
        /// A built-in framework, or the path of one's own directory
        name: String,
    },
    /// Check a framework's manifest and load its sheets
    Check {
        /// A built-in framework, or the path of one's own directory
        name: String,
    },
}

/// Formats of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Yaml,
    Json,
    Csv,
    Markdown,
    /// Stacks of the call tree, one per line, for flame graph programs
    Folded,
    /// Stacks of the call tree for speedscope.app
    Speedscope,
}

/// Formats of shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShapesFormat {
    Text,
    Json,
}

fn axis() -> impl TypedValueParser<Value = Axis> {
    PossibleValuesParser::new(Axis::ALL.map(Axis::name))
        .map(|name| Axis::from_name(&name).expect("a possible value"))
}

fn quantity() -> impl TypedValueParser<Value = Quantity> {
    PossibleValuesParser::new(Quantity::ALL.map(Quantity::name))
        .map(|name| Quantity::from_name(&name).expect("a possible value"))
}

fn pair(text: &str) -> Result<(String, String), String> {
    // Names of values may hold an equals sign, sizes and settings of ours don't.
    match text.rsplit_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("is not of the form NAME=VALUE".to_owned()),
    }
}

fn size(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("\"{text}\" is no size"))
}

fn dimension(text: &str) -> Result<(String, u64), String> {
    let (name, value) = pair(text)?;
    Ok((name, size(&value)?))
}

fn shape(text: &str) -> Result<(String, Vec<u64>), String> {
    let (name, value) = pair(text)?;
    let dims = value.split(['x', ',']).filter(|dim| !dim.is_empty()).map(size).collect::<Result<_, _>>()?;
    Ok((name, dims))
}

fn visibility(text: &str) -> Result<Visibility, String> {
    match text {
        "secret" => Ok(Visibility::Secret),
        "public" => Ok(Visibility::Public),
        party => party
            .parse()
            .map(|party| Visibility::Known(Party(party)))
            .map_err(|_| format!("\"{text}\" is neither secret, public nor a party's number")),
    }
}

fn named_visibility(text: &str) -> Result<(String, Visibility), String> {
    let (name, value) = pair(text)?;
    Ok((name, visibility(&value)?))
}
