//! Comparisons of many sides within the width of a screen: a row for each side, and for operators a narrow
//! column each.

use comfy_table::{CellAlignment, Table};

use super::comparison_fold::Folded;
use super::table::{binary, grouped, letters, ratio, shown};
use super::wrap::shortened;
use crate::compare::Comparison;
use crate::{PHASES, Phases, Quantity};

/// Longest label of a side.
const LABEL: usize = 28;

/// A label without the settings at its end that the width has no room for; the lines above have it whole.
fn brief(label: &str) -> String {
    let mut kept = label;
    while kept.chars().count() > LABEL {
        let Some((start, _)) = kept.rsplit_once(", ") else { return shortened(kept, LABEL) };
        kept = start;
    }
    kept.to_owned()
}

/// The totals, a row for each side, and whether each costs more than the first.
pub(super) fn totals(comparison: &Comparison) -> (Table, Vec<i128>) {
    let costs: Vec<&Phases> = comparison.totals.costs.iter().flatten().collect();
    let sums = |quantity: Quantity| -> Vec<u128> {
        costs.iter().map(|cost| cost.each().map(|c| u128::from(quantity.of(c))).iter().sum()).collect()
    };
    let phases: Vec<usize> =
        (0..PHASES.len()).filter(|phase| costs.iter().any(|cost| cost.each()[*phase].messages > 0)).collect();
    let mut header = vec![String::new(), String::new()];
    header.extend(phases.iter().map(|phase| PHASES[*phase].to_owned()));
    let timed = comparison.quantities().contains(&Quantity::Seconds);
    header.extend(["messages", "rounds"].map(str::to_owned));
    header.extend(timed.then(|| "seconds".to_owned()));
    header.push("bytes / A".to_owned());
    let mut table = Table::new();
    table.set_header(header);
    let (bytes, messages, rounds) = (sums(Quantity::Bytes), sums(Quantity::Messages), sums(Quantity::Rounds));
    let seconds = sums(Quantity::Seconds);
    let mut changes = Vec::new();
    for (i, (letter, side)) in letters().zip(&comparison.sides).enumerate() {
        let mut row = vec![letter.to_string(), brief(&side.label)];
        row.extend(phases.iter().map(|phase| binary(costs[i].each()[*phase].bytes)));
        row.extend([grouped(messages[i]), grouped(rounds[i])]);
        row.extend(timed.then(|| shown(seconds[i], Quantity::Seconds)));
        row.push(ratio(bytes.first().copied(), Some(bytes[i])));
        table.add_row(row);
        changes.push(bytes[i].cast_signed() - bytes[0].cast_signed());
    }
    table.column_iter_mut().skip(2).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    (table, changes)
}

/// Operators with what they cost on every side over all phases, to three digits; their sums in the last row.
pub(super) fn operators(
    comparison: &Comparison,
    rows: &[Folded],
    quantity: Quantity,
    top: Option<usize>,
    name: impl Fn(&Folded) -> String,
) -> (Table, Vec<i128>) {
    let sides = comparison.sides.len();
    let of = |costs: &[Option<Phases>]| -> Vec<Option<u128>> {
        let sum = |phases: &Phases| -> u128 {
            phases.each().map(|cost| u128::from(quantity.of(cost))).iter().sum()
        };
        costs.iter().map(|cost| cost.as_ref().map(sum)).collect()
    };
    let mut table = Table::new();
    let title = [quantity.name().to_owned(), String::new()];
    table.set_header(title.into_iter().chain(letters().take(sides).map(String::from)));
    let mut add = |labels: [String; 2], amounts: &[Option<u128>]| {
        let shown = |n: &Option<u128>| n.map_or_else(|| "-".to_owned(), |n| short(n, quantity));
        table.add_row(labels.into_iter().chain(amounts.iter().map(shown)));
    };
    // A row that says "and 1 more" takes the place of the one it hides.
    let count = rows.len();
    let shown = top.filter(|top| top + 1 < count).unwrap_or(count);
    for row in rows.iter().take(shown) {
        add([name(row), row.sum.op.clone()], &of(&row.sum.columns.costs));
    }
    if shown < count {
        let mut rest = vec![None; sides];
        for row in rows.iter().skip(shown) {
            for (sum, more) in rest.iter_mut().zip(of(&row.sum.columns.costs)) {
                *sum = sum.map_or(more, |sum: u128| Some(sum + more.unwrap_or(0)));
            }
        }
        add([format!("and {} more", grouped((count - shown) as u128)), String::new()], &rest);
    }
    add(["total".to_owned(), String::new()], &of(&comparison.totals.costs));
    table.column_iter_mut().skip(2).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    (table, vec![0; count.min(shown) + 2])
}

/// An amount to three digits: `13.4M` are 13.4 MiB of bytes, or 13.4 million of messages and rounds; seconds as
/// everywhere.
fn short(n: u128, quantity: Quantity) -> String {
    if quantity == Quantity::Seconds {
        return shown(n, quantity);
    }
    let step = if quantity == Quantity::Bytes { 1024 } else { 1000 };
    let (mut unit, mut units) = (1u128, ["", "k", "M", "G", "T", "P", "E", "Z", "Y"].iter().peekable());
    while n >= unit * step && units.len() > 1 {
        unit *= step;
        units.next();
    }
    let suffix = units.next().unwrap_or(&"");
    let rounded = |places: u128| (n * places + unit / 2) / unit;
    match n / unit {
        _ if unit == 1 => n.to_string(),
        100.. => format!("{}{suffix}", rounded(1)),
        10..=99 => format!("{}.{}{suffix}", rounded(10) / 10, rounded(10) % 10),
        _ => format!("{}.{:02}{suffix}", rounded(100) / 100, rounded(100) % 100),
    }
}

#[cfg(test)]
mod tests {
    use super::short;
    use crate::Quantity;

    #[test]
    fn three_digits_are_enough() {
        let bytes = |n| short(n, Quantity::Bytes);
        assert_eq!([bytes(0), bytes(1023), bytes(1536), bytes(13_374_176)], ["0", "1023", "1.50k", "12.8M"]);
        assert_eq!(short(10_504_509, Quantity::Messages), "10.5M");
        assert_eq!(short(133, Quantity::Rounds), "133");
    }
}
