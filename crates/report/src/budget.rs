//! Budgets: what a report may hold at most, as it is said or as another report has it.

use std::str::FromStr;

use bytesize::ByteSize;
use hawkeye_cost::Phase;
use hawkeye_graph::{Diagnostic, Place, nearest};
use serde::{Serialize, Serializer};

use crate::{Operator, Phases, Quantity, Report};

/// An upper limit: `online.bytes=2GiB`, `rounds=500`, `module:layer1:online.bytes=10MiB`,
/// `operator:/conv1/Conv:messages=4`, `op-type:Relu:bytes=1GiB`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    subject: BudgetScope,
    measure: Measure,
    limit: u64,
}

/// What a budget is for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum BudgetScope {
    Model,
    /// Modules below it are parts of it.
    Module(String),
    OpType(String),
    Operator(String),
}

/// What is counted, in one phase or in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Measure {
    phase: Option<Phase>,
    quantity: Quantity,
}

/// How much more than another report has, in thousandths of a per cent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Increase(u64);

/// A limit and what the report has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What is limited, as budgets are written.
    pub name: String,
    /// What is counted.
    #[serde(serialize_with = "name")]
    pub quantity: Quantity,
    /// What the report has.
    pub actual: u128,
    /// What it may have.
    pub limit: u128,
    /// What the other report has, if that sets the limit.
    pub before: Option<u128>,
    /// The operators that have most of it, or that increased most.
    pub causes: Vec<Cause>,
}

fn name<S: Serializer>(quantity: &Quantity, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(quantity.name())
}

/// An operator that has a part in what is limited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// Its name.
    pub name: String,
    /// What it has.
    pub actual: u128,
    /// What it has in the other report, if that sets the limit.
    pub before: Option<u128>,
}

/// Operators that are named as causes.
const CAUSES: usize = 3;

impl Check {
    /// Whether the limit is kept.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.actual <= self.limit
    }
}

impl Measure {
    fn of(self, costs: &Phases) -> u128 {
        let phases = Phase::ALL.into_iter().zip(costs.each());
        let counted = phases.filter(|(phase, _)| self.phase.is_none_or(|wanted| wanted == *phase));
        counted.map(|(_, cost)| u128::from(self.quantity.of(cost))).sum()
    }

    fn name(self) -> String {
        match self.phase {
            Some(phase) => format!("{phase}.{}", self.quantity.name()),
            None => self.quantity.name().to_owned(),
        }
    }
}

impl BudgetScope {
    fn has(&self, operator: &Operator) -> bool {
        match self {
            Self::Model => true,
            Self::Module(name) => {
                let path = operator.scope.join("/");
                path.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            Self::OpType(op) => operator.op == *op,
            Self::Operator(name) => operator.name == *name,
        }
    }

    fn prefix(&self) -> String {
        match self {
            Self::Model => String::new(),
            Self::Module(name) => format!("module:{name}:"),
            Self::OpType(name) => format!("op-type:{name}:"),
            Self::Operator(name) => format!("operator:{name}:"),
        }
    }

    /// Why the report has nothing of this kind.
    fn missing(&self, report: &Report) -> Diagnostic {
        let operators = report.operators.iter();
        let (kind, name, known): (_, _, Vec<String>) = match self {
            Self::Model => ("operator", "", Vec::new()),
            Self::Module(name) => {
                let paths = |o: &Operator| -> Vec<String> {
                    (1..=o.scope.len()).map(|depth| o.scope[..depth].join("/")).collect()
                };
                ("module", name, operators.flat_map(paths).collect())
            }
            Self::OpType(name) => ("operator of type", name, operators.map(|o| o.op.clone()).collect()),
            Self::Operator(name) => ("operator", name, operators.map(|o| o.name.clone()).collect()),
        };
        let help = match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean {near}?"),
            None => "hawkeye profile --format text --by module (or operator, op-type) lists them".to_owned(),
        };
        Diagnostic::error(Place::Model, format!("has no {kind} \"{name}\" to hold to a budget")).help(help)
    }
}

