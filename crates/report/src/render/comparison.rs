//! Comparisons as text, Markdown and CSV.

use crate::{PHASES, Quantity};
use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};
use comfy_table::{CellAlignment, Table};

use hawkeye_graph::printable;

use super::comparison_fold::{Folded, folded};
use super::comparison_many;
use super::csv::field;
use super::markdown::verbatim;
use super::table::{exact, grouped, letters, ratio, shown};
use super::text::{FAINT, HEADING, NAME, styled};
use super::wrap::{LEAST_NAME, WIDTH, brief, wrapped};
use crate::compare::{Change, Columns, Comparison, PhaseDifferences, Refused};

const MORE: Style = AnsiColor::Red.on_default();
const LESS: Style = AnsiColor::Green.on_default();
/// Sides that have columns of their own for differences and ratios.
const FEW: usize = 2;

/// Totals and operators side by side, with escape codes for colours; `top` operators, then one row
/// for the rest.
#[must_use]
pub fn comparison_text(comparison: &Comparison, quantity: Quantity, top: Option<usize>) -> String {
    let mut text = String::new();
    for (letter, side) in letters().zip(&comparison.sides) {
        let about = format!(
            "{letter}  {} under {} {}, {} parties, batch {}: ",
            printable(&side.model.file),
            side.framework.name,
            side.framework.version,
            side.framework.parties,
            side.run.batch,
        );
        let line = wrapped(&format!("{about}{}", side.label), 3);
        // Writing to a string never fails.
        let _ = writeln!(text, "{HEADING}{letter}{HEADING:#}{}", &line[letter.len_utf8()..]);
    }
    for refused in &comparison.refused {
        // Writing to a string never fails.
        let line = wrapped(&format!("-  {} refuses: {}", printable(&refused.label), why(refused)), 3);
        let _ = writeln!(text, "{FAINT}{line}{FAINT:#}");
    }
    text.push('\n');
    let many = comparison.sides.len() > FEW;
    let (mut table, changes) = if many { comparison_many::totals(comparison) } else { totals(comparison) };
    table.load_style(NOTHING);
    styled(&mut text, &table, [FAINT].into_iter().chain(changes.into_iter().map(colour)));
    let _ = writeln!(text, "\n{HEADING}{}{HEADING:#}\n", counted(comparison));
    let folded = folded(&comparison.operators, quantity);
    let rows = |width: usize| {
        let name = |row: &Folded| row.title(width);
        let (mut table, changes) = if many {
            comparison_many::operators(comparison, &folded, quantity, top, name)
        } else {
            operators(comparison, &folded, quantity, top, name)
        };
        table.load_style(NOTHING);
        (table, changes)
    };
    let (mut table, mut changes) = rows(NAME);
    let width = table.lines().map(|line| line.trim_end().chars().count()).max().unwrap_or(0);
    if width > WIDTH {
        let longest = folded.iter().map(|row| row.title(NAME).chars().count()).max().unwrap_or(0);
        (table, changes) = rows(longest.saturating_sub(width - WIDTH).max(LEAST_NAME));
    }
    styled(&mut text, &table, [FAINT].into_iter().chain(changes.into_iter().map(colour)));
    text
}

/// The same as Markdown tables.
#[must_use]
pub fn comparison_markdown(comparison: &Comparison, quantity: Quantity, top: Option<usize>) -> String {
    let side = |(letter, side): (char, &crate::compare::Side)| {
        format!(
            "- **{letter}**: {} under {} {} ({})\n",
            side.model.file, side.framework.name, side.framework.version, side.label
        )
    };
    let sides: String = letters().zip(&comparison.sides).map(side).collect();
    let refused: String = comparison
        .refused
        .iter()
        .map(|r| format!("- {} refuses: {}\n", printable(&r.label), why(r)))
        .collect();
    let (mut first, _) = totals(comparison);
    let folded = folded(&comparison.operators, quantity);
    let name = |row: &Folded| verbatim(&row.title(usize::MAX));
    let (mut second, _) = operators(comparison, &folded, quantity, top, name);
    first.load_style(ASCII_MARKDOWN);
    second.load_style(ASCII_MARKDOWN);
    format!("{sides}{refused}\n{first}\n\n{}\n\n{second}\n", counted(comparison))
}

