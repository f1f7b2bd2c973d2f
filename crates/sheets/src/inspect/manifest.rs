//! What the manifest says that can't be, beyond what keeps it from being read.

use hawkeye_graph::{Diagnostic, nearest};
use regex::Regex;

use crate::framework::Framework;
use crate::manifest::Manifest;
use crate::parameter::ParameterKind;

impl Framework {
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
