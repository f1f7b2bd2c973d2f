//! What was applied and what it saved, as text, JSON, Markdown or a page.

use comfy_table::{CellAlignment, Table, TableStyle, presets};
use hawkeye::Failure;
use hawkeye_report::render::{escape, grouped};
use hawkeye_rewrite::{Applied, Price, Promise};
use serde_json::{Value, json};

use super::catalogue::terms;
use super::{Optimised, TableFormat, Tuned, output};

/// Most conditions that are printed; JSON has them all.
const QUESTIONS: usize = 5;

/// Rows add up to the difference of the two reports.
pub(super) fn render(found: &Optimised<'_>, format: TableFormat) -> Result<String, Failure> {
    match format {
        TableFormat::Json => serde_json::to_string_pretty(&document(found))
            .map(|text| text + "\n")
            .map_err(|e| output::failed(e.to_string())),
        TableFormat::Html => Ok(page(found)),
        TableFormat::Text => Ok(lines(found, presets::NOTHING)),
        TableFormat::Markdown => Ok(lines(found, presets::ASCII_MARKDOWN)),
    }
}

/// The change from one number to another, in percent.
pub(super) fn share(from: u64, to: u64) -> String {
    match from {
        0 => String::new(),
        _ => format!("{:+.1} %", (to as f64 - from as f64) * 100.0 / from as f64),
    }
}

/// A change, its digits in groups of three.
fn signed(change: i128) -> String {
    format!("{}{}", if change < 0 { '-' } else { '+' }, grouped(change.unsigned_abs()))
}

/// Bytes and rounds, before and after.
pub(super) fn change(before: Price, after: Price) -> String {
    let shown = |n: u64| grouped(n.into());
    format!(
        "{} -> {} bytes ({}), {} -> {} rounds",
        shown(before.bytes),
        shown(after.bytes),
        share(before.bytes, after.bytes),
        shown(before.rounds),
        shown(after.rounds)
    )
}

/// The price of the model as it was.
fn before(found: &Optimised<'_>) -> Option<Price> {
    found.tuned.first().map_or(found.rewritten.before, |first| first.before)
}

fn document(found: &Optimised<'_>) -> Value {
    let tuned = |row: &Tuned| json!({"set": row.setting, "needs": row.needs, "before": counts(row.before), "after": counts(Some(row.after))});
    let row = |row: &Applied<'_>| {
        json!({
            "rule": row.rule.name, "nodes": row.nodes, "before": counts(row.before),
            "after": counts(Some(row.after)), "assuming": row.questions, "exact": row.rule.promise == Promise::Exact,
            "terms": terms(row.rule),
        })
    };
    json!({
        "before": counts(before(found)), "after": counts(found.rewritten.after),
        "tuned": found.tuned.iter().map(tuned).collect::<Vec<_>>(),
        "applied": found.rewritten.applied.iter().map(row).collect::<Vec<_>>(),
    })
}

fn counts(price: Option<Price>) -> Value {
    price.map_or(Value::Null, |price| json!({"bytes": price.bytes, "rounds": price.rounds}))
}

/// Rows of the table: what, where, change of bytes and of rounds, share of the whole.
fn rows(found: &Optimised<'_>) -> Vec<[String; 5]> {
    let total = before(found).unwrap_or_default().bytes;
    let row = |what: &str, place: String, from: Option<Price>, to: Price| {
        let from = from.unwrap_or_default();
        let change = i128::from(to.bytes) - i128::from(from.bytes);
        let rounds = i128::from(to.rounds) - i128::from(from.rounds);
        let part = match total {
            0 => String::new(),
            _ => format!("{:+.1} %", change as f64 * 100.0 / total as f64),
        };
        [what.to_owned(), place, signed(change), signed(rounds), part]
    };
    let place = |nodes: &[String]| match nodes {
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        [] => String::new(),
    };
    let tuned = found.tuned.iter().map(|t| row(&t.setting, "the framework".to_owned(), t.before, t.after));
    let applied =
        found.rewritten.applied.iter().map(|a| row(a.rule.name, place(&a.nodes), a.before, a.after));
    tuned.chain(applied).collect()
}

const HEADER: [&str; 5] = ["rule", "where", "bytes", "rounds", "saved"];

fn lines(found: &Optimised<'_>, style: TableStyle) -> String {
    let mut table = Table::new();
    table.load_style(style);
    table.set_header(HEADER);
    let rows = rows(found);
    for row in &rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = if rows.is_empty() { "nothing to save\n".to_owned() } else { format!("{table}\n\n") };
    for line in summary(found) {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// The whole, and what it rests on.
fn summary(found: &Optimised<'_>) -> Vec<String> {
    let after = found.rewritten.after.unwrap_or_default();
    let mut lines = vec![match before(found) {
        Some(before) => change(before, after),
        None => format!(
            "{} bytes, {} rounds; the model as it is can't be priced: the framework lacks operators of it",
            grouped(after.bytes.into()),
            grouped(after.rounds.into())
        ),
    }];
    if let Some(before) = before(found).filter(|before| before.seconds > 0.0) {
        lines.push(format!("{:.3} -> {:.3} seconds", before.seconds, after.seconds));
    }
    lines.extend(found.tuned.iter().map(|row| format!("{} needs {}", row.setting, row.needs)));
    let mut inexact: Vec<String> = Vec::new();
    for row in found.rewritten.applied.iter().filter(|row| row.rule.promise != Promise::Exact) {
        inexact.push(format!("{} is not exact: {}", row.rule.name, terms(row.rule)));
    }
    inexact.dedup();
    lines.extend(inexact);
    let mut questions: Vec<&String> = found.rewritten.applied.iter().flat_map(|row| &row.questions).collect();
    questions.dedup();
    if !questions.is_empty() {
        lines.push(String::new());
        lines.push("if, which the model's file does not tell:".to_owned());
        let shown = questions.len().min(QUESTIONS);
        lines.extend(questions[..shown].iter().map(|question| format!("  {question}")));
        if shown < questions.len() {
            lines.push(format!("  and {} more", questions.len() - shown));
        }
    }
    lines
}

fn page(found: &Optimised<'_>) -> String {
    let cells = |tag: &str, row: &[String]| {
        let cells: String = row.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let body: String = rows(found).iter().map(|row| cells("td", row)).collect();
    let summary: String = summary(found)
        .iter()
        .filter(|line| !line.is_empty())
        .map(|line| format!("<p>{}</p>\n", escape(line)))
        .collect();
    let header = cells("th", &HEADER.map(str::to_owned));
    format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>hawkeye optimize</title>\n\
         <style>{style}td:nth-child(n+3),th:nth-child(n+3){{text-align:right;white-space:nowrap}}</style>\n\
         <main>\n<h1>hawkeye optimize</h1>\n<table>\n{header}{body}</table>\n{summary}</main>\n</html>\n",
        style = output::STYLE
    )
}
