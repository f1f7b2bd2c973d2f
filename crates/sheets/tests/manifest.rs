//! Manifests that are wrong: each problem is said, all of them at once.

use hawkeye_sheets::Manifest;

const GOOD: &str = "
schema: hawkeye-framework/1
name: small
title: a framework
version: '1'
sheets: [a.star]
parties: {default: 2, min: 2, max: 3}
visibility: {inputs: secret, weights: {party: 1}}
counters:
  sent: {sum: bytes, from: 0}
  calls: {sum: counted, key: calls}
";

fn parsed(text: &str) -> Result<Manifest, String> {
    serde_yaml::from_str(text).map_err(|error| error.to_string())
}

#[test]
fn what_is_left_out_has_a_meaning() {
    let manifest = parsed(GOOD).expect("it is a manifest");
    assert_eq!(manifest.problems(), []);
    assert_eq!(manifest.evidence, "modelled");
    assert!(manifest.free.iter().any(|operator| operator == "Reshape"));
    let one = parsed(&GOOD.replace("sheets: [a.star]", "sheet: a.star")).expect("it is a manifest");
    assert_eq!(one, manifest);
    let written = serde_yaml::to_string(&manifest).expect("it can be written");
    assert_eq!(parsed(&written).expect("it can be read"), manifest);
}

#[test]
fn a_parameter_goes_by_the_name_that_its_documentation_begins_with() {
    let parameter = "parameters:\n  rounds: {type: int, default: 8, doc: 'functions.rounds: how many'}\n";
    let manifest = parsed(&format!("{GOOD}{parameter}")).expect("it is a manifest");
    let values = |settings: &[(&str, &str)]| {
        let settings = settings.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        manifest.values(&settings.collect()).map_err(|failure| failure.to_string())
    };
    let nine = values(&[("rounds", "9")]);
    assert!(nine.is_ok() && nine == values(&[("functions.rounds", "9")]) && nine != values(&[]));
    let twice = values(&[("rounds", "9"), ("functions.rounds", "8")]).expect_err("which?");
    assert!(twice.contains("under both of its names"), "{twice}");
    assert!(values(&[("how.rounds", "9")]).is_err());
}

#[test]
fn all_problems_are_said_at_once() {
    for (old, new, problem) in [
        ("framework/1", "framework/2", "schema is \"hawkeye-framework/2\", not \"hawkeye-framework/1\""),
        ("min: 2", "min: 1", "parties must have 2 <= min <= default <= max <= 64"),
        ("default: 2", "default: 4", "parties must have 2 <= min <= default <= max <= 64"),
        ("max: 3", "max: 65", "parties must have 2 <= min <= default <= max <= 64"),
        ("{default: 2, min: 2, max: 3}", "{names: [alone]}", "there are fewer than two parties"),
        ("sum: bytes", "sum: rounds", "counter sent: from, to and channel go with bytes and messages"),
        ("sum: bytes", "sum: counted", "counter sent: \"key\" goes with \"sum: counted\""),
        (", key: calls", "", "counter calls: \"key\" goes with \"sum: counted\""),
        (
            "from: 0",
            "phases: [onlin]",
            "counter sent: \"onlin\" is no phase; phases are setup, offline, online",
        ),
        (
            "sheets: [a.star]",
            "sheets: [a.star]\nmodules: {a.b: c.star}",
            "module \"a.b\": a role is a word, not a file",
        ),
    ] {
        let manifest = parsed(&GOOD.replace(old, new)).expect("it is a manifest");
        let problems = manifest.problems();
        assert!(problems.iter().any(|(_, said)| said == problem), "{new}: {problems:?}");
    }
    let text =
        GOOD.replace("framework/1", "framework/2").replace("min: 2", "min: 1").replace(", key: calls", "");
    assert_eq!(parsed(&text).expect("it is a manifest").problems().len(), 3);
}

#[test]
fn keys_that_are_none_are_named_with_their_place() {
    for (old, new, expected) in [
        ("title:", "titel:", "unknown field `titel`"),
        ("max: 3", "maximum: 3", "maximum"),
        (", max: 3", "", "parties are {default: 2, min: 2, max: 3} or {names: [server, client]}"),
        ("sheets: [a.star]", "sheets: 3", "the name of a sheet, or a list of them"),
    ] {
        let error = parsed(&GOOD.replace(old, new)).expect_err("it is no manifest");
        assert!(error.contains(expected) && error.contains("line"), "{new}: {error}");
    }
}
