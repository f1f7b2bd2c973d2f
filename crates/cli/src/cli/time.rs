//! What time is predicted for: options that several commands share.

use clap::Args;
use hawkeye::time::Network;
use hawkeye::time::pipeline::Scheme;
use hawkeye::time::units::{arrivals, bandwidth, duration, ladder, show_bandwidth, show_duration, size};
use hawkeye::{Diagnostic, Failure, MachineChoice, Place, SweepAxis, TimeOptions, Variable};

/// The network and the machine.
#[derive(Debug, Args)]
#[command(next_help_heading = "Time")]
#[group(id = "link", multiple = true)]
pub(crate) struct Time {
    /// Predict seconds on this network: a preset such as lan-1g or wan-100m, or a YAML file; profile makes a
    /// table of several
    #[arg(long = "network", value_name = "PRESET|FILE", value_delimiter = ',', value_parser = Network::named)]
    networks: Vec<Network>,
    /// Bandwidth of each party's uplink, e.g. 200Mbit/s or 40MB/s
    #[arg(long, value_name = "RATE", value_parser = bandwidth)]
    bandwidth: Option<f64>,
    /// Time of a message there and back, e.g. 20ms
    #[arg(long, value_name = "TIME", value_parser = duration)]
    rtt: Option<f64>,
}

/// Networks that a sweep tries.
#[derive(Debug, Args)]
#[command(next_help_heading = "Time")]
#[group(id = "link", multiple = true)]
pub(crate) struct Times {
    /// Predict seconds on these networks: presets such as lan-1g or wan-100m, or YAML files
    #[arg(long = "network", value_name = "PRESET|FILE,...", value_delimiter = ',')]
    networks: Vec<String>,
    /// Bandwidths of each party's uplink: 1Mbit/s..10Gbit/s in steps of 1, 2, 5 and 10, or 50Mbit/s,200Mbit/s
    #[arg(long, value_name = "RATES", value_parser = rates)]
    bandwidth: Option<Ladder>,
    /// Times of a message there and back: 0.1ms..100ms in steps of 1, 2, 5 and 10, or 1ms,40ms
    #[arg(long, value_name = "TIMES", value_parser = times)]
    rtt: Option<Ladder>,
}

/// The machine.
#[derive(Debug, Args)]
#[command(next_help_heading = "Time")]
pub(crate) struct OnMachine {
    /// What local work takes: a profile such as crypten-cpu, a YAML file, or none; the framework's own
    /// if not given
    #[arg(long, value_name = "PROFILE|FILE|none", value_parser = MachineChoice::named, requires = "link")]
    machine: Option<MachineChoice>,
    /// Simulate schedules of MPC-Pipe: inter-linear, inner-layer=SLICES, inter-batch=REQUESTS
    #[arg(long, value_name = "SCHEDULE,...", value_delimiter = ',', requires = "link")]
    pipeline: Vec<Scheme>,
    /// Simulate a service whose requests arrive at random, e.g. 2/s, 30/min or 100/h
    #[arg(long, value_name = "RATE", value_parser = arrivals, requires = "link")]
    arrivals: Option<f64>,
    /// What each party can keep of preprocessing, e.g. 8GiB; any amount if not given
    #[arg(long, value_name = "SIZE", value_parser = size, requires = "arrivals")]
    storage: Option<f64>,
}

/// Values of an axis of networks, as they are written.
#[derive(Clone, Debug)]
struct Ladder(Vec<String>);

impl Time {
    /// What time is predicted for.
    ///
    /// # Errors
    /// If several networks are given.
    pub(crate) fn options(&self, on: &OnMachine) -> Result<Option<TimeOptions>, Failure> {
        match self.each(on).as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one.clone())),
            _ => {
                let message = "several networks are given where one is needed";
                let help = "give one; profile takes several, compare one as --variant network=NAME, and sweep any number";
                Err(Diagnostic::error(Place::Model, message).help(help).into())
            }
        }
    }

    /// What time is predicted for, on each network; nothing if none is given.
    pub(crate) fn each(&self, on: &OnMachine) -> Vec<TimeOptions> {
        let networks = match (self.networks.as_slice(), self.bandwidth, self.rtt) {
            ([], None, None) => Vec::new(),
            ([], bandwidth, rtt) => vec![Network::of(bandwidth, rtt.unwrap_or_default())],
            (networks, bandwidth, rtt) => {
                networks.iter().map(|network| network.clone().with(bandwidth, rtt)).collect()
            }
        };
        networks.into_iter().map(|network| on.options(network)).collect()
    }
}

impl Times {
    /// What time is predicted for before the axes change it, and the axes.
    pub(crate) fn options(&self, on: &OnMachine) -> (Option<TimeOptions>, Vec<SweepAxis>) {
        let mut axes = Vec::new();
        let mut add = |variable, values: &[String]| {
            if !values.is_empty() {
                axes.push(SweepAxis { variable, values: values.to_vec() });
            }
        };
        add(Variable::Network, &self.networks);
        let values = |ladder: &Option<Ladder>| ladder.clone().map_or_else(Vec::new, |ladder| ladder.0);
        add(Variable::Bandwidth, &values(&self.bandwidth));
        add(Variable::Rtt, &values(&self.rtt));
        ((!axes.is_empty()).then(|| on.options(Network::of(None, 0.0))), axes)
    }
}

impl OnMachine {
    fn options(&self, network: Network) -> TimeOptions {
        let machine = self.machine.clone().unwrap_or(MachineChoice::Default);
        let (schedules, arrivals, storage) = (self.pipeline.clone(), self.arrivals, self.storage);
        TimeOptions { network, machine, schedules, arrivals, storage }
    }
}

fn rates(text: &str) -> Result<Ladder, String> {
    rungs(text, bandwidth, show_bandwidth)
}

fn times(text: &str) -> Result<Ladder, String> {
    rungs(text, duration, show_duration)
}

/// Reads values with commas between, of which each may be a range of growing values.
fn rungs(
    text: &str,
    read: fn(&str) -> Result<f64, String>,
    show: fn(f64) -> String,
) -> Result<Ladder, String> {
    let mut values = Vec::new();
    for part in text.split(',') {
        let Some((from, to)) = part.split_once("..") else {
            read(part)?;
            values.push(part.to_owned());
            continue;
        };
        let (low, high) = (read(from)?, read(to)?);
        if low <= 0.0 || low > high {
            return Err(format!("{part} is no range; it begins above zero, and ends where it is larger"));
        }
        let rungs = ladder(low, high);
        let last = rungs.len() - 1;
        values.extend(rungs.into_iter().enumerate().map(|(i, rung)| match i {
            0 => from.to_owned(),
            i if i == last => to.to_owned(),
            _ => show(rung).replace(' ', ""),
        }));
    }
    Ok(Ladder(values))
}
