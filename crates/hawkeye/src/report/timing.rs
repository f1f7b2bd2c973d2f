//! Seconds of a settled program.

use hawkeye_cost::{Cost, Fold, Phase, PhaseMap};
use hawkeye_graph::{Diagnostic, Failure, Place};
use hawkeye_lower::Settled;
use hawkeye_report::{ArrivalsInfo, PipelineInfo, ServiceInfo, SpentInfo, TimeInfo};
use hawkeye_sheets::Manifest;
use hawkeye_time::pipeline::{Pipelining, Scheme};
use hawkeye_time::{Clock, Machine, Network, Service, Spent, Transport, transfers};

/// What time is predicted for.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeOptions {
    /// The network between the parties.
    pub network: Network,
    /// The machine that they run on.
    pub machine: MachineChoice,
    /// Schedules that are simulated.
    pub schedules: Vec<Scheme>,
    /// Requests a second that arrive at random, if a service is simulated.
    pub arrivals: Option<f64>,
    /// Bytes that each party keeps of preprocessing; any number if not given.
    pub storage: Option<f64>,
}

impl TimeOptions {
    /// A network, on which the framework's own machine runs the program once.
    #[must_use]
    pub fn on(network: Network) -> Self {
        let machine = MachineChoice::Default;
        Self { network, machine, schedules: Vec::new(), arrivals: None, storage: None }
    }
}

/// Whose local work counts.
#[derive(Clone, Debug, PartialEq)]
pub enum MachineChoice {
    /// That of the framework's first profile, if it has one.
    Default,
    /// Nobody's: local work takes no time.
    None,
    /// That of a profile.
    Profile(Box<Machine>),
}

impl MachineChoice {
    /// That of an embedded profile or of a file, or `none`.
    ///
    /// # Errors
    /// If there is no such profile, or the file is none.
    pub fn named(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::None);
        }
        if let Some(machine) = Machine::embedded(text) {
            return Ok(Self::Profile(Box::new(machine)));
        }
        let file = std::fs::read_to_string(text).map_err(|error| {
            let names: Vec<&str> = Machine::names().collect();
            format!("it is no profile, and as a file: {error}; profiles are {}", names.join(", "))
        })?;
        let machine = Machine::parse(&file).map_err(|errors| format!("{text}: {}", errors.join("; ")))?;
        Ok(Self::Profile(Box::new(machine)))
    }
}

/// A clock for a program, and what it runs on.
pub(crate) struct Timing {
    pub(crate) clock: Fold<Clock>,
    /// Seconds of transfer of each operation, on a network where they depend on what comes before.
    transfers: Option<Vec<f64>>,
    transport: Transport,
    network: Network,
    machine: Option<Machine>,
    /// Whether the profile of the machine says what an operator takes, and in how many runs it does.
    operator: f64,
    pipelining: Option<Pipelining>,
    pub(crate) schedules: Vec<Scheme>,
    arrivals: Option<f64>,
    storage: Option<f64>,
}

/// Refuses schedules about which the manifest does not say enough.
fn check_schedules(schedules: &[Scheme], manifest: &Manifest) -> Result<(), Diagnostic> {
    if !schedules.is_empty() && manifest.pipelining.is_none() {
        let message = format!("the manifest of {} does not say what can be pipelined", manifest.name);
        let help = "add pipelining to it, or leave --pipeline out";
        return Err(Diagnostic::error(Place::Model, message).help(help));
    }
    let linear = schedules.contains(&Scheme::InterLinear);
    if linear && manifest.pipelining.as_ref().is_some_and(|says| says.ahead.is_none()) {
        let message =
            format!("the sheets of {} do not count masked operands that are known ahead", manifest.name);
        let help = "leave inter-linear out of --pipeline";
        return Err(Diagnostic::error(Place::Model, message).help(help));
    }
    Ok(())
}

impl Timing {
    /// A clock for a program of a framework; `values` are those of its first calls, if the same clock told them before.
    ///
    /// # Errors
    /// If the machine's profile lacks a kind of work, or the program is too long for the network.
    pub(crate) fn new(
        options: &TimeOptions,
        manifest: &Manifest,
        parties: u16,
        program: &Settled,
        values: Vec<PhaseMap<Spent>>,
    ) -> Result<(Self, Vec<Diagnostic>), Failure> {
        let mut warnings = Vec::new();
        let transport = manifest.transport.clone().unwrap_or_else(|| {
            let message = format!(
                "the manifest of {} does not say how its transport sends; a flight is taken as half a round trip",
                manifest.name
            );
            warnings.push(Diagnostic::warning(Place::Model, message));
            Transport::default()
        });
        let machine = match &options.machine {
            MachineChoice::None => None,
            MachineChoice::Profile(machine) => Some(machine.as_ref().clone()),
            MachineChoice::Default => transport.profiles.first().and_then(|name| Machine::embedded(name)),
        };
        let seen = values.len();
        let clock = Clock::new(&options.network, &transport, machine.as_ref(), parties, &program.calls, seen);
        let clock = clock.map_err(|kinds| {
            let profile = machine.as_ref().map_or("", |machine| machine.profile.as_str());
            let lacking = |kind: &String| {
                let message = format!("the profile {profile} does not say what the work \"{kind}\" takes");
                Diagnostic::error(Place::Model, message)
                    .help("add it under work, in seconds; or say --machine none to leave local work out")
            };
            Failure(kinds.iter().map(lacking).collect())
        })?;
        check_schedules(&options.schedules, manifest)?;
        let operator = clock.operator();
        let clock = Fold::resumed(&program.calls, clock, values).unwrap_or_else(|never| match never {});
        // Only there does a message take longer for those before it: else the clock alone tells it, call by call.
        let transfers = if options.network.has_memory() {
            let operations: Vec<_> = program.operations.iter().map(|operation| operation.call).collect();
            let walked = transfers(&program.calls, &operations, &clock).map_err(|_| {
                let message =
                    "the program has too many messages to follow a network with a burst or slow start";
                Diagnostic::error(Place::Model, message).help("leave burst and slow_start out of the network")
            })?;
            Some(walked)
        } else {
            None
        };
        let network = options.network.clone();
        let (pipelining, schedules) = (manifest.pipelining.clone(), options.schedules.clone());
        let TimeOptions { arrivals, storage, .. } = *options;
        let timing = Self {
            clock,
            transfers,
            transport,
            network,
            machine,
            operator,
            pipelining,
            schedules,
            arrivals,
            storage,
        };
        Ok((timing, warnings))
    }

