//! What the manifest says that can't be, beyond what keeps it from being read.

use hawkeye_graph::{Diagnostic, Place, nearest};
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
        let cuts = manifest.training.cuts.iter().map(|op| ("cuts", op));
        let free = manifest.free.iter().map(|op| ("free", op));
        let loads =
            manifest.loads.iter().flat_map(|loads| loads.all_but.iter().chain(loads.operators.keys()));
        for (key, op) in cuts.chain(free).chain(loads.map(|op| (op.as_str(), op))) {
            if operators.contains(&op.as_str()) {
                continue;
            }
            let near = nearest(op, operators.iter().copied()).map(|near| format!("; did you mean {near}?"));
            found.push((key, format!("there is no operator \"{op}\" in ONNX{}", near.unwrap_or_default())));
        }
        self.impossible().into_iter().chain(self.at_keys(found)).collect()
    }
}

/// Numbers of parties that there never are.
fn parties(manifest: &Manifest) -> Vec<(&'static str, String)> {
    let most = match &manifest.parties {
        Parties::Named { names } => u16::try_from(names.len()).unwrap_or(u16::MAX),
        Parties::Range { max, .. } => *max,
    };
    let extra = u16::try_from(manifest.extra_parties.len()).unwrap_or(u16::MAX);
    let all = most.saturating_add(extra);
    let mut found = Vec::new();
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
                found.push(("counters", message));
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
fn patterns(manifest: &Manifest) -> Vec<(&'static str, String)> {
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
