//! CrypTen 0.4.1: the reports equal what the running framework counts.

use hawkeye_testing::crypten::{RESIDUALS, references, traces};

#[test]
fn every_measured_run_is_reproduced() {
    let traces = traces();
    let mut differences = Vec::new();
    let mut exact = 0;
    for trace in &traces {
        let report = match trace.profile() {
            Ok(report) => report,
            Err(failure) => {
                differences.push(format!("{}: {failure}", trace.name));
                continue;
            }
        };
        let found = trace.differences(&report);
        match (RESIDUALS.iter().any(|(name, _)| *name == trace.name), found.is_empty()) {
            (false, true) => exact += 1,
            (true, true) => differences.push(format!("{}: no longer a residual", trace.name)),
            (true, false) => {}
            (false, false) => differences.extend(found),
        }
    }
    println!("{exact} of {} runs exact in totals and every operator", traces.len());
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    assert_eq!(exact + RESIDUALS.len(), traces.len());
}

#[test]
fn no_reference_trace_is_missing() {
    let known: Vec<String> = traces().into_iter().map(|trace| trace.name).collect();
    let missing: Vec<String> =
        references("inference").into_iter().filter(|name| !known.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
