//! A Markdown table.

use comfy_table::presets::ASCII_MARKDOWN;

use hawkeye_graph::printable;

use super::rows::{Rows, View};
use super::table::table;
use super::text::dominant;
use crate::Report;

/// What dominates, and the table of the view.
#[must_use]
pub fn markdown(report: &Report, view: View) -> String {
    let view = view.for_people();
    let mut rows = Rows::new(report, view);
    for row in &mut rows.rows {
        row.name = row.name.replace('|', "\\|");
    }
    let mut table = table(&rows, view);
    table.load_style(ASCII_MARKDOWN);
    let headline = dominant(report, view).map(|lines| format!(" {lines}")).unwrap_or_default();
    format!(
        "**{} under {} {}**, {} parties.{headline}\n\n{table}\n",
        printable(&report.model.file),
        report.framework.name,
        report.framework.version,
        report.framework.parties
    )
}
