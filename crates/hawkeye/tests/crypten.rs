//! CrypTen 0.4.1: the reports equal what the running framework counts.

use hawkeye_testing::crypten::{RESIDUALS, traces};

#[test]
fn every_measured_run_is_reproduced() {
    let traces = traces();
    let mut differences = Vec::new();
    let mut exact = 0;
    for trace in &traces {
        let found = match trace.profile() {
            Ok(report) => trace.differences(&report),
            Err(failure) => vec![format!("{}: {failure}", trace.name)],
        };
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

/// The reference traces lie beside the repository; where they are, each that has a model is here.
#[test]
fn no_reference_trace_is_missing() {
    let folder = hawkeye_testing::fixtures().join("../../shared/truth/crypten");
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let known: Vec<String> = traces().into_iter().map(|trace| trace.name).collect();
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let trace: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        let profiled = trace["phase"] == "inference" && trace["onnx"].is_string();
        if profiled {
            assert!(known.contains(&name), "{name} is not among the fixtures");
        } else {
            println!(
                "not compared: {name} ({})",
                if trace["onnx"].is_string() { "training" } else { "no ONNX model" }
            );
        }
    }
}
