//! The report as a terminal shows it.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, Table, presets::NOTHING};

use hawkeye_graph::{counted, printable};

use super::cells::{Cells, Row};
use super::facts::facts;
use super::rows::{Rows, View};
use super::table::{binary, grouped, share, shown, table};
use super::warnings::warnings;
use super::wrap::{LEAST_NAME, WIDTH, shortened, wrapped, wrapped_line};
use crate::{Axis, PHASES, PipelineInfo, Quantity, Report, ServiceInfo, SpentInfo};

pub(super) const HEADING: Style = Style::new().bold();
pub(super) const FAINT: Style = Style::new().dimmed();
const LARGE: Style = AnsiColor::Red.on_default().bold();
const MEDIUM: Style = AnsiColor::Yellow.on_default();
/// Longest name of a row; of longer ones the end is shown, which tells most.
pub(super) const NAME: usize = 44;
/// Longest name in a sentence.
const LONGEST: usize = 88;
/// Width of the bar of what costs all, where there is room.
const BAR: usize = 20;
/// Warnings that are shown: more would push the numbers off the screen.
const WARNINGS: usize = 4;

/// Totals, what dominates, and the table of the view, with escape codes for colours.
#[must_use]
pub fn text(report: &Report, view: View) -> String {
    let view = view.for_people();
    let mut text = String::new();
    // Writing to a string never fails.
    let _ = heading(&mut text, report);
    totals(&mut text, report);
    time(&mut text, report);
    if let Some(lines) = dominant(report, view) {
        text.push('\n');
        for line in wrapped(&lines, 2).lines() {
            let _ = writeln!(text, "{HEADING}{line}{HEADING:#}");
        }
    }
    text.push('\n');
    rows(&mut text, report, view);
    told(&mut text, report);
    text
}

fn heading(text: &mut String, report: &Report) -> std::fmt::Result {
    let framework = &report.framework;
    write!(text, "{HEADING}{}{HEADING:#} under ", printable(&report.model.file))?;
    writeln!(text, "{HEADING}{} {}{HEADING:#}", framework.name, framework.version)?;
    for (name, value) in facts(report) {
        let line = wrapped(&format!("{name:<9} {}", printable(&value)), 10);
        let (name, value) = line.split_at(9);
        writeln!(text, "{FAINT}{name}{FAINT:#}{value}")?;
    }
    writeln!(text)
}

fn told(text: &mut String, report: &Report) {
    let warnings = warnings(report);
    for warning in warnings.iter().take(WARNINGS) {
        let said = wrapped(&format!("{}: {}", warning.severity, warning.message), 2);
        let (severity, message) = said.split_at(warning.severity.len());
        // Writing to a string never fails.
        let _ = writeln!(text, "\n{MEDIUM}{severity}{MEDIUM:#}{message}\n  --> {}", warning.place());
        if let Some(help) = warning.help {
            let _ = writeln!(text, "  {}", wrapped(&format!("= help: {help}"), 4));
        }
    }
    if warnings.len() > WARNINGS {
        let more = warnings.len() - WARNINGS;
        let _ = writeln!(text, "\nand {more} more, which --format yaml lists under diagnostics");
    }
}

/// How long it takes, and on what: "12.9 s online on wan-100m (100 Mbit/s, 40 ms there and back) with
/// crypten-cpu: ...".
fn time(text: &mut String, report: &Report) {
    let Some(time) = &report.time else { return };
    let share = |part: f64| if time.seconds > 0.0 { 100.0 * part / time.seconds } else { 0.0 };
    let speed =
        time.bandwidth.map_or("unlimited bandwidth".to_owned(), |bits| format!("{} Mbit/s", bits / 1e6));
    let SpentInfo { latency, transfer, work, wait } = time.spent;
    // Writing to a string never fails.
    let predicted = format!("{:.3} s predicted", time.seconds);
    let on = format!(
        "{predicted} for {} on {} ({speed}, {} ms there and back), machine {}",
        time.phases.join(" and "),
        time.network,
        time.rtt * 1e3,
        time.machine,
    );
    let on = wrapped(&on, 2);
    let _ = writeln!(text, "\n{HEADING}{predicted}{HEADING:#}{}", &on[predicted.len()..]);
    let parts = [("latency", latency), ("transfer", transfer), ("work", work), ("waiting", wait)];
    let parts = parts.map(|(name, part)| format!("{name} {part:.3} s ({:.0} %)", share(part)));
    let _ = writeln!(text, "  {}", parts.join(", "));
    let path = time
        .critical_path
        .map_or(String::new(), |path| format!("; {path:.3} s if independent operators ran side by side"));
    let least = format!("  at least {transfer:.3} s on this link, {work:.3} s on this processor{path}");
    let _ = writeln!(text, "{}", wrapped_line(&least, 4));
    // On a line, transfer is in inverse proportion to the bandwidth, and nothing else depends on it.
    let rest = latency + work + wait;
    if let Some(bits) = time.bandwidth.filter(|_| transfer > 0.0 && rest > 0.0) {
        let _ = writeln!(text, "  below {} transfer dominates", rate(bits * transfer / rest));
    }
    service(text, &time.service);
    for pipeline in &time.pipelines {
        pipelined(text, pipeline);
    }
    if time.machine == "none" {
        let _ = writeln!(text, "  local work is left out: no profile of a machine was given");
    }
}

