//! What a report says about time.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// How long the program takes on a network and a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimeInfo {
    /// Name of the network.
    pub network: String,
    /// Bits per second of each party's uplink; left out if unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<f64>,
    /// Seconds there and back.
    pub rtt: f64,
    /// Name of the machine's profile; `none` if local work takes no time.
    pub machine: String,
    /// What the profile rests on: `measured`, `published` or `assumed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// Phases that count: the online phase and what runs in line with it.
    pub phases: Vec<String>,
    /// Seconds of these phases.
    pub seconds: f64,
    /// What they are spent on.
    #[serde(flatten)]
    pub spent: SpentInfo,
    /// Seconds if independent operators ran side by side; of inference only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical_path: Option<f64>,
    /// What a service of the program sustains.
    #[serde(default)]
    pub service: ServiceInfo,
    /// What the schedules that were asked for gain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pipelines: Vec<PipelineInfo>,
}

/// What a service sustains whose parties answer one request after the other, and make preprocessing in between.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceInfo {
    /// Bytes of preprocessing that a request uses, at the party that receives most of it.
    pub material: u64,
    /// Seconds in which it is made, beside those of the answer.
    pub offline_seconds: f64,
    /// Requests a second in the long run; left out if they take no time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<f64>,
    /// For how many requests the storage that was given holds preprocessing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<u64>,
    /// What requests meet with that arrive at random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<ArrivalsInfo>,
}

/// What requests meet with that arrive independently of one another; nothing but the rate, if they are too many.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArrivalsInfo {
    /// Requests a second.
    pub rate: f64,
    /// Mean seconds from arrival to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<f64>,
    /// Seconds within which 95 of 100 are answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_95: Option<f64>,
    /// The part that had to wait for its own preprocessing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unprepared: Option<f64>,
}

/// What a schedule makes of the program; of one that is not worse than running in sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PipelineInfo {
    /// The schedule: `inter-linear`, `inner-layer=N` or `inter-batch=N`.
    pub scheme: String,
    /// Seconds until all requests are answered.
    pub seconds: f64,
    /// Requests at a time; 1 where more of them gain nothing.
    pub requests: u32,
    /// The part of the sequential time of as many requests that is saved.
    pub saved: f64,
    /// Requests a second.
    pub throughput: f64,
    /// The part of the time in which the processor is idle.
    pub idle_processor: f64,
    /// The part of the time in which the link transfers nothing.
    pub idle_link: f64,
    /// Operators that gain, where the schedule is chosen operator by operator.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operators: Vec<Gain>,
    /// The others, under the reason why they gain nothing.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub others: IndexMap<String, Vec<String>>,
}

/// An operator that a schedule makes faster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// Its name.
    pub name: String,
    /// Seconds by the schedule.
    pub seconds: f64,
    /// Seconds in sequence.
    pub sequential: f64,
}

/// What seconds are spent on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpentInfo {
    /// Until a message arrives.
    pub latency: f64,
    /// Until the last byte follows the first.
    pub transfer: f64,
    /// Local work.
    pub work: f64,
    /// For the other parties' processes to wake up.
    pub wait: f64,
}
