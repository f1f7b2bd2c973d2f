//! What the manifest says that can't be, beyond what keeps it from being read.

use hawkeye_graph::{Diagnostic, Place, nearest};
use hawkeye_report::measured::LogLine;
use hawkeye_time::Machine;
use regex::Regex;

use crate::framework::Framework;
use crate::manifest::Manifest;
use crate::parameter::ParameterKind;

impl Framework {
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
const GROUPS: [&str; 10] = [
    "bytes",
    "call",
    "messages",
    "party",
    "received_bytes",
    "received_messages",
    "rounds",
    "sent_bytes",
    "sent_messages",
    "times",
];

/// Groups of a line's pattern that nothing reads, those that it lacks, and counters that are misspelt.
fn groups(manifest: &Manifest, line: &LogLine) -> Vec<String> {
    let Ok(pattern) = Regex::new(&line.pattern) else { return Vec::new() };
    let groups: Vec<&str> = pattern.capture_names().flatten().collect();
    let mut found = Vec::new();
    for (group, counter) in &line.counters {
        if !groups.contains(&group.as_str()) {
            found.push(format!("counters of a line of log name a group \"{group}\", which its match lacks"));
        }
        // A framework may print what no counter is for, but hardly something that is one but for a letter.
        let near = nearest(counter, manifest.counters.keys().map(String::as_str));
        let slip = |near: &&str| *near != counter && near.len().abs_diff(counter.len()) <= 1;
        if let Some(near) = near.filter(slip).filter(|_| !counter.contains('{')) {
            let message = format!("a line of log is of counter \"{counter}\", which counters lack");
            found.push(format!("{message}; did you mean {near}?"));
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
