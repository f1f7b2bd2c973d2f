//! What the user should know, said once.

use indexmap::IndexMap;

use crate::{DiagnosticInfo, Report};

/// A message, and everything that it is about.
pub(crate) struct Warning<'a> {
    pub(crate) severity: &'a str,
    pub(crate) message: &'a str,
    pub(crate) help: Option<&'a str>,
    pub(crate) places: Vec<&'a str>,
}

impl Warning<'_> {
    /// The first place, and how many more there are.
    pub(crate) fn place(&self) -> String {
        match self.places.as_slice() {
            [] => String::new(),
            [place] => (*place).to_owned(),
            [first, others @ ..] => format!("{first} and {} more", others.len()),
        }
    }
}

/// The diagnostics of a report, equal ones together; errors first, then what is said of most places.
pub(crate) fn warnings(report: &Report) -> Vec<Warning<'_>> {
    let mut told: IndexMap<(&str, &str, Option<&str>), Vec<&str>> = IndexMap::new();
    for DiagnosticInfo { severity, place, message, help } in &report.diagnostics {
        told.entry((severity, message, help.as_deref())).or_default().push(place);
    }
    let mut warnings: Vec<Warning<'_>> = told
        .into_iter()
        .map(|((severity, message, help), places)| Warning { severity, message, help, places })
        .collect();
    warnings.sort_by_key(|warning| (warning.severity != "error", std::cmp::Reverse(warning.places.len())));
    warnings
}
