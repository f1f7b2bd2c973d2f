//! `hawkeye annotate`.

use std::path::PathBuf;

use clap::Args;
use hawkeye::{Annotated, Diagnostic, Failure, Place, Sessions, annotations, check_dims, load, read};

use super::input::source;
use super::output;
use super::run::Run;

#[derive(Debug, Args)]
pub(crate) struct AnnotateArguments {
    /// The model, an ONNX file
    pub(crate) model: PathBuf,
    /// Where to write the annotated model
    #[arg(short, long)]
    pub(crate) output: PathBuf,
    /// A built-in framework, or the path of one's own directory
    #[arg(short, long)]
    framework: String,
    #[command(flatten)]
    run: Run,
}

pub(crate) fn run(command: &AnnotateArguments) -> Result<(), Failure> {
    let source = source(&command.model)?;
    let model = load(&source.path)?;
    let options = command.run.options()?;
    check_dims(&model.graph, &options.bindings.dims)?;
    let session = Sessions::default().get(&command.framework, &options)?;
    let report = session.analyse(&model, &source.name, &options)?;
    let annotations = annotations(&model, &report, &options.bindings)?;
    let bytes = read(&source.path)?;
    let annotated = Annotated::new(&bytes, &annotations)?;
    output::write_model(Some(&command.output), |to| annotated.write(to))?;
    let folder = |path: &std::path::Path| path.parent().map(std::path::Path::to_owned).unwrap_or_default();
    if annotated.external_data && folder(&command.model) != folder(&command.output) {
        let message = "the model's weights lie in files of their own, which must lie beside it";
        let help = format!("copy them to the folder of {}", command.output.display());
        output::warn(&[Diagnostic::warning(Place::Model, message).help(help)]);
    }
    Ok(())
}
