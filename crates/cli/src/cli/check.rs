//! `hawkeye check`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgGroup, Args, ValueEnum};
use hawkeye::{Diagnostic, Failure, Framework, Options, Report, analyse, builtin_names, check_dims};
use hawkeye_report::budget::{Budget, Increase, hold, hold_to_baseline};
use hawkeye_report::render;

use super::input::{Input, about, open, source};
use super::output;
use super::run::{Run, Training};

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("budgets").required(true).multiple(true))]
pub(crate) struct Check {
    /// A model, which is profiled first, or a report (YAML or JSON)
    #[arg(value_name = "MODEL|REPORT")]
    pub(crate) subject: PathBuf,
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
    training: Training,
    /// How to write the result: for people (if not given), as annotations of GitHub, as JUnit's XML
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
    Github,
    Junit,
}

pub(crate) fn run(command: &Check) -> Result<ExitCode, Failure> {
    let report = subject(command)?;
    let mut checks = hold(&report, &command.limits).map_err(Failure)?;
    if let Some(path) = &command.baseline {
        let Input::Report(baseline) = open(&source(path)?)? else {
            let help = "write one with hawkeye profile --format yaml -o baseline.yaml";
            return Err(about(path, "is a model, not a report".to_owned()).help(help).into());
        };
        checks.extend(hold_to_baseline(&report, &baseline, command.max_increase)?);
    }
    let format = output::format(command.format, command.output.as_deref())?;
    let text = match format.unwrap_or(ChecksFormat::Text) {
        ChecksFormat::Text => render::checks_text(&report, &checks),
        ChecksFormat::Github => render::checks_github(&report, &checks),
        ChecksFormat::Junit => render::checks_junit(&report, &checks),
    };
    output::write(command.output.as_deref(), text.as_bytes())?;
    Ok(if checks.iter().all(|check| check.holds()) { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn subject(command: &Check) -> Result<Report, Failure> {
    let source = source(&command.subject)?;
    let model = match open(&source)? {
        Input::Report(report) => return Ok(*report),
        Input::Model(model) => model,
    };
    let Some(framework) = &command.framework else {
        let help = format!("give --framework, e.g. one of {}", builtin_names().join(", "));
        let problem: Diagnostic =
            about(&command.subject, "is a model, and must be profiled first".to_owned());
        return Err(problem.help(help).into());
    };
    let options = Options { training: command.training.options(), depth: 0, ..command.run.options() };
    check_dims(&model.graph, &options.bindings.dims)?;
    analyse(&model, &source.name, Framework::open(framework)?.overlaid(&options.overlays)?, &options)
}
