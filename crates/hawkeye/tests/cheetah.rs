//! Cheetah (OpenCheetah): reports equal what the running library counts, ciphertexts within a band.

use hawkeye_testing::sci::{Outcome, band, sums, traces};

#[test]
fn every_run_is_reproduced() {
    let traces = traces("cheetah");
    let mut outcome = Outcome::default();
    for trace in &traces {
        match trace.profile_to("cheetah", 2) {
            Ok(report) => {
                outcome.add(trace.compare(&report));
                outcome.differences.extend(sums(&report));
                let operators = report.operators.iter().map(|operator| &operator.phases.online);
                for online in operators.chain([&report.totals.online]) {
                    assert!(band(online) * 1000 <= online.bytes, "{}: bands are at most 0.1 %", trace.name);
                }
            }
            Err(failure) => outcome.differences.push(format!("{}: {failure}", trace.name)),
        }
    }
    println!("{} runs, {} nodes, {} of them within a band", traces.len(), outcome.compared, outcome.banded);
    let found = &outcome.differences;
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found.join("\n"));
    assert_eq!((traces.len(), outcome.compared), (10, 132));
}
