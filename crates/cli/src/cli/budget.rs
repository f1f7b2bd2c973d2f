//! `hawkeye budget`.

use std::fmt::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hawkeye::{ActivationBudget, Diagnostic, Failure, Place, Replacement, activation_budget, load};
use hawkeye_report::render::grouped as with_separators;

use super::input::source;
use super::output;
use super::run::Run;

#[derive(Debug, Args)]
pub(crate) struct Budget {
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
    /// How to write it
    #[arg(long, value_enum, default_value = "text")]
    format: BudgetFormat,
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
}

pub(crate) fn run(command: &Budget) -> Result<(), Failure> {
    let source = source(&command.model)?;
    let model = load(&source.path)?;
    let replacement = match command.replacement {
        By::Identity => Replacement::Identity,
        By::Square => Replacement::Square,
    };
    let replaced = command.replaced.as_ref().map(names).transpose()?.unwrap_or_default();
    let options = command.run.options()?;
    let budget =
        activation_budget(&model, &source.name, &command.framework, &options, replacement, &replaced)?;
    let text = match command.format {
        BudgetFormat::Text => text(&budget),
        BudgetFormat::Yaml => serde_yaml::to_string(&budget).expect("numbers and names can be written"),
        BudgetFormat::Json => serde_json::to_string(&budget).expect("numbers and names can be written"),
    };
    output::write(None, text.as_bytes())
}

/// The names in a layer list.
fn names(file: &PathBuf) -> Result<Vec<String>, Failure> {
    let wrong = |problem: String| {
        let place = Place::File { path: file.display().to_string(), position: None };
        Diagnostic::error(place, problem).help("it holds a YAML list of layers: [Relu_1, Relu_3]")
    };
    let text = std::fs::read_to_string(file).map_err(|e| wrong(e.to_string()))?;
    Ok(serde_yaml::from_str(&text).map_err(|e| wrong(e.to_string()))?)
}

fn text(budget: &ActivationBudget) -> String {
    let mut text = String::new();
    let own: u64 = budget.layers.iter().map(|layer| layer.own.bytes).sum();
    let percent = (100 * own).checked_div(budget.price.bytes).unwrap_or(0);
    let elements = grouped(budget.elements);
    let _ = writeln!(
        text,
        "{} bytes and {} online rounds; activations of {elements} elements are {percent} % of the bytes.",
        grouped(budget.price.bytes),
        budget.price.rounds,
    );
    let advice = if percent >= 50 {
        "They are most of it, so that their number tells the cost."
    } else {
        "They are the smaller part, so that their number does not tell the cost: products do."
    };
    let _ = writeln!(text, "{advice}\n\nEach by itself, the whole model priced again:\n");
    let _ = writeln!(
        text,
        "{:24} {:>12} {:>16} {:>12} {:>16} {:>8}",
        "layer", "elements", "own bytes", "per element", "bytes saved", "rounds"
    );
    for layer in &budget.layers {
        let _ = write!(
            text,
            "{:24} {:>12} {:>16} {:>12} ",
            layer.name,
            grouped(layer.elements),
            grouped(layer.own.bytes),
            grouped(layer.own.bytes.checked_div(layer.elements).unwrap_or(0)),
        );
        let _ = match (&layer.without, &layer.refused) {
            (Some(price), _) => {
                let rounds = i128::from(budget.price.rounds) - i128::from(price.rounds);
                writeln!(text, "{:>16} {rounds:>8}", difference(budget.price.bytes, price.bytes))
            }
            (None, refused) => writeln!(text, "not run: {}", refused.as_deref().unwrap_or_default()),
        };
    }
    let _ = writeln!(text, "\nOne after another, the most bytes per element first:\n");
    let _ = writeln!(text, "{:24} {:>12} {:>16} {:>8}", "replaced", "elements", "bytes", "rounds");
    for point in &budget.front {
        let (elements, bytes) = (grouped(point.elements), grouped(point.price.bytes));
        let _ = writeln!(text, "{:24} {elements:>12} {bytes:>16} {:>8}", point.replaced, point.price.rounds);
    }
    text
}

/// Bytes saved; with a sign if it costs more.
fn difference(before: u64, after: u64) -> String {
    if after > before { format!("-{}", grouped(after - before)) } else { grouped(before - after) }
}

fn grouped(n: u64) -> String {
    with_separators(n.into())
}
