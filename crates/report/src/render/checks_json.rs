//! Budgets that were checked, for programs.

use serde::Serialize;

use crate::budget::Check;
use crate::{FrameworkInfo, ModelInfo, Report};

/// Name and version of the document's schema.
const SCHEMA: &str = "hawkeye-checks/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    model: &'a ModelInfo,
    framework: &'a FrameworkInfo,
    /// Whether every limit is kept.
    kept: bool,
    checks: Vec<Verdict<'a>>,
}

#[derive(Serialize)]
struct Verdict<'a> {
    kept: bool,
    #[serde(flatten)]
    check: &'a Check,
}

/// A document of the report's subject and every check, with what has most of what it limits.
///
/// # Panics
/// Never: strings and numbers serialize.
#[must_use]
pub fn checks_json(report: &Report, checks: &[Check]) -> String {
    let document = Document {
        schema: SCHEMA,
        model: &report.model,
        framework: &report.framework,
        kept: checks.iter().all(Check::holds),
        checks: checks.iter().map(|check| Verdict { kept: check.holds(), check }).collect(),
    };
    serde_json::to_string_pretty(&document).expect("strings and numbers serialize") + "\n"
}
