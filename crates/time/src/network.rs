//! Networks: how fast messages go.

use hawkeye_graph::check_nesting;
use indexmap::IndexMap;
use serde::Deserialize;

use crate::units::{bandwidth, duration, size};

/// Of 1514 bytes of a full Ethernet frame, TCP carries 1448.
const FRAMING: f64 = 1514.0 / 1448.0;

/// A network between the parties, the same on all links.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// Bits per second of each party's uplink; unlimited if not given.
    pub bandwidth: Option<f64>,
    /// Seconds there and back.
    pub rtt: f64,
    /// Whether both directions share the bandwidth.
    pub half_duplex: bool,
    /// Bytes that a token bucket lets pass at once after a pause; a real line has none.
    pub burst: f64,
    /// Whether connections are cold: TCP's window grows from ten segments. Of warm connections, leave
    /// it out.
    pub slow_start: bool,
}

/// A network as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a network: its bandwidth and rtt")]
struct NetworkText {
    network: Option<String>,
    bandwidth: Option<String>,
    rtt: Option<String>,
    duplex: Option<String>,
    burst: Option<String>,
    #[serde(default)]
    slow_start: bool,
    #[expect(dead_code, reason = "it tells readers of the file where its numbers are from")]
    source: Option<String>,
}

const PRESETS: &str = include_str!("../../../profiles/networks.yaml");

impl Network {
    /// Networks by name, in the order of their file.
    ///
    /// # Panics
    /// Never: a test reads the embedded file.
    #[must_use]
    pub fn presets() -> Vec<Self> {
        let written: IndexMap<String, NetworkText> =
            serde_yaml::from_str(PRESETS).expect("the embedded networks are well-formed");
        let network = |(name, written): (String, NetworkText)| {
            written.read(&name).expect("the embedded networks are fine")
        };
        written.into_iter().map(network).collect()
    }

    /// The preset of that name, or else the network that a YAML file of that path describes.
    ///
    /// # Errors
    /// If there is neither, or what is wrong with the file.
    pub fn named(name: &str) -> Result<Self, String> {
        let presets = Self::presets();
        if let Some(preset) = presets.iter().find(|network| network.name == name) {
            return Ok(preset.clone());
        }
        let text = std::fs::read_to_string(name).map_err(|error| {
            let names: Vec<&str> = presets.iter().map(|network| network.name.as_str()).collect();
            format!("there is no network \"{name}\" ({}), and as a file: {error}", names.join(", "))
        })?;
        let stem = name.rsplit('/').next().unwrap_or(name);
        Self::parse(&text, stem).map_err(|errors| format!("{name}: {}", errors.join("; ")))
    }

    /// The same with another bandwidth or round trip time, where one is given.
    #[must_use]
    pub fn with(self, bandwidth: Option<f64>, rtt: Option<f64>) -> Self {
        if bandwidth.is_none() && rtt.is_none() {
            return self;
        }
        let (bandwidth, rtt) = (bandwidth.or(self.bandwidth), rtt.unwrap_or(self.rtt));
        Self { name: format!("{} (changed)", self.name), bandwidth, rtt, ..self }
    }

    /// Reads a network from a file's text; `name` is what it is called if it does not say.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str, name: &str) -> Result<Self, Vec<String>> {
        check_nesting(text).map_err(|problem| vec![problem])?;
        let written: NetworkText = serde_yaml::from_str(text).map_err(|error| vec![error.to_string()])?;
        written.read(name)
    }

    /// A network from what a user says on its own.
    #[must_use]
    pub fn of(bandwidth: Option<f64>, rtt: f64) -> Self {
        let (half_duplex, burst, slow_start) = (false, 0.0, false);
        let speed =
            bandwidth.map_or("unlimited bandwidth".to_owned(), |bits| format!("{} Mbit/s", bits / 1e6));
        let name = format!("{speed}, {} ms", rtt * 1e3);
        Self { name, bandwidth, rtt, half_duplex, burst, slow_start }
    }

    /// Seconds that bytes take on a link, once it is free.
    #[must_use]
    pub fn transfer(&self, bytes: f64) -> f64 {
        self.bandwidth.map_or(0.0, |rate| bits(bytes) / rate)
    }

    /// Whether what a message takes depends on the messages before it.
    #[must_use]
    pub fn has_memory(&self) -> bool {
        self.bandwidth.is_some() && (self.burst > 0.0 || self.slow_start)
    }
}

/// Bits on the wire.
pub(crate) fn bits(bytes: f64) -> f64 {
    8.0 * bytes * FRAMING
}

impl NetworkText {
    fn read(self, name: &str) -> Result<Network, Vec<String>> {
        let mut errors = Vec::new();
        let mut number = |text: Option<&String>, read: &dyn Fn(&str) -> Result<f64, String>| match text
            .map(|text| read(text))
        {
            None => None,
            Some(Ok(number)) => Some(number),
            Some(Err(error)) => {
                errors.push(error);
                None
            }
        };
        let unlimited = self.bandwidth.as_deref() == Some("unlimited");
        let rate = number(self.bandwidth.as_ref().filter(|_| !unlimited), &bandwidth);
        let rtt = number(self.rtt.as_ref(), &duration);
        let burst = number(self.burst.as_ref(), &size);
        if self.bandwidth.is_none() {
            errors.push("a network says its bandwidth, like 100Mbit/s, or unlimited".to_owned());
        }
        if self.rtt.is_none() {
            errors.push("a network says its rtt, like 40ms".to_owned());
        }
        let half_duplex = match self.duplex.as_deref() {
            None | Some("full") => false,
            Some("half") => true,
            Some(other) => {
                errors.push(format!("duplex is full or half, not \"{other}\""));
                false
            }
        };
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Network {
            name: self.network.unwrap_or_else(|| name.to_owned()),
            bandwidth: rate,
            rtt: rtt.unwrap_or_default(),
            half_duplex,
            burst: burst.unwrap_or_default(),
            slow_start: self.slow_start,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_read() {
        let presets = Network::presets();
        let wan = presets.iter().find(|network| network.name == "wan-400m").expect("it is there");
        assert_eq!((wan.bandwidth, wan.rtt), (Some(4e8), 0.04));
    }

    #[test]
    fn all_faults_of_a_file_are_told_at_once() {
        let errors =
            Network::parse("bandwidth: 0Mbit/s\nrtt: 40\nduplex: both\n", "x").expect_err("it is wrong");
        assert_eq!(errors.len(), 3, "{errors:?}");
        assert!(
            Network::parse("bandwith: 1Gbit/s\nrtt: 1ms", "x").expect_err("a misspelling")[0]
                .contains("bandwith")
        );
        assert!(Network::parse("{}", "x").expect_err("nothing said").len() == 2);
    }
}
