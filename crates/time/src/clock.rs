//! Time as an algebra.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::ops::AddAssign;
use std::sync::Arc;

use hawkeye_cost::{Algebra, Calls, Cost, Item, Phase, PhaseMap, Share, Step, Symbol};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{Machine, Network};

/// How a framework's transport sends; its manifest says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transport {
    /// Round trips that a flight takes: 1 if messages leave when the receiver has said that it is ready,
    /// 0.5 if they just leave.
    #[serde(default = "half")]
    pub flight_rtt: f64,
    /// Whether the senders of a step send alike but for rounding, so that their mean counts; otherwise
    /// the busiest one does.
    #[serde(default)]
    pub even: bool,
    /// Phases that run in line with the online phase.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_line: Vec<String>,
    /// Names of embedded profiles of machines; the first one counts if the user names none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<String>,
}

fn half() -> f64 {
    0.5
}

impl Default for Transport {
    fn default() -> Self {
        Self { flight_rtt: half(), even: false, in_line: Vec::new(), profiles: Vec::new() }
    }
}

/// Seconds, by what they are spent on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// Until a message arrives.
    pub latency: f64,
    /// Until the last byte follows the first.
    pub transfer: f64,
    /// Local work.
    pub work: f64,
    /// For the other parties' processes to wake up.
    pub wait: f64,
}

impl Spent {
    /// All of it.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.latency + self.transfer + self.work + self.wait
    }

    /// A multiple of it.
    #[must_use]
    pub fn times(self, n: f64) -> Self {
        let Self { latency, transfer, work, wait } = self;
        Self { latency: n * latency, transfer: n * transfer, work: n * work, wait: n * wait }
    }
}

impl AddAssign for Spent {
    fn add_assign(&mut self, other: Self) {
        self.latency += other.latency;
        self.transfer += other.transfer;
        self.work += other.work;
        self.wait += other.wait;
    }
}

/// The algebra of sequential time on a network and a machine. Its values leave out the latency of
/// flights, which depends on what comes before: a [`Cost`] has counted them, and [`Clock::spent`] adds it.
#[derive(Clone, Debug)]
pub struct Clock {
    network: Network,
    transport: Transport,
    machine: Option<Machine>,
    floor: f64,
    contention: f64,
    kinds: IndexMap<Symbol, f64>,
}

impl Clock {
    /// A clock for a program; without a machine, local work takes no time. The profile has what the first `seen` calls
    /// do.
    ///
    /// # Errors
    /// The kinds of work in the program that the machine's profile lacks.
    pub fn new(
        network: &Network,
        transport: &Transport,
        machine: Option<&Machine>,
        parties: u16,
        calls: &Calls<Share>,
        seen: usize,
    ) -> Result<Self, Vec<String>> {
        let seconds = |(kind, name): (Symbol, &Arc<str>)| Some((kind, *machine?.work.get(&**name)?));
        let kinds: IndexMap<Symbol, f64> = calls.symbols().filter_map(seconds).collect();
        let mut missing = BTreeSet::new();
        for item in calls.iter().skip(seen).flat_map(|call| &call.items) {
            if let Item::Work { kind, .. } = item
                && machine.is_some()
                && !kinds.contains_key(kind)
            {
                missing.insert(calls.name(*kind).to_string());
            }
        }
        if !missing.is_empty() {
            return Err(missing.into_iter().collect());
        }
        Ok(Self {
            network: network.clone(),
            transport: transport.clone(),
            machine: machine.cloned(),
            floor: machine.map_or(0.0, |machine| machine.floor(parties)),
            contention: machine.map_or(1.0, |machine| machine.contention(parties)),
            kinds,
        })
    }

    /// What a call takes in a phase: what the fold says of it, and the latency of its flights.
    #[must_use]
    pub fn spent(&self, value: &PhaseMap<Spent>, cost: &Cost, phase: Phase) -> Spent {
        let mut spent = value[phase];
        #[expect(clippy::cast_precision_loss, reason = "seconds are no exact numbers")]
        let flights = cost.flights[phase].count as f64;
        spent.latency += flights * self.flight();
        spent
    }

    /// Seconds of every operator that runs a protocol.
    #[must_use]
    pub fn operator(&self) -> f64 {
        self.machine.as_ref().map_or(0.0, |machine| self.contention * machine.operator)
    }