/// A line per operator and one for the total: every phase and quantity of every side, and what each
/// side after the first costs more.
#[must_use]
pub fn comparison_csv(comparison: &Comparison) -> String {
    let quantities = comparison.quantities();
    let columns =
        || (0..PHASES.len()).flat_map(|phase| quantities.iter().map(move |quantity| (phase, *quantity)));
    let sides: Vec<char> = letters().take(comparison.sides.len()).collect();
    let mut header = vec!["operator".to_owned(), "op".to_owned(), "change".to_owned()];
    for (phase, quantity) in columns() {
        let name = format!("{}_{}", PHASES[phase], quantity.name());
        header.extend(sides.iter().map(|side| format!("{side}_{name}")));
        header.extend(sides.iter().skip(1).map(|side| format!("{side}_minus_A_{name}")));
    }
    let numbers = |row: &Columns| {
        let mut numbers = Vec::new();
        for (phase, quantity) in columns() {
            let value = |cost: &Option<crate::Phases>| {
                cost.map_or_else(String::new, |cost| exact(quantity.of(cost.each()[phase]).into(), quantity))
            };
            numbers.extend(row.costs.iter().map(value));
            numbers.extend(row.differences.iter().map(|d| {
                let difference = d.each()[phase].get(quantity);
                let sign = if difference < 0 { "-" } else { "" };
                format!("{sign}{}", exact(difference.unsigned_abs(), quantity))
            }));
        }
        numbers
    };
    let mut text = header.join(",") + "\n";
    for operator in &comparison.operators {
        let mut fields = vec![field(&operator.name), field(&operator.op), operator.change.name().to_owned()];
        fields.extend(numbers(&operator.columns));
        text.push_str(&(fields.join(",") + "\n"));
    }
    let mut fields = vec!["total".to_owned(), String::new(), String::new()];
    fields.extend(numbers(&comparison.totals));
    text + &fields.join(",") + "\n"
}

/// The first cause of a refusal, and how many more there are.
pub(super) fn why(refused: &Refused) -> String {
    let more = refused.causes.saturating_sub(1);
    let shown = brief(&refused.message);
    if more == 0 { shown } else { format!("{shown} (and {} more)", grouped(more as u128)) }
}

pub(super) fn counted(comparison: &Comparison) -> String {
    let count = |change: Change| {
        let count = comparison.operators.iter().filter(|operator| operator.change == change).count();
        (count > 0).then(|| format!("{count} {}", change.name()))
    };
    let parts: Vec<String> = Change::ALL.into_iter().filter_map(count).collect();
    let by_structure = match comparison.matched_by {
        "structure" => " Matched by what they do in which order, since names differ.",
        _ => "",
    };
    if parts.is_empty() {
        "No rows.".to_owned()
    } else {
        format!("Rows: {}.{by_structure}", parts.join(", "))
    }
}

/// Amounts of one row on every side, and its differences.
#[derive(Clone, Debug, Default)]
struct RowAmounts {
    values: Vec<Option<u128>>,
    differences: Vec<i128>,
}

impl RowAmounts {
    /// Of a quantity in some phases.
    fn new(columns: &Columns, quantity: Quantity, phases: &[usize]) -> Self {
        let value = |cost: &Option<crate::Phases>| {
            cost.map(|cost| phases.iter().map(|p| u128::from(quantity.of(cost.each()[*p]))).sum())
        };
        let difference =
            |d: &PhaseDifferences| phases.iter().map(|phase| d.each()[*phase].get(quantity)).sum();
        Self {
            values: columns.costs.iter().map(value).collect(),
            differences: columns.differences.iter().map(difference).collect(),
        }
    }

