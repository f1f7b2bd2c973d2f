//! Delphi: the reports equal what the running framework counts, in each direction.

use hawkeye_testing::delphi::traces;

#[test]
fn every_measured_run_is_reproduced() {
    let traces = traces();
    let mut differences = Vec::new();
    for trace in &traces {
        match trace.profile() {
            Ok(report) => differences.extend(trace.differences(&report)),
            Err(failure) => differences.push(format!("{}: {failure}", trace.name)),
        }
    }
    println!("{} runs compared", traces.len());
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}
