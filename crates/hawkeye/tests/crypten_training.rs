//! CrypTen 0.4.1 training: the reports equal what the running framework counts, in total, per pass, and
//! per forward node in each pass.

mod common;

use common::crypten_training::{RESIDUALS, traces};

#[test]
fn every_measured_step_is_reproduced() {
    let mut differences = Vec::new();
    let mut exact = 0;
    let mut residuals = 0;
    for trace in traces().into_iter().filter(|trace| trace.refused.is_none()) {
        let found = match trace.profile() {
            Ok(report) => trace.differences(&report),
            Err(failure) => vec![format!("{}: {failure}", trace.name)],
        };
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
            Ok(report) => !report.diagnostics.iter().any(|d| d.message.starts_with("CrypTen")),
        })
        .map(|trace| format!("{}: {:?}", trace.name, trace.refused))
        .collect();
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

/// The reference traces lie beside the repository; where they are, each that was made from an ONNX model
/// is here. Those of modules written in CrypTen have no model to profile.
#[test]
fn no_reference_trace_is_missing() {
    let folder = common::fixtures().join("../../shared/truth/crypten");
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let known: Vec<String> = traces().into_iter().map(|trace| trace.name).collect();
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let trace: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        if trace["phase"] == "train_step" && trace["onnx"].is_string() {
            assert!(known.contains(&name), "{name} is not among the fixtures");
        }
    }
}
