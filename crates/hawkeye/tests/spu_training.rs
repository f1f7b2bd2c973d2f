//! Training steps of SecretFlow-SPU 0.9.5: the reports equal what the running framework counts.

use hawkeye::{Options, TrainingOptions};
use hawkeye_testing::spu::{Ledger, TRAINING_RESIDUALS, training_traces};
use hawkeye_testing::{fixtures, profile};

#[test]
fn every_measured_step_is_reproduced() {
    let mut ledger = Ledger::new(&TRAINING_RESIDUALS);
    let mut parts = 0;
    let traces = training_traces();
    for trace in &traces {
        let Some(report) = ledger.profiled(&trace.name, trace.profile()) else { continue };
        parts += trace.parts();
        ledger.compared(&trace.name, trace.differences(&report));
    }
    println!("{} steps compared, {parts} parts of them by themselves", traces.len());
    ledger.close();
}

/// What the running framework can't do, it is not priced for: each was tried.
#[test]
fn what_fails_under_spu_is_refused() {
    let refusals = [
        ("c_mpodd_b2.onnx", "select_and_scatter.cc:92"),
        ("c_dw_b1.onnx", "SPU 0.9.5 can't train a grouped convolution"),
    ];
    for (model, reason) in refusals {
        let options = Options { training: Some(TrainingOptions::default()), ..Options::default() };
        let failure = profile(&fixtures().join("spu/training/models").join(model), "spu-semi2k", &options)
            .expect_err("it can't be trained");
        assert!(failure.to_string().contains(reason), "{model}: {failure}");
    }
}
