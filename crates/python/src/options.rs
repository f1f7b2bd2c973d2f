//! Options as keyword arguments.

use std::collections::BTreeMap;

use hawkeye::time::{Network, units};
use hawkeye::{
    Bindings, Diagnostic, Failure, Loss, Optimizer, Place, Steps, TimeOptions, TrainingOptions, Visibility,
};
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
    depth: Option<usize>,
}

impl Options {
    /// Sizes of the model's dimensions.
    pub(crate) fn bindings(&self) -> Bindings {
        Bindings {
            dims: self.dims.clone().into_iter().collect(),
            batch: self.batch,
            shapes: self.shapes.clone().into_iter().collect(),
        }
    }

    /// The pipeline's options; parties and settings are the session's.
    ///
    /// # Errors
    /// Every option that says nothing.
    pub(crate) fn pipeline(&self) -> Result<hawkeye::Options, Failure> {
        let mut errors = Vec::new();
        let mut note = |error: Diagnostic| errors.push(error);
        let weights = self.weights.as_deref().map(visibility).transpose().map_err(&mut note).ok().flatten();
        let mut named = BTreeMap::new();
        for (name, who) in &self.inputs {
            match visibility(who) {
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
        let bandwidth = self.bandwidth.as_deref().map(units::bandwidth).transpose().map_err(wrong)?;
        let rtt = self.rtt.as_deref().map(units::duration).transpose().map_err(wrong)?;
        let network = match &self.network {
            None if bandwidth.is_none() && rtt.is_none() => return Ok(None),
            None => Network::of(bandwidth, rtt.unwrap_or_default()),
            Some(name) => Network::named(name).map_err(wrong)?.with(bandwidth, rtt),
        };
        Ok(Some(TimeOptions::on(network)))
    }

    fn training(&self) -> Result<Option<TrainingOptions>, Diagnostic> {
        let Some(loss) = &self.train else { return Ok(None) };
        let steps = match (self.step, self.steps, self.epochs, self.dataset_size) {
            (None, Some(count), None, None) => Steps::First(count),
            (None, None, Some(epochs), Some(samples)) => Steps::Epochs { epochs, samples },
            (step, None, None, None) => Steps::Only(step.unwrap_or(1)),
            _ => return Err(wrong("step, steps, or epochs with dataset_size: one of the three".to_owned())),
        };
        Ok(Some(TrainingOptions {
            loss: loss.parse::<Loss>().map_err(|e| wrong(e.to_string()))?,
            optimizer: self.optimizer.parse::<Optimizer>().map_err(|e| wrong(e.to_string()))?,
            steps,
            output: self.train_output.clone(),
            frozen: self.frozen.clone(),
        }))
    }
}

fn visibility(text: &str) -> Result<Visibility, Diagnostic> {
    text.parse().map_err(wrong)
}

fn wrong(message: String) -> Diagnostic {
    Diagnostic::error(Place::Model, message)
}
