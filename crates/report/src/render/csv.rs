//! Comma-separated values (RFC 4180).

use hawkeye_graph::printable;

use super::rows::{Rows, View, detail};
use super::table::exact;
use crate::{Axis, PHASES, Quantity, Report};

/// A header and one line per row of the view, with every phase and quantity in a column of its own.
#[must_use]
pub fn csv(report: &Report, view: View) -> String {
    // Rounds and seconds belong to no link.
    let of_links = |q: &Quantity| matches!(q, Quantity::Bytes | Quantity::Messages);
    let quantities = report.quantities().iter().copied().filter(|q| view.axis != Axis::Link || of_links(q));
    let columns: Vec<(usize, Quantity)> =
        (0..PHASES.len()).flat_map(|phase| quantities.clone().map(move |q| (phase, q))).collect();
    let mut header = vec![view.axis.name().to_owned()];
    header.extend(detail(view.axis).map(str::to_owned));
    header.extend(columns.iter().map(|(phase, quantity)| format!("{}_{}", PHASES[*phase], quantity.name())));
    let mut text = header.join(",") + "\n";
    for row in Rows::new(report, view).with_rest() {
        let mut fields = vec![field(&row.name)];
        fields.extend(detail(view.axis).map(|_| field(&row.detail)));
        fields.extend(
            columns.iter().map(|(phase, quantity)| exact(row.cells.get(*phase, *quantity), *quantity)),
        );
        text.push_str(&(fields.join(",") + "\n"));
    }
    text
}

/// A field on one line, quoted if need be.
#[must_use]
pub fn field(text: &str) -> String {
    let text = printable(text);
    if text.contains(['"', ',']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into_owned() }
}