    fn add(&mut self, other: &Self) {
        self.values.resize(other.values.len(), None);
        self.differences.resize(other.differences.len(), 0);
        for (sum, more) in self.values.iter_mut().zip(&other.values) {
            *sum = sum.map_or(*more, |sum| Some(sum + more.unwrap_or(0)));
        }
        self.differences.iter_mut().zip(&other.differences).for_each(|(sum, more)| *sum += more);
    }

    /// Value of A; then value, difference and ratio of each other side.
    fn cells(&self, quantity: Quantity) -> Vec<String> {
        let of = |value: &Option<u128>| value.map_or_else(|| "-".to_owned(), |n| shown(n, quantity));
        let Some((first, others)) = self.values.split_first() else { return Vec::new() };
        let mut cells = vec![of(first)];
        for (value, difference) in others.iter().zip(&self.differences) {
            cells.extend([of(value), signed(*difference, quantity), ratio(*first, *value)]);
        }
        cells
    }

    /// The last side's difference, which colours the row.
    fn change(&self) -> i128 {
        self.differences.last().copied().unwrap_or(0)
    }
}

fn titles(comparison: &Comparison) -> Vec<String> {
    let mut titles = vec!["A".to_owned()];
    for letter in letters().take(comparison.sides.len()).skip(1) {
        titles.extend([letter.to_string(), format!("{letter} - A"), format!("{letter} / A")]);
    }
    titles
}

/// The table of totals, and how each of its rows changes.
fn totals(comparison: &Comparison) -> (Table, Vec<i128>) {
    let mut table = Table::new();
    let mut changes = Vec::new();
    table.set_header([String::new()].into_iter().chain(titles(comparison)));
    for (phase, name) in PHASES.iter().enumerate() {
        for &quantity in comparison.quantities() {
            let amounts = RowAmounts::new(&comparison.totals, quantity, &[phase]);
            if amounts.values.iter().flatten().any(|value| *value > 0) {
                let label = format!("{name} {}", quantity.name());
                table.add_row([label].into_iter().chain(amounts.cells(quantity)));
                changes.push(amounts.change());
            }
        }
    }
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    (table, changes)
}

/// The table of operators, over all phases; its rows add up to the last.
fn operators(
    comparison: &Comparison,
    rows: &[Folded],
    quantity: Quantity,
    top: Option<usize>,
    name: impl Fn(&Folded) -> String,
) -> (Table, Vec<i128>) {
    let all: Vec<usize> = (0..PHASES.len()).collect();
    let amounts = |row: &Folded| RowAmounts::new(&row.sum.columns, quantity, &all);
    let mut table = Table::new();
    let mut changes = Vec::new();
    table.set_header(
        ["operator", "op", quantity.name()].map(str::to_owned).into_iter().chain(titles(comparison)),
    );
    // A row that says "and 1 more" takes the place of the one it hides.
    let shown = top.filter(|top| top + 1 < rows.len()).unwrap_or(usize::MAX);
    let mut add = |labels: [String; 3], amounts: &RowAmounts| {
        table.add_row(labels.into_iter().chain(amounts.cells(quantity)));
        changes.push(amounts.change());
    };
    for row in rows.iter().take(shown) {
        add([name(row), row.sum.op.clone(), row.sum.change.name().to_owned()], &amounts(row));
    }
    let mut rest = RowAmounts::default();
    let hidden = rows.iter().skip(shown);
    let count = hidden.clone().count();
    hidden.for_each(|row| rest.add(&amounts(row)));
    if count > 0 {
        add([format!("and {count} more"), String::new(), String::new()], &rest);
    }
    let total = RowAmounts::new(&comparison.totals, quantity, &all);
    add(["total".to_owned(), String::new(), String::new()], &total);
    table.column_iter_mut().skip(3).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    (table, changes)
}

fn colour(change: i128) -> Style {
    match change {
        0 => Style::new(),
        1.. => MORE,
        _ => LESS,
    }
}

/// A difference with its sign.
pub(super) fn signed(difference: i128, quantity: Quantity) -> String {
    let sign = match difference {
        0 => "",
        1.. => "+",
        _ => "-",
    };
    format!("{sign}{}", shown(difference.unsigned_abs(), quantity))
}
