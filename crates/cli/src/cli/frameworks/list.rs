//! `hawkeye frameworks list` and `show`.

use std::collections::BTreeMap;
use std::fmt::Write;

use hawkeye::{Diagnostic, Failure, Framework, Place, builtin_names};
use hawkeye_report::render::{wrapped, wrapped_line};
use hawkeye_sheets::{Manifest, Parameter, Parties};

pub(super) fn list() -> Result<String, Failure> {
    let (mut running, mut formulas) = (String::new(), String::new());
    for name in builtin_names() {
        let manifest = Framework::open(&name)?.manifest;
        let parties = parties(&manifest);
        let does = if manifest.training.refused.is_some() { "inference" } else { "training too" };
        let text = if manifest.evidence == FORMULA { &mut formulas } else { &mut running };
        let begin = format!("{name:<20} {:<10} {parties:<13} {does:<12} ", manifest.version);
        let line = wrapped_line(&format!("{begin}{}", manifest.title), begin.len());
        text.push_str(&(line + "\n"));
    }
    if !formulas.is_empty() {
        running += "\nformulas that were published, not what any framework sends:\n";
        running += &formulas;
    }
    Ok(running)
}

/// Where what a parameter is for begins.
const COLUMN: usize = 56;

/// Evidence of manifests that price by a publication's formulas, and not by what a framework does.
const FORMULA: &str = "formula";

pub(super) fn show(name: &str) -> Result<String, Failure> {
    let framework = Framework::open(name)?;
    let manifest = framework.manifest.clone();
    let operators = operators(framework)?;
    let title = format!("{} {}: {}", manifest.name, manifest.version, manifest.title);
    let mut text = wrapped(&title, 2) + "\n";
    if let Some(reference) = &manifest.reference {
        let version = reference.commit.as_ref().or(reference.release.as_ref());
        let _ = writeln!(text, "models {} {}", reference.repository, version.map_or("", String::as_str));
    }
    let _ = writeln!(text, "parties: {}; evidence: {}", parties(&manifest), manifest.evidence);
    match &manifest.training.refused {
        Some(reason) => writeln!(text, "trains: no, {reason}"),
        None => writeln!(text, "trains: yes"),
    }
    .unwrap_or_default();
    let counters: Vec<&str> = manifest.counters.keys().map(String::as_str).collect();
    let _ = writeln!(text, "{}", wrapped(&format!("counters: {}", counters.join(", ")), 2));
    let _ = writeln!(text, "\nparameters:");
    for (name, parameter) in &manifest.parameters {
        let begin = format!("  {name:<24} {:<28} ", domain(parameter));
        // Long lists of choices leave no room for what they are for.
        let doc = match begin.len() {
            COLUMN => wrapped_line(&format!("{begin}{}", parameter.doc), COLUMN),
            _ => {
                let doc = wrapped_line(&format!("{:COLUMN$}{}", "", parameter.doc), COLUMN);
                format!("{}\n{doc}", wrapped_line(begin.trim_end(), 27))
            }
        };
        text.push_str(&(doc + "\n"));
    }
    let _ = writeln!(text, "\noperators ({}):", operators.len());
    for line in operators.chunks(6) {
        let _ = writeln!(text, "{}", wrapped_line(&format!("  {}", line.join(" ")), 2));
    }
    Ok(text)
}

fn operators(framework: Framework) -> Result<Vec<String>, Failure> {
    let place = Place::File { path: framework.manifest.name.clone(), position: None };
    let instance = framework.instantiate(None, &BTreeMap::new())?;
    instance.sheets.operators().map_err(|error| Diagnostic::error(place, error.to_string()).into())
}

fn parties(manifest: &Manifest) -> String {
    match &manifest.parties {
        Parties::Named { names } => names.join("+"),
        Parties::Range { min, max, .. } if min == max => min.to_string(),
        Parties::Range { min, max, .. } => format!("{min} to {max}"),
    }
}

fn domain(parameter: &Parameter) -> String {
    let default = match &parameter.default {
        serde_yaml::Value::String(text) => text.clone(),
        serde_yaml::Value::Bool(b) => b.to_string(),
        serde_yaml::Value::Number(n) => n.to_string(),
        _ => String::new(),
    };
    match (&parameter.choices, parameter.min, parameter.max) {
        (Some(choices), _, _) => {
            let others: Vec<&str> = choices.iter().map(String::as_str).filter(|c| *c != default).collect();
            if others.is_empty() { default } else { format!("{default} | {}", others.join(" | ")) }
        }
        (None, Some(min), Some(max)) => format!("{default} ({min} to {max})"),
        (None, _, _) => default,
    }
}
