//! Operators that repeat: a layer's in each of twelve layers is one row, twelve times.

use indexmap::IndexMap;

use super::cells::{Cells, Row};

/// What rows that are put together have in common: the operator, the cost of each, and the name but for
/// its numbers.
#[derive(PartialEq, Eq, Hash)]
struct Likeness {
    detail: String,
    cells: Cells,
    words: Vec<String>,
}

/// Rows of which those alike are one, in order of first appearance: `12 x /encoder/layer.*/output/Erf`.
pub(super) fn folded(rows: Vec<Row>) -> Vec<Row> {
    let mut alike: IndexMap<Likeness, Vec<Row>> = IndexMap::new();
    for row in rows {
        let likeness = Likeness { detail: row.detail.clone(), cells: row.cells, words: words(&row.name) };
        alike.entry(likeness).or_default().push(row);
    }
    alike.into_values().flat_map(together).collect()
}

fn together(mut rows: Vec<Row>) -> Option<Row> {
    if rows.len() == 1 {
        return rows.pop();
    }
    let mut cells = Cells::default();
    rows.iter().for_each(|row| cells += row.cells);
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    let name = pattern(&names);
    let detail = rows.first()?.detail.clone();
    Some(Row { times: rows.len(), name, detail, operator: None, cells })
}

/// A name but for its numbers.
pub(super) fn words(name: &str) -> Vec<String> {
    parts(name).filter(|part| !is_number(part)).map(str::to_owned).collect()
}

/// The name that names share, with a star for each number in which they differ.
pub(crate) fn pattern(names: &[&str]) -> String {
    let Some((first, others)) = names.split_first() else { return String::new() };
    let mut name: Vec<&str> = parts(first).collect();
    for other in others {
        for (part, of_other) in name.iter_mut().zip(parts(other)) {
            if *part != of_other {
                *part = "*";
            }
        }
    }
    name.concat()
}

/// A name cut into numbers and what is between them.
pub(crate) fn parts(name: &str) -> impl Iterator<Item = &str> {
    let mut rest = name;
    std::iter::from_fn(move || {
        let digits = rest.starts_with(|c: char| c.is_ascii_digit());
        let end = rest.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        rest = after;
        (!part.is_empty()).then_some(part)
    })
}

pub(crate) fn is_number(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, bytes: u64) -> Row {
        let mut cells = Cells::default();
        cells.set(2, &crate::PhaseCost { bytes, ..Default::default() });
        Row { times: 1, name: name.to_owned(), detail: "Erf".to_owned(), operator: None, cells }
    }

    #[test]
    fn what_repeats_is_one_row() {
        let rows = vec![
            row("/layer.0/ffn1/Erf", 8),
            row("/layer.0/ffn1/Mul", 8),
            row("/layer.1/ffn1/Erf", 8),
            row("/layer.10/ffn1/Erf", 8),
            row("/layer.11/ffn1/Erf", 9),
        ];
        let folded = folded(rows);
        let names: Vec<String> = folded.iter().map(|row| row.title(40)).collect();
        assert_eq!(names, ["3 x /layer.*/ffn1/Erf", "/layer.0/ffn1/Mul", "/layer.11/ffn1/Erf"]);
        assert_eq!(folded[0].title(12), "3 x ….*/ffn1");
        assert_eq!(folded[0].cells.get(2, crate::Quantity::Bytes), 24);
    }
}
