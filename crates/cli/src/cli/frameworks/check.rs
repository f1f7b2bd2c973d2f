//! `hawkeye frameworks check`.

use std::process::ExitCode;

use hawkeye::{Checked, Failure, Framework, Severity, check_framework};
use hawkeye_graph::counted;

use super::output;

/// Prints what is wrong; 1 if anything is.
pub(super) fn run(name: &str) -> Result<(String, ExitCode), Failure> {
    let framework = Framework::open(name)?;
    let manifest = framework.manifest.clone();
    let Checked { diagnostics, operators, runs } = check_framework(&framework)?;
    output::warn(&diagnostics);
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
    let verdict = match (errors, diagnostics.len() - errors) {
        (0, 0) => "fine".to_owned(),
        (0, warnings) => format!("fine, but for {}", counted(warnings, "warning")),
        (errors, 0) => counted(errors, "error"),
        (errors, warnings) => format!("{}, {}", counted(errors, "error"), counted(warnings, "warning")),
    };
    let text = format!(
        "{} {}: {verdict}; {}, {}, {}\n",
        manifest.name,
        manifest.version,
        counted(operators, "operator"),
        counted(manifest.parameters.len(), "parameter"),
        counted(runs, "sample run")
    );
    Ok((text, if errors == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) }))
}
