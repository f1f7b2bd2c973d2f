//! What decides what a report is worth, in a few lines: what was run, who is protected from whom, what is
//! secret, what the numbers rest on.

use super::table::{binary, grouped};
use crate::{Loads, MeasuredRuns, Report, TrainingInfo};

/// A name and a sentence each.
pub(crate) fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let framework = &report.framework;
    let mut facts = vec![("run", run(report))];
    facts.extend(loads(report).map(|loads| ("loads", loads)));
    let trust = framework.security.as_ref().map(|security| format!(", {security}")).unwrap_or_default();
    facts.push(("parties", format!("{}{trust}", parties(report))));
    facts.push(("weights", weights(report)));
    facts.push(("evidence", evidence(report)));
    facts.extend(traffic(report).map(|traffic| ("traffic", traffic)));
    if is_formula(report) {
        let counters = report.counters.iter().map(|(name, n)| format!("{name} {}", grouped((*n).into())));
        facts.push(("counters", counters.collect::<Vec<_>>().join(", ")));
    }
    facts
}

fn run(report: &Report) -> String {
    let run = &report.run;
    let mut text = format!("batch {}", run.batch);
    for (name, size) in &run.dims {
        text.push_str(&format!(", {name} {size}"));
    }
    let Some(TrainingInfo { loss, optimizer, first_step, steps, trained }) = &run.training else {
        return text;
    };
    let last = first_step.saturating_add(*steps).saturating_sub(1);
    let span = if *steps == 1 { format!("step {last}") } else { format!("steps {first_step} to {last}") };
    let (trained, all) = (grouped((*trained).into()), grouped(report.model.parameters.into()));
    format!("{text}; trains {trained} of {all} parameters, {span}: {loss}, {optimizer}")
}

/// Whether the framework can load the model as it stands, where that is known.
fn loads(report: &Report) -> Option<String> {
    let Loads { front_end, refused, model } = report.run.loads.as_ref()?;
    Some(match refused {
        0 if !model.is_empty() => format!("not as it stands: {front_end} refuses it, see the warning"),
        0 => format!("{front_end} loads the model as it stands"),
        1 => format!("not as it stands: {front_end} refuses 1 node, see the warning"),
        _ => format!(
            "not as it stands: {front_end} refuses {} nodes, see the warning",
            grouped((*refused).into())
        ),
    })
}

fn parties(report: &Report) -> String {
    let framework = &report.framework;
    // A dealer has a name, too, and is not counted.
    let own = framework.party_names.iter().filter(|(number, _)| **number < framework.parties);
    let names: Vec<String> = own.map(|(number, name)| format!("{number} {name}")).collect();
    match names.is_empty() {
        true => framework.parties.to_string(),
        false => format!("{} ({})", framework.parties, names.join(", ")),
    }
}

/// Names of inputs and weights that are listed in a line.
const NAMES: usize = 3;

/// Who knows the weights, and what is known to others than they are: inputs as a rule.
fn weights(report: &Report) -> String {
    let usual = report.run.weights.as_str();
    let mut text = known(report, usual);
    let others = report.visibility.iter().filter(|(who, names)| *who != usual && !names.is_empty());
    for (who, names) in others {
        let listed: Vec<&str> = names.keys().take(NAMES).map(String::as_str).collect();
        let more = names.len().saturating_sub(NAMES);
        let more = if more > 0 { format!(" and {} more", grouped(more as u128)) } else { String::new() };
        text.push_str(&format!("; {}{more} {}", listed.join(", "), known(report, who)));
    }
    if report.visibility.contains_key(usual) && report.visibility.len() == 1 {
        text.push_str(", as are the inputs");
    }
    text
}

/// What `secret`, `public` or `party N` means.
fn known(report: &Report, who: &str) -> String {
    let party = who.strip_prefix("party ").and_then(|number| number.parse().ok());
    match party.and_then(|number: u16| report.framework.party_names.get(&number)) {
        Some(name) => format!("known to {name} alone"),
        None => match who {
            "secret" => "secret to every party".to_owned(),
            "public" => "public".to_owned(),
            other => format!("known to {other} alone"),
        },
    }
}

fn evidence(report: &Report) -> String {
    let framework = &report.framework;
    if is_formula(report) {
        return "a publication's formulas, not what any framework sends".to_owned();
    }
    let modelled = format!("modelled from {} {}", framework.name, framework.version);
    if let Some((_, change)) = framework.evidence.split_once(", ") {
        return format!("{modelled}, {change}");
    }
    let Some(MeasuredRuns { runs, exact, within }) = framework.measured else {
        return format!("{modelled}, not compared with a run");
    };
    let parts = [("exact", exact), ("within the stated bounds", within)].into_iter();
    let parts: Vec<String> = parts
        .filter(|(_, count)| *count > 0)
        .map(|(how, count)| format!("{how} on {}", grouped(count.into())))
        .collect();
    format!("{modelled}, {} of {} measured runs", parts.join(" and "), grouped(runs.into()))
}

/// Whether the numbers are those of a publication, which counts bits but does not say who sends them.
fn is_formula(report: &Report) -> bool {
    report.framework.evidence == "formula"
}

/// Who sends how much: what each of two parties sends and receives, and what that is for each sample of a
/// batch; or that nothing is sent at all.
fn traffic(report: &Report) -> Option<String> {
    if is_formula(report) {
        return None;
    }
    let total: u128 = report.links.iter().map(|link| u128::from(link.bytes)).sum();
    if total == 0 {
        let secrets = report.visibility.get("secret").is_some_and(|names| !names.is_empty());
        return Some(match secrets {
            true => "none: each party computes on its shares alone".to_owned(),
            false => "none: all that the model computes on is known to one party or to all".to_owned(),
        });
    }
    let sum = |from: bool| -> u128 {
        let ours = report.links.iter().filter(|link| if from { link.from == 0 } else { link.to == 0 });
        ours.map(|link| u128::from(link.bytes)).sum()
    };
    let bytes = |n: u128| u64::try_from(n).map_or_else(|_| grouped(n), binary);
    let name = report.framework.party_names.get(&0).map(|name| format!(" {name}")).unwrap_or_default();
    let mut text = format!("party 0{name} sends {} and receives {}", bytes(sum(true)), bytes(sum(false)));
    if report.run.batch > 1 {
        let each = total / u128::from(report.run.batch);
        text.push_str(&format!("; all parties together {} for each sample of the batch", bytes(each)));
    }
    Some(text)
}
