//! Budgets that were checked, for programs.

use serde::Serialize;

use crate::budget::Check;
use crate::{FrameworkInfo, ModelInfo, Report};

/// Name and version of the document's schema.
const SCHEMA: &str = "hawkeye-checks/1";

#[derive(Serialize)]
struct ChecksDocument<'a> {
    schema: &'static str,
    /// Whether every limit is kept.
    kept: bool,
    results: Vec<ModelChecks<'a>>,
}

#[derive(Serialize)]
struct ModelChecks<'a> {
    model: &'a ModelInfo,
    framework: &'a FrameworkInfo,
    kept: bool,
    checks: Vec<Verdict<'a>>,
}

#[derive(Serialize)]
struct Verdict<'a> {
    kept: bool,
    #[serde(flatten)]
    check: &'a Check,
}

/// A document of every report's subject and checks, with what has most of what they limit.
///
/// # Panics
/// Never: strings and numbers serialize.
#[must_use]
pub fn checks_json(results: &[(Report, Vec<Check>)]) -> String {
    let results: Vec<ModelChecks<'_>> = results.iter().map(|(report, checks)| made(report, checks)).collect();
    let document = ChecksDocument { schema: SCHEMA, kept: results.iter().all(|result| result.kept), results };
    serde_json::to_string_pretty(&document).expect("strings and numbers serialize") + "\n"
}

fn made<'a>(report: &'a Report, checks: &'a [Check]) -> ModelChecks<'a> {
    ModelChecks {
        model: &report.model,
        framework: &report.framework,
        kept: checks.iter().all(Check::holds),
        checks: checks.iter().map(|check| Verdict { kept: check.holds(), check }).collect(),
    }
}
