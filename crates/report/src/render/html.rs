//! One page that needs nothing else: the report as JSON, and a program that shows it.

use super::View;
use super::facts::facts;
use super::text::dominant;
use crate::{Axis, Report};

const PAGE: &str = include_str!("html/page.html");
pub(super) const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = concat!(
    include_str!("html/data.js"),
    include_str!("html/fold.js"),
    include_str!("html/flame.js"),
    include_str!("html/timeline.js"),
    include_str!("html/table.js"),
    include_str!("html/page.js"),
);

/// A page for browsers. The element `report` of it holds the whole report, as `--format json` does.
#[must_use]
pub fn html(report: &Report) -> String {
    let framework = &report.framework;
    let title = format!("{} under {} {}", report.model.file, framework.name, framework.version);
    let view = View { axis: Axis::Operator, sort: None, top: None, depth: usize::MAX, fold: false };
    // Nothing in the data can end the element that holds it.
    let data = serde_json::to_string(report).expect("strings and numbers serialize").replace('<', "\\u003c");
    let fill = |name: &str| match name {
        "title" => escape(&title),
        "facts" => lead(report),
        "headline" => escape(&dominant(report, view.for_people()).unwrap_or_default()),
        "style" => STYLE.to_owned(),
        "script" => SCRIPT.to_owned(),
        "report" => data.clone(),
        other => unreachable!("the page has no {other}"),
    };
    let mut page = String::with_capacity(PAGE.len() + STYLE.len() + SCRIPT.len() + data.len());
    for part in PAGE.split("{{") {
        match part.split_once("}}") {
            Some((name, text)) => {
                page.push_str(&fill(name));
                page.push_str(text);
            }
            None => page.push_str(part),
        }
    }
    page
}

/// What decides what the report is worth, on one line.
fn lead(report: &Report) -> String {
    let fact = |(name, value): &(&str, String)| format!("<b>{name}</b> {}", escape(value));
    facts(report).iter().map(fact).collect::<Vec<_>>().join(" · ")
}

/// Text that is only text in a page.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
