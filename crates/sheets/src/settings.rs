//! What a manifest fixes: parties, parameters, how rounds are counted, who knows what.

use std::collections::{BTreeMap, HashSet};

use hawkeye_cost::{Data, Party, RoundRule};
use hawkeye_graph::{Diagnostic, Failure, Place, check_nesting, nearest};
use hawkeye_lower::Visibility;
use hawkeye_report::MeasuredRuns;

use crate::keys::{about, at_key, meant};
use crate::manifest::{Manifest, Parties, Rounds, Visible};
use crate::parameter::Parameter;

/// What a manifest's numbers may rest on.
const EVIDENCE: [&str; 3] = ["measured", "modelled", "formula"];

impl Manifest {
    /// Reads a manifest; `file` names it in errors.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str, file: &str) -> Result<Self, Failure> {
        check_nesting(text).map_err(|problem| about(file, problem))?;
        let manifest: Self = serde_yaml::from_str(text).map_err(|e| {
            let position = e.location().map(|l| (l.line(), l.column()));
            // The place and the line are said apart.
            let said = e.to_string();
            let message = said.rsplit_once(" at line ").map_or(said.as_str(), |(message, _)| message);
            let told = |error: Diagnostic| match meant(message) {
                Some(help) => error.help(help),
                None => error,
            };
            if position == Some((1, 1)) {
                // It is about a key of the whole.
                let key = message.split_once(':').map_or(message, |(key, _)| key);
                let written = (file.to_owned(), text.to_owned());
                return told(at_key(&written, key, Diagnostic::error, message.to_owned()));
            }
            let line = position.and_then(|(line, _)| Some((line, text.lines().nth(line.checked_sub(1)?)?)));
            let shown = line.map(|(line, source)| format!("\n  {line} | {source}")).unwrap_or_default();
            told(Diagnostic::error(
                Place::File { path: file.to_owned(), position },
                format!("{message}{shown}"),
            ))
        })?;
        let written = (file.to_owned(), text.to_owned());
        let problems = manifest.problems().into_iter();
        let problems: Vec<Diagnostic> =
            problems.map(|(key, problem)| at_key(&written, key, Diagnostic::error, problem)).collect();
        if problems.is_empty() { Ok(manifest) } else { Err(Failure(problems)) }
    }

    /// What the manifest says that no framework can be, by which its reports would be wrong.
    pub(crate) fn impossible(&self) -> Vec<(&str, String)> {
        let mut found: Vec<(&str, String)> = Vec::new();
        let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let parts = || self.name.split('/');
        if parts().any(|part| part.is_empty() || part.starts_with('.') || !part.chars().all(name)) {
            let message = format!("the name \"{}\" is not made of letters, digits, - and _", self.name);
            found.push(("name", message));
        }
        // What an overlay changes is said behind a comma.
        let evidence = self.evidence.split_once(", ").map_or(self.evidence.as_str(), |(kind, _)| kind);
        if !EVIDENCE.contains(&evidence) {
            let near = nearest(evidence, EVIDENCE).map(|near| format!("; did you mean {near}?"));
            let message = format!("evidence is {}, not \"{}\"", EVIDENCE.join(", "), self.evidence);
            found.push(("evidence", message + &near.unwrap_or_default()));
        }
        found.extend(parties(self));
        if let Some(MeasuredRuns { runs, exact, within }) = self.measured
            && exact.saturating_add(within) > runs
        {
            let message =
                format!("{exact} runs are exact and {within} within their band, but there are {runs}");
            found.push(("measured", message));
        }
        let rtt = self.transport.as_ref().map(|transport| transport.flight_rtt);
        if let Some(rtt) = rtt.filter(|rtt| rtt.is_nan() || *rtt < 0.0) {
            found.push(("flight_rtt", format!("flight_rtt is no time: {rtt}")));
        }
        found
    }

    /// How rounds are counted.
    #[must_use]
    pub fn round_rule(&self) -> RoundRule {
        match &self.rounds {
            Rounds::Sheet => RoundRule::Stated,
            Rounds::Flights => RoundRule::Flights,
            Rounds::DirectionChanges { direction_changes } => RoundRule::DirectionChanges {
                channel: direction_changes.channel.as_str().into(),
                last: (Party(direction_changes.last[0]), Party(direction_changes.last[1])),
            },
        }
    }

    /// The number of parties, if the protocol runs between so many; its default if none is wanted.
    ///
    /// # Errors
    /// Says between how many it runs.
    pub fn party_count(&self, wanted: Option<u16>) -> Result<u16, Failure> {
        self.count(wanted).map_err(|message| about(&self.name, message).into())
    }

    fn count(&self, wanted: Option<u16>) -> Result<u16, String> {
        match &self.parties {
            Parties::Named { names } => {
                let count = u16::try_from(names.len())
                    .map_err(|_| "the manifest names too many parties".to_owned())?;
                match wanted {
                    Some(wanted) if wanted != count => Err(format!(
                        "the protocol runs between {count} parties ({}), not {wanted}",
                        names.join(", ")
                    )),
                    _ => Ok(count),
                }
            }
            Parties::Range { default, min, max } => match wanted.unwrap_or(*default) {
                count if (*min..=*max).contains(&count) => Ok(count),
                count => Err(format!("the protocol runs between {min} and {max} parties, not {count}")),
            },
        }
    }

    /// The parameter of a name, or of the name that the framework itself has for it, with which its documentation
    /// begins.
    fn parameter<'a>(&'a self, name: &'a str) -> &'a str {
        let own = |parameter: &Parameter| parameter.doc.split_once(':').is_some_and(|(own, _)| own == name);
        self.parameters.iter().find(|(_, parameter)| own(parameter)).map_or(name, |(known, _)| known)
    }

    /// Every parameter with its value, in the manifest's order.
    ///
    /// # Errors
    /// Everything that is wrong with the settings.
    pub fn values(&self, settings: &BTreeMap<String, String>) -> Result<Vec<(String, Data)>, Failure> {
        let mut errors = Vec::new();
        let known = &self.parameters;
        let given = settings;
        let settings: BTreeMap<&str, &String> =
            given.iter().map(|(name, text)| (self.parameter(name), text)).collect();
        if settings.len() < given.len() {
            errors.push(about(&self.name, "a parameter is given under both of its names".to_owned()));
        }
        for name in settings.keys().filter(|name| !known.contains_key(**name)) {
            let near = nearest(name, known.keys().map(String::as_str));
            let hint = near.map(|n| format!("did you mean {n}? "));
            let all: Vec<&str> = known.keys().map(String::as_str).collect();
            errors.push(about(&self.name, format!("there is no parameter \"{name}\"")).help(format!(
                "{}parameters: {}",
                hint.unwrap_or_default(),
                all.join(", ")
            )));
        }
        let value = |(name, parameter): (&String, &Parameter)| {
            let value = match settings.get(name.as_str()) {
                Some(text) => parameter.parse(text),
                None => parameter.value(&parameter.default),
            };
            let value = value.unwrap_or_else(|problem| {
                errors.push(
                    about(&self.name, format!("parameter {name}: {problem}")).help(parameter.doc.clone()),
                );
                Data::None
            });
            (name.clone(), value)
        };
        let values = known.iter().map(value).collect();
        if errors.is_empty() { Ok(values) } else { Err(Failure(errors)) }
    }
}

