//! `hawkeye sweep`.

use std::fmt::Write;
use std::path::PathBuf;

use anstyle::Style;
use clap::{Args, ValueEnum};
use hawkeye::{
    Crossover, Diagnostic, Failure, MOST_POINTS, Options, Place, Point, Statement, Sweep, SweepAxis,
    Variable, amount, check_dims, crossovers, load, statements, sweep,
};
use hawkeye_graph::counted;
use hawkeye_report::render::grouped;
use hawkeye_report::{Quantity, SpentInfo, TimeInfo};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::input::source;
use super::output;
use super::plot::plot;
use super::run::{Overlays, TrainingArguments, known};
use super::time::{OnMachine, Times};
use super::values::{Who, named_who, pair, who};

#[derive(Debug, Args)]
pub(crate) struct SweepArguments {
    /// The model, an ONNX file
    pub(crate) model: PathBuf,
    /// A framework (repeatable: one series each)
    #[arg(short, long = "framework", required = true)]
    frameworks: Vec<String>,
    /// Sizes of the inputs' leading dimension: 1..64, 1..64:8 or 1,2,4,8
    #[arg(long, value_name = "VALUES", value_parser = batches)]
    batch: Option<Values>,
    /// Sizes of one of the model's symbolic dimensions, e.g. seq=32..512:32 (repeatable)
    #[arg(long = "dim", value_name = "NAME=VALUES", value_parser = pair)]
    dims: Vec<(String, String)>,
    /// Values of a parameter of the frameworks, e.g. max_method=pairwise,log_reduction (repeatable)
    #[arg(long = "set", value_name = "PARAM=VALUES", value_parser = pair)]
    settings: Vec<(String, String)>,
    /// Numbers of parties, e.g. 2..5
    #[arg(long, value_name = "VALUES", value_parser = values)]
    parties: Option<Values>,
    #[command(flatten)]
    overlays: Overlays,
    /// Who knows the weights: secret, public, or a party's number or name
    #[arg(long, value_name = "WHO", value_parser = who)]
    weights: Option<Who>,
    /// Who knows an input or initializer: secret, public, or a party's number or name (repeatable)
    #[arg(long = "input", value_name = "NAME=WHO", value_parser = named_who)]
    inputs: Vec<(String, Who)>,
    #[command(flatten)]
    training: TrainingArguments,
    #[command(flatten)]
    times: Times,
    #[command(flatten)]
    machine: OnMachine,
    /// What the plot shows: a phase and a quantity
    #[arg(long, default_value = "online.bytes", value_parser = phase_and_quantity)]
    show: (usize, Quantity),
    /// How to write it; text on a terminal and csv elsewhere if not given
    #[arg(long, value_enum)]
    format: Option<SweepFormat>,
    /// Where to write it; standard output if not given
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
}

/// Formats of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SweepFormat {
    Text,
    Csv,
    Json,
    Svg,
}

/// Values of an axis.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Values(Vec<String>);

/// Reads `1..64`, `1..64:8`, or values with commas between, of which each may be a range.
fn values(text: &str) -> Result<Values, String> {
    let mut values = Vec::new();
    for part in text.split(',') {
        let Some((from, rest)) = part.split_once("..") else {
            values.push(part.to_owned());
            continue;
        };
        let (to, step) = rest.split_once(':').unwrap_or((rest, "1"));
        let number = |text: &str| text.parse::<u64>().map_err(|_| format!("\"{text}\" is no number"));
        let (from, to, step) = (number(from)?, number(to.trim_start_matches('='))?, number(step)?);
        if step == 0 || from > to {
            return Err(format!("{part} is an empty range; write FROM..TO or FROM..TO:STEP"));
        }
        if (to - from) / step >= MOST_POINTS as u64 {
            return Err(format!("{part} has more than {MOST_POINTS} values"));
        }
        let count = (to - from) / step;
        values.extend((0..=count).map(|i| (from + i * step).to_string()));
    }
    Ok(Values(values))
}

/// The same of sizes of a batch, which is never empty.
fn batches(text: &str) -> Result<Values, String> {
    let Values(values) = values(text)?;
    let empty = values.iter().any(|value| value.trim_start_matches('0').is_empty());
    if empty { Err("0 is no size of a batch".to_owned()) } else { Ok(Values(values)) }
}

