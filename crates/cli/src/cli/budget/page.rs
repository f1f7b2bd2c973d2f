//! A budget as a page: the front as a picture, and the tables.

use std::fmt::Write;

use hawkeye::{ActivationBudget, ActivationPrice};
use hawkeye_report::render::{escape, grouped};

use super::super::output::STYLE;
use super::tables::{BudgetTable, summary, tables};

/// Size of a picture, and the room around it for labels.
const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 240.0;
const MARGIN: f64 = 56.0;

/// A page that needs nothing else.
pub(super) fn page(budget: &ActivationBudget, title: &str) -> String {
    let title = escape(title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Activations of {title}</title>\n\
         <style>{STYLE}td:nth-child(n+2),th:nth-child(n+2){{text-align:right}}.number{{white-space:nowrap}}\
         svg{{max-width:100%;height:auto}}polyline{{fill:none;stroke:#2a9d96;stroke-width:2}}\
         circle{{fill:#2a9d96}}line{{stroke:#999}}text{{font-size:12px;fill:currentColor}}</style>\n<main>\n<h1>Activations of {title}</h1>\n"
    );
    for line in summary(budget) {
        let _ = writeln!(page, "<p>{}</p>", escape(&line));
    }
    let whole = [(budget.elements, "the model", budget.price)];
    let points = budget.front.iter().map(|point| (point.elements, point.replaced.as_str(), point.price));
    let points: Vec<(u64, &str, ActivationPrice)> = whole.into_iter().chain(points).collect();
    let quantity = |unit: &str, of: &dyn Fn(&ActivationPrice) -> f64| {
        let points: Vec<_> = points.iter().map(|(n, name, price)| (*n, *name, of(price))).collect();
        picture(unit, &points)
    };
    page.push_str(&quantity("bytes", &|price| price.bytes as f64));
    page.push_str(&quantity("online rounds", &|price| price.rounds as f64));
    if budget.price.seconds.is_some() {
        page.push_str(&quantity("seconds", &|price| price.seconds.unwrap_or_default()));
    }
    for table in tables(budget) {
        page.push_str(&rows(&table));
    }
    page + "</main>\n</html>\n"
}

/// Elements that activations are still applied to against a quantity, both from zero on.
fn picture(unit: &str, points: &[(u64, &str, f64)]) -> String {
    let (most, highest) = points.iter().fold((1.0f64, 0.0f64), |(most, highest), (elements, _, value)| {
        (most.max(*elements as f64), highest.max(*value))
    });
    let place = |elements: u64, value: f64| {
        let up = if highest > 0.0 { value / highest } else { 0.0 };
        (MARGIN + WIDTH * elements as f64 / most, MARGIN + HEIGHT * (1.0 - up))
    };
    let (mut line, mut dots) = (String::new(), String::new());
    for (elements, name, value) in points {
        let (x, y) = place(*elements, *value);
        let _ = write!(line, "{x:.1},{y:.1} ");
        let title = escape(&format!("{name}: {elements} elements, {} {unit}", number(*value)));
        let _ = write!(dots, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"><title>{title}</title></circle>");
    }
    let (left, right, top, bottom) = (MARGIN, MARGIN + WIDTH, MARGIN, MARGIN + HEIGHT);
    let axes = format!(
        "<line x1=\"{left}\" y1=\"{bottom}\" x2=\"{right}\" y2=\"{bottom}\"/>\
         <line x1=\"{left}\" y1=\"{top}\" x2=\"{left}\" y2=\"{bottom}\"/>\
         <text x=\"{left}\" y=\"{}\">{} {unit}</text>\
         <text x=\"{right}\" y=\"{}\" text-anchor=\"end\">{} elements of activations left</text>",
        top - 10.0,
        number(highest),
        bottom + 20.0,
        number(most),
    );
    format!(
        "<svg width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"img\" aria-label=\"{unit} by activations that are left\">{axes}<polyline points=\"{2}\"/>{dots}</svg>\n",
        WIDTH + 2.0 * MARGIN,
        HEIGHT + 2.0 * MARGIN,
        line.trim_end(),
    )
}

/// Whole numbers as they are, seconds to three places.
fn number(value: f64) -> String {
    if value.fract() == 0.0 { grouped(value as u128) } else { format!("{value:.3}") }
}

fn rows(table: &BudgetTable) -> String {
    // Names may be broken anywhere, numbers nowhere.
    let is_number = |cell: &str| cell.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | ',' | '.'));
    let row = |tag: &str, cells: &mut dyn Iterator<Item = &str>| {
        let class = |cell: &str| if is_number(cell) { " class=\"number\"" } else { "" };
        let cells: String =
            cells.map(|cell| format!("<{tag}{}>{}</{tag}>", class(cell), escape(cell))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let header = row("th", &mut table.header.iter().copied());
    let body: String = table.rows.iter().map(|r| row("td", &mut r.iter().map(String::as_str))).collect();
    format!("<h2>{}</h2>\n<table>\n{header}{body}</table>\n", table.title)
}
