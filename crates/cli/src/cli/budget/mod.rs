//! `hawkeye budget`.

mod page;
mod tables;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hawkeye::{Diagnostic, Failure, Place, Replacement, activation_budget, check_dims, load};
use hawkeye_graph::check_nesting;

use super::input::source;
use super::output;
use super::run::Run;

#[derive(Debug, Args)]
pub(crate) struct BudgetArguments {
    /// The model, an ONNX file
    pub(crate) model: PathBuf,
    /// A built-in framework, or the path of one's own directory
    #[arg(short, long)]
    framework: String,
    /// What takes an activation's place
    #[arg(long, value_enum, default_value = "identity")]
    replacement: By,
    /// Layers that are replaced from the start: a YAML list of names of the report's rows
    #[arg(long, value_name = "FILE")]
    replaced: Option<PathBuf>,
    /// How to write it: text if not given
    #[arg(long, value_enum)]
    format: Option<BudgetFormat>,
    /// Where to write it; standard output if not given
    #[arg(short, long)]
    output: Option<PathBuf>,
    #[command(flatten)]
    run: Run,
}

/// What takes an activation's place.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    /// Its input
    Identity,
    /// Its input's square
    Square,
}

/// Formats of a budget.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum BudgetFormat {
    Text,
    Yaml,
    Json,
    Html,
}

pub(crate) fn run(command: &BudgetArguments) -> Result<(), Failure> {
    let path = command.output.as_deref();
    let format = output::format(command.format, path)?.unwrap_or(BudgetFormat::Text);
    let source = source(&command.model)?;
    let model = load(&source.path)?;
    let replacement = match command.replacement {
        By::Identity => Replacement::Identity,
        By::Square => Replacement::Square,
    };
    let replaced = command.replaced.as_ref().map(names).transpose()?.unwrap_or_default();
    let options = command.run.options()?;
    check_dims(&model.graph, &options.bindings.dims)?;
    let budget =
        activation_budget(&model, &source.name, &command.framework, &options, replacement, &replaced)?;
    let text = match format {
        BudgetFormat::Text => tables::text(&budget),
        BudgetFormat::Html => page::page(&budget, &format!("{} under {}", source.name, command.framework)),
        BudgetFormat::Yaml => serde_yaml::to_string(&budget).expect("numbers and names can be written"),
        BudgetFormat::Json => serde_json::to_string(&budget).expect("numbers and names can be written"),
    };
    output::write(path, text.as_bytes())
}

/// The names in a layer list.
fn names(file: &PathBuf) -> Result<Vec<String>, Failure> {
    let wrong = |problem: String| {
        let place = Place::File { path: file.display().to_string(), position: None };
        Diagnostic::error(place, problem).help("it holds a YAML list of layers: [Relu_1, Relu_3]")
    };
    let text = std::fs::read_to_string(file).map_err(|e| wrong(e.to_string()))?;
    check_nesting(&text).map_err(wrong)?;
    Ok(serde_yaml::from_str(&text).map_err(|e| wrong(e.to_string()))?)
}
