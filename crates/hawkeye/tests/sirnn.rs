//! Tables of SIRNN's measured primitives and layers, row by row, and sequences of layers whose counters run on.

use hawkeye_testing::sirnn::{SEQUENCES, TABLES, compare};

/// All rows of the tables are equal.
fn check(tables: &[(&str, usize)], sequence: bool) {
    for (table, rows) in tables {
        let outcome = compare(table, sequence);
        let found = &outcome.differences;
        assert!(
            found.is_empty(),
            "{table}: {} differences:\n{}",
            found.len(),
            found[..found.len().min(20)].join("\n")
        );
        assert_eq!(outcome.rows, *rows, "{table}");
    }
}

#[test]
fn primitives_and_layers_in_threads() {
    check(&TABLES, false);
}

#[test]
fn sequences_with_running_counters() {
    check(&SEQUENCES, true);
}
