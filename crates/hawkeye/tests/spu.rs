//! SecretFlow-SPU 0.9.5: the reports equal what the running framework counts.

use std::collections::BTreeMap;

use hawkeye::Report;
use hawkeye_testing::spu::{Ledger, RESIDUALS, Trace, numbers, totals, traces};

#[test]
fn every_measured_run_is_reproduced() {
    let mut ledger = Ledger::new(&RESIDUALS);
    let mut compared = BTreeMap::new();
    let mut nodes = 0;
    let traces = traces();
    for trace in &traces {
        let Some(report) = ledger.profiled(&trace.name, trace.profile()) else { continue };
        *compared.entry((&*trace.source, &*trace.protocol)).or_insert(0) += 1;
        nodes += trace.nodes();
        ledger.problems.extend(wide_band(trace, &totals(&report)));
        ledger.problems.extend(wide_bands(trace, &report));
        ledger.compared(&trace.name, trace.differences(&report));
    }
    println!(
        "runs compared: {compared:?}; {nodes} nodes; {} runs are known to differ",
        ledger.residuals.len()
    );
    ledger.close();
}

/// Ciphertexts are compressed: the band of CHEETAH may be 0.05 % of the total, and others have none.
fn wide_band(trace: &Trace, [bytes, _, _, band]: &[u64; 4]) -> Option<String> {
    let narrow = if trace.protocol == "CHEETAH" { 2000 * band <= *bytes } else { *band == 0 };
    (!narrow).then(|| format!("{}: the band of {bytes} bytes is {band}", trace.name))
}

/// An operator's may be 0.1 % of its bytes.
fn wide_bands(trace: &Trace, report: &Report) -> Vec<String> {
    let wide = report.operators.iter().filter(|operator| {
        let [bytes, _, _, band] = numbers(operator);
        1000 * band > bytes
    });
    wide.map(|operator| format!("{}: the band of {} is wide", trace.name, operator.name)).collect()
}
