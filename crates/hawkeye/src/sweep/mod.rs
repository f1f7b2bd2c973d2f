//! A model at many points: batch sizes, dimensions, parameters, parties, frameworks, networks.

mod crossover;
pub mod law;
mod statement;

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use hawkeye_report::{Phases, Report, TimeInfo};
use hawkeye_time::{Network, units};

use crate::session::Sessions;
use crate::{Diagnostic, Failure, Model, Options, Place, TimeOptions};

pub use crossover::{Crossover, crossovers};
pub use statement::{Statement, amount, fixed, series, statements};

/// Points that one sweep may have.
pub const MOST_POINTS: usize = 100_000;

/// Points that fail and are told of: the first ones, whichever thread prices them.
const MOST_FAILURES: usize = 3;

/// What a sweep varies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variable {
    /// The framework.
    Framework,
    /// The number of parties.
    Parties,
    /// The inputs' leading dimension.
    Batch,
    /// One of the model's symbolic dimensions.
    Dim(String),
    /// A parameter of the framework.
    Setting(String),
    /// The network: a preset or a file.
    Network,
    /// Bandwidth of each party's uplink.
    Bandwidth,
    /// Time of a message there and back.
    Rtt,
}

impl Variable {
    /// Its name in tables.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Framework => "framework",
            Self::Parties => "parties",
            Self::Batch => "batch",
            Self::Network => "network",
            Self::Bandwidth => "bandwidth",
            Self::Rtt => "rtt",
            Self::Dim(name) | Self::Setting(name) => name,
        }
    }
}

/// A variable and the values it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepAxis {
    /// What varies.
    pub variable: Variable,
    /// Its values, as the user would write them.
    pub values: Vec<String>,
}

impl SweepAxis {
    /// The values as numbers, if all of them are and they grow.
    #[must_use]
    pub fn numbers(&self) -> Option<Vec<i128>> {
        let numbers: Vec<i128> = self.values.iter().map(|v| v.parse().ok()).collect::<Option<_>>()?;
        (numbers.len() > 1 && numbers.is_sorted_by(|a, b| a < b)).then_some(numbers)
    }
}

/// What a model costs at one point.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The value of each axis.
    pub values: Vec<String>,
    /// Costs of the whole program.
    pub totals: Phases,
    /// Costs of each operator.
    pub operators: Vec<Phases>,
    /// How long it takes, if a network was given.
    pub time: Option<TimeInfo>,
}

/// A sweep's results.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// The model's file.
    pub file: String,
    /// What was varied.
    pub axes: Vec<SweepAxis>,
    /// Names of the operators, where all points have the same.
    pub operators: Option<Vec<String>>,
    /// Every point; the last axis varies fastest.
    pub points: Vec<Point>,
}

/// Profiles a model at every combination of the axes' values, on all processors. `done` is called
/// after each point, from any thread.
///
/// # Errors
/// What is wrong at the first points that fail, each with its values.
pub fn sweep(
    model: &Model,
    file: &str,
    framework: &str,
    axes: &[SweepAxis],
    options: &Options,
    done: &(dyn Fn() + Sync),
) -> Result<Sweep, Failure> {
    let total = axes.iter().try_fold(1usize, |product, axis| product.checked_mul(axis.values.len()));
    let Some(total) = total.filter(|total| *total <= MOST_POINTS) else {
        let message = format!("the sweep has more than {MOST_POINTS} points");
        return Err(Diagnostic::error(Place::Model, message).help("take larger steps").into());
    };
    let sessions = Sessions::default();
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<Result<Report, Failure>>>> = Mutex::new(vec![None; total]);
    // Points from here on are left out: before it, as many have failed as are told of.
    let end = AtomicUsize::new(total);
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= end.load(Ordering::Relaxed) {
                return;
            }
            let result = profile(model, file, framework, axes, &values(axes, index), options, &sessions);
            let failed = result.is_err();
            if let Ok(mut results) = results.lock()
                && let Some(slot) = results.get_mut(index)
            {
                *slot = Some(result);
                if failed && let Some((last, _)) = failures(&results).nth(MOST_FAILURES - 1) {
                    end.fetch_min(last, Ordering::Relaxed);
                }
            }
            done();
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(total);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    collect(file, axes, results)
}

