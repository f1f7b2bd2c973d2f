//! CrypTen 0.4.1 training: the reports equal what the running framework counts, in total, per pass, and
//! per forward node in each pass.

use hawkeye::{Failure, Options, Report, TrainingOptions};
use hawkeye_testing::crypten::references;
use hawkeye_testing::crypten_training::{RESIDUALS, traces};
use hawkeye_testing::{fixtures, in_parallel, profile};

/// Trains a model of the fixtures.
fn train(model: &str, loss: &str, optimizer: &str, frozen: &[&str]) -> Result<Report, Failure> {
    let training = TrainingOptions {
        loss: loss.parse().expect("a loss"),
        optimizer: optimizer.parse().expect("an optimizer"),
        frozen: frozen.iter().map(|name| (*name).to_owned()).collect(),
        ..TrainingOptions::default()
    };
    let options = Options { training: Some(training), ..Options::default() };
    profile(&fixtures().join("crypten").join(model), "crypten", &options)
}

#[test]
fn every_measured_step_is_reproduced() {
    let traces: Vec<_> = traces().into_iter().filter(|trace| trace.refused.is_none()).collect();
    let found = in_parallel(&traces, |trace| match trace.profile() {
        Ok(report) => trace.differences(&report),
        Err(failure) => vec![format!("{}: {failure}", trace.name)],
    });
    let mut differences = Vec::new();
    let mut exact = 0;
    let mut residuals = 0;
    for (trace, found) in traces.iter().zip(found) {
        match (RESIDUALS.iter().any(|(name, _)| *name == trace.name), found.is_empty()) {
            (false, true) => exact += 1,
            (true, false) => residuals += 1,
            (true, true) => differences.push(format!("{}: no longer a residual", trace.name)),
            (false, false) => differences.extend(found),
        }
    }
    println!("{exact} steps exact in totals, passes and every node");
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    assert_eq!(residuals, RESIDUALS.len(), "every residual is among the traces");
}

/// What CrypTen stops at is an error with its reason, or, where CrypTen's functions could do it if called
/// from Python, a warning.
#[test]
fn what_crypten_refuses_is_said() {
    let refused: Vec<_> = traces().into_iter().filter(|trace| trace.refused.is_some()).collect();
    assert!(!refused.is_empty());
    let silent: Vec<String> = refused
        .iter()
        .filter(|trace| match trace.profile() {
            Err(_) => false,
            Ok(report) => !report.diagnostics.iter().any(|d| d.message.to_lowercase().starts_with("crypten")),
        })
        .map(|trace| format!("{}: {:?}", trace.name, trace.refused))
        .collect();
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

#[test]
fn losses_and_optimizers_that_crypten_lacks_are_errors() {
    let error = |loss: &str, optimizer: &str| {
        let failure = train("models/lenet5_b1.onnx", loss, optimizer, &[]).expect_err("CrypTen lacks it");
        failure.to_string()
    };
    for (loss, reason) in [("nll", "no negative log likelihood"), ("kl_div", "no Kullback-Leibler")] {
        assert!(error(loss, "sgd").contains(reason), "{loss}");
    }
    for (optimizer, name) in
        [("adam", "Adam"), ("adamw", "AdamW"), ("rmsprop", "RMSprop"), ("adagrad", "Adagrad")]
    {
        let reason = format!("crypten.optim has no {name}, only SGD");
        assert!(error("cross_entropy", optimizer).contains(&reason), "{optimizer}");
    }
}

#[test]
fn a_cut_gradient_is_warned_of() {
    let report = train("training/models/resnet32_cifar_bntrain_b2.onnx", "cross_entropy", "sgd", &[]);
    let report = report.expect("it trains");
    let cut =
        report.diagnostics.iter().filter(|d| d.message.contains("no gradient through GlobalAveragePool"));
    assert_eq!(cut.count(), 1);
    let trained = report.run.training.map(|training| training.trained);
    assert_eq!(trained, Some(64 * 10 + 10), "only the last layer is");
}

/// Autograd variants of functions are run where an input needs a gradient, and nothing runs behind the
/// first trained parameter.
#[test]
fn frozen_parameters_need_no_gradient() {
    let model = "training/models/t_pow2_first.onnx";
    let whole = train(model, "mse", "sgd", &[]).expect("it trains");
    let frozen = train(model, "mse", "sgd", &["w"]).expect("it trains");
    assert_eq!(whole.passes["forward"].counters, frozen.passes["forward"].counters);
    assert!(!frozen.passes.contains_key("backward"));
    let model = "training/models/t_pow2.onnx";
    let frozen = train(model, "mse", "sgd", &["w"]).expect("it trains");
    // Pow is then a square, which opens each element once instead of twice.
    let pow = |report: &Report| report.operators.iter().find(|o| o.op == "Pow").map(|o| o.counters["bytes"]);
    let whole = train(model, "mse", "sgd", &[]).expect("it trains");
    assert_eq!((pow(&frozen), pow(&whole)), (Some(16 * 15), Some(2 * 16 * 15)));
}

#[test]
fn no_reference_trace_is_missing() {
    let known: Vec<String> = traces().into_iter().map(|trace| trace.name).collect();
    let missing: Vec<String> =
        references("train_step").into_iter().filter(|name| !known.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