    /// What the clock says of every call.
    pub(crate) fn into_values(self) -> Vec<PhaseMap<Spent>> {
        self.clock.into_values()
    }

    /// By how much the clock's transfer of an operation is off, since the network has a memory.
    pub(crate) fn transfer_factor(&self, operation: usize, spent: &PhaseMap<Spent>) -> f64 {
        let clocked: f64 = Phase::ALL.iter().map(|phase| spent[*phase].transfer).sum();
        match &self.transfers {
            Some(transfers) if clocked > 0.0 => transfers[operation] / clocked,
            _ => 1.0,
        }
    }

    /// Seconds of an operator itself, in each run.
    pub(crate) fn operator(&self) -> f64 {
        self.operator
    }

    /// What a phase takes.
    pub(crate) fn of_phase(&self, cost: &Cost, spent: &PhaseMap<Spent>, phase: Phase) -> Spent {
        self.clock.algebra().spent(spent, cost, phase)
    }

    /// What the phases that count take.
    pub(crate) fn counted(&self, cost: &Cost, spent: &PhaseMap<Spent>) -> Spent {
        let mut sum = Spent::default();
        Phase::ALL.into_iter().filter(|phase| self.counts(*phase)).for_each(|phase| {
            sum += self.of_phase(cost, spent, phase);
        });
        sum
    }

    /// What the framework says about pipelines.
    pub(crate) fn pipelining(&self) -> Option<&Pipelining> {
        self.pipelining.as_ref()
    }

    /// Seconds of transfer of bytes that a party sends, on a line.
    #[expect(clippy::cast_precision_loss, reason = "seconds are no exact numbers")]
    pub(crate) fn transfer(&self, bytes: u64) -> f64 {
        self.network.transfer(bytes as f64)
    }

    pub(crate) fn counts(&self, phase: Phase) -> bool {
        phase == Phase::Online || self.transport.in_line.iter().any(|name| name == phase.name())
    }

    /// What the report says about time.
    pub(crate) fn info(
        &self,
        cost: &Cost,
        spent: &PhaseMap<Spent>,
        critical_path: Option<f64>,
        pipelines: Vec<PipelineInfo>,
    ) -> TimeInfo {
        let total = self.counted(cost, spent);
        TimeInfo {
            network: self.network.name.clone(),
            bandwidth: self.network.bandwidth,
            rtt: self.network.rtt,
            machine: self.machine.as_ref().map_or("none", |machine| &machine.profile).to_owned(),
            evidence: self.machine.as_ref().map(|machine| machine.evidence.clone()),
            phases: Phase::ALL.iter().filter(|phase| self.counts(**phase)).map(ToString::to_string).collect(),
            seconds: total.seconds(),
            spent: spent_info(total),
            critical_path,
            service: self.service(cost, spent, total.seconds()),
            pipelines,
        }
    }

    /// What a service of this program sustains. Preprocessing is what a phase of its own sends, which the party that
    /// receives most of it keeps until a request uses it.
    #[expect(clippy::cast_precision_loss, reason = "seconds are no exact numbers")]
    fn service(&self, cost: &Cost, spent: &PhaseMap<Spent>, online: f64) -> ServiceInfo {
        let ahead = !self.counts(Phase::Offline);
        let offline = if ahead { self.of_phase(cost, spent, Phase::Offline).seconds() } else { 0.0 };
        let material = if ahead { received(cost, Phase::Offline) } else { 0 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
        let kept = self.storage.filter(|_| material > 0).map(|bytes| (bytes / material as f64) as u64);
        let service = Service { online, offline, kept };
        ServiceInfo {
            material,
            offline_seconds: offline,
            requests_per_second: service.most(),
            kept,
            arrivals: self.arrivals.map(|rate| match service.meets(rate) {
                None => ArrivalsInfo { rate, latency: None, latency_95: None, unprepared: None },
                Some(met) => ArrivalsInfo {
                    rate,
                    latency: Some(met.latency),
                    latency_95: Some(met.latency_95),
                    unprepared: Some(met.unprepared),
                },
            }),
        }
    }
}

/// Bytes that the party receives in a phase that receives most.
fn received(cost: &Cost, phase: Phase) -> u64 {
    let mut receivers = std::collections::BTreeMap::<_, u64>::new();
    for (link, traffic) in cost.links.iter().filter(|(link, _)| link.phase == phase) {
        *receivers.entry(link.to).or_default() += traffic.bytes;
    }
    receivers.into_values().max().unwrap_or_default()
}

/// What seconds are spent on, as the report has it.
pub(crate) fn spent_info(spent: Spent) -> SpentInfo {
    let Spent { latency, transfer, work, wait } = spent;
    SpentInfo { latency, transfer, work, wait }
}
