//! `hawkeye check`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgGroup, Args, ValueEnum};
use hawkeye::{Diagnostic, Failure, Options, Report, Sessions, builtin_names, check_dims};
use hawkeye_report::budget::{Budget, Check, Increase, check_baseline, check_budgets};
use hawkeye_report::render;

use super::files::Files;
use super::input::{Input, about, open, source};
use super::output;
use super::project::{FILE, check};
use super::refusals::of_subject;
use super::run::{Run, TrainingArguments};

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("budgets").multiple(true))]
pub(crate) struct CheckArguments {
    /// Models, which are profiled first, or reports (YAML or JSON); the models of a project and their
    /// budgets, which hawkeye.toml lists, if not given
    #[arg(value_name = "MODEL|REPORT", requires = "budgets")]
    pub(crate) subjects: Vec<PathBuf>,
    /// The project's file
    #[arg(long, value_name = "FILE", default_value = FILE, conflicts_with_all = ["subjects", "budgets"])]
    pub(crate) project: PathBuf,
    /// A built-in framework, or the path of one's own directory; for a model
    #[arg(short, long)]
    framework: Option<String>,
    /// A limit, e.g. online.bytes=2GiB, rounds=500, module:layer1:bytes=10MiB or
    /// operator:/conv1/Conv:online.rounds=3 (repeatable)
    #[arg(long = "max", value_name = "[WHERE:][PHASE.]QUANTITY=LIMIT", group = "budgets")]
    limits: Vec<Budget>,
    /// A report whose totals are the limits
    #[arg(long, value_name = "REPORT", group = "budgets")]
    pub(crate) baseline: Option<PathBuf>,
    /// How much more than the baseline's a total may be
    #[arg(long, value_name = "PERCENT", default_value = "0%", requires = "baseline")]
    max_increase: Increase,
    #[command(flatten)]
    run: Run,
    #[command(flatten)]
    training: TrainingArguments,
    /// How to write the result: for people (if not given), as JSON, as annotations of GitHub, as JUnit's XML
    #[arg(long, value_enum)]
    format: Option<ChecksFormat>,
    /// Where to write it; standard output if not given
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
}

/// Formats of checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ChecksFormat {
    Text,
    Json,
    Github,
    Junit,
}

pub(crate) fn run(command: &CheckArguments, files: &Files) -> Result<ExitCode, Failure> {
    let results = match command.subjects.as_slice() {
        [] => check(&command.project, files)?,
        [subject] => vec![hold_subject(command, subject)?],
        subjects => hold_all(command, subjects)?,
    };
    let format = output::format(command.format, command.output.as_deref())?.unwrap_or(ChecksFormat::Text);
    let text = match format {
        ChecksFormat::Text => render::checks_text(&results),
        ChecksFormat::Json => render::checks_json(&results),
        ChecksFormat::Github => render::checks_github(&results),
        ChecksFormat::Junit => render::checks_junit(&results),
    };
    output::write(command.output.as_deref(), text.as_bytes())?;
    let kept = results.iter().flat_map(|(_, checks)| checks).all(|check| check.holds());
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Several models or reports, each held to the budgets of the command line.
///
/// # Errors
/// Everything that is wrong with any of them.
fn hold_all(command: &CheckArguments, subjects: &[PathBuf]) -> Result<Vec<(Report, Vec<Check>)>, Failure> {
    let mut results = Vec::new();
    let mut errors = Vec::new();
    for subject in subjects {
        match hold_subject(command, subject) {
            Ok(result) => results.push(result),
            Err(Failure(more)) => errors.extend(of_subject(&subject.display().to_string(), &more)),
        }
    }
    if errors.is_empty() { Ok(results) } else { Err(Failure(errors)) }
}

/// A model or report, and the budgets of the command line.
fn hold_subject(command: &CheckArguments, subject: &Path) -> Result<(Report, Vec<Check>), Failure> {
    let report = profiled(command, subject)?;
    let mut checks = check_budgets(&report, &command.limits).map_err(Failure)?;
    if let Some(path) = &command.baseline {
        let Input::Report(baseline) = open(&source(path)?)? else {
            let help = "write one with hawkeye profile --format yaml -o baseline.yaml";
            return Err(about(path, "is a model, not a report".to_owned()).help(help).into());
        };
        checks.extend(check_baseline(&report, &baseline, command.max_increase)?);
    }
    Ok((report, checks))
}

fn profiled(command: &CheckArguments, subject: &Path) -> Result<Report, Failure> {
    let source = source(subject)?;
    let model = match open(&source)? {
        Input::Report(report) => return Ok(*report),
        Input::Model(model) => model,
    };
    let Some(framework) = &command.framework else {
        let help = format!("give --framework, e.g. one of {}", builtin_names().join(", "));
        let problem: Diagnostic = about(subject, "is a model, and must be profiled first".to_owned());
        return Err(problem.help(help).into());
    };
    let options = Options { training: command.training.options(), depth: 0, ..command.run.options()? };
    check_dims(&model.graph, &options.bindings.dims)?;
    Sessions::default().get(framework, &options)?.analyse(&model, &source.name, &options)
}
