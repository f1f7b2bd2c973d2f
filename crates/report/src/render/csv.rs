//! Comma-separated values (RFC 4180).

use hawkeye_graph::printable;

use super::rows::{Rows, View, detail};
use super::table::exact;
use crate::{Axis, Operator, PHASES, Quantity, Report};

/// A header and one line per row of the view, with every phase and quantity in a column of its own.
#[must_use]
pub fn csv(report: &Report, view: View) -> String {
    // Rounds and seconds belong to no link.
    let of_links = |q: &Quantity| matches!(q, Quantity::Bytes | Quantity::Messages);
    let quantities = report.quantities().iter().copied().filter(|q| view.axis != Axis::Link || of_links(q));
    let columns: Vec<(usize, Quantity)> =
        (0..PHASES.len()).flat_map(|phase| quantities.clone().map(move |q| (phase, q))).collect();
    // What tells apart operators that an exporter gave no names.
    let operator_columns: &[&str] =
        if view.axis == Axis::Operator { &["index", "shape", "module", "pass"] } else { &[] };
    let mut header = vec![view.axis.name().to_owned()];
    header.extend(detail(view.axis).map(str::to_owned));
    header.extend(columns.iter().map(|(phase, quantity)| format!("{}_{}", PHASES[*phase], quantity.name())));
    header.extend(operator_columns.iter().map(|name| (*name).to_owned()));
    let mut text = header.join(",") + "\n";
    for row in Rows::new(report, view).with_rest() {
        let mut fields = vec![field(&row.name)];
        fields.extend(detail(view.axis).map(|_| field(&row.detail)));
        let numbers =
            columns.iter().map(|(phase, quantity)| exact(row.cells.get(*phase, *quantity), *quantity));
        fields.extend(numbers);
        let operator = row.operator.and_then(|index| report.operators.get(index));
        fields.extend(
            operator_columns.iter().map(|column| operator.map_or_else(String::new, |o| of(o, column))),
        );
        text.push_str(&(fields.join(",") + "\n"));
    }
    text
}

/// A column of an operator.
fn of(operator: &Operator, column: &str) -> String {
    match column {
        "index" => operator.index.to_string(),
        "shape" => {
            let shape = operator.outputs.first().and_then(|output| output.shape.as_ref());
            let dim = |dim: &Option<u64>| dim.map_or_else(|| "?".to_owned(), |n| n.to_string());
            shape.map(|dims| dims.iter().map(dim).collect::<Vec<_>>().join("x")).unwrap_or_default()
        }
        "module" => field(&operator.scope.join("/")),
        _ => operator.pass.clone(),
    }
}

/// A field on one line, quoted if need be.
#[must_use]
pub fn field(text: &str) -> String {
    let text = printable(text);
    if text.contains(['"', ',']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn what_would_end_a_field_is_quoted() {
        assert_eq!(field("/conv1/Conv"), "/conv1/Conv");
        assert_eq!(field("a,b"), "\"a,b\"");
        assert_eq!(field("a \"b\""), "\"a \"\"b\"\"\"");
    }
}