/// Holds a report to budgets.
///
/// # Errors
/// Every budget for something that the report does not have.
pub fn check_budgets(report: &Report, budgets: &[Budget]) -> Result<Vec<Check>, Vec<Diagnostic>> {
    let mut checks = Vec::new();
    let mut errors = Vec::new();
    for Budget { subject, measure, limit } in budgets {
        let operators: Vec<&Operator> = report.operators.iter().filter(|o| subject.has(o)).collect();
        if operators.is_empty() {
            errors.push(subject.missing(report));
        }
        if measure.quantity == Quantity::Seconds && report.time.is_none() {
            let error =
                Diagnostic::error(Place::Model, "the report has no seconds to hold to a budget".to_owned());
            errors.push(error.help("profile it on a network: --network wan-100m, or --bandwidth and --rtt"));
        }
        let part =
            |o: &&Operator| Cause { name: o.name.clone(), actual: measure.of(&o.phases), before: None };
        let mut causes: Vec<Cause> = operators.iter().map(part).filter(|cause| cause.actual > 0).collect();
        let actual = causes.iter().map(|cause| cause.actual).sum();
        causes.sort_by_key(|cause| std::cmp::Reverse(cause.actual));
        causes.truncate(if matches!(subject, BudgetScope::Operator(_)) { 0 } else { CAUSES });
        checks.push(Check {
            name: subject.prefix() + &measure.name(),
            quantity: measure.quantity,
            actual,
            limit: (*limit).into(),
            before: None,
            causes,
        });
    }
    if errors.is_empty() { Ok(checks) } else { Err(errors) }
}

/// Holds every total of a report to that of an earlier one.
///
/// # Errors
/// If the reports are not of the same thing.
pub fn check_baseline(
    report: &Report,
    baseline: &Report,
    allowed: Increase,
) -> Result<Vec<Check>, Diagnostic> {
    let subject = |r: &Report| {
        let dims: Vec<String> = r.run.dims.iter().map(|(name, size)| format!(", {name} {size}")).collect();
        let (parties, batch) = (r.framework.parties, r.run.batch);
        format!("{}, {parties} parties, batch {batch}{}", r.framework.name, dims.concat())
    };
    let (now, then) = (subject(report), subject(baseline));
    if now != then {
        let message = format!("can't be compared with the baseline: this is {now}; the baseline is {then}");
        return Err(Diagnostic::error(Place::Model, message)
            .help("profile both under the same framework, parties and sizes"));
    }
    let mut checks = Vec::new();
    for phase in Phase::ALL {
        for quantity in Quantity::ALL {
            let measure = Measure { phase: Some(phase), quantity };
            let (actual, before) = (measure.of(&report.totals), measure.of(&baseline.totals));
            if actual == 0 && before == 0 {
                continue;
            }
            checks.push(Check {
                name: measure.name(),
                quantity,
                actual,
                limit: before + before * u128::from(allowed.0) / 100_000,
                before: Some(before),
                causes: increases(report, baseline, measure),
            });
        }
    }
    Ok(checks)
}

/// The operators that increased most.
fn increases(report: &Report, baseline: &Report, measure: Measure) -> Vec<Cause> {
    let mut before: std::collections::HashMap<&str, u128> = std::collections::HashMap::new();
    for operator in &baseline.operators {
        *before.entry(&operator.name).or_default() += measure.of(&operator.phases);
    }
    let cause = |o: &Operator| {
        let before = before.get(o.name.as_str()).copied().unwrap_or(0);
        Cause { name: o.name.clone(), actual: measure.of(&o.phases), before: Some(before) }
    };
    let more = |cause: &Cause| cause.actual.saturating_sub(cause.before.unwrap_or(0));
    let mut causes: Vec<Cause> = report.operators.iter().map(cause).filter(|c| more(c) > 0).collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(more(cause)));
    causes.truncate(CAUSES);
    causes
}

impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "write [module:NAME:|operator:NAME:|op-type:NAME:][PHASE.]QUANTITY=LIMIT, \
                    e.g. online.bytes=2GiB";
        let (left, limit) = text.rsplit_once('=').ok_or(format!("has no limit; {form}"))?;
        let (subject, measure) = match left.rsplit_once(':') {
            None => (BudgetScope::Model, left),
            Some((subject, measure)) => {
                let (kind, name) = subject.split_once(':').ok_or(format!("names no subject; {form}"))?;
                let subject = match kind {
                    "module" => BudgetScope::Module(name.trim_matches('/').to_owned()),
                    "operator" => BudgetScope::Operator(name.to_owned()),
                    "op-type" => BudgetScope::OpType(name.to_owned()),
                    _ => return Err(unknown(kind, ["module", "operator", "op-type"])),
                };
                (subject, measure)
            }
        };
        let measure: Measure = measure.parse()?;
        let limit = if measure.quantity == Quantity::Seconds { nanoseconds(limit)? } else { amount(limit)? };
        Ok(Self { subject, measure, limit })
    }
}

