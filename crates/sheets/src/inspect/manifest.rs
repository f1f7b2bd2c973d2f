//! What the manifest says that can't be, beyond what keeps it from being read.

use std::collections::HashSet;

use hawkeye_graph::{Diagnostic, Place, nearest};
use hawkeye_report::MeasuredRuns;
use hawkeye_report::measured::LogLine;
use hawkeye_time::Machine;
use regex::Regex;

use crate::framework::Framework;
use crate::manifest::{Manifest, Parties, Rounds, Visible};
use crate::parameter::ParameterKind;

/// What a manifest's numbers may rest on.
const EVIDENCE: [&str; 3] = ["measured", "modelled", "formula"];

/// A diagnostic about the line of the manifest (its path and text) that a key begins, or about the whole file.
pub(crate) fn at_key(
    (path, text): &(String, String),
    key: &str,
    make: impl Fn(Place, String) -> Diagnostic,
    message: String,
) -> Diagnostic {
    let begins = |line: &str| {
        let rest = line.trim_start().trim_start_matches("- ").strip_prefix(key);
        rest.is_some_and(|rest| rest.trim_start().starts_with(':'))
    };
    let within = |line: &str| line.contains(&format!("{key}:"));
    let line = text.lines().position(begins).or_else(|| text.lines().position(within));
    let shown =
        line.and_then(|line| Some(format!("{message}\n  {} | {}", line + 1, text.lines().nth(line)?)));
    let position = line.map(|line| (line + 1, 1));
    make(Place::File { path: path.clone(), position }, shown.unwrap_or(message))
}

impl Framework {
    /// The manifest's path and text.
    pub(crate) fn manifest_file(&self) -> (String, String) {
        let file = self.folder.file("framework.yaml");
        file.map(|file| (file.display(), file.read().unwrap_or_default().into_owned())).unwrap_or_default()
    }

    /// What the manifest says that no framework can be, by which its reports would be wrong.
    pub(crate) fn impossible(&self) -> Vec<Diagnostic> {
        let manifest = &self.manifest;
        let mut found: Vec<(&str, String)> = Vec::new();
        let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let parts = || manifest.name.split('/');
        if parts().any(|part| part.is_empty() || part.starts_with('.') || !part.chars().all(name)) {
            let message = format!("the name \"{}\" is not made of letters, digits, - and _", manifest.name);
            found.push(("name", message));
        }
        // What an overlay changes is said behind a comma.
        let evidence =
            manifest.evidence.split_once(", ").map_or(manifest.evidence.as_str(), |(kind, _)| kind);
        if !EVIDENCE.contains(&evidence) {
            let near = nearest(evidence, EVIDENCE).map(|near| format!("; did you mean {near}?"));
            let message = format!("evidence is {}, not \"{}\"", EVIDENCE.join(", "), manifest.evidence);
            found.push(("evidence", message + &near.unwrap_or_default()));
        }
        found.extend(parties(manifest));
        if let Some(MeasuredRuns { runs, exact, within }) = manifest.measured
            && exact.saturating_add(within) > runs
        {
            let message =
                format!("{exact} runs are exact and {within} within their band, but there are {runs}");
            found.push(("measured", message));
        }
        if let Some(transport) =
            manifest.transport.as_ref().filter(|transport| !(transport.flight_rtt >= 0.0))
        {
            found.push(("flight_rtt", format!("flight_rtt is no time: {}", transport.flight_rtt)));
        }
        self.at_keys(found)
    }

    fn at_keys(&self, found: Vec<(&str, String)>) -> Vec<Diagnostic> {
        if found.is_empty() {
            return Vec::new();
        }
        let file = self.manifest_file();
        found.into_iter().map(|(key, message)| at_key(&file, key, Diagnostic::error, message)).collect()
    }

    pub(super) fn inspect_manifest(&self, operators: &[&str]) -> Vec<Diagnostic> {
        let manifest = &self.manifest;
        let mut found = parameters(manifest);
        found.extend(patterns(manifest));
        for (role, sheet) in &manifest.modules {
            if let Some(problem) = self.folder.file(sheet).and_then(|file| file.read().map(drop)).err() {
                found.push((role, format!("module {role}: {sheet} can't be read: {problem}")));
            }
        }
        let profiles = manifest.transport.iter().flat_map(|transport| &transport.profiles);
        for profile in profiles.filter(|profile| Machine::embedded(profile).is_none()) {
            found.push(("profiles", format!("there is no profile \"{profile}\"")));
        }
        let cuts = manifest.training.cuts.iter().map(|op| ("cuts", op));
        let free = manifest.free.iter().map(|op| ("free", op));
        let refused = manifest.loads.iter().flat_map(|loads| &loads.all_but).map(|op| ("all_but", op));
        let loaded =
            manifest.loads.iter().flat_map(|loads| loads.operators.keys()).map(|op| (op.as_str(), op));
        for (key, op) in cuts.chain(free).chain(refused).chain(loaded) {
            if operators.contains(&op.as_str()) {
                continue;
            }
            let near = nearest(op, operators.iter().copied()).map(|near| format!("; did you mean {near}?"));
            found.push((key, format!("there is no operator \"{op}\" in ONNX{}", near.unwrap_or_default())));
        }
        let found = self.at_keys(found).into_iter().chain(self.repeated());
        self.impossible().into_iter().chain(found).collect()
    }

