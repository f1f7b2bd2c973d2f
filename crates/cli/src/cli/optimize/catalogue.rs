//! The rules and sets of rules, by name.

use hawkeye::{Diagnostic, Failure, Place};
use hawkeye_graph::nearest;
use hawkeye_rewrite::{Family, PRESETS, Preset, Promise, RULES, Rule, UserRule};

use super::output;

/// What the user lets be applied.
pub(super) struct Choice<'a> {
    pub(super) rules: Vec<&'a Rule<'a>>,
    /// The share of the ReLUs to keep.
    pub(super) relus: Option<f64>,
}

/// The tool's rules, and those that users wrote, with names of their own.
pub(super) fn all<'a>(users: &'a [UserRule<'a>]) -> Result<Vec<Rule<'a>>, Failure> {
    let mut rules: Vec<Rule<'a>> = RULES.to_vec();
    let mut errors = Vec::new();
    for rule in users.iter().map(UserRule::rule) {
        let other = rules.iter().find(|other| other.name == rule.name);
        let named = other.map(|other| other.source).or_else(|| preset(rule.name).map(|set| set.source));
        match named {
            Some(source) => errors.push(
                Diagnostic::error(
                    Place::Model,
                    format!("rule {} ({}) has the name of another: {source}", rule.name, rule.source),
                )
                .help("give it another name"),
            ),
            None => rules.push(rule),
        }
    }
    if errors.is_empty() { Ok(rules) } else { Err(Failure(errors)) }
}

/// The rules of `--allow`, `--select` and `--ignore`.
pub(super) fn choose<'a>(
    rules: &'a [Rule<'a>],
    allow: &[String],
    select: &[String],
    ignore: &[String],
) -> Result<Choice<'a>, Failure> {
    let mut relus = None;
    let mut allowed = Vec::new();
    for name in allow {
        if let Some(share) = name.strip_prefix("relu-budget=") {
            let share: Option<f64> = share.parse().ok().filter(|share| (0.0..=1.0).contains(share));
            relus = Some(share.ok_or_else(|| {
                output::failed(format!("{name}: the share of ReLUs to keep is a number from 0 to 1"))
            })?);
        } else {
            allowed.extend(named(rules, name)?);
        }
    }
    let all = |names: &[String]| -> Result<Vec<&Rule<'_>>, Failure> {
        Ok(names.iter().map(|name| named(rules, name)).collect::<Result<Vec<_>, _>>()?.concat())
    };
    let (selected, ignored) = (all(select)?, all(ignore)?);
    let within = |list: &[&Rule<'_>], rule: &Rule<'_>| list.iter().any(|other| other.name == rule.name);
    let takes = |rule: &&Rule<'_>| {
        let exact = rule.promise == Promise::Exact;
        let selected = selected.is_empty() || within(&selected, rule);
        (exact && selected || within(&allowed, rule)) && !within(&ignored, rule)
    };
    Ok(Choice { rules: rules.iter().filter(takes).collect(), relus })
}

fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

/// A rule, or the rules of a set.
fn named<'a>(rules: &'a [Rule<'a>], name: &str) -> Result<Vec<&'a Rule<'a>>, Failure> {
    let names = preset(name).map_or_else(|| vec![name], |preset| preset.rules.to_vec());
    let rule = |wanted: &str| {
        rules.iter().find(|rule| rule.name == wanted).ok_or_else(|| {
            let error = Diagnostic::error(Place::Model, format!("there is no rule \"{wanted}\""));
            let known = rules.iter().map(|rule| rule.name).chain(PRESETS.iter().map(|preset| preset.name));
            let hint =
                nearest(wanted, known).map(|near| format!("did you mean {near}? ")).unwrap_or_default();
            Failure::from(error.help(format!("{hint}hawkeye optimize --list shows all")))
        })
    };
    names.into_iter().map(rule).collect()
}

pub(super) fn list(rules: &[Rule<'_>]) -> String {
    let mut text = String::new();
    for family in Family::ALL {
        let mut rules = rules.iter().filter(|rule| rule.family == family).peekable();
        if rules.peek().is_some() {
            text.push_str(&format!("{}\n", family.name()));
        }
        for rule in rules {
            text.push_str(&format!("  {:34} {}{}\n", rule.name, promise(rule), rule.what));
        }
    }
    text.push_str("sets for --allow\n");
    for preset in PRESETS {
        text.push_str(&format!("  {:34} {}\n", preset.name, preset.rules.join(", ")));
    }
    text.push_str(
        "  relu-budget=R                      keep the share R of the ReLUs, the largest go first\n",
    );
    text
}

fn promise(rule: &Rule<'_>) -> &'static str {
    match rule.promise {
        Promise::Exact => "",
        Promise::Approximate { .. } => "(approximate) ",
        Promise::Output => "(changes the output) ",
    }
}

pub(super) fn explain(rules: &[Rule<'_>], name: &str) -> Result<String, Failure> {
    if let Some(preset) = preset(name) {
        let each = named(rules, name)?.iter().map(|rule| about(rule)).collect::<Vec<_>>().join("\n");
        return Ok(format!("{name}: {}\nsource  {}\n\n{each}", preset.rules.join(", "), preset.source));
    }
    Ok(named(rules, name)?.iter().map(|rule| about(rule)).collect())
}

fn about(rule: &Rule<'_>) -> String {
    let text = format!(
        "{}: {}\n\nwhen    {}\nwhy     {}\nsource  {}\n",
        rule.name, rule.what, rule.when, rule.why, rule.source
    );
    match rule.promise {
        Promise::Exact => text + "exact\n",
        Promise::Output => text + "changes what is revealed; only with --allow\n",
        Promise::Approximate { .. } => format!("{text}approximate: {}; only with --allow\n", terms(rule)),
    }
}

/// What a rule that changes the function changes, and what that asks for.
pub(super) fn terms(rule: &Rule<'_>) -> String {
    match rule.promise {
        Promise::Exact => "exact".to_owned(),
        Promise::Output => "what is revealed changes".to_owned(),
        Promise::Approximate { error, training } => {
            let again = if training { "trains" } else { "does not train" };
            format!("largest error {error}; the source {again} the model again")
        }
    }
}
