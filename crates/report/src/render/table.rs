//! The table that people read, in text and Markdown.

use crate::{Axis, PHASES, Quantity};
use bytesize::ByteSize;
use comfy_table::{CellAlignment, Table};

use super::cells::Cells;
use super::rows::{Rows, View, detail};

/// A table with a header, the rows, the rest and the total; every column adds up to the last row.
pub(crate) fn table(rows: &Rows, view: View) -> Table {
    let quantity = view.sort.unwrap_or(Quantity::Bytes);
    let phases: Vec<usize> = (0..PHASES.len())
        .filter(|phase| Quantity::WITH_TIME.iter().any(|quantity| rows.total.get(*phase, *quantity) > 0))
        .collect();
    let by_phase = view.axis != Axis::Phase && phases.len() > 1;
    let rounds = view.axis != Axis::Link;
    let seconds = rounds && rows.total.sum(Quantity::Seconds) > 0;
    let mut header = vec![view.axis.name().to_owned()];
    header.extend(detail(view.axis).map(str::to_owned));
    let labels = header.len();
    if by_phase {
        header.extend(phases.iter().map(|phase| format!("{} bytes", PHASES[*phase])));
    } else {
        header.push("bytes".to_owned());
    }
    header.push("messages".to_owned());
    header.extend(rounds.then(|| "rounds".to_owned()));
    header.extend(seconds.then(|| "seconds".to_owned()));
    header.push(format!("% of {}", quantity.name()));

    let mut table = Table::new();
    table.set_header(header);
    let listed = rows.with_rest();
    let numbers = |cells: &Cells| {
        let mut numbers: Vec<String> = if by_phase {
            phases.iter().map(|phase| grouped(cells.get(*phase, Quantity::Bytes))).collect()
        } else {
            vec![grouped(cells.sum(Quantity::Bytes))]
        };
        numbers.push(grouped(cells.sum(Quantity::Messages)));
        numbers.extend(rounds.then(|| grouped(cells.sum(Quantity::Rounds))));
        numbers.extend(seconds.then(|| shown(cells.sum(Quantity::Seconds), Quantity::Seconds)));
        numbers
    };
    for row in &listed {
        let mut cells = vec![row.name.clone()];
        cells.extend(detail(view.axis).map(|_| row.detail.clone()));
        cells.extend(numbers(&row.cells));
        cells.push(percent(share(row.cells.sum(quantity), rows.total.sum(quantity))));
        table.add_row(cells);
    }
    let mut total = vec!["total".to_owned()];
    total.extend(detail(view.axis).map(|_| String::new()));
    total.extend(numbers(&rows.total));
    total.push(if rows.total.sum(quantity) > 0 { percent(1000) } else { String::new() });
    table.add_row(total);
    let first_number = if matches!(view.axis, Axis::Operator) { labels } else { 1 };
    for column in table.column_iter_mut().skip(first_number) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A share in thousandths, rounded: equal amounts have equal shares, which need not add up to the whole.
pub(crate) fn share(amount: u128, total: u128) -> u128 {
    (amount * 1000 + total / 2).checked_div(total).unwrap_or(0)
}

/// Thousandths as per cent.
fn percent(share: u128) -> String {
    format!("{}.{}", share / 10, share % 10)
}

/// A number with its digits in groups of three.
#[must_use]
pub fn grouped(n: u128) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// An amount of a quantity as people read it.
#[must_use]
pub fn shown(amount: u128, quantity: Quantity) -> String {
    match quantity {
        Quantity::Bytes | Quantity::Messages | Quantity::Rounds => grouped(amount),
        // To the millisecond, or to three digits below.
        Quantity::Seconds if amount >= 1_000_000_000 => {
            let milliseconds = (amount + 500_000) / 1_000_000;
            format!("{}.{:03}", grouped(milliseconds / 1000), milliseconds % 1000)
        }
        Quantity::Seconds => {
            let microseconds = (amount + 500) / 1000;
            format!("0.{microseconds:06}")
        }
    }
}

/// An amount of a quantity as programs read it.
pub(crate) fn exact(amount: u128, quantity: Quantity) -> String {
    match quantity {
        Quantity::Bytes | Quantity::Messages | Quantity::Rounds => amount.to_string(),
        Quantity::Seconds => format!("{}.{:09}", amount / 1_000_000_000, amount % 1_000_000_000),
    }
}

/// Bytes in binary units.
#[must_use]
pub fn binary(bytes: u64) -> String {
    if bytes < 1024 { format!("{bytes} B") } else { format!("{:.2}", ByteSize(bytes).display().iec()) }
}

/// A, B, C, ...
pub(super) fn letters() -> impl Iterator<Item = char> {
    'A'..='Z'
}

/// The second amount in terms of the first, to three places.
pub(super) fn ratio(first: Option<u128>, second: Option<u128>) -> String {
    match (first.unwrap_or(0), second.unwrap_or(0)) {
        (0, _) => String::new(),
        (first, second) => {
            let thousandths = (second * 1000 + first / 2) / first;
            format!("{}.{:03}", grouped(thousandths / 1000), thousandths % 1000)
        }
    }
}
