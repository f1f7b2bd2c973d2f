//! Tables of measured OTs, comparisons, functions, products and layers, row by row.

use hawkeye_testing::sci::{Outcome, tables};

/// Compares all tables of a framework; names them with the numbers of their rows.
fn compare(framework: &str) -> (Outcome, Vec<String>) {
    let mut outcome = Outcome::default();
    let mut names = Vec::new();
    for table in tables(framework) {
        match table.compare(framework) {
            Ok(compared) => {
                names.push(format!("{} {}", table.name, compared.compared));
                outcome.add(compared);
            }
            Err(failure) => outcome.differences.push(format!("{}: {failure}", table.name)),
        }
    }
    (outcome, names)
}

/// All rows are equal, but so many that have to be within the band.
fn check(outcome: &Outcome, rows: usize, banded: usize) {
    let found = &outcome.differences;
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found.join("\n"));
    assert_eq!((outcome.compared, outcome.banded), (rows, banded));
}

#[test]
fn cryptflow2() {
    let (outcome, names) = compare("cryptflow2");
    println!("{} rows compared: {}", outcome.compared, names.join(", "));
    check(&outcome, 2568 + 173, 0);
}

#[test]
fn cryptflow2_he() {
    let (outcome, names) = compare("cryptflow2-he");
    println!("{} rows compared: {}", outcome.compared, names.join(", "));
    check(&outcome, 48, 0);
}

#[test]
fn cheetah() {
    let (outcome, names) = compare("cheetah");
    println!("{} rows compared, {} within the band: {}", outcome.compared, outcome.banded, names.join(", "));
    check(&outcome, 600, 171);
}
