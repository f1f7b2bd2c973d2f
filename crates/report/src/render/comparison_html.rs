//! A comparison as one page that needs nothing else: bars of every side under each other.

use std::fmt::Write;

use super::comparison::{counted, why};
use super::comparison_fold::folded;
use super::html::{STYLE, escape};
use super::table::{binary, grouped, letters, ratio, shown};
use crate::compare::{Columns, Comparison};
use crate::{PHASES, Phases, Quantity};

/// Operators with bars of their own; CSV and JSON have all.
const SHOWN: usize = 24;

/// A page for browsers, without scripts.
#[must_use]
pub fn comparison_html(comparison: &Comparison, quantity: Quantity) -> String {
    let models: Vec<&str> = comparison.sides.iter().map(|side| side.model.file.as_str()).collect();
    let same = models.iter().all(|model| Some(model) == models.first());
    let title = match models.first() {
        Some(model) if same => format!("{model}, {} sides compared", models.len()),
        _ => format!("{} sides compared", models.len()),
    };
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" content=\"hawkeye\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{0}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{0}</h1>\n<ul>\n",
        escape(&title)
    );
    for (letter, side) in letters().zip(&comparison.sides) {
        // Writing to a string never fails.
        let _ = writeln!(
            text,
            "<li><b>{letter}</b> {}: {} under {} {}, {} parties, batch {}</li>",
            escape(&side.label),
            escape(&side.model.file),
            escape(&side.framework.name),
            escape(&side.framework.version),
            side.framework.parties,
            side.run.batch
        );
    }
    for refused in &comparison.refused {
        let _ = writeln!(text, "<li>{} refuses: {}</li>", escape(&refused.label), escape(&why(refused)));
    }
    text.push_str("</ul>\n<section>\n<h2>Totals</h2>\n<div class=\"ranks\">\n");
    for (phase, name) in PHASES.iter().enumerate() {
        for &quantity in comparison.quantities() {
            let title = format!("{name} {}", quantity.name());
            bars(&mut text, comparison, &title, &amounts(&comparison.totals, quantity, &[phase]), quantity);
        }
    }
    let _ = writeln!(
        text,
        "</div>\n</section>\n<section>\n<h2>What differs most, by {}</h2>\n<p class=\"faint\">{}</p>\n<div class=\"ranks\">",
        quantity.name(),
        escape(&counted(comparison))
    );
    let rows = folded(&comparison.operators, quantity);
    for row in rows.iter().take(SHOWN) {
        let title = match row.sum.op.as_str() {
            "" => row.title(usize::MAX),
            op => format!("{} ({op})", row.title(usize::MAX)),
        };
        bars(&mut text, comparison, &title, &amounts(&row.sum.columns, quantity, &[0, 1, 2]), quantity);
    }
    if rows.len() > SHOWN {
        let more = rows.len() - SHOWN;
        let _ = writeln!(text, "<p class=\"faint\">and {more} more, which --format csv lists</p>");
    }
    text + "</div>\n</section>\n</main>\n</body>\n</html>\n"
}

/// What each side has of a quantity in some phases.
fn amounts(columns: &Columns, quantity: Quantity, phases: &[usize]) -> Vec<Option<u128>> {
    let sum = |cost: &Phases| -> u128 {
        phases.iter().map(|phase| u128::from(quantity.of(cost.each()[*phase]))).sum()
    };
    columns.costs.iter().map(|cost| cost.as_ref().map(sum)).collect()
}

/// A bar for each side, as long as its part of the largest; nothing if no side has any.
fn bars(
    text: &mut String,
    comparison: &Comparison,
    title: &str,
    amounts: &[Option<u128>],
    quantity: Quantity,
) {
    let largest = amounts.iter().flatten().copied().max().unwrap_or(0);
    if largest == 0 {
        return;
    }
    let first = amounts.first().copied().flatten();
    // Writing to a string never fails.
    let _ = writeln!(text, "<div><h3>{}</h3>", escape(title));
    for ((letter, side), amount) in letters().zip(&comparison.sides).zip(amounts) {
        let thousandths = amount.unwrap_or(0) * 1000 / largest;
        let text_of = match (amount, quantity) {
            (None, _) => "not there".to_owned(),
            (Some(n), Quantity::Bytes) => u64::try_from(*n).map_or_else(|_| grouped(*n), binary),
            (Some(n), _) => shown(*n, quantity),
        };
        let against = if letter == 'A' { String::new() } else { ratio(first, *amount) };
        let against = if against.is_empty() { against } else { format!("{against} ×") };
        let _ = writeln!(
            text,
            "<div class=\"rank\"><span class=\"side\">{letter} {}</span>\
             <span class=\"number\" title=\"{}\">{text_of}</span><span class=\"percent\">{against}</span>\
             <span class=\"track\"><i style=\"width:{}.{}%\"></i></span></div>",
            escape(&side.label),
            amount.map(|n| shown(n, quantity)).unwrap_or_default(),
            thousandths / 10,
            thousandths % 10
        );
    }
    text.push_str("</div>\n");
}