/// What a service sustains: "at most 0.08 requests/s one after the other, each with 12 MiB of preprocessing".
fn service(text: &mut String, service: &ServiceInfo) {
    let Some(most) = service.requests_per_second else { return };
    let made = match service.material {
        0 => String::new(),
        material => format!(
            ", each with {} of preprocessing that is kept until then and takes {:.3} s more",
            binary(material),
            service.offline_seconds
        ),
    };
    // Writing to a string never fails.
    let most = format!("  at most {most:.3} requests/s one after the other{made}");
    let _ = writeln!(text, "{}", wrapped_line(&most, 4));
    let Some(arrivals) = &service.arrivals else { return };
    let rate = arrivals.rate;
    let kept =
        service.kept.map_or(String::new(), |kept| format!(", {} prepared at most", grouped(kept.into())));
    let answered = match (arrivals.latency, arrivals.latency_95, arrivals.unprepared) {
        (Some(mean), Some(most), Some(unprepared)) => format!(
            "  {rate:.3} requests/s at random{kept}: answered after {mean:.3} s on average, 95 of 100 within {most:.3} s; \
             {:.1} % wait for their preprocessing",
            100.0 * unprepared
        ),
        _ => format!("  {rate:.3} requests/s at random are more than can be answered"),
    };
    let _ = writeln!(text, "{}", wrapped_line(&answered, 4));
}

/// A bandwidth, to three digits.
fn rate(bits: f64) -> String {
    let (number, unit) = if bits >= 1e9 { (bits / 1e9, "Gbit/s") } else { (bits / 1e6, "Mbit/s") };
    let decimals = if number >= 100.0 {
        0
    } else if number >= 10.0 {
        1
    } else {
        2
    };
    format!("{number:.decimals$} {unit}")
}

/// What a schedule gains: "inner-layer=2: 8.1 s, 12.3 % saved; ...".
fn pipelined(text: &mut String, pipeline: &PipelineInfo) {
    let PipelineInfo {
        scheme,
        seconds,
        requests,
        saved,
        throughput,
        idle_processor,
        idle_link,
        operators,
        others,
    } = pipeline;
    let not = |(reason, names): (&String, &Vec<String>)| format!("{} do not: {reason}", names.len());
    let not: Vec<String> = others.iter().map(not).collect();
    let gain = match (operators.len(), not.is_empty()) {
        (0, true) => String::new(),
        (gaining, _) => format!(", {} gain ({})", counted(gaining, "operator"), not.join("; ")),
    };
    let together = if *requests > 1 { format!(" for {requests} requests") } else { String::new() };
    let line = format!(
        "  {scheme}: {seconds:.3} s{together}, {:.1} % saved, {throughput:.3} requests/s{gain}; \
         processor idle {:.0} %, link {:.0} %",
        100.0 * saved,
        100.0 * idle_processor,
        100.0 * idle_link,
    );
    // Writing to a string never fails.
    let _ = writeln!(text, "{}", wrapped_line(&line, 4));
}

fn totals(text: &mut String, report: &Report) {
    let mut table = Table::new();
    let header = ["", "", "bytes"].into_iter().chain(report.quantities().iter().skip(1).map(|q| q.name()));
    table.load_style(NOTHING).set_header(header);
    for (name, cost) in PHASES.iter().zip(report.totals.each()) {
        let exact = Quantity::ALL.map(|quantity| grouped(quantity.of(cost).into()));
        let mut bytes = exact[0].clone();
        if let Some(uncertainty) = cost.uncertainty {
            bytes.push_str(&format!(" ± {}", grouped(uncertainty.bytes.into())));
        }
        let mut cells = vec![(*name).to_owned(), binary(cost.bytes), bytes];
        cells.extend(exact.into_iter().skip(1));
        cells.extend(cost.seconds.map(|_| shown(Quantity::Seconds.of(cost).into(), Quantity::Seconds)));
        table.add_row(cells);
    }
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    let costs = report.totals.each().into_iter();
    let styles = costs.map(|cost| if cost.messages == 0 { FAINT } else { Style::new() });
    styled(text, &table, [FAINT].into_iter().chain(styles));
}

