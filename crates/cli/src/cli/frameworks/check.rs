//! `hawkeye frameworks check`.

use std::process::ExitCode;

use hawkeye::{Checked, Failure, Framework, Severity, check_framework};

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
        "{} {}: {verdict}; {operators} operators, {} parameters, {runs} sample runs\n",
        manifest.name,
        manifest.version,
        manifest.parameters.len()
    );
    Ok((text, if errors == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) }))
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
