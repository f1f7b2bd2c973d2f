//! Options as keyword arguments.

use std::collections::BTreeMap;

use hawkeye::time::{Network, units};
use hawkeye::{
    Bindings, Diagnostic, Failure, Framework, Loss, MachineChoice, Optimizer, Place, Steps, TimeOptions,
    TrainingOptions, Visibility,
};
use hawkeye_cost::Party;
use pyo3::prelude::*;

/// The options of a profile; what is absent has its default.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Options {
    /// The session's, which has a framework for each number.
    pub(crate) parties: Option<u16>,
    batch: Option<u64>,
    dims: BTreeMap<String, u64>,
    shapes: BTreeMap<String, Vec<u64>>,
    values: BTreeMap<String, String>,
    weights: Option<String>,
    inputs: BTreeMap<String, String>,
    train: Option<String>,
    optimizer: String,
    step: Option<u64>,
    steps: Option<u64>,
    epochs: Option<u64>,
    dataset_size: Option<u64>,
    train_output: Option<String>,
    frozen: Vec<String>,
    network: Option<String>,
    bandwidth: Option<String>,
    rtt: Option<String>,
    machine: Option<String>,
    pipeline: Vec<String>,
    arrivals: Option<String>,
    storage: Option<String>,
    depth: Option<usize>,
}

impl Options {
    /// Sizes of the model's dimensions.
    pub(crate) fn bindings(&self) -> Bindings {
        Bindings {
            dims: self.dims.clone().into_iter().collect(),
            batch: self.batch,
            shapes: self.shapes.clone().into_iter().collect(),
            values: self.values.clone(),
        }
    }

    /// The pipeline's options under a framework; parties and settings are the session's.
    ///
    /// # Errors
    /// Every option that says nothing.
    pub(crate) fn pipeline(&self, framework: &Framework) -> Result<hawkeye::Options, Failure> {
        let mut errors = Vec::new();
        let mut note = |error: Diagnostic| errors.push(error);
        let known = |option, text: &str| visibility(text, framework).map_err(wrong(option));
        let weights = self.weights.as_deref().map(|who| known("weights", who));
        let weights = weights.transpose().map_err(&mut note).ok().flatten();
        let mut named = BTreeMap::new();
        for (name, who) in &self.inputs {
            match known("inputs", who) {
                Ok(who) => drop(named.insert(name.clone(), who)),
                Err(error) => note(error),
            }
        }
        let training = self.training().map_err(&mut note).ok().flatten();
        let time = self.time().map_err(&mut note).ok().flatten();
        if !errors.is_empty() {
            return Err(Failure(errors));
        }
        let defaults = hawkeye::Options::default();
        Ok(hawkeye::Options {
            bindings: self.bindings(),
            weights,
            visibility: named,
            training,
            time,
            depth: self.depth.unwrap_or(defaults.depth),
            ..defaults
        })
    }

    fn time(&self) -> Result<Option<TimeOptions>, Diagnostic> {
        let bandwidth = read("bandwidth", &self.bandwidth, units::bandwidth)?;
        let rtt = read("rtt", &self.rtt, units::duration)?;
        let machine = read("machine", &self.machine, MachineChoice::named)?;
        let arrivals = read("arrivals", &self.arrivals, units::arrivals)?;
        let storage = read("storage", &self.storage, units::size)?;
        let schedules = self.pipeline.iter().map(|schedule| schedule.parse().map_err(wrong("pipeline")));
        let schedules = schedules.collect::<Result<Vec<_>, _>>()?;
        let network = match read("network", &self.network, Network::named)? {
            None if bandwidth.is_none() && rtt.is_none() => {
                let needed =
                    machine.is_some() || arrivals.is_some() || storage.is_some() || !schedules.is_empty();
                let message = "seconds are predicted on a network: give network, or bandwidth and rtt";
                return if needed { Err(wrong("network")(message.to_owned())) } else { Ok(None) };
            }
            None => Network::of(bandwidth, rtt.unwrap_or_default()),
            Some(network) => network.with(bandwidth, rtt),
        };
        let machine = machine.unwrap_or(MachineChoice::Default);
        Ok(Some(TimeOptions { network, machine, schedules, arrivals, storage }))
    }

    fn training(&self) -> Result<Option<TrainingOptions>, Diagnostic> {
        let Some(loss) = &self.train else { return Ok(None) };
        let steps = Steps::chosen(self.step, self.steps, self.epochs, self.dataset_size);
        let message = "step, steps, or epochs with dataset_size: one of the three";
        let steps = steps.ok_or_else(|| wrong("steps")(message.to_owned()))?;
        Ok(Some(TrainingOptions {
            loss: loss.parse::<Loss>().map_err(|e| wrong("train")(e.to_string()))?,
            optimizer: self.optimizer.parse::<Optimizer>().map_err(|e| wrong("optimizer")(e.to_string()))?,
            steps,
            output: self.train_output.clone(),
            frozen: self.frozen.clone(),
        }))
    }
}

/// Parties may be called by the framework's names for them.
fn visibility(text: &str, framework: &Framework) -> Result<Visibility, String> {
    let party = || framework.manifest.parties.numbered(text);
    text.parse().or_else(|error| party().map(|party| Visibility::Known(Party(party))).ok_or(error))
}

fn read<T>(
    option: &'static str,
    text: &Option<String>,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, Diagnostic> {
    text.as_deref().map(parse).transpose().map_err(wrong(option))
}

fn wrong(option: &'static str) -> impl Fn(String) -> Diagnostic {
    move |message| Diagnostic::error(Place::Option(option), message)
}
