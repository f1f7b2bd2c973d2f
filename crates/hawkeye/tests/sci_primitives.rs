//! Tables of measured OTs, comparisons, functions, products and layers, row by row.

mod common;

use common::sci::{Outcome, tables};

/// Compares all tables of a framework: so many of so many rows, the second number within a band.
fn compare(framework: &str, tables_expected: usize, rows: usize, banded: usize) {
    let tables = tables(framework);
    let mut outcome = Outcome::default();
    for table in &tables {
        let compared = table.compare(framework).unwrap_or_else(|failure| panic!("{}: {failure}", table.name));
        println!("{}: {} rows, {} of them within a band", table.name, compared.compared, compared.banded);
        outcome.add(compared);
    }
    let found = &outcome.differences;
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found.join("\n"));
    assert_eq!((tables.len(), outcome.compared, outcome.banded), (tables_expected, rows, banded));
}

#[test]
fn cryptflow2() {
    compare("cryptflow2", 17, 2568 + 173, 0);
}

#[test]
fn cryptflow2_he() {
    compare("cryptflow2-he", 2, 48, 0);
}

#[test]
fn cheetah() {
    compare("cheetah", 9, 600, 171);
}
