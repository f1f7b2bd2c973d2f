//! Refusals of many models: each cause once, with the models that it holds for.

use std::collections::{HashMap, HashSet};

use hawkeye::{Diagnostic, Place};
use hawkeye_graph::printable;
use hawkeye_report::render::brief;
use indexmap::IndexMap;

/// Models that are named with a cause.
const NAMED: usize = 8;

/// A model that a framework refuses.
pub(super) struct Refusal<'a> {
    pub(super) model: &'a str,
    pub(super) framework: &'a str,
    pub(super) errors: &'a [Diagnostic],
}

/// What passes tell of one model among many: each cause at the first of its places.
pub(super) fn of_subject(subject: &str, told: &[Diagnostic]) -> Vec<Diagnostic> {
    let mut causes = HashSet::new();
    let first = told.iter().filter(|told| causes.insert(&told.message)).cloned();
    first.map(|told| placed(subject, told)).collect()
}

fn placed(subject: &str, told: Diagnostic) -> Diagnostic {
    let path = match &told.place {
        Place::File { .. } | Place::Option(_) => return told,
        Place::Model => subject.to_owned(),
        place => format!("{subject}: {place}"),
    };
    Diagnostic { place: Place::File { path, position: None }, ..told }
}

/// A line for each cause. Of a model's causes the one counts that it shares with most others.
pub(super) fn grouped(refusals: &[Refusal<'_>]) -> Vec<String> {
    let mut met: HashMap<(&str, &str), usize> = HashMap::new();
    for Refusal { framework, errors, .. } in refusals {
        let causes: HashSet<&str> = errors.iter().map(|error| error.message.as_str()).collect();
        causes.into_iter().for_each(|cause| *met.entry((framework, cause)).or_default() += 1);
    }
    let mut groups: IndexMap<(&str, &str), Vec<(&Refusal<'_>, &Diagnostic)>> = IndexMap::new();
    for refusal in refusals {
        let met = |error: &Diagnostic| met[&(refusal.framework, error.message.as_str())];
        // The first of those that are met most.
        if let Some(error) = refusal.errors.iter().rev().max_by_key(|error| met(error)) {
            groups.entry((refusal.framework, &error.message)).or_default().push((refusal, error));
        }
    }
    groups.into_iter().map(|((framework, cause), members)| line(framework, cause, &members)).collect()
}

fn line(framework: &str, cause: &str, members: &[(&Refusal<'_>, &Diagnostic)]) -> String {
    let others = members.iter().map(|(refusal, _)| refusal.errors.len() - 1).max().unwrap_or(0);
    if let [(refusal, error)] = members {
        let more = if others == 0 { String::new() } else { format!(" (and {others} more)") };
        return format!(
            "{} under {framework}: {}{more}",
            printable(refusal.model),
            brief(&error.to_string())
        );
    }
    let names: Vec<_> = members.iter().take(NAMED).map(|(refusal, _)| printable(refusal.model)).collect();
    let unnamed = match members.len() - names.len() {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    let more = if others == 0 { "" } else { " (and more causes)" };
    format!(
        "{} models under {framework}: {}{more}: {}{unnamed}",
        members.len(),
        brief(cause),
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::{Refusal, grouped};
    use hawkeye::{Diagnostic, Place};

    #[test]
    fn a_cause_is_told_once_with_the_models_that_share_it() {
        let error = |message: &str| Diagnostic::error(Place::Value("x".to_owned()), message);
        let (pool, own, none) = ([error("large"), error("pool")], [error("pool")], [error("branch")]);
        let names: Vec<String> = (0..10).map(|i| format!("m{i}.onnx")).collect();
        let mut refusals = vec![
            Refusal { model: "a.onnx", framework: "delphi", errors: &pool },
            Refusal { model: "b.onnx", framework: "delphi", errors: &none },
        ];
        refusals.extend(names.iter().map(|model| Refusal { model, framework: "delphi", errors: &own }));
        refusals.push(Refusal { model: "a.onnx", framework: "cheetah", errors: &pool });
        assert_eq!(
            grouped(&refusals),
            [
                "11 models under delphi: pool (and more causes): a.onnx, m0.onnx, m1.onnx, m2.onnx, m3.onnx, \
                 m4.onnx, m5.onnx, m6.onnx and 3 more",
                "b.onnx under delphi: value \"x\": branch",
                "a.onnx under cheetah: value \"x\": large (and 1 more)",
            ]
        );
    }
}
