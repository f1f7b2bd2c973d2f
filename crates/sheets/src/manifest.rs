//! The manifest of a framework, `framework.yaml`.

use hawkeye_grad::Trainable;
use hawkeye_graph::{Failure, Graph};
use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize};

use hawkeye_report::MeasuredRuns;
use hawkeye_report::measured::Log;
use hawkeye_time::Transport;
use hawkeye_time::pipeline::Pipelining;

use crate::loads::FrontEnd;
use crate::parameter::Parameter;

/// What a framework says about itself. `docs/FRAMEWORKS.md` explains every key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping of keys: schema, name, title, version, ...")]
#[expect(missing_docs, reason = "the keys are documented in docs/FRAMEWORKS.md")]
pub struct Manifest {
    pub schema: String,
    pub name: String,
    pub title: String,
    pub version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    /// `sheet: one.star` means the same as a list of one.
    #[serde(default, alias = "sheet", deserialize_with = "one_or_more")]
    pub sheets: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub modules: IndexMap<String, String>,
    pub parties: Parties,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra_parties: Vec<String>,
    pub visibility: VisibilityRule,
    #[serde(default, skip_serializing_if = "TrainingRule::is_default")]
    pub training: TrainingRule,
    #[serde(default = "modelled")]
    pub evidence: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<MeasuredRuns>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loads: Option<FrontEnd>,
    /// Whether the front end divides integers as real numbers, and cuts fractions where it wants whole numbers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub real_division: bool,
    #[serde(default = "free", skip_serializing_if = "is_free")]
    pub free: Vec<String>,
    #[serde(default)]
    pub rounds: Rounds,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Transport>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipelining: Option<Pipelining>,
    pub counters: IndexMap<String, Counter>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Log>,
    #[serde(default)]
    pub parameters: IndexMap<String, Parameter>,
}

fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "the name of a sheet, or a list of them")]
    enum OneOrMore {
        One(String),
        More(Vec<String>),
    }
    Ok(match OneOrMore::deserialize(deserializer)? {
        OneOrMore::One(name) => vec![name],
        OneOrMore::More(names) => names,
    })
}

/// Operators that only say how elements are laid out: free, unless a sheet or a manifest says otherwise.
pub const FREE: [&str; 7] = ["Flatten", "Identity", "Reshape", "Shape", "Size", "Squeeze", "Unsqueeze"];

fn free() -> Vec<String> {
    FREE.map(str::to_owned).to_vec()
}

fn is_free(operators: &[String]) -> bool {
    operators == FREE
}

fn modelled() -> String {
    "modelled".to_owned()
}

/// The sources that the sheets follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are documented in docs/FRAMEWORKS.md")]
pub struct Reference {
    pub repository: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
}

/// How many parties run the protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, try_from = "PartiesKeys")]
pub enum Parties {
    /// A fixed set.
    Named {
        /// Their names, by number.
        names: Vec<String>,
    },
    /// Any number in a range.
    Range {
        /// The number unless the user gives one.
        default: u16,
        /// Least number.
        min: u16,
        /// Largest number.
        max: u16,
    },
}

impl Parties {
    /// The number of the party of this name, in any case of letters.
    #[must_use]
    pub fn numbered(&self, party: &str) -> Option<u16> {
        let Self::Named { names } = self else { return None };
        let number = names.iter().position(|name| name.eq_ignore_ascii_case(party))?;
        u16::try_from(number).ok()
    }
}

/// The keys of `parties`, so that errors about them have a place.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "{default: 2, min: 2, max: 3} or {names: [server, client]}")]
struct PartiesKeys {
    names: Option<Vec<String>>,
    default: Option<u16>,
    min: Option<u16>,
    max: Option<u16>,
}

impl TryFrom<PartiesKeys> for Parties {
    type Error = &'static str;

    fn try_from(keys: PartiesKeys) -> Result<Self, Self::Error> {
        match keys {
            PartiesKeys { names: Some(names), default: None, min: None, max: None } => {
                Ok(Self::Named { names })
            }
            PartiesKeys { names: None, default: Some(default), min: Some(min), max: Some(max) } => {
                Ok(Self::Range { default, min, max })
            }
            _ => Err("parties are {default: 2, min: 2, max: 3} or {names: [server, client]}"),
        }
    }
}

/// Who knows what goes into the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisibilityRule {
    /// The inputs.
    pub inputs: Visible,
    /// Initializers of real numbers.
    pub weights: Visible,
    /// Weights that the model holds in `Constant` nodes, where the framework can't treat them like the
    /// others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constants: Option<Visible>,
}

/// Who knows a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "snake_case",
    expecting = "expected secret, public, or the number of a party: {party: 0}"
)]
pub enum Visible {
    /// No party.
    Secret,
    /// Every party.
    Public,
    /// The party of that number.
    #[serde(untagged)]
    Known {
        /// Its number.
        party: u16,
    },
}

