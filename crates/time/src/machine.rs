//! Machines: how long a framework's local work takes.

use std::fmt;

use hawkeye_graph::check_nesting;
use indexmap::IndexMap;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// What the local work of a framework takes on a machine, in seconds.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a profile: its name, machine, source, evidence and work")]
pub struct Machine {
    /// Name of the profile.
    pub profile: String,
    /// The machine.
    pub machine: String,
    /// Where the numbers are from.
    pub source: String,
    /// What they rest on: `measured`, `published` or `assumed`.
    pub evidence: String,
    /// Cores that the parties share, if they run on one machine; else each has what it needs.
    #[serde(default)]
    pub cores: Option<u16>,
    /// Of every operator that runs a protocol.
    #[serde(default)]
    pub operator: f64,
    /// Per unit of each kind of work.
    #[serde(deserialize_with = "said_once")]
    pub work: IndexMap<String, f64>,
    /// Of the transport's software.
    #[serde(default)]
    pub transport: Software,
}

/// What the transport's software takes, in seconds.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Software {
    /// Of a flight.
    #[serde(default)]
    pub flight: f64,
    /// Of each further tensor in a call.
    #[serde(default)]
    pub tensor: f64,
    /// Of a byte that a party sends.
    #[serde(default)]
    pub byte: f64,
    /// What a call takes at least, by the number of parties, or by `default`.
    #[serde(default, deserialize_with = "said_once")]
    pub floor: IndexMap<String, f64>,
}

/// Seconds by name, each name once: where two lines disagree, neither counts.
fn said_once<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IndexMap<String, f64>, D::Error> {
    struct Once;

    impl<'de> Visitor<'de> for Once {
        type Value = IndexMap<String, f64>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("seconds by name")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut seconds = IndexMap::new();
            while let Some((name, of_one)) = map.next_entry::<String, f64>()? {
                if seconds.contains_key(&name) {
                    return Err(A::Error::custom(format!("{name} stands there twice")));
                }
                seconds.insert(name, of_one);
            }
            Ok(seconds)
        }
    }

    deserializer.deserialize_map(Once)
}

/// The embedded profiles, by name.
const EMBEDDED: [(&str, &str); 5] = [
    ("crypten-cpu", include_str!("../../../profiles/crypten-cpu.yaml")),
    ("sci-ot", include_str!("../../../profiles/sci-ot.yaml")),
    ("seal-cpu", include_str!("../../../profiles/seal-cpu.yaml")),
    ("spu-cheetah-cpu", include_str!("../../../profiles/spu-cheetah-cpu.yaml")),
    ("spu-cpu", include_str!("../../../profiles/spu-cpu.yaml")),
];

impl Machine {
    /// Names of the embedded profiles.
    pub fn names() -> impl Iterator<Item = &'static str> {
        EMBEDDED.iter().map(|(name, _)| *name)
    }

    /// The embedded profile of that name.
    ///
    /// # Panics
    /// Never: a test reads all embedded files.
    #[must_use]
    pub fn embedded(name: &str) -> Option<Self> {
        let (_, text) = EMBEDDED.iter().find(|(embedded, _)| *embedded == name)?;
        Some(Self::parse(text).expect("embedded profiles are well-formed"))
    }

    /// Reads a profile from a file's text.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        check_nesting(text).map_err(|problem| vec![problem])?;
        let machine: Self = serde_yaml::from_str(text).map_err(|error| vec![error.to_string()])?;
        let Software { flight, tensor, byte, floor } = &machine.transport;
        let software =
            [("operator", &machine.operator), ("flight", flight), ("tensor", tensor), ("byte", byte)];
        let named = machine.work.iter().chain(floor).map(|(name, seconds)| (name.as_str(), seconds));
        let wrong = |(_, seconds): &(&str, &f64)| !seconds.is_finite() || **seconds < 0.0;
        let mut errors: Vec<String> = software
            .into_iter()
            .chain(named)
            .filter(wrong)
            .map(|(name, seconds)| {
                format!("{name} takes {seconds} seconds; write a number that is not negative")
            })
            .collect();
        if machine.cores == Some(0) {
            errors.push("cores is 0; write how many the parties share, or leave it out".to_owned());
        }
        if errors.is_empty() { Ok(machine) } else { Err(errors) }
    }

    /// By how much local work stretches because the parties do it at the same time, on fewer cores.
    pub(crate) fn contention(&self, parties: u16) -> f64 {
        self.cores.map_or(1.0, |cores| (f64::from(parties) / f64::from(cores)).max(1.0))
    }

    /// What a call takes at least.
    pub(crate) fn floor(&self, parties: u16) -> f64 {
        let floor = &self.transport.floor;
        floor.get(&parties.to_string()).or_else(|| floor.get("default")).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_profiles_are_read() {
        for name in Machine::names() {
            assert_eq!(Machine::embedded(name).expect("it is embedded").profile, name);
        }
    }

    #[test]
    fn a_kind_that_stands_there_twice_is_refused() {
        let text = "{profile: p, machine: m, source: s, evidence: assumed, work: {mul: 1.0, mul: 2.0}}";
        let errors = Machine::parse(text).expect_err("it is wrong");
        assert!(errors[0].contains("mul stands there twice"), "{errors:?}");
        let errors = Machine::parse("[1, 2]").expect_err("it is wrong");
        assert!(errors[0].contains("expected a profile"), "{errors:?}");
    }

    #[test]
    fn numbers_that_are_no_times_are_refused() {
        let text = "{profile: p, machine: m, source: s, evidence: assumed, work: {mul: -1.0, AND: .nan}, operator: .inf, cores: 0}";
        assert_eq!(Machine::parse(text).expect_err("it is wrong").len(), 4);
    }
}