impl From<Visible> for Visibility {
    fn from(visible: Visible) -> Self {
        match visible {
            Visible::Secret => Self::Secret,
            Visible::Public => Self::Public,
            Visible::Known { party } => Self::Known(Party(party)),
        }
    }
}

/// Numbers of parties that there never are, and names that two bear.
fn parties(manifest: &Manifest) -> Vec<(&str, String)> {
    let most = match &manifest.parties {
        Parties::Named { names } => u16::try_from(names.len()).unwrap_or(u16::MAX),
        Parties::Range { max, .. } => *max,
    };
    let extra = u16::try_from(manifest.extra_parties.len()).unwrap_or(u16::MAX);
    let all = most.saturating_add(extra);
    let mut found = Vec::new();
    let names: &[String] = match &manifest.parties {
        Parties::Named { names } => names,
        Parties::Range { .. } => &[],
    };
    let mut seen = HashSet::new();
    for name in names.iter().chain(&manifest.extra_parties).filter(|name| !seen.insert(name.to_lowercase())) {
        found.push(("parties", format!("two parties are called {name}")));
    }
    let rule = &manifest.visibility;
    for (key, who) in
        [("inputs", Some(rule.inputs)), ("weights", Some(rule.weights)), ("constants", rule.constants)]
    {
        if let Some(Visible::Known { party }) = who
            && party >= most
        {
            found.push((
                "visibility",
                format!("{key} are known to party {party}, but parties are 0 to {}", most - 1),
            ));
        }
    }
    for (name, counter) in &manifest.counters {
        for (end, party) in [("from", counter.from), ("to", counter.to)] {
            if let Some(party) = party.filter(|party| *party >= all) {
                let message =
                    format!("counter {name} is {end} party {party}, but parties are 0 to {}", all - 1);
                found.push((name.as_str(), message));
            }
        }
    }
    if let Rounds::DirectionChanges { direction_changes } = &manifest.rounds {
        for party in direction_changes.last.iter().filter(|party| **party >= all) {
            found.push(("rounds", format!("last names party {party}, but parties are 0 to {}", all - 1)));
        }
    }
    found
}
