//! The schedules of MPC-Pipe (ASPLOS 2024, arXiv 2209.13643) over the chains of a program's operators. None
//! changes what is sent; each is kept only where it is faster than running in sequence.
//!
//! * *inter-linear*: the masked weights of a linear operator depend on no input, so they are opened after
//!   the opening of the linear operator before it.
//! * *inner-layer*: a tensor is cut into slices, whose chains run at the same time.
//! * *inter-batch*: requests run at the same time, for throughput.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Task;
use crate::schedule::{Event, Outcome, simulate};

/// What a framework says about pipelines; its manifest does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipelining {
    /// Kinds of work that take as long on a slice as on the whole tensor.
    pub fixed: Vec<String>,
    /// Types of the operators whose tensor can be cut: no element, row or window depends on another.
    pub sliced: Vec<String>,
    /// Name of what the sheets count of masked operands known before the input: bytes that a party sends to
    /// open them. Without it, nothing is said of inter-linear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<String>,
}

/// A schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Masked weights ahead.
    InterLinear,
    /// So many slices.
    InnerLayer(u32),
    /// So many requests.
    InterBatch(u32),
}

impl FromStr for Scheme {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let count = |text: &str| match text.parse() {
            Ok(count @ 2..=1024) => Ok(count),
            _ => Err(format!("\"{text}\" is no number from 2 to 1024")),
        };
        match text.split_once('=') {
            None if text == "inter-linear" => Ok(Self::InterLinear),
            None if text == "inner-layer" => Ok(Self::InnerLayer(2)),
            None if text == "inter-batch" => Ok(Self::InterBatch(2)),
            Some(("inner-layer", slices)) => count(slices).map(Self::InnerLayer),
            Some(("inter-batch", requests)) => count(requests).map(Self::InterBatch),
            _ => Err(format!(
                "\"{text}\" is no schedule; they are inter-linear, inner-layer=N and inter-batch=N"
            )),
        }
    }
}

impl std::fmt::Display for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::InterLinear => f.write_str("inter-linear"),
            Self::InnerLayer(slices) => write!(f, "inner-layer={slices}"),
            Self::InterBatch(requests) => write!(f, "inter-batch={requests}"),
        }
    }
}

/// An operator, as the schedules see it.
#[derive(Clone, Debug, Default)]
pub struct Stage {
    /// What it does.
    pub tasks: Vec<Task>,
    /// Whether its tensor can be cut.
    pub sliced: bool,
    /// Seconds of transfer of masked operands that are known before the input.
    pub ahead: f64,
}

/// What a schedule makes of a program.
#[derive(Clone, Debug, PartialEq)]
pub struct Scheduled {
    /// Until all requests are done, and what is busy meanwhile.
    pub outcome: Outcome,
    /// Requests that are done by then.
    pub requests: u32,
    /// Seconds of each operator, where the schedule is chosen operator by operator.
    pub stages: Vec<f64>,
}

/// Runs a program by a schedule; in sequence where that is faster.
#[must_use]
pub fn scheduled(stages: &[Stage], scheme: Scheme) -> Scheduled {
    let whole = in_sequence(stages);
    let sequential = simulate(std::slice::from_ref(&whole));
    match scheme {
        Scheme::InterLinear => {
            let ahead = simulate(&weights_ahead(stages));
            let outcome = if ahead.end < sequential.end { ahead } else { sequential };
            Scheduled { outcome, requests: 1, stages: Vec::new() }
        }
        Scheme::InnerLayer(slices) => {
            let mut outcome = Outcome::default();
            let mut seconds = Vec::with_capacity(stages.len());
            for stage in stages {
                let best = inner_layer(stage, slices);
                seconds.push(best.end);
                outcome.end += best.end;
                outcome.work += best.work;
                outcome.transfer += best.transfer;
            }
            Scheduled { outcome, requests: 1, stages: seconds }
        }
        Scheme::InterBatch(requests) => {
            let together = simulate(&vec![whole; requests as usize]);
            let apart = f64::from(requests) * sequential.end;
            if together.end < apart {
                Scheduled { outcome: together, requests, stages: Vec::new() }
            } else {
                Scheduled { outcome: sequential, requests: 1, stages: Vec::new() }
            }
        }
    }
}

