//! A Markdown table.

use comfy_table::presets::ASCII_MARKDOWN;

use hawkeye_graph::printable;

use super::facts::facts;
use super::rows::{Rows, View};
use super::table::table;
use super::text::dominant;
use super::warnings::{Warning, warnings};
use crate::Report;

/// Text in which nothing means anything to Markdown: no end of a cell, no markup, no emphasis.
#[must_use]
pub fn verbatim(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '|' | '<' | '*' | '`') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// What dominates, and the table of the view.
#[must_use]
pub fn markdown(report: &Report, view: View) -> String {
    let view = view.for_people();
    let mut rows = Rows::new(report, view);
    for row in &mut rows.rows {
        row.name = verbatim(&row.title(usize::MAX));
    }
    let mut table = table(&rows, view);
    table.load_style(ASCII_MARKDOWN);
    let headline = dominant(report, view).map(|lines| format!(" {}", verbatim(&lines))).unwrap_or_default();
    let facts: String = facts(report)
        .iter()
        .map(|(name, value)| format!("- {name}: {}\n", verbatim(&printable(value))))
        .collect();
    let warning =
        |w: &Warning<'_>| format!("\n> {}: {} ({})\n", w.severity, verbatim(w.message), verbatim(&w.place()));
    let told: String = warnings(report).iter().map(warning).collect();
    format!(
        "**{} under {} {}**.{headline}\n\n{facts}\n{table}\n{told}",
        verbatim(&printable(&report.model.file)),
        report.framework.name,
        report.framework.version,
    )
}
