//! What tells reports apart.

use indexmap::IndexMap;

use crate::{Report, Scalar};

/// What tells the sides apart: the facts in which they differ.
pub(crate) fn labels(reports: &[Report]) -> Vec<String> {
    let facts: Vec<IndexMap<String, String>> = reports.iter().map(facts).collect();
    let differs = |key: &String| facts.iter().any(|other| other.get(key) != facts[0].get(key));
    let mut keys: Vec<&String> = Vec::new();
    for key in facts.iter().flat_map(IndexMap::keys) {
        if differs(key) && !keys.contains(&key) {
            keys.push(key);
        }
    }
    // Parameters belong to their framework: between two frameworks, names suffice.
    let told = |key: &String, of: &IndexMap<String, String>| {
        let namesake = |other: &&IndexMap<String, String>| other.get("framework") == of.get("framework");
        !(key.starts_with("set ") || key == "version")
            || facts.iter().filter(namesake).any(|other| other.get(key) != of.get(key))
    };
    if keys.iter().any(|key| *key == "model") {
        keys.retain(|key| *key != "content");
    }
    let label = |(position, facts): (usize, &IndexMap<String, String>)| {
        let part = |key: &String| {
            let value = facts.get(key)?;
            Some(match key.as_str() {
                "model" | "framework" => value.clone(),
                "content" => format!("sha256 {}", value.chars().take(8).collect::<String>()),
                key => format!("{}={value}", key.strip_prefix("set ").unwrap_or(key)),
            })
        };
        let parts: Vec<String> =
            keys.iter().filter(|key| told(key, facts)).filter_map(|key| part(key)).collect();
        if parts.is_empty() { format!("report {}", position + 1) } else { parts.join(", ") }
    };
    facts.iter().enumerate().map(label).collect()
}

fn facts(report: &Report) -> IndexMap<String, String> {
    let mut facts = IndexMap::from([
        ("model".to_owned(), report.model.file.clone()),
        ("content".to_owned(), report.model.sha256.clone()),
        ("framework".to_owned(), report.framework.name.clone()),
        ("version".to_owned(), report.framework.version.clone()),
        ("parties".to_owned(), report.framework.parties.to_string()),
        ("batch".to_owned(), report.run.batch.to_string()),
        ("weights".to_owned(), report.run.weights.clone()),
    ]);
    if let Some(time) = &report.time {
        facts.insert("network".to_owned(), time.network.clone());
        facts.insert("machine".to_owned(), time.machine.clone());
    }
    if let Some(training) = &report.run.training {
        facts.insert("loss".to_owned(), training.loss.clone());
        facts.insert("optimizer".to_owned(), training.optimizer.clone());
        facts.insert("first step".to_owned(), training.first_step.to_string());
        facts.insert("steps".to_owned(), training.steps.to_string());
    }
    facts.extend(report.run.dims.iter().map(|(name, size)| (name.clone(), size.to_string())));
    let value = |scalar: &Scalar| match scalar {
        Scalar::Bool(b) => b.to_string(),
        Scalar::Int(i) => i.to_string(),
        Scalar::Float(x) => x.to_string(),
        Scalar::Text(text) => text.clone(),
    };
    let parameters = &report.framework.parameters;
    facts.extend(parameters.iter().map(|(name, scalar)| (format!("set {name}"), value(scalar))));
    facts
}
