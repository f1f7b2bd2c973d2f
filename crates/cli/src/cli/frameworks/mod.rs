//! `hawkeye frameworks`.

mod check;
mod export;
mod list;
mod new;
mod operators;
mod test;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use hawkeye::Failure;

use super::input::source;
use super::{output, values};

#[derive(Debug, Subcommand)]
pub(crate) enum Frameworks {
    /// List the built-in frameworks
    #[command(after_help = "Example:
  hawkeye frameworks list")]
    List,
    /// Show a framework's parties, parameters, counters and operators
    #[command(after_help = "Examples:
  hawkeye frameworks show crypten
  hawkeye frameworks show ./beaver")]
    Show {
        /// A built-in framework, or the path of one's own directory
        name: String,
    },
    /// Look a framework over: manifest, sheets, and every function, called with sample nodes
    #[command(after_help = "Example:
  hawkeye frameworks check ./beaver

Exit codes: 0 fine, perhaps with warnings; 1 something is wrong; 2 it can't be looked at.")]
    Check {
        /// A built-in framework, or the path of one's own directory
        name: String,
    },
    /// Write a small framework to start from, with tests
    #[command(after_help = "Example:
  hawkeye frameworks new beaver")]
    New {
        /// Its name
        name: String,
        /// Its directory; of its name if not given
        #[arg(short, long)]
        output: Option<PathBuf>,
    },
    /// Hold a framework to the numbers in its tests.yaml
    #[command(after_help = "Example:
  hawkeye frameworks test ./beaver

Exit codes: 0 all are met; 1 one is not; 2 an error.")]
    Test {
        /// The framework's directory
        directory: PathBuf,
    },
    /// Write a built-in framework as a directory, to change it
    #[command(after_help = "Example:
  hawkeye frameworks export crypten ./my-crypten")]
    Export {
        /// The framework
        name: String,
        /// The directory, which is made
        directory: PathBuf,
    },
    /// List the functions that a model needs, and which of them a framework has
    #[command(after_help = "Examples:
  hawkeye frameworks operators -m resnet50.onnx
  hawkeye frameworks operators -m resnet50.onnx -f ./beaver")]
    Operators {
        /// The model, an ONNX file
        #[arg(short, long)]
        model: PathBuf,
        /// A built-in framework, or the path of one's own directory
        #[arg(short, long)]
        framework: Option<String>,
    },
}

impl Frameworks {
    /// What errors are about.
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::List => "frameworks".to_owned(),
            Self::Show { name }
            | Self::Check { name }
            | Self::New { name, .. }
            | Self::Export { name, .. } => name.clone(),
            Self::Test { directory } => directory.display().to_string(),
            Self::Operators { model, .. } => model.display().to_string(),
        }
    }
}

pub(crate) fn run(command: &Frameworks) -> Result<ExitCode, Failure> {
    let (text, code) = match command {
        Frameworks::List => (list::list()?, ExitCode::SUCCESS),
        Frameworks::Show { name } => (list::show(name)?, ExitCode::SUCCESS),
        Frameworks::Check { name } => check::run(name)?,
        Frameworks::New { name, output } => (new::run(name, output.as_deref())?, ExitCode::SUCCESS),
        Frameworks::Test { directory } => test::run(directory)?,
        Frameworks::Export { name, directory } => (export::run(name, directory)?, ExitCode::SUCCESS),
        Frameworks::Operators { model, framework } => {
            (operators::run(model, framework.as_deref())?, ExitCode::SUCCESS)
        }
    };
    output::write(None, text.as_bytes())?;
    Ok(code)
}
