//! `hawkeye frameworks test`: what a framework's reports must say, by the `tests.yaml` beside its manifest.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use hawkeye::{
    Bindings, Diagnostic, Failure, Loss, Model, Operand, Optimizer, Options, Place, Report, Sessions, Steps,
    TrainingOptions, in_the_midst, load, operator,
};
use hawkeye_graph::nearest;
use hawkeye_report::{Phases, Quantity};
use indexmap::IndexMap;
use serde::Deserialize;

use super::values;

/// One run, and what its report must say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    /// A model, beside `tests.yaml`; or else an operator with its operands.
    model: Option<PathBuf>,
    operator: Option<String>,
    #[serde(default)]
    shapes: Vec<String>,
    #[serde(default)]
    weights: Vec<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    batch: Option<u64>,
    #[serde(default)]
    dims: BTreeMap<String, u64>,
    parties: Option<u16>,
    #[serde(default)]
    set: BTreeMap<String, serde_yaml::Value>,
    train: Option<String>,
    optimizer: Option<String>,
    expect: IndexMap<String, u128>,
}

/// Runs all tests of a directory; 1 if one fails.
pub(super) fn run(directory: &Path) -> Result<(String, ExitCode), Failure> {
    let path = directory.join("tests.yaml");
    let place = |position| Place::File { path: path.display().to_string(), position };
    let text = fs::read_to_string(&path).map_err(|error| {
        Diagnostic::error(place(None), format!("can't be read: {error}"))
            .help("docs/FRAMEWORKS.md tells what is in it; hawkeye frameworks new writes one")
    })?;
    let tests: Vec<Test> = serde_yaml::from_str(&text).map_err(|error| {
        let position = error.location().map(|l| (l.line(), l.column()));
        let said = error.to_string();
        let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(message, _)| message);
        // It counts tests from 0, as ".[0]".
        let index = said.strip_prefix(".[").and_then(|rest| rest.split_once(']'));
        let numbered = index.and_then(|(index, rest)| {
            Some(format!(
                "test {}{}",
                index.parse::<usize>().ok()? + 1,
                rest.strip_prefix('.').map_or(rest.to_owned(), |key| format!(": {key}"))
            ))
        });
        Diagnostic::error(place(position), numbered.unwrap_or_else(|| said.to_owned()))
    })?;
    if tests.is_empty() {
        return Err(Diagnostic::error(place(None), "lists no test").into());
    }
    // A directory is a path, whatever its name.
    let name = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned()).display().to_string();
    let sessions = Sessions::default();
    let mut text = String::new();
    let mut failed = 0;
    for (index, test) in tests.iter().enumerate() {
        let title = format!("{}: {}", index + 1, test.title());
        let problems = match test.report(&sessions, directory, &name) {
            Ok(report) => test.differences(&report),
            Err(failure) => failure.0.iter().map(ToString::to_string).collect(),
        };
        failed += usize::from(!problems.is_empty());
        // Writing to a string never fails.
        let _ = writeln!(text, "{title}: {}", if problems.is_empty() { "ok" } else { "FAILED" });
        for problem in problems {
            let _ = writeln!(text, "  {}", problem.replace('\n', "\n  "));
        }
    }
    let _ = writeln!(text, "{} of {} passed", tests.len() - failed, tests.len());
    Ok((text, if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) }))
}

impl Test {
    fn title(&self) -> String {
        match (&self.model, &self.operator) {
            (Some(model), _) => model.display().to_string(),
            (None, Some(op)) => format!("{op} of {}", [&self.shapes[..], &self.weights].concat().join(", ")),
            (None, None) => "nothing to run".to_owned(),
        }
    }

    fn subject(&self, directory: &Path) -> Result<Model, Failure> {
        let wrong = |message: String| Failure::from(Diagnostic::error(Place::Model, message));
        match (&self.model, &self.operator) {
            (Some(model), None) => load(&directory.join(model)),
            (None, Some(op)) => {
                let dims = |text: &String| values::dims(text).map_err(&wrong);
                let inputs = self.shapes.iter().map(|text| dims(text).map(Operand::Input));
                let weights = self.weights.iter().map(|text| dims(text).map(Operand::Weight));
                let operands: Vec<Operand> = inputs.chain(weights).collect::<Result<_, _>>()?;
                let attributes: Vec<_> = self.attributes.clone().into_iter().collect();
                operator(op, &operands, &attributes)
            }
            _ => Err(wrong("a test has either a model or an operator".to_owned())),
        }
    }

    fn report(&self, sessions: &Sessions, directory: &Path, framework: &str) -> Result<Report, Failure> {
        let wrong = |message: String| Failure::from(Diagnostic::error(Place::Model, message));
        let training = match &self.train {
            None => None,
            Some(loss) => Some(TrainingOptions {
                loss: loss.parse::<Loss>().map_err(&wrong)?,
                optimizer: match &self.optimizer {
                    Some(text) => text.parse::<Optimizer>().map_err(&wrong)?,
                    None => Optimizer::default(),
                },
                steps: Steps::Only(1),
                output: None,
                frozen: Vec::new(),
            }),
        };
        let options = Options {
            bindings: Bindings { dims: self.dims.clone(), batch: self.batch, ..Bindings::default() },
            parties: self.parties,
            settings: self.set.iter().map(|(name, value)| (name.clone(), written(value))).collect(),
            training,
            ..Options::default()
        };
        let model = self.subject(directory)?;
        let visibility = if self.operator.is_some() { in_the_midst(&model) } else { BTreeMap::new() };
        let options = Options { visibility, ..options };
        sessions.get(framework, &options)?.analyse(&model, &self.title(), &options)
    }

    /// What the report says otherwise.
    fn differences(&self, report: &Report) -> Vec<String> {
        let known = known(report);
        let mut problems = Vec::new();
        for (name, expected) in &self.expect {
            match known.get(name.as_str()) {
                Some(actual) if actual == expected => {}
                Some(actual) => problems.push(format!("{name}: expected {expected}, but it is {actual}")),
                None => {
                    let near = nearest(name, known.keys().map(String::as_str));
                    let hint = near.map_or_else(
                        || format!("; there are {}", known.keys().cloned().collect::<Vec<_>>().join(", ")),
                        |near| format!("; did you mean {near}?"),
                    );
                    problems.push(format!("{name}: there is no such number{hint}"));
                }
            }
        }
        problems
    }
}

/// A setting as it is written on the command line.
fn written(value: &serde_yaml::Value) -> String {
    match value {
        serde_yaml::Value::String(text) => text.clone(),
        other => serde_yaml::to_string(other).unwrap_or_default().trim().to_owned(),
    }
}

/// The numbers of a report by name: its counters, and `PHASE.QUANTITY`.
fn known(report: &Report) -> BTreeMap<String, u128> {
    let mut known: BTreeMap<String, u128> = BTreeMap::new();
    let Phases { setup, offline, online } = &report.totals;
    for (phase, costs) in [("setup", setup), ("offline", offline), ("online", online)] {
        for quantity in Quantity::ALL {
            known.insert(format!("{phase}.{}", quantity.name()), quantity.of(costs).into());
        }
    }
    known.extend(report.counters.iter().map(|(name, value)| (name.clone(), u128::from(*value))));
    known
}