fn phase_and_quantity(text: &str) -> Result<(usize, Quantity), String> {
    let found = text.split_once('.').and_then(|(phase, quantity)| {
        let phase = PHASES.iter().position(|name| *name == phase)?;
        Some((phase, Quantity::from_name(quantity)?))
    });
    found.ok_or_else(|| "is not of the form PHASE.QUANTITY, e.g. online.bytes or offline.rounds".to_owned())
}

const PHASES: [&str; 3] = ["setup", "offline", "online"];
/// Points that text shows.
const SHOWN: usize = 40;
/// Statements that text shows.
const SAID: usize = 24;
const HEADING: Style = Style::new().bold();

pub(crate) fn run(command: &SweepArguments) -> Result<(), Failure> {
    let seen = output::is_seen(command.output.as_deref());
    let chosen = output::format(command.format, command.output.as_deref())?;
    let format = chosen.unwrap_or(if seen { SweepFormat::Text } else { SweepFormat::Csv });
    let (time, networks) = command.times.options(&command.machine);
    let axes: Vec<SweepAxis> = axes(command)?.into_iter().chain(networks).collect();
    let source = source(&command.model)?;
    let model = load(&source.path)?;
    let named = command.dims.iter().map(|(name, _)| (name.clone(), 0)).collect();
    check_dims(&model.graph, &named)?;
    let mut options = Options {
        overlays: command.overlays.list(),
        training: command.training.options(),
        time,
        ..Options::default()
    };
    known(&command.weights, &command.inputs, &mut options);
    let bar = progress(&axes);
    let framework = command.frameworks.first().map(String::as_str).unwrap_or_default();
    let result = sweep(&model, &source.name, framework, &axes, &options, &|| bar.inc(1));
    bar.finish_and_clear();
    let sweep = result?;
    let text = match format {
        SweepFormat::Text => text(&sweep),
        SweepFormat::Csv => csv(&sweep),
        SweepFormat::Json => json(&sweep)?,
        SweepFormat::Svg => {
            let (phase, quantity) = command.show;
            let title = format!("{}: {} {}", sweep.file, PHASES[phase], quantity.name());
            plot(&sweep, phase, quantity, &title).map_err(|e| {
                Diagnostic::error(Place::Model, e).help("give --batch or --dim a range, e.g. --batch 1..16")
            })?
        }
    };
    output::write(command.output.as_deref(), text.as_bytes())
}

/// What varies, the frameworks first.
fn axes(command: &SweepArguments) -> Result<Vec<SweepAxis>, Failure> {
    let mut axes = vec![SweepAxis { variable: Variable::Framework, values: command.frameworks.clone() }];
    let mut add =
        |variable: Variable, values: &Values| axes.push(SweepAxis { variable, values: values.0.clone() });
    let read = |name: &str, text: &str| {
        values(text).map_err(|e| Failure::from(Diagnostic::error(Place::Model, format!("{name}: {e}"))))
    };
    for (name, text) in &command.settings {
        add(Variable::Setting(name.clone()), &read(name, text)?);
    }
    if let Some(values) = &command.parties {
        add(Variable::Parties, values);
    }
    for (name, text) in &command.dims {
        add(Variable::Dim(name.clone()), &read(name, text)?);
    }
    if let Some(values) = &command.batch {
        add(Variable::Batch, values);
    }
    Ok(axes)
}

