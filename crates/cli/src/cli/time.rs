//! What time is predicted for: options that several commands share.

use clap::Args;
use hawkeye::time::pipeline::Scheme;
use hawkeye::time::{Machine, Network, units};
use hawkeye::{MachineChoice, TimeOptions};

/// The network and the machine.
#[derive(Debug, Args)]
#[command(next_help_heading = "Time")]
#[group(id = "link", multiple = true)]
pub(crate) struct Time {
    /// Predict seconds on this network: a preset such as lan-1g or wan-100m, or a YAML file
    #[arg(long, value_name = "PRESET|FILE", value_parser = Network::named)]
    network: Option<Network>,
    /// Bandwidth of each party's uplink, e.g. 200Mbit/s or 40MB/s
    #[arg(long, value_name = "RATE", value_parser = units::bandwidth)]
    bandwidth: Option<f64>,
    /// Time of a message there and back, e.g. 20ms
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    rtt: Option<f64>,
}

/// The machine.
#[derive(Debug, Args)]
#[command(next_help_heading = "Time")]
pub(crate) struct OnMachine {
    /// What local work takes: a profile such as crypten-cpu, a YAML file, or none; the framework's own
    /// if not given
    #[arg(long, value_name = "PROFILE|FILE|none", value_parser = machine, requires = "link")]
    machine: Option<MachineChoice>,
    /// Simulate schedules of MPC-Pipe: inter-linear, inner-layer=SLICES, inter-batch=REQUESTS
    #[arg(long, value_name = "SCHEDULE,...", value_delimiter = ',', requires = "link")]
    pipeline: Vec<Scheme>,
}

impl Time {
    pub(crate) fn options(&self, on: &OnMachine) -> Option<TimeOptions> {
        let network = match (&self.network, self.bandwidth, self.rtt) {
            (None, None, None) => return None,
            (None, bandwidth, rtt) => Network::of(bandwidth, rtt.unwrap_or_default()),
            (Some(network), bandwidth, rtt) => network.clone().with(bandwidth, rtt),
        };
        let machine = on.machine.clone().unwrap_or(MachineChoice::Default);
        Some(TimeOptions { network, machine, schedules: on.pipeline.clone() })
    }
}

pub(super) fn machine(text: &str) -> Result<MachineChoice, String> {
    if text == "none" {
        return Ok(MachineChoice::None);
    }
    if let Some(machine) = Machine::embedded(text) {
        return Ok(MachineChoice::Profile(Box::new(machine)));
    }
    let file = std::fs::read_to_string(text).map_err(|error| {
        let names: Vec<&str> = Machine::names().collect();
        format!("it is no profile, and as a file: {error}; profiles are {}", names.join(", "))
    })?;
    let machine = Machine::parse(&file).map_err(|errors| format!("{text}: {}", errors.join("; ")))?;
    Ok(MachineChoice::Profile(Box::new(machine)))
}
