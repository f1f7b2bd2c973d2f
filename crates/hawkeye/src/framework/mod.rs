//! Looking a framework over, as its author wants it: everything that is wrong with it, at once.

mod samples;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hawkeye_cost::Overflow;
use hawkeye_grad::{Algorithm, Optimizer};
use hawkeye_graph::{Diagnostic, Failure, Place, Severity};
use hawkeye_lower::LoweringError;
use hawkeye_sheets::{Framework, Manifest, ParameterKind, Parties, RUNS_LONG};
use indexmap::IndexMap;

use crate::operator::{Operand, in_the_midst};
use crate::{Loss, Model, Options, Session, Steps, TrainingOptions, Visibility};
use samples::Sample;
pub use samples::operators;

/// Different faults of one operator that are looked for: more are likely the same.
const MOST_FAULTS: usize = 3;
/// Evaluations that came to no end, each of which took seconds: nothing more is tried after so many.
const MOST_ENDLESS: usize = 3;
/// Operators of which one at least is trained where anything is.
const LAYERS: [&str; 3] = ["Gemm", "MatMul", "Conv"];
/// Operators that are named after the first in which a fault was found.
const MOST_NAMED: usize = 8;

/// What was looked at, and what was found.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Everything that looks wrong; errors first.
    pub diagnostics: Vec<Diagnostic>,
    /// Operators that the framework lowers.
    pub operators: usize,
    /// Models of one operator that it was run on.
    pub runs: usize,
}

impl Checked {
    /// Whether the framework can be relied upon.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        self.diagnostics.iter().all(|diagnostic| diagnostic.severity == Severity::Warning)
    }
}

/// Looks a framework over: its manifest and sheets as they are written ([`Framework::inspect`]), and then every
/// function for an operator, loss or optimizer, called with sample nodes of several shapes and visibilities, with
/// several numbers of parties and values of the parameters.
///
/// # Errors
/// If the framework can't be opened, or a sheet of it not be read.
pub fn check_framework(framework: &Framework) -> Result<Checked, Failure> {
    let framework = &framework.clone().looked_over();
    let mut diagnostics = framework.inspect(&operators())?;
    let lowered: BTreeSet<String> = {
        let instance = framework.clone().instantiate(None, &BTreeMap::new())?;
        match instance.sheets.operators() {
            Ok(lowered) => lowered.into_iter().collect(),
            Err(error) => {
                let place = Place::File { path: framework.manifest.name.clone(), position: None };
                diagnostics.push(Diagnostic::error(place, error.to_string()));
                return Ok(Checked { diagnostics, operators: 0, runs: 0 });
            }
        }
    };
    if lowered.is_empty() {
        let place = Place::File { path: framework.manifest.name.clone(), position: None };
        let error = Diagnostic::error(place, "no sheet defines a lower_ function, so every model is refused");
        diagnostics.push(error.help("hawkeye frameworks operators -m MODEL lists those that a model needs"));
    }
    let name = |op: &str| op.replace('.', "_");
    let samples: Vec<Sample> =
        samples::all().into_iter().filter(|sample| lowered.contains(&name(sample.op))).collect();
    let mut trial = Trial { found: HashMap::new(), told: IndexMap::new(), runs: 0, endless: BTreeSet::new() };
    trial.run(framework, None, &BTreeMap::new(), &samples, Extent::Whole)?;
    // Of each operator its first sample, for what changes little.
    let firsts: Vec<Sample> = samples
        .iter()
        .enumerate()
        .filter(|(i, sample)| *i == 0 || samples[i - 1].op != sample.op)
        .map(|(_, sample)| sample.clone())
        .collect();
    for parties in other_parties(&framework.manifest) {
        trial.run(framework, Some(parties), &BTreeMap::new(), &firsts, Extent::Short)?;
    }
    for settings in other_settings(&framework.manifest) {
        trial.run(framework, None, &settings, &firsts, Extent::Short)?;
    }
    diagnostics.extend(trial.told.into_values().map(Fault::told));
    diagnostics.sort_by_key(|diagnostic| std::cmp::Reverse(diagnostic.severity));
    Ok(Checked { diagnostics, operators: lowered.len(), runs: trial.runs })
}