    /// A key that is given twice, of which the last would count.
    fn repeated(&self) -> Option<Diagnostic> {
        let (path, text) = self.manifest_file();
        let error = serde_yaml::from_str::<serde_yaml::Value>(&text).err()?;
        let position = error.location().map(|location| (location.line(), location.column()));
        let said = error.to_string();
        let message = said.rsplit_once(" at line ").map_or(said.as_str(), |(message, _)| message);
        Some(Diagnostic::error(Place::File { path, position }, message))
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

/// Bounds of parameters that exclude each other, or do nothing.
fn parameters(manifest: &Manifest) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    for (name, parameter) in &manifest.parameters {
        let bounded = parameter.min.is_some() || parameter.max.is_some();
        if bounded && parameter.kind != ParameterKind::Int {
            found.push((name.as_str(), format!("parameter {name}: min and max are for type: int")));
        }
        if parameter.choices.is_some() != (parameter.kind == ParameterKind::Choice) {
            found.push((name.as_str(), format!("parameter {name}: choices go with type: choice")));
        }
        if parameter.doc.trim().is_empty() {
            found.push((name.as_str(), format!("parameter {name} has an empty doc")));
        }
    }
    found
}

/// Patterns of `log` that are none, and counters in it that there are not.
fn patterns(manifest: &Manifest) -> Vec<(&str, String)> {
    let Some(log) = &manifest.log else { return Vec::new() };
    let lines = log.lines.iter().map(|line| ("match", &line.pattern));
    let parties = log.parties.values().map(|pattern| ("parties", pattern));
    let sections = log.sections.values().map(|pattern| ("sections", pattern));
    let single = [("signature", &log.signature), ("party_count", &log.party_count)];
    let single = single.into_iter().filter_map(|(key, pattern)| Some((key, pattern.as_ref()?)));
    let mut found = Vec::new();
    for (key, pattern) in lines.chain(parties).chain(sections).chain(single) {
        if let Err(error) = Regex::new(pattern) {
            let error = error.to_string();
            let reason = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
            found.push(("log", format!("{key} of log, \"{pattern}\", is no regular expression: {reason}")));
        }
    }
    for line in &log.lines {
        found.extend(groups(manifest, line).into_iter().map(|problem| ("log", problem)));
        for party in line.party.iter().filter(|party| !log.parties.contains_key(*party)) {
            found.push(("log", format!("a line of log is of party \"{party}\", which its parties lack")));
        }
        for section in line.section.iter().filter(|section| !log.sections.contains_key(*section)) {
            found
                .push(("log", format!("a line of log is in section \"{section}\", which its sections lack")));
        }
    }
    found
}

/// Groups of a line's pattern that `compare --measured` reads by their names.
const GROUPS: [&str; 9] = [
    "bytes",
    "call",
    "messages",
    "received_bytes",
    "received_messages",
    "rounds",
    "sent_bytes",
    "sent_messages",
    "times",
];

/// Groups of a line's pattern that nothing reads, those that it lacks, and counters that there are not.
fn groups(manifest: &Manifest, line: &LogLine) -> Vec<String> {
    let Ok(pattern) = Regex::new(&line.pattern) else { return Vec::new() };
    let groups: Vec<&str> = pattern.capture_names().flatten().collect();
    let mut found = Vec::new();
    for (group, counter) in &line.counters {
        if !groups.contains(&group.as_str()) {
            found.push(format!("counters of a line of log name a group \"{group}\", which its match lacks"));
        }
        if !counter.contains('{') && !manifest.counters.contains_key(counter) {
            let near = nearest(counter, manifest.counters.keys().map(String::as_str));
            let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            found.push(format!("a line of log is of counter \"{counter}\", which counters lack{near}"));
        }
    }
    for group in &groups {
        let named = line.counters.values().any(|counter| counter.contains(&format!("{{{group}}}")));
        if !named && !line.counters.contains_key(*group) && !GROUPS.contains(group) {
            let near = nearest(group, GROUPS).map(|near| format!("; did you mean {near}?"));
            let near = near.unwrap_or_else(|| format!("; groups are {}, or of counters", GROUPS.join(", ")));
            found.push(format!("nothing reads the group \"{group}\" of a line of log{near}"));
        }
    }
    found
}