impl FromStr for Measure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (phase, quantity) = match text.split_once('.') {
            None | Some(("total", _)) => (None, text.strip_prefix("total.").unwrap_or(text)),
            Some((name, quantity)) => {
                let names = ["setup", "offline", "online", "total"];
                (Some(Phase::from_name(name).ok_or_else(|| unknown(name, names))?), quantity)
            }
        };
        let quantity = Quantity::from_name(quantity)
            .ok_or_else(|| unknown(quantity, Quantity::WITH_TIME.map(Quantity::name)))?;
        Ok(Self { phase, quantity })
    }
}

impl FromStr for Increase {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is no percentage; write e.g. 1% or 0.5%");
        let number = text.strip_suffix('%').unwrap_or(text).trim_end();
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        if part.len() > 3 || !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return Err(wrong());
        }
        let whole: u64 = whole.parse().map_err(|_| wrong())?;
        let part: u64 = format!("{part:0<3}").parse().map_err(|_| wrong())?;
        whole.checked_mul(1000).and_then(|whole| whole.checked_add(part)).map(Self).ok_or_else(wrong)
    }
}

/// A number of seconds, as nanoseconds.
fn nanoseconds(text: &str) -> Result<u64, String> {
    let wrong = || format!("\"{text}\" is no time; write seconds, such as 2 or 0.25");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 9 || !text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let part: u64 = format!("{part:0<9}").parse().map_err(|_| wrong())?;
    whole.checked_mul(1_000_000_000).and_then(|whole| whole.checked_add(part)).ok_or_else(wrong)
}

/// A number, or a size with a unit.
fn amount(text: &str) -> Result<u64, String> {
    let plain = text.replace(['_', ','], "");
    plain.parse().or_else(|_| plain.parse::<ByteSize>().map(|size| size.0)).map_err(|_| {
        format!("\"{text}\" is no limit; write a number, or a size such as 512KiB, 10MiB or 2GiB")
    })
}

fn unknown<const N: usize>(name: &str, known: [&'static str; N]) -> String {
    let hint = nearest(name, known).map(|near| format!("did you mean {near}? ")).unwrap_or_default();
    format!("\"{name}\" is unknown: {hint}known are {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_have_units() {
        for (text, bytes) in
            [("7", 7), ("1_000", 1000), ("2GiB", 2 << 30), ("1.5 MiB", 3 << 19), ("2kB", 2000)]
        {
            assert_eq!(amount(text), Ok(bytes), "{text}");
        }
        for text in ["", "x", "-1", "1%", "GiB"] {
            assert!(amount(text).is_err(), "{text}");
        }
    }

    #[test]
    fn percentages_are_exact() {
        for (text, thousandths) in [("1%", 1000), ("0.125%", 125), ("12", 12_000), ("0%", 0)] {
            assert_eq!(text.parse(), Ok(Increase(thousandths)), "{text}");
        }
        for text in ["", "%", "-1%", "1.2345%", "1.2.3%", "x"] {
            assert!(text.parse::<Increase>().is_err(), "{text}");
        }
    }

    #[test]
    fn names_may_hold_colons_and_equals_signs() {
        let budget: Budget = "operator:a:b=c:online.bytes=1KiB".parse().expect("it is one");
        assert_eq!(budget.subject, BudgetScope::Operator("a:b=c".to_owned()));
        assert_eq!(budget.limit, 1024);
        assert_eq!("total.rounds=3".parse::<Budget>(), "rounds=3".parse());
        for (text, part) in [
            ("bytes", "no limit"),
            ("onlin.bytes=1", "did you mean online"),
            ("online.byte=1", "did you mean bytes"),
            ("modul:x:bytes=1", "did you mean module"),
            ("layer1:bytes=1", "no subject"),
        ] {
            let problem = text.parse::<Budget>().expect_err("it is wrong");
            assert!(problem.contains(part), "{text}: {problem}");
        }
    }
}