/// How much is tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// All visibilities; training, with every loss and optimizer.
    Whole,
    /// One inference each.
    Short,
}

/// A fault: how it first showed, and the other operators that come to it.
struct Fault {
    first: Diagnostic,
    op: String,
    others: BTreeSet<String>,
}

impl Fault {
    fn told(self) -> Diagnostic {
        let named: Vec<&str> = self.others.iter().take(MOST_NAMED).map(String::as_str).collect();
        let more = match self.others.len().saturating_sub(MOST_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let others =
            if named.is_empty() { String::new() } else { format!("\n  also by {}{more}", named.join(", ")) };
        Diagnostic { message: self.first.message + &others, ..self.first }
    }
}

/// The runs so far, and what they found.
struct Trial {
    /// Faults by operator.
    found: HashMap<String, BTreeSet<String>>,
    /// Faults by what they say in their first line, where the place is.
    told: IndexMap<String, Fault>,
    runs: usize,
    /// Operators of which an evaluation came to no end.
    endless: BTreeSet<String>,
}

impl Trial {
    fn run(
        &mut self,
        framework: &Framework,
        parties: Option<u16>,
        settings: &BTreeMap<String, String>,
        samples: &[Sample],
        extent: Extent,
    ) -> Result<(), Failure> {
        let session = Session::new(framework.clone(), parties, settings)?;
        let under = under(parties, settings);
        for sample in samples {
            let model = sample.model(false)?;
            for options in visibilities(sample, &model, extent) {
                self.price(&session, &model, sample.op, &options, &under);
            }
        }
        if extent == Extent::Whole && framework.manifest.training.refused.is_none() {
            self.train(framework, samples)?;
        }
        Ok(())
    }

    /// A step of training through each sample, then one with each loss and each optimizer. A step needs many
    /// operators, of which the framework may lack some that the sample is not about.
    fn train(&mut self, framework: &Framework, samples: &[Sample]) -> Result<(), Failure> {
        let session = Session::new(framework.clone().lenient(), None, &BTreeMap::new())?;
        let with = |training| Options { training: Some(training), ..Options::default() };
        let plain = with(training(Loss::Mse, Optimizer::default()));
        for sample in samples {
            self.price(&session, &sample.model(true)?, sample.op, &plain, "");
        }
        let losses = Loss::ALL.map(|loss| (loss.name(), training(loss, Optimizer::default())));
        let optimizers = Algorithm::ALL.map(|algorithm| {
            let settings = algorithm.settings().iter().copied().collect();
            (algorithm.name(), training(Loss::Mse, Optimizer { algorithm, settings }))
        });
        // The weights of a layer are parameters as they are: nothing else has to have a gradient.
        let with_weights = |sample: &Sample| LAYERS.contains(&sample.op) && sample.has_weights();
        for (name, training) in losses.into_iter().chain(optimizers) {
            let options = with(training);
            for sample in samples::all().iter().filter(|sample| with_weights(sample)) {
                self.price(&session, &sample.model(false)?, name, &options, "");
            }
        }
        Ok(())
    }

