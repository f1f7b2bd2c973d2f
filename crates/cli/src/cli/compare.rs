//! `hawkeye compare`.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use hawkeye::time::Network;
use hawkeye::{
    Diagnostic, Failure, Framework, Options, Place, Report, Sessions, Steps, TimeOptions, builtin_names,
    check_dims,
};
use hawkeye_report::compare::{Comparison, Refused, compare};
use hawkeye_report::measured::{Measured, Patterns};
use hawkeye_report::render;
use hawkeye_report::{Axis, Quantity};

use super::input::{Input, about, open, source};
use super::output;
use super::run::{Run, TrainingArguments};
use super::values::{Who, axis, quantity};

#[derive(Debug, Args)]
pub(crate) struct CompareArguments {
    /// Reports (YAML or JSON), or models, which are profiled first
    #[arg(required = true, value_name = "REPORT|MODEL")]
    pub(crate) subjects: Vec<PathBuf>,
    /// Profile the models under this framework (repeatable: side by side)
    #[arg(short, long = "framework")]
    frameworks: Vec<String>,
    /// One more side, which differs in these: parameters, parties, batch, weights, dim.NAME, network, or
    /// in training the optimizer or the step (repeatable)
    #[arg(long = "variant", value_name = "KEY=VALUE[,KEY=VALUE...]", value_parser = variant)]
    variants: Vec<Variant>,
    #[command(flatten)]
    run: Run,
    #[command(flatten)]
    training: TrainingArguments,
    /// Compare with what the framework printed in a run instead (repeatable: a log per party)
    #[arg(long, value_name = "LOG")]
    pub(crate) measured: Vec<PathBuf>,
    /// How to write it; text on a terminal and json elsewhere if not given
    #[arg(long, value_enum)]
    format: Option<ComparisonFormat>,
    /// What the rows are
    #[arg(long, default_value = "operator", value_parser = axis())]
    by: Axis,
    /// Levels of modules or protocol calls in rows
    #[arg(long, default_value_t = 3)]
    depth: usize,
    /// What the rows show and are sorted by
    #[arg(long, default_value = "bytes", value_parser = quantity())]
    sort: Quantity,
    /// Operators to show before one row for the rest, in text and markdown
    #[arg(long, default_value_t = 15)]
    top: usize,
    /// Exit with 1 if the sides differ
    #[arg(long)]
    fail_on_difference: bool,
    /// Where to write it; standard output if not given
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
}

/// Sides have a letter each.
const MOST_SIDES: usize = 26;

/// Formats of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ComparisonFormat {
    Text,
    Json,
    Csv,
    Markdown,
    /// A page for browsers
    Html,
}

/// What a side does differently.
#[derive(Clone, Debug)]
struct Variant(Vec<(String, String)>);

fn variant(text: &str) -> Result<Variant, String> {
    let pair = |text: &str| match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("\"{text}\" is not of the form KEY=VALUE")),
    };
    text.split(',').map(pair).collect::<Result<_, _>>().map(Variant)
}

