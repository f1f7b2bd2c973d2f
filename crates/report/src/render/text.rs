//! The report as a terminal shows it.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, Table, presets::NOTHING};

use super::rows::{Rows, View};
use super::table::{binary, grouped, shares, table};
use super::{Axis, PHASES, Quantity};
use crate::Report;

pub(super) const HEADING: Style = Style::new().bold();
pub(super) const FAINT: Style = Style::new().dimmed();
const LARGE: Style = AnsiColor::Red.on_default().bold();
const MEDIUM: Style = AnsiColor::Yellow.on_default();
/// Longest name of a row; of longer ones the end is shown, which tells most.
const NAME: usize = 44;
/// Width of the largest bar.
const BAR: usize = 20;
/// Warnings that are shown: more would push the numbers off the screen.
const WARNINGS: usize = 2;

/// Totals, what dominates, and the table of the view, with escape codes for colours.
#[must_use]
pub fn text(report: &Report, view: View) -> String {
    let view = view.for_people();
    let mut text = String::new();
    // Writing to a string never fails.
    let _ = heading(&mut text, report);
    totals(&mut text, report);
    if let Some(line) = dominant(report, view) {
        let _ = writeln!(text, "\n{HEADING}{line}{HEADING:#}");
    }
    text.push('\n');
    rows(&mut text, report, view);
    warnings(&mut text, report);
    text
}

fn heading(text: &mut String, report: &Report) -> std::fmt::Result {
    let framework = &report.framework;
    write!(text, "{HEADING}{}{HEADING:#} under ", report.model.file)?;
    write!(text, "{HEADING}{} {}{HEADING:#}, ", framework.name, framework.version)?;
    write!(text, "{} parties, batch {}", framework.parties, report.run.batch)?;
    for (name, size) in &report.run.dims {
        write!(text, ", {name} {size}")?;
    }
    writeln!(text, ", weights {}\n", report.run.weights)
}

fn warnings(text: &mut String, report: &Report) {
    for diagnostic in report.diagnostics.iter().take(WARNINGS) {
        let (severity, message) = (&diagnostic.severity, &diagnostic.message);
        // Writing to a string never fails.
        let _ = writeln!(text, "\n{MEDIUM}{severity}{MEDIUM:#}: {message}\n  --> {}", diagnostic.place);
    }
    if report.diagnostics.len() > WARNINGS {
        let more = report.diagnostics.len() - WARNINGS;
        let _ = writeln!(text, "\nand {more} more, which --format yaml lists under diagnostics");
    }
}

fn totals(text: &mut String, report: &Report) {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["", "", "bytes", "messages", "rounds"]);
    for (name, cost) in PHASES.iter().zip(report.totals.each()) {
        let exact = Quantity::ALL.map(|quantity| grouped(quantity.of(cost).into()));
        let mut bytes = exact[0].clone();
        if let Some(uncertainty) = cost.uncertainty {
            bytes.push_str(&format!(" ± {}", grouped(uncertainty.bytes.into())));
        }
        table.add_row([*name, &binary(cost.bytes), &bytes, &exact[1], &exact[2]]);
    }
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    let costs = report.totals.each().into_iter();
    let styles = costs.map(|cost| if cost.messages == 0 { FAINT } else { Style::new() });
    styled(text, &table, [FAINT].into_iter().chain(styles));
}

/// Which part of the larger phases is largest: "MaxPool is 61 % of the online bytes."
pub(crate) fn dominant(report: &Report, view: View) -> Option<String> {
    let axis = if matches!(view.axis, Axis::Module | Axis::Protocol) { view.axis } else { Axis::OpType };
    let quantity = view.sort?;
    let all = Rows::new(report, View { axis, top: None, ..view });
    let mut parts = Vec::new();
    for (phase, name) in PHASES.iter().enumerate().skip(1) {
        let total = all.total.get(phase, quantity);
        let largest = all.rows.iter().max_by_key(|row| row.cells.get(phase, quantity));
        if let Some(row) = largest
            && total > 0
        {
            let share = (row.cells.get(phase, quantity) * 100 + total / 2) / total;
            parts.push(format!("{} is {share} % of the {name} {}", row.name, quantity.name()));
        }
    }
    (!parts.is_empty()).then(|| parts.join("; ") + ".")
}

fn rows(text: &mut String, report: &Report, view: View) {
    let quantity = view.sort.unwrap_or(Quantity::Bytes);
    let mut rows = Rows::new(report, view);
    for row in &mut rows.rows {
        row.name = shortened(&row.name);
    }
    let mut table = table(&rows, view);
    table.load_style(NOTHING);
    let shown = rows.with_rest();
    let amounts: Vec<u128> = shown.iter().map(|row| row.cells.sum(quantity)).collect();
    let largest = rows.rows.iter().map(|row| row.cells.sum(quantity)).max().unwrap_or(0).max(1);
    let mut styles = vec![FAINT];
    let mut bars = vec![String::new()];
    for (i, (amount, share)) in amounts.iter().zip(shares(amounts.iter().copied())).enumerate() {
        let rest = i >= rows.rows.len();
        styles.push(match share {
            _ if rest => FAINT,
            200.. => LARGE,
            50.. => MEDIUM,
            _ => Style::new(),
        });
        bars.push(if rest { String::new() } else { bar(*amount, largest) });
    }
    styles.push(HEADING);
    bars.push(String::new());
    let mut column = bars.into_iter();
    let header = table.header().cloned();
    if let (Some(mut header), Some(bar)) = (header, column.next()) {
        header.add_cell(bar.into());
        table.set_header(header);
    }
    table.row_iter_mut().zip(column).for_each(|(row, bar)| {
        row.add_cell(bar.into());
    });
    styled(text, &table, styles.into_iter());
}

/// A name that fits its column.
pub(super) fn shortened(name: &str) -> String {
    let length = name.chars().count();
    if length > NAME {
        format!("…{}", name.chars().skip(length - NAME + 1).collect::<String>())
    } else {
        name.to_owned()
    }
}

/// A bar, in eighths of a character.
fn bar(amount: u128, largest: u128) -> String {
    let eighths = usize::try_from(amount * (BAR as u128 * 8) / largest).unwrap_or(0);
    let part = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
    "█".repeat(eighths / 8) + part
}

/// Writes the lines of a table, each in its style.
pub(super) fn styled(text: &mut String, table: &Table, styles: impl Iterator<Item = Style>) {
    for (line, style) in table.lines().zip(styles) {
        // Writing to a string never fails.
        let _ = writeln!(text, "{style}{}{style:#}", line.trim_end());
    }
}
