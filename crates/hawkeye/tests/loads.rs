//! What a manifest says of its front end is what the real front end does.
#![allow(missing_docs, reason = "tests")]

use hawkeye::{Framework, Options, load};
use hawkeye_testing::{Unpacked, fixtures, profile};

/// How many models of an archive load and don't, where the manifest says the same as CrypTen.
fn verdicts(archive: &'static str, verdicts: &str) -> (usize, usize) {
    let manifest = Framework::open("crypten").expect("it is built in").manifest;
    let models = Unpacked::new(archive);
    let verdicts = std::fs::read_to_string(fixtures().join("crypten").join(verdicts)).expect("it is there");
    let (mut loaded, mut refused, mut wrong) = (0, 0, Vec::new());
    for line in verdicts.lines().filter(|line| !line.starts_with('#')) {
        let (file, error) = line.split_once('\t').expect("two columns");
        let Ok(model) = load(&models.path().join(file)) else { continue };
        match (error.is_empty(), manifest.loads(&model.graph)) {
            (true, Ok(())) => loaded += 1,
            (false, Err(_)) => refused += 1,
            // It loads, but its graph never computes the node.
            (true, Err(failure)) if failure.0.iter().all(|e| e.message.contains("one tensor twice")) => {}
            (_, found) => wrong.push(format!("{file}: CrypTen says \"{error}\", the manifest {found:?}")),
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "{} of {}", wrong.len(), loaded + refused + wrong.len());
    (loaded, refused)
}

#[test]
fn crypten_loads_what_its_manifest_says() {
    let (loaded, refused) = verdicts("conformance", "from_onnx.tsv");
    assert!(loaded > 150 && refused > 600, "{loaded} load, {refused} are refused");
}

#[test]
fn attributes_opsets_and_whole_models_are_judged_as_crypten_does() {
    let (loaded, refused) = verdicts("front_end", "from_onnx_variants.tsv");
    assert!(loaded > 300 && refused > 150, "{loaded} load, {refused} are refused");
}

#[test]
fn what_crypten_ran_loads() {
    let manifest = Framework::open("crypten").expect("it is built in").manifest;
    let traces = std::fs::read_to_string(fixtures().join("crypten/traces.jsonl")).expect("it is there");
    let mut refused = Vec::new();
    for line in traces.lines() {
        let trace: serde_json::Value = serde_json::from_str(line).expect("a trace is a line of JSON");
        let name = trace["model"].as_str().expect("it names its model");
        let model = load(&fixtures().join("crypten/models").join(name)).expect("it loads");
        if let Err(failure) = manifest.loads(&model.graph) {
            refused.push(format!("{name}: {}", failure.0[0]));
        }
    }
    assert_eq!(refused, Vec::<String>::new());
}

#[test]
fn one_warning_names_what_does_not_load() {
    let path = fixtures().join("rewrites/layernorm_fuse_op.after.onnx");
    let report = profile(&path, "crypten", &Options::default()).expect("it has a price");
    let warnings: Vec<&str> = report
        .diagnostics
        .iter()
        .filter(|d| d.message.contains("does not load the model"))
        .map(|d| d.message.as_str())
        .collect();
    let [warning] = warnings[..] else { panic!("{warnings:?}") };
    assert!(warning.contains("LayerNormalization (1 node: no such operator)"), "{warning}");
    let fits =
        profile(&fixtures().join("models/lenet5.onnx"), "crypten", &Options::default()).expect("it runs");
    assert!(fits.diagnostics.iter().all(|d| !d.message.contains("does not load")));
}