pub(crate) fn run(command: &CompareArguments) -> Result<ExitCode, Failure> {
    let seen = output::is_seen(command.output.as_deref());
    let chosen = output::format(command.format, command.output.as_deref())?;
    let format = chosen.unwrap_or(if seen { ComparisonFormat::Text } else { ComparisonFormat::Json });
    let path = command.output.as_deref();
    let (text, differs) = if command.measured.is_empty() {
        let (reports, refused) = sides(command)?;
        if reports.len() + refused.len() < 2 {
            let help = "give a second report, a second --framework or a --variant";
            return Err(complaint("there is only one side to compare".to_owned(), help).into());
        }
        if reports.len() > MOST_SIDES {
            let message = format!("there are {} sides; at most {MOST_SIDES} fit", reports.len());
            return Err(complaint(message, "compare fewer at a time, or use hawkeye sweep").into());
        }
        let mut comparison = compare(&reports, command.by, command.depth, command.sort);
        drop(reports);
        comparison.refused = refused;
        let differs = comparison.differs() || !comparison.refused.is_empty();
        (compared(&comparison, format, command)?, differs && command.fail_on_difference)
    } else {
        let measured = measured(command)?;
        (printed(&measured, format, path)?, measured.differs())
    };
    text.map_or(Ok(()), |text| output::write(path, text.as_bytes()))?;
    Ok(if differs { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// The text to be written; a JSON document is written at once.
fn compared(
    comparison: &Comparison,
    format: ComparisonFormat,
    command: &CompareArguments,
) -> Result<Option<String>, Failure> {
    let path = command.output.as_deref();
    Ok(Some(match format {
        ComparisonFormat::Text => render::comparison_text(comparison, command.sort, Some(command.top)),
        ComparisonFormat::Markdown => {
            render::comparison_markdown(comparison, command.sort, Some(command.top))
        }
        ComparisonFormat::Csv => render::comparison_csv(comparison),
        ComparisonFormat::Html => render::comparison_html(comparison, command.sort),
        ComparisonFormat::Json => {
            output::write_document(path, |to| output::json(to, comparison))?;
            return Ok(None);
        }
    }))
}

fn printed(
    measured: &Measured,
    format: ComparisonFormat,
    path: Option<&Path>,
) -> Result<Option<String>, Failure> {
    Ok(Some(match format {
        ComparisonFormat::Text => render::measured_text(measured),
        ComparisonFormat::Markdown => render::measured_markdown(measured),
        ComparisonFormat::Csv => render::measured_csv(measured),
        ComparisonFormat::Html => {
            let help = "give --format text, json, csv or markdown";
            return Err(complaint("there is no page for measured runs".to_owned(), help).into());
        }
        ComparisonFormat::Json => {
            output::write_document(path, |to| output::json(to, measured))?;
            return Ok(None);
        }
    }))
}

fn complaint(message: String, help: &str) -> Diagnostic {
    Diagnostic::error(Place::Model, message).help(help.to_owned())
}

/// A report for every side, and the sides that have none. One framework that refuses a model does not end
/// the comparison of the others; only if fewer than two are left is it an error.
fn sides(command: &CompareArguments) -> Result<(Vec<Report>, Vec<Refused>), Failure> {
    let mut reports = Vec::new();
    let sessions = Sessions::default();
    let mut refused = Vec::new();
    let mut failures = Vec::new();
    // Rows of calls at any depth need the whole tree.
    let depth = if command.by == Axis::Protocol { usize::MAX } else { 0 };
    for path in &command.subjects {
        let source = source(path)?;
        match open(&source)? {
            Input::Report(report) => reports.push(*report),
            Input::Model(model) => {
                if command.frameworks.is_empty() {
                    let help = format!("give --framework, e.g. one of {}", builtin_names().join(", "));
                    return Err(about(path, "is a model, and must be profiled first".to_owned())
                        .help(help)
                        .into());
                }
                for name in &command.frameworks {
                    let base = Variant(Vec::new());
                    for variant in std::iter::once(&base).chain(&command.variants) {
                        let options = options(command, variant, depth)?;
                        // A name that stands for no framework is a slip, not a refusal.
                        Framework::open(name)?;
                        let profiled = check_dims(&model.graph, &options.bindings.dims)
                            .and_then(|()| sessions.get(name, &options))
                            .and_then(|session| session.analyse(&model, &source.name, &options));
                        match profiled {
                            Ok(report) => reports.push(report),
                            Err(Failure(errors)) => {
                                refused.push(refusal(&source.name, name, variant, &errors));
                                failures.extend(errors);
                            }
                        }
                    }
                }
            }
        }
    }
    // One side has nothing to be compared with.
    if reports.len() < 2 && !failures.is_empty() {
        return Err(Failure(failures));
    }
    Ok((reports, refused))
}

fn refusal(file: &str, framework: &str, variant: &Variant, errors: &[Diagnostic]) -> Refused {
    let settings: Vec<String> = variant.0.iter().map(|(key, value)| format!(" {key}={value}")).collect();
    Refused {
        label: format!("{file} under {framework}{}", settings.concat()),
        message: errors.first().map(ToString::to_string).unwrap_or_default(),
        causes: errors.len(),
    }
}

fn options(command: &CompareArguments, variant: &Variant, depth: usize) -> Result<Options, Failure> {
    let mut options = Options { training: command.training.options(), depth, ..command.run.options()? };
    for (key, value) in &variant.0 {
        let wrong = |what: &str| complaint(format!("--variant {key}={value}: {value} is no {what}"), "");
        match key.as_str() {
            "parties" => options.parties = Some(value.parse().map_err(|_| wrong("number of parties"))?),
            "batch" => {
                let size: NonZero<u64> = value.parse().map_err(|_| wrong("size"))?;
                options.bindings.batch = Some(size.get());
            }
            "network" => {
                let network =
                    Network::named(value).map_err(|e| complaint(format!("--variant network: {e}"), ""))?;
                let base = options.time.unwrap_or_else(|| TimeOptions::on(network.clone()));
                options.time = Some(TimeOptions { network, ..base });
            }
            "weights" => Who::of(value).know_weights(&mut options),
            "optimizer" | "step" => {
                let training = options.training.as_mut();
                let training = training
                    .ok_or_else(|| complaint(format!("--variant {key}={value} goes with --train"), ""))?;
                match key.as_str() {
                    "step" => training.steps = Steps::Only(value.parse().map_err(|_| wrong("step"))?),
                    _ => training.optimizer = value.parse().map_err(|e: String| complaint(e, ""))?,
                }
            }
            key => match key.strip_prefix("dim.") {
                Some(name) => {
                    let size = value.parse().map_err(|_| wrong("size"))?;
                    options.bindings.dims.insert(name.to_owned(), size);
                }
                None => {
                    options.settings.insert(key.to_owned(), value.clone());
                }
            },
        }
    }
    Ok(options)
}

/// A report against logs.
fn measured(command: &CompareArguments) -> Result<Measured, Failure> {
    let [path] = command.subjects.as_slice() else {
        let help = "give one report or model, and --measured for each log";
        return Err(complaint("logs are compared with one report".to_owned(), help).into());
    };
    let mut logs = Vec::new();
    for log in &command.measured {
        let bytes =
            std::fs::read(source(log)?.path).map_err(|e| about(log, format!("can't be read: {e}")))?;
        let name = log.file_name().unwrap_or_default().to_string_lossy().into_owned();
        logs.push((name, String::from_utf8_lossy(&bytes).into_owned()));
    }
    let source = source(path)?;
    let subject = open(&source)?;
    let names = match (command.frameworks.as_slice(), &subject) {
        ([name], _) => vec![name.clone()],
        ([], Input::Report(report)) => vec![report.framework.name.clone()],
        ([], Input::Model(_)) => recognised(&logs, &command.measured)?,
        (_, _) => {
            return Err(complaint("logs are of one framework".to_owned(), "give --framework once").into());
        }
    };
    let [name] = names.as_slice() else { return fitting(&source.name, &subject, &names, &logs, command) };
    let measured = against(&source.name, &subject, name, &logs, command)?;
    if measured.lines.is_empty() {
        let first = command.measured.first().map(PathBuf::as_path).unwrap_or(path);
        let log = Framework::open(name)?.manifest.log;
        let patterns: Vec<String> =
            log.into_iter().flat_map(|log| log.lines).map(|line| line.pattern).collect();
        return Err(about(first, format!("there are no statistics of {name} in it"))
            .help(format!("it prints lines like these:\n    {}", patterns.join("\n    ")))
            .into());
    }
    Ok(measured)
}

/// Logs against one framework's report.
fn against(
    file: &str,
    subject: &Input,
    name: &str,
    logs: &[(String, String)],
    command: &CompareArguments,
) -> Result<Measured, Failure> {
    let manifest = Framework::open(name)?.manifest;
    let Some(log) = &manifest.log else {
        let help = "add log: to its framework.yaml; docs/FRAMEWORKS.md tells how";
        return Err(complaint(format!("{name} does not say what its statistics look like"), help).into());
    };
    let patterns = Patterns::new(log).map_err(|e| complaint(format!("{name}: log: {e}"), ""))?;
    match subject {
        Input::Report(report) => Ok(patterns.against(logs, report, false)),
        Input::Model(model) => {
            let counted = || logs.iter().find_map(|(_, text)| patterns.party_count(text));
            let parties =
                command.run.setup.parties.or_else(counted).map(|n| ("parties".to_owned(), n.to_string()));
            let variant = Variant(parties.into_iter().collect());
            let options = options(command, &variant, usize::MAX)?;
            check_dims(&model.graph, &options.bindings.dims)?;
            let report = Sessions::default().get(name, &options)?.analyse(model, file, &options)?;
            Ok(patterns.against(logs, &report, true))
        }
    }
}

/// Of several frameworks that print alike, the one that agrees with the most numbers, and differs
/// in none.
fn fitting(
    file: &str,
    subject: &Input,
    names: &[String],
    logs: &[(String, String)],
    command: &CompareArguments,
) -> Result<Measured, Failure> {
    let fits = |name: &String| against(file, subject, name, logs, command).ok().filter(|m| !m.differs());
    let mut found: Vec<Measured> = names.iter().filter_map(fits).collect();
    found.sort_by_key(Measured::agreeing);
    let best = found.pop().filter(|best| found.iter().all(|other| other.agreeing() < best.agreeing()));
    let Some(best) = best else {
        let first = command.measured.first().map(PathBuf::as_path).unwrap_or(Path::new("log"));
        return Err(about(first, "may be of several frameworks".to_owned())
            .help(format!("give --framework: {}", names.join(", ")))
            .into());
    };
    let message = format!("taken for a log of {}, whose numbers are the same", best.framework);
    output::warn(&[Diagnostic::warning(Place::Model, message).help("give --framework to be sure")]);
    Ok(best)
}

/// The frameworks whose statistics the logs may hold.
fn recognised(logs: &[(String, String)], paths: &[PathBuf]) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for name in builtin_names() {
        let manifest = Framework::open(&name)?.manifest;
        let Some(log) = &manifest.log else { continue };
        let patterns = Patterns::new(log).map_err(|e| complaint(format!("{name}: log: {e}"), ""))?;
        if logs.iter().any(|(_, text)| patterns.recognise(text)) {
            found.push(name);
        }
    }
    if found.is_empty() {
        let first = paths.first().map(PathBuf::as_path).unwrap_or(Path::new("log"));
        return Err(about(first, "holds no statistics of a framework that is known".to_owned())
            .help(format!("give --framework: {}", builtin_names().join(", ")))
            .into());
    }
    Ok(found)
}
