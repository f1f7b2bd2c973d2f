//! Names of the functions of sheets that the tool itself calls.

use hawkeye_grad::Pass;

/// Names that the tool itself calls: they open no node of the call tree.
pub(crate) const ENTRY_POINTS: [&str; 6] = ["plan", "plan_training", "plan_step", "check", "begin", "end"];
pub(crate) const ENTRY_PREFIXES: [&str; 7] =
    ["lower_", "loss_", "backward_", "update_", "read_", "draw_", "group_"];

/// Whether the tool itself calls a function of that name.
pub(crate) fn is_entry(name: &str) -> bool {
    ENTRY_POINTS.contains(&name) || ENTRY_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Name of the function that lowers an operator.
#[must_use]
pub fn entry_name(pass: Pass, domain: &str, op: &str) -> String {
    let prefix = match pass {
        Pass::Forward => "lower",
        Pass::Loss => "loss",
        Pass::Backward => "backward",
        Pass::Optimizer => "update",
    };
    format!("{prefix}_{}", operator_name(domain, op))
}

/// The operator as part of a function's name.
pub(crate) fn operator_name(domain: &str, op: &str) -> String {
    if domain.is_empty() {
        op.to_owned()
    } else {
        format!("{}_{op}", domain.replace(|c: char| !c.is_ascii_alphanumeric(), "_"))
    }
}