    /// Prices a model and keeps what is the sheets' fault. A refusal is none, nor is an operator that they lack.
    fn price(&mut self, session: &Session, model: &Model, op: &str, options: &Options, under: &str) {
        let found = self.found.entry(op.to_owned()).or_default();
        let endless = self.endless.contains(op) || self.endless.len() >= MOST_ENDLESS;
        if found.len() >= MOST_FAULTS || endless {
            return;
        }
        self.runs += 1;
        let Err(Failure(errors)) = session.price(&model.graph, options) else { return };
        for error in errors {
            let overflow = error.message.starts_with(&Overflow.to_string());
            if !overflow && !error.message.starts_with(LoweringError::SHEET_FAILED) {
                continue;
            }
            let line = error.message.lines().next().unwrap_or_default().to_owned();
            if line.contains(RUNS_LONG) {
                self.endless.insert(op.to_owned());
            }
            let fault = without_numbers(&line);
            if !found.insert(fault.clone()) {
                continue;
            }
            if let Some(known) = self.told.get_mut(&fault) {
                if known.op != op {
                    known.others.insert(op.to_owned());
                }
            } else {
                let node = model.graph.nodes.last().map(Place::node).unwrap_or(Place::Model);
                let place = if error.place == Place::Model { node } else { error.place.clone() };
                let first = Diagnostic { place, message: error.message + under, ..error };
                self.told.insert(fault, Fault { first, op: op.to_owned(), others: BTreeSet::new() });
            }
        }
    }
}

/// The first line of a fault without the numbers that are the sample's: what comes after the place, "PATH:LINE:COLUMN: ".
fn without_numbers(line: &str) -> String {
    let place = line.find(".star:").and_then(|at| Some(at + line[at..].find(": ")?)).unwrap_or(0);
    let (place, said) = line.split_at(place);
    let digits = |c: char| c.is_ascii_digit() || c == '-';
    place.to_owned() + &said.replace(digits, "")
}

/// What a run is under, for messages.
fn under(parties: Option<u16>, settings: &BTreeMap<String, String>) -> String {
    let parties = parties.map(|count| format!("{count} parties"));
    let set = settings.iter().map(|(name, value)| format!("{name}={value}"));
    let all: Vec<String> = parties.into_iter().chain(set).collect();
    if all.is_empty() { String::new() } else { format!("\n  with {}", all.join(", ")) }
}

fn training(loss: Loss, optimizer: Optimizer) -> TrainingOptions {
    TrainingOptions {
        loss,
        optimizer,
        steps: Steps::First(2),
        output: Some("result".to_owned()),
        frozen: Vec::new(),
    }
}

/// Who may know what: nobody what comes out of other operators, weights in the clear, and each input in the clear.
fn visibilities(sample: &Sample, model: &Model, extent: Extent) -> Vec<Options> {
    let visibility = in_the_midst(model);
    let usual = Options { visibility, ..Options::default() };
    let mut all = vec![usual.clone()];
    if extent == Extent::Short {
        return all;
    }
    let known = |index: usize| {
        let mut options = usual.clone();
        options.visibility.insert(crate::operator::operand_name(index), Visibility::Public);
        options
    };
    if sample.has_weights() {
        all.push(Options { weights: Some(Visibility::Public), ..usual.clone() });
    }
    let inputs: Vec<usize> = (0..sample.operands.len())
        .filter(|i| matches!(sample.operands[*i], Operand::Input(_) | Operand::Truths(_)))
        .collect();
    if inputs.len() > 1 {
        all.extend(inputs.into_iter().map(known));
    }
    all
}

/// Numbers of parties besides the default: the least and, within reason, the largest.
fn other_parties(manifest: &Manifest) -> Vec<u16> {
    match &manifest.parties {
        Parties::Named { .. } => Vec::new(),
        Parties::Range { default, min, max } => {
            let mut all = vec![*min, (*max).min(default.saturating_add(1))];
            all.dedup();
            all.retain(|count| count != default);
            all
        }
    }
}

/// Each truth value and choice but the default, one at a time.
fn other_settings(manifest: &Manifest) -> Vec<BTreeMap<String, String>> {
    let mut all = Vec::new();
    for (name, parameter) in &manifest.parameters {
        let others: Vec<String> = match parameter.kind {
            ParameterKind::Bool => vec![(parameter.default != true).to_string()],
            ParameterKind::Choice => {
                let choices = parameter.choices.iter().flatten();
                choices.filter(|choice| parameter.default != choice.as_str()).cloned().collect()
            }
            ParameterKind::Int => [parameter.min, parameter.max]
                .into_iter()
                .flatten()
                .filter(|bound| parameter.default != *bound)
                .map(|bound| bound.to_string())
                .collect(),
            ParameterKind::Float => Vec::new(),
        };
        all.extend(others.into_iter().map(|value| [(name.clone(), value)].into()));
    }
    all
}
