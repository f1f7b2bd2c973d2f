//! `hawkeye profile`.

use std::mem::ManuallyDrop;

use hawkeye::{Failure, Framework, Options, Report, Session, check_dims, load};
use hawkeye_report::render::{self, View};

use super::arguments::{Format, ProfileArguments};
use super::exports::cheaper;
use super::input::source;
use super::selections::in_the_clear;
use super::{optimize, output, survey};

pub(crate) fn run(command: &ProfileArguments) -> Result<(), Failure> {
    let chosen = output::format(command.format, command.output.as_deref())?;
    let format = chosen.unwrap_or_else(|| {
        if output::is_seen(command.output.as_deref()) { Format::Text } else { Format::Yaml }
    });
    let each = command.run.each();
    let ([path], [name], [options]) =
        (command.models.as_slice(), command.frameworks.as_slice(), each.as_slice())
    else {
        return survey::run(command, format);
    };
    let source = source(path)?;
    let model = load(&source.path)?;
    let defaults = Options::default();
    let options = Options {
        training: command.training.options(),
        depth: match format {
            Format::Yaml | Format::Json => command.depth.unwrap_or(defaults.depth),
            Format::Html | Format::Folded | Format::Speedscope | Format::Perfetto => {
                command.depth.unwrap_or(usize::MAX)
            }
            // Here the depth cuts rows, and rows of any depth need the whole tree.
            Format::Text | Format::Csv | Format::Markdown => usize::MAX,
        },
        ..options.clone()
    };
    let framework = Framework::open(name)?.overlaid(&options.overlays)?;
    if command.strict {
        framework.manifest.loads(&model.graph)?;
    }
    check_dims(&model.graph, &options.bindings.dims)?;
    // The process ends after this: freeing all that a session knows takes a twentieth of the whole.
    let session = ManuallyDrop::new(Session::new(framework.clone(), options.parties, &options.settings)?);
    let mut report = session.analyse(&model, &source.name, &options)?;
    if matches!(format, Format::Text | Format::Markdown | Format::Html) {
        let public = in_the_clear(&model, &session, &options, &report);
        report.diagnostics.extend(cheaper(&model, &session, &options).into_iter().chain(public));
    }
    let view = View {
        axis: command.by,
        sort: command.sort,
        top: command.top,
        depth: command.depth.unwrap_or(defaults.depth),
        fold: !command.unfold && matches!(format, Format::Text | Format::Markdown),
    };
    let advice = (command.advise && format == Format::Text)
        .then(|| optimize::advice(&model, &source.path, name, &framework, &options))
        .transpose()?;
    write(&report, format, view, command, &advice.unwrap_or_default())
}

/// Writes the report, and advice behind the text.
fn write(
    report: &Report,
    format: Format,
    view: View,
    command: &ProfileArguments,
    advice: &str,
) -> Result<(), Failure> {
    let path = command.output.as_deref();
    let text = match format {
        Format::Text => render::text(report, view) + advice,
        Format::Yaml => return output::write_document(path, |to| serde_yaml::to_writer(to, report)),
        Format::Json => return output::write_document(path, |to| output::json(to, report)),
        Format::Csv => render::csv(report, view),
        Format::Markdown => render::markdown(report, view),
        Format::Html => render::html(report),
        Format::Folded => render::folded(report, command.weight),
        Format::Speedscope => render::speedscope(report, command.weight),
        Format::Perfetto if report.time.is_none() => {
            let message = "a timeline needs a network: say --network, or --bandwidth and --rtt";
            return Err(output::failed(message.to_owned()));
        }
        Format::Perfetto => render::perfetto(report),
    };
    output::write(path, text.as_bytes())
}