/// What is largest in the phases after set-up, a line for each. Where rows are operators, their kind
/// comes first, for there may be many alike: "Conv is 99 % of the online bytes in 53 operators; the
/// largest operator, /conv1/Conv, is 3 %."
pub(crate) fn dominant(report: &Report, view: View) -> Option<String> {
    let quantity = view.sort?;
    let by = |axis| Rows::new(report, View { axis, top: None, sort: None, fold: false, ..view });
    let whole = by(view.axis);
    if view.axis == Axis::Phase {
        let (share, row) = largest(&whole, |cells| cells.sum(quantity))?;
        return Some(format!("{share} of the {} are {}.", quantity.name(), row.name));
    }
    let kinds = (view.axis == Axis::Operator).then(|| by(Axis::OpType));
    let mut lines = Vec::new();
    for (phase, name) in PHASES.iter().enumerate().skip(1) {
        let of_phase = |cells: &Cells| cells.get(phase, quantity);
        let Some((share, row)) = largest(&whole, of_phase) else { continue };
        let subject = format!("of the {name} {}", quantity.name());
        lines.push(match kinds.as_ref().and_then(|kinds| largest(kinds, of_phase)) {
            Some((_, kind)) if of_phase(&kind.cells) == of_phase(&row.cells) => {
                format!("{} ({}) is {share} {subject}.", shortened(&row.name, LONGEST), row.detail)
            }
            Some((of_kind, kind)) => {
                let costly = report.operators.iter().zip(&whole.rows);
                let count =
                    costly.filter(|(o, row)| o.kind() == kind.name && of_phase(&row.cells) > 0).count();
                let operators = if count == 1 { "operator" } else { "operators" };
                format!(
                    "{} is {of_kind} {subject} in {count} {operators}; the largest operator, {}, is {share}.",
                    kind.name,
                    shortened(&row.name, LONGEST)
                )
            }
            None => format!("{} is {share} {subject}.", row.name),
        });
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The row that has most of an amount, and its share of the whole in per cent; none if there is nothing
/// to share.
fn largest(rows: &Rows, amount: impl Fn(&Cells) -> u128) -> Option<(String, &Row)> {
    let total = amount(&rows.total);
    // Of equal rows the first is meant, as in the table.
    let row = rows.rows.iter().rev().max_by_key(|row| amount(&row.cells))?;
    let share = (amount(&row.cells) * 100 + total / 2).checked_div(total)?;
    Some((if share == 0 { "less than 1 %".to_owned() } else { format!("{share} %") }, row))
}

fn rows(text: &mut String, report: &Report, view: View) {
    let quantity = view.sort.unwrap_or(Quantity::Bytes);
    let rows = Rows::new(report, view);
    let named = |width: usize| {
        let mut rows = rows.clone();
        rows.rows.iter_mut().for_each(|row| row.name = row.title(width));
        let mut table = table(&rows, view);
        table.load_style(NOTHING);
        table
    };
    let broad = |table: &Table| table.lines().map(|line| line.trim_end().chars().count()).max().unwrap_or(0);
    let mut table = named(NAME);
    let excess = broad(&table).saturating_sub(WIDTH);
    if excess > 0 {
        let longest = rows.rows.iter().map(|row| row.title(NAME).chars().count()).max().unwrap_or(0);
        table = named(longest.saturating_sub(excess).max(LEAST_NAME));
    }
    // What names and numbers leave is the bars'.
    let full = WIDTH.saturating_sub(broad(&table) + 2).min(BAR);
    let shown = rows.with_rest();
    let amounts: Vec<u128> = shown.iter().map(|row| row.cells.sum(quantity)).collect();
    let total = rows.total.sum(quantity).max(1);
    let mut styles = vec![FAINT];
    let mut bars = vec![String::new()];
    for (i, amount) in amounts.iter().enumerate() {
        let rest = i >= rows.rows.len();
        styles.push(match share(*amount, total) {
            _ if rest => FAINT,
            200.. => LARGE,
            50.. => MEDIUM,
            _ => Style::new(),
        });
        bars.push(if rest { String::new() } else { bar(*amount, total, full) });
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

/// A bar as long as the share of the total, in eighths of a character; the total is `full` characters long.
fn bar(amount: u128, total: u128, full: usize) -> String {
    let eighths = usize::try_from(amount * (full as u128 * 8) / total).unwrap_or(0);
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
