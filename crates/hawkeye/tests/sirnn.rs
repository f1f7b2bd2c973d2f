//! Tables of SIRNN's measured primitives and layers, row by row, and sequences of layers whose counters run on.

use hawkeye_testing::sirnn::{RANDOM, SEQUENCES, TABLES, compare};

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

#[test]
fn random_calls() {
    for table in RANDOM {
        let outcome = compare(table, table == "random_sequence.jsonl");
        let found = &outcome.differences;
        assert!(
            found.is_empty(),
            "{table}: {} of {} differ:\n{}",
            found.len(),
            outcome.rows,
            found[..found.len().min(20)].join("\n")
        );
        assert!(outcome.rows >= 60, "{table}");
    }
}
