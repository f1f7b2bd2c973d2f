//! `hawkeye profile`.

use hawkeye::{Failure, Framework, Options, Report, analyse, load};

use super::arguments::{Format, Profile};
use super::output;

pub(crate) fn run(command: &Profile) -> Result<(), Failure> {
    let framework = Framework::open(&command.framework)?;
    let model = load(&command.model)?;
    let options = Options {
        bindings: command.sizes.bindings(),
        parties: command.parties,
        settings: command.settings.iter().cloned().collect(),
        weights: command.weights,
        visibility: command.inputs.iter().cloned().collect(),
        depth: command.depth,
    };
    let file = command.model.file_name().unwrap_or_default().to_string_lossy();
    let report = analyse(&model, &file, framework, &options)?;
    output::write(command.output.as_deref(), &render(&report, command.format)?)
}

fn render(report: &Report, format: Format) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let result = match format {
        Format::Yaml => serde_yaml::to_writer(&mut text, report).map_err(|e| e.to_string()),
        Format::Json => serde_json::to_writer_pretty(&mut text, report).map_err(|e| e.to_string()),
    };
    result.map_err(output::failed)?;
    if format == Format::Json {
        text.push(b'\n');
    }
    Ok(text)
}
