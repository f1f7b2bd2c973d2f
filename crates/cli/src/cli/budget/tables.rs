//! The tables of a budget, as rows of text.

use comfy_table::{CellAlignment, Table, presets};
use hawkeye::{ActivationBudget, ActivationPrice};
use hawkeye_report::render::grouped as with_separators;

/// A table: its first column is names, the others are numbers.
pub(super) struct BudgetTable {
    pub(super) title: &'static str,
    pub(super) header: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
}

/// What the whole says, in sentences.
pub(super) fn summary(budget: &ActivationBudget) -> Vec<String> {
    let own: u64 = budget.layers.iter().map(|layer| layer.own.bytes).sum();
    let percent = (u128::from(own) * 100).checked_div(budget.price.bytes.into()).unwrap_or(0);
    let time = budget.price.seconds.map_or_else(String::new, |seconds| format!(" in {seconds:.3} s"));
    let advice = if percent >= 50 {
        "They are most of it, so that their number tells the cost."
    } else {
        "They are the smaller part, so that their number does not tell the cost: products do."
    };
    let whole = format!(
        "{} bytes and {} online rounds{time}; activations of {} elements are {percent} % of the bytes.",
        grouped(budget.price.bytes),
        budget.price.rounds,
        grouped(budget.elements),
    );
    vec![whole, advice.to_owned()]
}

/// Each layer by itself, then one after another.
pub(super) fn tables(budget: &ActivationBudget) -> [BudgetTable; 2] {
    let timed = budget.price.seconds.is_some();
    let with_time = |header: &[&'static str]| {
        let time = timed.then_some("seconds");
        header.iter().copied().chain(time).collect()
    };
    let layers = budget.layers.iter().map(|layer| {
        let own = [layer.elements, layer.own.bytes, layer.own.bytes.checked_div(layer.elements).unwrap_or(0)];
        let saved = match (&layer.without, &layer.refused) {
            (Some(price), _) => saved(&budget.price, price),
            (None, refused) => vec![format!("not run: {}", refused.as_deref().unwrap_or_default())],
        };
        std::iter::once(layer.name.clone()).chain(own.map(grouped)).chain(saved).collect()
    });
    let points = budget.front.iter().map(|point| {
        let time = point.price.seconds.map(|seconds| format!("{seconds:.3}"));
        let numbers = [grouped(point.elements), grouped(point.price.bytes), point.price.rounds.to_string()];
        std::iter::once(point.replaced.clone()).chain(numbers).chain(time).collect()
    });
    [
        BudgetTable {
            title: "Each by itself, the whole model priced again",
            header: with_time(&["layer", "elements", "own bytes", "per element", "bytes saved", "rounds"]),
            rows: layers.collect(),
        },
        BudgetTable {
            title: "One after another, the most bytes per element first",
            header: with_time(&["replaced", "elements", "bytes", "rounds"]),
            rows: points.collect(),
        },
    ]
}

/// What goes, in bytes, rounds and seconds; with a sign if it costs more.
fn saved(before: &ActivationPrice, after: &ActivationPrice) -> Vec<String> {
    let bytes = match after.bytes > before.bytes {
        true => format!("-{}", grouped(after.bytes - before.bytes)),
        false => grouped(before.bytes - after.bytes),
    };
    let rounds = i128::from(before.rounds) - i128::from(after.rounds);
    let seconds = before.seconds.zip(after.seconds).map(|(before, after)| format!("{:.3}", before - after));
    [bytes, rounds.to_string()].into_iter().chain(seconds).collect()
}

pub(super) fn text(budget: &ActivationBudget) -> String {
    let mut text = summary(budget).join("\n") + "\n";
    for table in tables(budget) {
        let mut lines = Table::new();
        lines.load_style(presets::NOTHING);
        lines.set_header(table.header);
        for row in table.rows {
            lines.add_row(row);
        }
        for column in lines.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        text.push_str(&format!("\n{}:\n\n{lines}\n", table.title));
    }
    text
}

fn grouped(n: u64) -> String {
    with_separators(n.into())
}