/// The points that failed.
fn failures(results: &[Option<Result<Report, Failure>>]) -> impl Iterator<Item = (usize, &Failure)> {
    results.iter().enumerate().filter_map(|(index, result)| match result {
        Some(Err(failure)) => Some((index, failure)),
        Some(Ok(_)) | None => None,
    })
}

fn collect(
    file: &str,
    axes: &[SweepAxis],
    results: Vec<Option<Result<Report, Failure>>>,
) -> Result<Sweep, Failure> {
    let mut errors = Vec::new();
    for (index, Failure(more)) in failures(&results).take(MOST_FAILURES) {
        let values = values(axes, index);
        let pairs = axes.iter().zip(&values);
        let place: Vec<String> =
            pairs.map(|(axis, value)| format!("{}={value}", axis.variable.name())).collect();
        errors.extend(more.iter().cloned().map(|error| Diagnostic {
            message: format!("at {}: {}", place.join(", "), error.message),
            ..error
        }));
    }
    if !errors.is_empty() {
        return Err(Failure(errors));
    }
    let mut points = Vec::with_capacity(results.len());
    let mut operators: Option<Vec<String>> = None;
    let mut alike = true;
    for (index, report) in results.into_iter().flatten().flatten().enumerate() {
        let names: Vec<String> = report.operators.iter().map(|o| o.name.clone()).collect();
        alike &= *operators.get_or_insert_with(|| names.clone()) == names;
        let costs = report.operators.iter().map(|operator| operator.phases).collect();
        let (totals, time) = (report.totals, report.time);
        points.push(Point { values: values(axes, index), totals, operators: costs, time });
    }
    Ok(Sweep { file: file.to_owned(), axes: axes.to_vec(), operators: operators.filter(|_| alike), points })
}

/// The values at a point.
fn values(axes: &[SweepAxis], index: usize) -> Vec<String> {
    let mut left = index;
    let mut values = Vec::with_capacity(axes.len());
    for axis in axes.iter().rev() {
        values.push(axis.values[left % axis.values.len()].clone());
        left /= axis.values.len();
    }
    values.reverse();
    values
}

fn profile(
    model: &Model,
    file: &str,
    framework: &str,
    axes: &[SweepAxis],
    values: &[String],
    options: &Options,
    sessions: &Sessions,
) -> Result<Report, Failure> {
    let mut options = Options { depth: 0, ..options.clone() };
    let mut name = framework;
    for (axis, value) in axes.iter().zip(values) {
        let wrong = |why: String| {
            let message = format!("{}: {why}", axis.variable.name());
            Failure::from(Diagnostic::error(Place::Model, message))
        };
        let size = || value.parse().map_err(|_| wrong(format!("\"{value}\" is no size")));
        match &axis.variable {
            Variable::Framework => name = value,
            Variable::Parties => options.parties = Some(u16::try_from(size()?).unwrap_or(u16::MAX)),
            Variable::Batch => options.bindings.batch = Some(size()?),
            Variable::Dim(dim) => {
                options.bindings.dims.insert(dim.clone(), size()?);
            }
            Variable::Setting(setting) => {
                options.settings.insert(setting.clone(), value.clone());
            }
            Variable::Network => network(&mut options, |_| Network::named(value)).map_err(wrong)?,
            Variable::Bandwidth => {
                let bits = units::bandwidth(value).map_err(wrong)?;
                network(&mut options, |before| Ok(before.with(Some(bits), None))).map_err(wrong)?;
            }
            Variable::Rtt => {
                let seconds = units::duration(value).map_err(wrong)?;
                network(&mut options, |before| Ok(before.with(None, Some(seconds)))).map_err(wrong)?;
            }
        }
    }
    sessions.get(name, &options)?.analyse(model, file, &options)
}

/// Makes another network of the one that is given; one without limits if none is.
fn network(
    options: &mut Options,
    make: impl FnOnce(Network) -> Result<Network, String>,
) -> Result<(), String> {
    let time = options.time.get_or_insert_with(|| TimeOptions::on(Network::of(None, 0.0)));
    time.network = make(time.network.clone())?;
    Ok(())
}
