//! `hawkeye.toml`: the models of a project, the frameworks that they run under, and their budgets.

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter};
use std::num::NonZero;
use std::path::{Path, PathBuf};

use hawkeye::time::Network;
use hawkeye::{
    Bindings, Diagnostic, Failure, MachineChoice, Options, Place, Report, Sessions, Steps, TimeOptions,
    TrainingOptions, check_dims, load,
};
use hawkeye_report::budget::{Budget, Check, Increase, check_baseline, check_budgets};
use hawkeye_sheets::meant;
use serde::Deserialize;

use super::files::Files;
use super::input::{Input, about, open, source};
use super::refusals::of_subject;
use super::values::{Who, dims};

/// The file's name, where none is given.
pub(super) const FILE: &str = "hawkeye.toml";

/// What the file says. `docs/REPORT.md` explains every key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Project {
    /// Frameworks of the models that name none.
    #[serde(default)]
    frameworks: Vec<String>,
    /// Budgets that every model has to keep.
    #[serde(default)]
    max: Vec<String>,
    /// The network of models that name none.
    network: Option<String>,
    #[serde(rename = "model", default)]
    models: Vec<Entry>,
}

/// A model.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Relative to the file.
    path: PathBuf,
    #[serde(default)]
    frameworks: Vec<String>,
    #[serde(default)]
    max: Vec<String>,
    batch: Option<NonZero<u64>>,
    #[serde(default)]
    dims: BTreeMap<String, u64>,
    /// Of whole inputs, e.g. `1x3x224x224`.
    #[serde(default)]
    shapes: BTreeMap<String, String>,
    #[serde(default)]
    set: BTreeMap<String, OptionValue>,
    parties: Option<u16>,
    weights: Option<OptionValue>,
    /// Who knows which input.
    #[serde(default)]
    inputs: BTreeMap<String, OptionValue>,
    /// Values of inputs that steer an `If` or a `Loop`.
    #[serde(default)]
    values: BTreeMap<String, OptionValue>,
    network: Option<String>,
    machine: Option<String>,
    /// An earlier report whose totals are limits.
    baseline: Option<PathBuf>,
    max_increase: Option<String>,
    /// Steps of training instead of inference.
    training: Option<TrainingTable>,
}

/// What a model is trained with; everything but the loss may be left out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrainingTable {
    loss: String,
    /// As in PyTorch: `adam:lr=0.001`.
    #[serde(default = "plain")]
    optimizer: String,
    step: Option<NonZero<u64>>,
    steps: Option<NonZero<u64>>,
    epochs: Option<NonZero<u64>>,
    dataset_size: Option<NonZero<u64>>,
    /// The output that the loss looks at.
    output: Option<String>,
    /// Parameters that are not trained.
    #[serde(default)]
    frozen: Vec<String>,
}

fn plain() -> String {
    "sgd".to_owned()
}

impl TrainingTable {
    fn options(&self) -> Result<TrainingOptions, String> {
        let [step, steps, epochs, dataset_size] =
            [self.step, self.steps, self.epochs, self.dataset_size].map(|count| count.map(NonZero::get));
        let steps = Steps::chosen(step, steps, epochs, dataset_size)
            .ok_or("training takes one of step, steps, and epochs with dataset_size")?;
        let wrong =
            |key: &str, value: &str, problem: String| format!("training.{key} = \"{value}\": {problem}");
        Ok(TrainingOptions {
            loss: self.loss.parse().map_err(|problem| wrong("loss", &self.loss, problem))?,
            optimizer: self
                .optimizer
                .parse()
                .map_err(|problem| wrong("optimizer", &self.optimizer, problem))?,
            steps,
            output: self.output.clone(),
            frozen: self.frozen.clone(),
        })
    }
}

/// What an option takes, which need not be in quotes.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a string, a number, true or false")]
enum OptionValue {
    Text(String),
    Truth(bool),
    Integer(i64),
    Real(f64),
}

impl Display for OptionValue {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => text.fmt(f),
            Self::Truth(truth) => truth.fmt(f),
            Self::Integer(integer) => integer.fmt(f),
            Self::Real(real) => real.fmt(f),
        }
    }
}

impl Project {
    /// All files and directories that it names, from its own folder on; names that are none do no harm.
    fn files(&self, folder: &Path) -> Vec<PathBuf> {
        let names = self.frameworks.iter().chain(&self.network).map(PathBuf::from);
        let of_models = self.models.iter().flat_map(|entry| {
            let names =
                entry.frameworks.iter().chain(&entry.network).chain(&entry.machine).map(PathBuf::from);
            names.chain(entry.baseline.clone()).chain([entry.path.clone()])
        });
        names.chain(of_models).map(|path| folder.join(path)).collect()
    }
}