/// How the framework trains.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are documented in docs/FRAMEWORKS.md")]
pub struct TrainingRule {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    #[serde(default)]
    pub gradients: Gradients,
    #[serde(default)]
    pub parameters: Trainable,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub zero_gradients: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cuts: Vec<String>,
}

impl TrainingRule {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Where the backward pass comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gradients {
    /// From the gradient graph, except for operators with a function of their own.
    #[default]
    Graph,
    /// From functions of the sheet alone: the framework has a differentiation of its own.
    Own,
}

/// How the framework counts rounds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "snake_case",
    expecting = "rounds: expected sheet, flights, or {direction_changes: {channel: io, last: [1, 0]}}"
)]
pub enum Rounds {
    /// Each step of the sheet says.
    #[default]
    Sheet,
    /// Every flight is a round.
    Flights,
    /// Every change of direction on a channel is one.
    #[serde(untagged)]
    DirectionChanges {
        /// Which channel, and what came before the program.
        direction_changes: DirectionChanges,
    },
}

/// A channel whose changes of direction are counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectionChanges {
    /// Name of the channel.
    #[serde(default)]
    pub channel: String,
    /// Sender and receiver of the last message of set-up.
    pub last: [u16; 2],
}

/// A named view over costs: what the framework's own statistics show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are documented in docs/FRAMEWORKS.md")]
pub struct Counter {
    pub sum: CounterKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phases: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
}

/// What a counter sums up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CounterKind {
    /// Payload bytes of links.
    Bytes,
    /// Messages of links.
    Messages,
    /// Rounds as the framework counts them.
    Rounds,
    /// Message flights.
    Flights,
    /// What the sheet counts with `count(key, ...)`.
    Counted,
}

/// Counters, and parameters, that a framework may have.
const MOST_ENTRIES: usize = 1000;

impl Manifest {
    /// The schema that this version reads.
    pub const SCHEMA: &'static str = "hawkeye-framework/1";

    /// Refuses what the framework's front end does not load.
    ///
    /// # Errors
    /// Everything that it does not load.
    pub fn loads(&self, graph: &Graph) -> Result<(), Failure> {
        let refusals = self.loads.as_ref().map(|front_end| front_end.refusals(graph)).unwrap_or_default();
        if refusals.is_empty() { Ok(()) } else { Err(Failure(refusals)) }
    }

    /// What is wrong with the manifest beyond its syntax, each with the key that it is about.
    #[must_use]
    pub fn problems(&self) -> Vec<(&str, String)> {
        let mut problems: Vec<(&str, String)> = Vec::new();
        if self.schema != Self::SCHEMA {
            problems.push(("schema", format!("schema is \"{}\", not \"{}\"", self.schema, Self::SCHEMA)));
        }
        for role in self.modules.keys().filter(|role| role.contains(['.', '/'])) {
            problems.push(("modules", format!("module \"{role}\": a role is a word, not a file")));
        }
        match &self.parties {
            Parties::Named { names } if names.len() < 2 => {
                problems.push(("parties", "there are fewer than two parties".to_owned()))
            }
            Parties::Range { default, min, max }
                if !(2 <= *min && min <= default && default <= max && *max <= 64) =>
            {
                problems.push(("parties", "parties must have 2 <= min <= default <= max <= 64".to_owned()));
            }
            Parties::Named { .. } | Parties::Range { .. } => {}
        }
        for (key, count) in [("counters", self.counters.len()), ("parameters", self.parameters.len())] {
            if count > MOST_ENTRIES {
                return vec![(key, format!("there are {count} {key}, where {MOST_ENTRIES} are the most"))];
            }
        }
        for (name, counter) in &self.counters {
            if (counter.sum == CounterKind::Counted) != counter.key.is_some() {
                problems.push((name, format!("counter {name}: \"key\" goes with \"sum: counted\"")));
            }
            let of_links = matches!(counter.sum, CounterKind::Bytes | CounterKind::Messages);
            if !of_links && (counter.from.is_some() || counter.to.is_some() || counter.channel.is_some()) {
                let message = format!("counter {name}: from, to and channel go with bytes and messages");
                problems.push((name, message));
            }
            for phase in counter.phases.iter().flatten() {
                if hawkeye_cost::Phase::from_name(phase).is_none() {
                    let message =
                        format!("counter {name}: \"{phase}\" is no phase; phases are setup, offline, online");
                    problems.push((name, message));
                }
            }
        }
        for (name, parameter) in &self.parameters {
            if let Err(problem) = parameter.possible().and_then(|()| parameter.value(&parameter.default)) {
                problems.push((name, format!("parameter {name}: {problem}")));
            }
        }
        problems
    }
}
