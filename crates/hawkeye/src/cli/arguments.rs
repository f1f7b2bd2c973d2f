//! What the command line accepts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use hawkeye::{Bindings, Visibility};
use hawkeye_cost::Party;

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
  hawkeye profile lenet5.onnx -f crypten --set max_method=pairwise --format json -o report.json")]
    Profile(Profile),
    /// Print the type and shape of every value of a model
    Shapes(Shapes),
    /// List, show and check frameworks
    Frameworks {
        #[command(subcommand)]
        command: Frameworks,
    },
}

impl Command {
    /// The file or framework that errors are about.
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::Profile(profile) => profile.model.display().to_string(),
            Self::Shapes(shapes) => shapes.model.display().to_string(),
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
    /// Levels of the call tree
    #[arg(long, default_value_t = 3)]
    pub(crate) depth: usize,
    /// How to write the report
    #[arg(long, value_enum, default_value_t = Format::Yaml)]
    pub(crate) format: Format,
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
    Yaml,
    Json,
}

/// Formats of shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShapesFormat {
    Text,
    Json,
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
