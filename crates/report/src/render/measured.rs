//! Measurements beside a report's numbers, as text, Markdown and CSV.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};
use comfy_table::{CellAlignment, Table};

use super::comparison::signed;
use super::csv::field;
use super::table::grouped;
use super::text::{FAINT, HEADING, styled};
use crate::Quantity;
use crate::measured::{Agreement, Line, Measured};

const WRONG: Style = AnsiColor::Red.on_default().bold();
const RIGHT: Style = AnsiColor::Green.on_default();

/// Line by line, and what it comes to, with escape codes for colours.
#[must_use]
pub fn measured_text(measured: &Measured) -> String {
    let mut text = String::new();
    // Writing to a string never fails.
    let _ = writeln!(
        text,
        "{HEADING}{} {}{HEADING:#}, {} parties: what it printed, and what the report says\n",
        measured.framework, measured.version, measured.parties
    );
    let mut table = table(measured);
    table.load_style(NOTHING);
    let style = |line: &Line| match line.agreement {
        Agreement::Equal | Agreement::EqualAsPrinted | Agreement::WithinBand => RIGHT,
        Agreement::Differs => WRONG,
        Agreement::NotCounted => FAINT,
    };
    styled(&mut text, &table, [FAINT].into_iter().chain(measured.lines.iter().map(style)));
    let _ = writeln!(text, "\n{HEADING}{}{HEADING:#}", verdict(measured));
    text
}

/// The same as a Markdown table.
#[must_use]
pub fn measured_markdown(measured: &Measured) -> String {
    let mut table = table(measured);
    table.load_style(ASCII_MARKDOWN);
    format!("**{} {}**: {}\n\n{table}\n", measured.framework, measured.version, verdict(measured))
}

/// A line per number.
#[must_use]
pub fn measured_csv(measured: &Measured) -> String {
    let mut text = "log,line,what,printed,measured,report,difference,agreement\n".to_owned();
    for line in &measured.lines {
        let number = |n: Option<i128>| n.map_or_else(String::new, |n| n.to_string());
        let fields = [
            field(&line.log),
            line.line.to_string(),
            field(&line.what),
            field(&line.printed),
            line.measured.to_string(),
            number(line.report.map(i128::from)),
            number(line.difference),
            line.agreement.name().to_owned(),
        ];
        text.push_str(&(fields.join(",") + "\n"));
    }
    text
}

fn table(measured: &Measured) -> Table {
    let mut table = Table::new();
    table.set_header(["log", "what", "printed", "measured", "report", "report - measured", ""]);
    for line in &measured.lines {
        let shown = |n: Option<u64>| n.map_or_else(|| "-".to_owned(), |n| grouped(n.into()));
        table.add_row([
            format!("{}:{}", line.log, line.line),
            line.what.clone(),
            line.printed.clone(),
            shown(Some(line.measured)),
            shown(line.report),
            line.difference.map_or_else(String::new, |n| signed(n, Quantity::Messages)),
            line.agreement.name().to_owned(),
        ]);
    }
    table.column_iter_mut().skip(2).take(4).for_each(|c| c.set_cell_alignment(CellAlignment::Right));
    table
}

/// "All 4 numbers are equal.", or how many are not.
fn verdict(measured: &Measured) -> String {
    let count =
        |agreement: Agreement| measured.lines.iter().filter(|line| line.agreement == agreement).count();
    let kinds = [
        Agreement::Equal,
        Agreement::EqualAsPrinted,
        Agreement::WithinBand,
        Agreement::Differs,
        Agreement::NotCounted,
    ];
    let parts: Vec<String> = kinds
        .into_iter()
        .filter(|kind| count(*kind) > 0)
        .map(|kind| format!("{} {}", count(kind), kind.name()))
        .collect();
    let all = measured.lines.len();
    format!("{all} number{} printed: {}.", if all == 1 { "" } else { "s" }, parts.join(", "))
}