/// A bar on standard error, if that is a terminal.
fn progress(axes: &[SweepAxis]) -> ProgressBar {
    let total = axes.iter().map(|axis| axis.values.len() as u64).fold(1, u64::saturating_mul);
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    match ProgressStyle::with_template("{bar:40} {pos} of {len} points, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Phases and quantities that are not zero everywhere; beside seconds, those that are not the same everywhere.
fn columns(sweep: &Sweep) -> Vec<(usize, Quantity)> {
    let all = (0..PHASES.len()).flat_map(|phase| Quantity::ALL.map(|quantity| (phase, quantity)));
    let same = if times(sweep).is_empty() { Some(0) } else { None };
    all.filter(|(phase, quantity)| {
        let mut amounts = sweep.points.iter().map(|point| amount(&point.totals, *phase, *quantity));
        let first = same.or_else(|| amounts.next());
        amounts.any(|amount| Some(amount) != first)
    })
    .collect()
}

fn text(sweep: &Sweep) -> String {
    let mut text = String::new();
    let statements = statements(sweep);
    // Writing to a string never fails.
    let _ =
        writeln!(text, "{HEADING}{} at {}{HEADING:#}\n", sweep.file, counted(sweep.points.len(), "point"));
    for statement in statements.iter().take(SAID) {
        let fixed = &statement.fixed;
        let place = if fixed.is_empty() { String::new() } else { format!("{}: ", fixed.join(", ")) };
        let _ = writeln!(text, "{place}{}", statement.text);
    }
    if statements.len() > SAID {
        let _ = writeln!(text, "and {} more statements, which --format json lists", statements.len() - SAID);
    }
    for Crossover { fixed, text: words, .. } in &crossovers(sweep) {
        let place = if fixed.is_empty() { String::new() } else { format!("{}: ", fixed.join(", ")) };
        let _ = writeln!(text, "{place}{words}");
    }
    let columns = columns(sweep);
    let times = times(sweep);
    let axes: Vec<usize> =
        (0..sweep.axes.len()).filter(|i| *i > 0 || sweep.axes[*i].values.len() > 1).collect();
    let mut rows = vec![
        axes.iter()
            .map(|axis| sweep.axes[*axis].variable.name().to_owned())
            .chain(columns.iter().map(|(phase, quantity)| format!("{} {}", PHASES[*phase], quantity.name())))
            .chain(times.iter().map(|name| (*name).to_owned()))
            .collect::<Vec<_>>(),
    ];
    rows.extend(sweep.points.iter().take(SHOWN).map(|point| {
        let amounts = columns.iter().map(|(phase, q)| grouped(amount(&point.totals, *phase, *q).into()));
        let seconds = seconds(point).into_iter().flatten().map(|part| format!("{part:.3}"));
        axes.iter().map(|axis| point.values[*axis].clone()).chain(amounts).chain(seconds).collect()
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    text.push('\n');
    for row in &rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:>width$}", width = *width)).collect();
        let _ = writeln!(text, "{}", cells.join("  "));
    }
    if sweep.points.len() > SHOWN {
        let _ = writeln!(text, "and {} more points, which --format csv lists", sweep.points.len() - SHOWN);
    }
    text
}

/// What seconds are spent on, of sweeps of networks.
fn times(sweep: &Sweep) -> &'static [&'static str] {
    let timed = sweep.points.iter().any(|point| point.time.is_some());
    if timed { &["seconds", "latency", "transfer", "work", "waiting"] } else { &[] }
}

fn seconds(point: &Point) -> Option<[f64; 5]> {
    let TimeInfo { seconds, spent, .. } = point.time.as_ref()?;
    let SpentInfo { latency, transfer, work, wait } = *spent;
    Some([*seconds, latency, transfer, work, wait])
}

fn csv(sweep: &Sweep) -> String {
    let all = || (0..PHASES.len()).flat_map(|phase| Quantity::ALL.map(|quantity| (phase, quantity)));
    let axes = sweep.axes.iter().map(|axis| axis.variable.name().to_owned());
    let header: Vec<String> = axes
        .chain(all().map(|(phase, quantity)| format!("{}_{}", PHASES[phase], quantity.name())))
        .chain(times(sweep).iter().map(|name| (*name).to_owned()))
        .collect();
    let mut text = header.join(",") + "\n";
    for point in &sweep.points {
        let amounts = all().map(|(phase, quantity)| amount(&point.totals, phase, quantity).to_string());
        let values = point.values.iter().map(|value| hawkeye_report::render::field(value));
        let seconds = seconds(point).into_iter().flatten().map(|part| part.to_string());
        text.push_str(&(values.chain(amounts).chain(seconds).collect::<Vec<_>>().join(",") + "\n"));
    }
    text
}

#[derive(Serialize)]
struct SweepDocument<'a> {
    schema: &'static str,
    model: &'a str,
    laws: Vec<Statement>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    crossovers: Vec<Crossover>,
    points: Vec<PointRow<'a>>,
}

#[derive(Serialize)]
struct PointRow<'a> {
    at: indexmap::IndexMap<&'a str, &'a str>,
    totals: &'a hawkeye_report::Phases,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'a TimeInfo>,
}

fn json(sweep: &Sweep) -> Result<String, Failure> {
    let points = sweep.points.iter().map(|point| PointRow {
        at: sweep
            .axes
            .iter()
            .map(|axis| axis.variable.name())
            .zip(point.values.iter().map(String::as_str))
            .collect(),
        totals: &point.totals,
        time: point.time.as_ref(),
    });
    let document = SweepDocument {
        schema: "hawkeye-sweep/1",
        model: &sweep.file,
        laws: statements(sweep),
        crossovers: crossovers(sweep),
        points: points.collect(),
    };
    Ok(serde_json::to_string_pretty(&document).map_err(|e| output::failed(e.to_string()))? + "\n")
}
