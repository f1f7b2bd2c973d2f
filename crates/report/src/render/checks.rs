//! Budgets that were checked: for people, for GitHub, and as JUnit's test cases.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, Table, presets::NOTHING};
use quick_xml::Writer;
use quick_xml::events::BytesText;

use hawkeye_graph::printable;

use super::table::{binary, grouped, shown};
use crate::budget::{Cause, Check};
use crate::{Quantity, Report};

const FAILED: Style = AnsiColor::Red.on_default().bold();
const FINE: Style = AnsiColor::Green.on_default();

/// A line for each check, the failed ones first and with what causes them.
#[must_use]
pub fn checks_text(results: &[(Report, Vec<Check>)]) -> String {
    results.iter().map(|(report, checks)| one(report, checks)).collect::<Vec<_>>().join("\n")
}

fn one(report: &Report, checks: &[Check]) -> String {
    let (fine, failed): (Vec<&Check>, Vec<&Check>) = checks.iter().partition(|check| check.holds());
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["", "budget", "has", "may have", "exactly", ""]);
    for check in failed.iter().chain(&fine) {
        let verdict = if check.holds() { "fine" } else { "failed" };
        let exactly =
            format!("{} of {}", shown(check.actual, check.quantity), shown(check.limit, check.quantity));
        let (has, may) = (amount(check.actual, check.quantity), amount(check.limit, check.quantity));
        table.add_row([verdict, &check.name, &has, &may, &exactly, &change(check)]);
    }
    table.column_iter_mut().skip(2).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    let mut text = format!("{}\n\n", subject(report));
    let mut lines = table.lines();
    for line in lines.by_ref().take(1) {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    for (line, check) in lines.zip(failed.iter().chain(&fine)) {
        let style = if check.holds() { FINE } else { FAILED };
        let verdict = if check.holds() { "fine" } else { "failed" };
        // Writing to a string never fails.
        let _ =
            writeln!(text, "{}", line.trim_end().replacen(verdict, &format!("{style}{verdict}{style:#}"), 1));
        for cause in check.causes.iter().filter(|_| !check.holds()) {
            let _ = writeln!(text, "           {}", because(cause, check.quantity));
        }
    }
    let _ = writeln!(text, "\n{}", verdict(&checks.iter().collect::<Vec<_>>()));
    text
}

/// Annotations of GitHub's workflows, an error for each check that failed.
#[must_use]
pub fn checks_github(results: &[(Report, Vec<Check>)]) -> String {
    let mut text = String::new();
    for (report, check) in results.iter().flat_map(|(report, checks)| checks.iter().map(move |c| (report, c)))
    {
        if !check.holds() {
            let title = property(&format!("{} over budget", check.name));
            let message = data(&format!("{}: {}", subject(report), sentence(check)));
            // Writing to a string never fails.
            let _ = writeln!(text, "::error title={title}::{message}");
        }
    }
    let all: Vec<&Check> = results.iter().flat_map(|(_, checks)| checks).collect();
    text + &verdict(&all) + "\n"
}

/// A test suite in JUnit's XML for each report, with a test case for each check.
///
/// # Panics
/// Never: strings take all that is written.
#[must_use]
pub fn checks_junit(results: &[(Report, Vec<Check>)]) -> String {
    let all: Vec<&Check> = results.iter().flat_map(|(_, checks)| checks).collect();
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    let (tests, failures) = numbers(&all);
    let suites = writer
        .create_element("testsuites")
        .with_attribute(("tests", tests.as_str()))
        .with_attribute(("failures", failures.as_str()));
    let written = suites.write_inner_content(|writer| {
        for (report, checks) in results {
            let (subject, checks): (String, Vec<&Check>) = (subject(report), checks.iter().collect());
            let (tests, failures) = numbers(&checks);
            let suite = writer
                .create_element("testsuite")
                .with_attribute(("name", subject.as_str()))
                .with_attribute(("tests", tests.as_str()))
                .with_attribute(("failures", failures.as_str()));
            suite.write_inner_content(|writer| checks.iter().try_for_each(|check| case(writer, check)))?;
        }
        Ok(())
    });
    written.expect("strings take all that is written");
    let xml = String::from_utf8(writer.into_inner()).expect("the writer writes text");
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{xml}\n")
}

/// How many checks there are, and how many failed.
fn numbers(checks: &[&Check]) -> (String, String) {
    let failed = checks.iter().filter(|check| !check.holds()).count();
    (checks.len().to_string(), failed.to_string())
}

fn case(writer: &mut Writer<Vec<u8>>, check: &Check) -> std::io::Result<()> {
    let name = format!("{} at most {}", check.name, shown(check.limit, check.quantity));
    let case = writer
        .create_element("testcase")
        .with_attribute(("classname", "hawkeye.check"))
        .with_attribute(("name", name.as_str()));
    if check.holds() {
        return case.write_empty().map(|_| ());
    }
    let causes: Vec<String> = check.causes.iter().map(|cause| because(cause, check.quantity)).collect();
    case.write_inner_content(|writer| {
        let failure = writer.create_element("failure");
        let failure = failure.with_attribute(("message", sentence(check).as_str()));
        failure.write_text_content(BytesText::new(&causes.join("\n"))).map(|_| ())
    })
    .map(|_| ())
}

fn subject(report: &Report) -> String {
    format!("{} under {} {}", printable(&report.model.file), report.framework.name, report.framework.version)
}

fn verdict(checks: &[&Check]) -> String {
    let failed = checks.iter().filter(|check| !check.holds()).count();
    match (failed, checks.len()) {
        (0, 1) => "the budget is kept".to_owned(),
        (0, all) => format!("all {all} budgets are kept"),
        (failed, all) => format!("{failed} of {all} budgets exceeded"),
    }
}

fn sentence(check: &Check) -> String {
    let causes: Vec<String> = check.causes.iter().map(|cause| because(cause, check.quantity)).collect();
    let mostly = if causes.is_empty() { String::new() } else { format!("; mostly {}", causes.join(", ")) };
    let change = change(check);
    let (actual, limit) = (shown(check.actual, check.quantity), shown(check.limit, check.quantity));
    let change = if change.is_empty() { change } else { format!(", {change}") };
    format!("{} is {actual} where {limit} is allowed{change}{mostly}", check.name)
}

/// By how much it is over or under: in per cent of the baseline, or of the limit.
fn change(check: &Check) -> String {
    let (reference, of) = match check.before {
        Some(before) => (before, "the baseline"),
        None => (check.limit, "the limit"),
    };
    if reference > 0 && check.actual >= 10 * reference {
        return format!("{} times {of}", grouped(check.actual / reference));
    }
    let difference = check.actual.abs_diff(reference);
    let side = if check.actual < reference { "below" } else { "above" };
    match (difference * 1000 + reference / 2).checked_div(reference) {
        Some(thousandths) => format!("{}.{} % {side} {of}", thousandths / 10, thousandths % 10),
        None => String::new(),
    }
}

fn because(cause: &Cause, quantity: Quantity) -> String {
    let now = amount(cause.actual, quantity);
    match cause.before {
        Some(before) => format!("{}: {} to {now}", printable(&cause.name), amount(before, quantity)),
        None => format!("{}: {now}", printable(&cause.name)),
    }
}

fn amount(n: u128, quantity: Quantity) -> String {
    match (quantity, u64::try_from(n)) {
        (Quantity::Bytes, Ok(bytes)) => binary(bytes),
        _ => shown(n, quantity),
    }
}

/// Text of an annotation.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of an annotation.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