    /// Seconds of a flight without what it carries.
    pub(crate) fn flight(&self) -> f64 {
        let software = self.machine.as_ref().map_or(0.0, |machine| machine.transport.flight);
        self.transport.flight_rtt * self.network.rtt + software
    }

    /// Latency of the flights of a step by itself.
    #[expect(clippy::cast_precision_loss, reason = "seconds are no exact numbers")]
    pub(crate) fn flights(&self, step: &Step) -> f64 {
        step.flights as f64 * self.flight()
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Bytes that decide how long a step's transfer takes.
    #[expect(clippy::cast_precision_loss, reason = "seconds are no exact numbers")]
    pub(crate) fn sent(&self, step: &Step) -> f64 {
        let mut senders: IndexMap<_, f64> = IndexMap::new();
        for message in &step.messages {
            *senders.entry(message.from).or_default() += message.bytes as f64;
        }
        let total: f64 = senders.values().sum();
        if self.network.half_duplex {
            total
        } else if self.transport.even {
            total / (senders.len().max(1) as f64)
        } else {
            senders.values().copied().fold(0.0, f64::max)
        }
    }

    /// What a step takes besides the latency of its flights.
    #[expect(clippy::cast_precision_loss, reason = "seconds are no exact numbers")]
    pub(crate) fn of_step(&self, step: &Step) -> Spent {
        let sent = self.sent(step);
        let Some(machine) = &self.machine else {
            return Spent { transfer: self.network.transfer(sent), ..Spent::default() };
        };
        let software = &machine.transport;
        let tensors = software.tensor * (step.tensors.saturating_sub(1) as f64);
        let until = self.flights(step) + tensors;
        Spent {
            latency: tensors,
            transfer: self.network.transfer(sent),
            work: software.byte * sent,
            // A step takes no less than the floor, until the others wake up; its flights are a part of that.
            wait: (self.floor - until).max(0.0),
        }
    }

    /// Seconds of local work.
    #[expect(clippy::cast_precision_loss, reason = "seconds are no exact numbers")]
    pub(crate) fn of_work(&self, kind: Symbol, amount: u64) -> f64 {
        self.kinds.get(&kind).map_or(0.0, |seconds| self.contention * seconds * amount as f64)
    }
}

impl Algebra for Clock {
    type Value = PhaseMap<Spent>;
    type Error = Infallible;

    fn nothing(&self) -> Self::Value {
        PhaseMap::default()
    }

    fn step(&self, step: &Step) -> Result<Self::Value, Infallible> {
        let mut value = PhaseMap::default();
        value[step.phase] = self.of_step(step);
        Ok(value)
    }

    fn work(&self, phase: Phase, kind: Symbol, amount: u64) -> Result<Self::Value, Infallible> {
        let mut value = PhaseMap::<Spent>::default();
        value[phase].work = self.of_work(kind, amount);
        Ok(value)
    }

    fn count(&self, _: Symbol, _: u64) -> Self::Value {
        PhaseMap::default()
    }

    fn then(&self, mut first: Self::Value, next: &Self::Value) -> Result<Self::Value, Infallible> {
        for phase in Phase::ALL {
            first[phase] += next[phase];
        }
        Ok(first)
    }

    /// One processor and one link do what both sides need; only waiting overlaps.
    fn beside(&self, mut one: Self::Value, other: &Self::Value) -> Result<Self::Value, Infallible> {
        for phase in Phase::ALL {
            let wait = one[phase].wait.max(other[phase].wait);
            one[phase] += other[phase];
            one[phase].wait = wait;
        }
        Ok(one)
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds are no exact numbers")]
    fn repeat(&self, value: &Self::Value, times: u64) -> Result<Self::Value, Infallible> {
        PhaseMap::try_from_fn(|phase| Ok(value[phase].times(times as f64)))
    }

    fn after(&self, value: &Self::Value, _: &Self::Value) -> Result<Self::Value, Infallible> {
        Ok(*value)
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds are no exact numbers")]
    fn share(&self, value: &Self::Value, share: &Share) -> Result<Self::Value, Infallible> {
        let part = (share.end - share.start) as f64 / share.total as f64;
        PhaseMap::try_from_fn(|phase| Ok(value[phase].times(part)))
    }
}