fn in_sequence(stages: &[Stage]) -> Vec<Event> {
    stages.iter().flat_map(|stage| &stage.tasks).map(|task| Event::from(*task)).collect()
}

fn inner_layer(stage: &Stage, slices: u32) -> Outcome {
    let whole: Vec<Event> = stage.tasks.iter().copied().map(Event::from).collect();
    let sequential = simulate(std::slice::from_ref(&whole));
    if !stage.sliced {
        return sequential;
    }
    let slice: Vec<Event> =
        stage.tasks.iter().map(|task| Event::from(task.slice(f64::from(slices)))).collect();
    let sliced = simulate(&vec![slice; slices as usize]);
    if sliced.end < sequential.end { sliced } else { sequential }
}

/// The task of a linear operator that opens its operands.
fn opening(stage: &Stage) -> Option<usize> {
    if stage.ahead == 0.0 {
        return None;
    }
    // Rounding of seconds must not make an opening too short for its own weights.
    stage.tasks.iter().position(|task| task.transfer >= stage.ahead * (1.0 - 1e-9))
}

/// The program without the weights of all linear operators but the first, and a chain for each of those: the
/// opening of the weights, after the opening of the linear operator before.
fn weights_ahead(stages: &[Stage]) -> Vec<Vec<Event>> {
    let mut main = Vec::new();
    let mut chains = Vec::new();
    // Mark 2i: the i-th linear operator is opened; mark 2i + 1: its weights are.
    let mut linear = 0;
    for stage in stages {
        let opening = opening(stage);
        for (index, task) in stage.tasks.iter().enumerate() {
            let mut event = Event::from(*task);
            if opening == Some(index) {
                event.announces = Some(2 * linear);
                if linear > 0 {
                    event.task.transfer = (task.transfer - stage.ahead).max(0.0);
                    event.needs = Some(2 * linear + 1);
                    let weights = Task { latency: task.latency, transfer: stage.ahead, ..Task::default() };
                    let needs = Some(2 * linear - 2);
                    chains.push(vec![Event { task: weights, needs, announces: Some(2 * linear + 1) }]);
                }
                linear += 1;
            }
            main.push(event);
        }
    }
    chains.push(main);
    chains
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(fixed: f64, work: f64, transfer: f64, ahead: f64) -> Stage {
        Stage { tasks: vec![Task { fixed, work, latency: 1.0, transfer }; 2], sliced: ahead == 0.0, ahead }
    }

    #[test]
    fn no_schedule_is_worse_than_the_sequence() {
        let stages = [
            stage(0.1, 3.0, 5.0, 2.0),
            stage(9.0, 0.1, 0.1, 0.0),
            stage(0.1, 4.0, 4.0, 0.0),
            stage(0.1, 1.0, 6.0, 4.0),
        ];
        let sequential = simulate(&[in_sequence(&stages)]).end;
        let gained =
            [Scheme::InterLinear, Scheme::InnerLayer(2), Scheme::InnerLayer(8), Scheme::InterBatch(2)];
        for scheme in gained {
            let Scheduled { outcome, requests, .. } = scheduled(&stages, scheme);
            assert!(outcome.end / f64::from(requests) < sequential, "{scheme}");
        }
        let fixed = [stage(9.0, 0.0, 0.0, 0.0)];
        let unchanged = Outcome { end: 20.0, work: 18.0, transfer: 0.0 };
        assert_eq!(scheduled(&fixed, Scheme::InnerLayer(4)).outcome, unchanged);
    }

    #[test]
    fn schedules_are_read_and_written() {
        for text in ["inter-linear", "inner-layer=4", "inter-batch=2"] {
            assert_eq!(text.parse::<Scheme>().map(|scheme| scheme.to_string()), Ok(text.to_owned()));
        }
        for text in ["inner-layer=1", "inter-batch=many", "inter", ""] {
            assert!(text.parse::<Scheme>().is_err(), "{text}");
        }
    }
}