/// Holds every model of a project to its budgets, under every framework.
///
/// # Errors
/// If the file makes no sense, or names what is to be written; everything that is wrong with any of the models.
pub(super) fn check(file: &Path, files: &Files) -> Result<Vec<(Report, Vec<Check>)>, Failure> {
    let text = std::fs::read_to_string(file).map_err(|e| {
        let help = "give a model or a report, or write a hawkeye.toml (docs/REPORT.md tells how)";
        about(file, format!("can't be read: {e}")).help(help)
    })?;
    let project: Project = toml::from_str(&text).map_err(|e| misread(file, &text, &e))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    if project.models.is_empty() {
        let help =
            "add a model: [[model]], and below it path = \"model.onnx\" and max = [\"online.bytes=20MiB\"]";
        return Err(about(file, "lists no model".to_owned()).help(help).into());
    }
    files.apart(&project.files(folder))?;
    let sessions = Sessions::default();
    let mut results = Vec::new();
    let mut errors = Vec::new();
    for entry in &project.models {
        let frameworks = if entry.frameworks.is_empty() { &project.frameworks } else { &entry.frameworks };
        if frameworks.is_empty() {
            let message = format!("{} has no frameworks", entry.path.display());
            errors
                .push(about(file, message).help("add frameworks = [\"crypten\"], for all models or for one"));
        }
        if project.max.is_empty() && entry.max.is_empty() && entry.baseline.is_none() {
            let help =
                "add max = [\"online.bytes=20MiB\"] or baseline = \"report.yaml\", for all models or for one";
            errors.push(about(file, format!("{} has no budgets", entry.path.display())).help(help));
        }
        for framework in frameworks {
            let limits = project.max.iter().chain(&entry.max);
            let network = entry.network.as_ref().or(project.network.as_ref());
            match hold_entry(&sessions, file, folder, entry, (framework, network), limits) {
                Ok(result) => results.push(result),
                Err(Failure(more)) => errors.extend(more),
            }
        }
    }
    if errors.is_empty() { Ok(results) } else { Err(Failure(errors)) }
}

fn hold_entry<'a>(
    sessions: &Sessions,
    file: &Path,
    folder: &Path,
    entry: &Entry,
    (framework, network): (&str, Option<&String>),
    limits: impl Iterator<Item = &'a String>,
) -> Result<(Report, Vec<Check>), Failure> {
    let wrong = |message: String| Failure::from(about(file, format!("{}: {message}", entry.path.display())));
    let limits: Result<Vec<Budget>, String> = limits.map(|limit| limit.parse()).collect();
    let limits = limits.map_err(wrong)?;
    let written = |scalars: &BTreeMap<String, OptionValue>| -> BTreeMap<String, String> {
        scalars.iter().map(|(name, value)| (name.clone(), value.to_string())).collect()
    };
    let shapes: Result<_, String> =
        entry.shapes.iter().map(|(input, shape)| Ok((input.clone(), dims(shape)?))).collect();
    let bindings = Bindings {
        dims: entry.dims.clone(),
        batch: entry.batch.map(NonZero::get),
        values: written(&entry.values),
        shapes: shapes.map_err(wrong)?,
    };
    let mut options = Options {
        bindings,
        time: network.map(|network| timed(folder, network, entry)).transpose().map_err(wrong)?,
        parties: entry.parties,
        settings: written(&entry.set),
        training: entry.training.as_ref().map(TrainingTable::options).transpose().map_err(wrong)?,
        depth: 0,
        ..Options::default()
    };
    let who = |scalar: &OptionValue| Who::of(&scalar.to_string());
    entry.weights.iter().for_each(|scalar| who(scalar).know_weights(&mut options));
    entry.inputs.iter().for_each(|(name, scalar)| who(scalar).know(name.clone(), &mut options));
    let path = folder.join(&entry.path);
    let within = |Failure(errors): Failure| {
        let subject = format!("{}: {} under {framework}", file.display(), entry.path.display());
        Failure(of_subject(&subject, &errors))
    };
    let source = source(&path)?;
    let model = load(&source.path).map_err(within)?;
    let framework = if is_path(framework) { beside(folder, framework) } else { framework.to_owned() };
    let report = check_dims(&model.graph, &options.bindings.dims)
        .and_then(|()| sessions.get(&framework, &options))
        .and_then(|session| session.analyse(&model, &source.name, &options))
        .map_err(within)?;
    let mut checks = check_budgets(&report, &limits).map_err(Failure)?;
    if let Some(baseline) = &entry.baseline {
        let baseline = folder.join(baseline);
        let Input::Report(before) = open(&super::input::source(&baseline)?)? else {
            return Err(about(&baseline, "is a model, not a report".to_owned()).into());
        };
        let increase: Increase =
            entry.max_increase.as_deref().unwrap_or("0%").parse().map_err(|e: String| wrong(e))?;
        checks.extend(check_baseline(&report, &before, increase)?);
    }
    Ok((report, checks))
}

/// Frameworks, networks and machines are names, or paths.
fn is_path(name: &str) -> bool {
    name.contains('/') || name.starts_with('.') || name.ends_with(".yaml")
}

/// A path of the file's.
fn beside(folder: &Path, path: &str) -> String {
    // One that begins with a name would be taken for that of a framework.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    folder.join(path).display().to_string()
}

/// The network, and the machine if the entry names one.
fn timed(folder: &Path, network: &str, entry: &Entry) -> Result<TimeOptions, String> {
    let place = |name: &str| if is_path(name) { beside(folder, name) } else { name.to_owned() };
    let on = TimeOptions::on(Network::named(&place(network))?);
    match &entry.machine {
        Some(name) => Ok(TimeOptions { machine: MachineChoice::named(&place(name))?, ..on }),
        None => Ok(on),
    }
}

/// What is wrong with the text, and where.
fn misread(file: &Path, text: &str, error: &toml::de::Error) -> Failure {
    let position = error.span().map(|span| {
        let before = &text[..span.start.min(text.len())];
        let line = before.matches('\n').count() + 1;
        (line, before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1)
    });
    let place = Place::File { path: file.display().to_string(), position };
    let message = error
        .message()
        .replace("a sequence", "a list: [\"...\"]")
        .replace("a nonzero u64", "a number from 1 on");
    let help = meant(&message);
    Diagnostic { help, ..Diagnostic::error(place, message) }.into()
}
