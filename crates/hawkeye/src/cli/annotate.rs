//! `hawkeye annotate`.

use std::path::PathBuf;

use clap::Args;
use hawkeye::{
    Annotated, Diagnostic, Failure, Framework, Options, Place, Visibility, analyse, annotations, load, read,
};

use super::arguments::{Sizes, named_visibility, pair, visibility};
use super::output;

#[derive(Debug, Args)]
pub(crate) struct Annotate {
    /// The model, an ONNX file
    pub(crate) model: PathBuf,
    /// Where to write the annotated model
    #[arg(short, long)]
    output: PathBuf,
    /// A built-in framework, or the path of one's own directory
    #[arg(short, long)]
    framework: String,
    /// Number of parties
    #[arg(long)]
    parties: Option<u16>,
    /// A parameter of the framework, in its own spelling (repeatable)
    #[arg(long = "set", value_name = "PARAM=VALUE", value_parser = pair)]
    settings: Vec<(String, String)>,
    /// Who knows the weights: secret, public or a party's number
    #[arg(long, value_parser = visibility)]
    weights: Option<Visibility>,
    /// Who knows an input or initializer: secret, public or a party's number (repeatable)
    #[arg(long = "input", value_name = "NAME=WHO", value_parser = named_visibility)]
    inputs: Vec<(String, Visibility)>,
    #[command(flatten)]
    sizes: Sizes,
}

pub(crate) fn run(command: &Annotate) -> Result<(), Failure> {
    let framework = Framework::open(&command.framework)?;
    let model = load(&command.model)?;
    let options = Options {
        bindings: command.sizes.bindings(),
        parties: command.parties,
        settings: command.settings.iter().cloned().collect(),
        weights: command.weights,
        visibility: command.inputs.iter().cloned().collect(),
        ..Options::default()
    };
    let file = command.model.file_name().unwrap_or_default().to_string_lossy();
    let report = analyse(&model, &file, framework, &options)?;
    let annotations = annotations(&model, &report, &options.bindings)?;
    let bytes = read(&command.model)?;
    let annotated = Annotated::new(&bytes, &annotations)?;
    output::stream(&command.output, |to| annotated.write(to))?;
    let folder = |path: &std::path::Path| path.parent().map(std::path::Path::to_owned).unwrap_or_default();
    if annotated.external_data && folder(&command.model) != folder(&command.output) {
        let message = "the model's weights lie in files of their own, which must lie beside it";
        let help = format!("copy them to the folder of {}", command.output.display());
        output::warn(&[Diagnostic::warning(Place::Model, message).help(help)]);
    }
    Ok(())
}
