//! What users are told: in their words, of what they can do, and as often as there is reason to.

mod common;

use common::{command_line, text};

fn printed(arguments: &[&str]) -> String {
    let output = command_line(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

fn complaint(arguments: &[&str]) -> String {
    let output = command_line(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stdout));
    text(&output.stderr)
}

fn online_bytes(model: &str, framework: &str) -> u64 {
    let report = printed(&["profile", model, "-f", framework, "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    let of = |phase: &str| report["totals"][phase]["bytes"].as_u64().expect("bytes");
    of("setup") + of("offline") + of("online")
}

#[test]
fn a_cheaper_export_of_the_model_is_told_with_what_it_sends() {
    let (one, parts) = ("../usability/gelu.onnx", "../usability/gelu_as_erf.onnx");
    let (before, after) = (online_bytes(one, "spu-semi2k"), online_bytes(parts, "spu-semi2k"));
    assert!(after < before, "{after} {before}");
    let told = printed(&["profile", one, "-f", "spu-semi2k", "--format", "text"]);
    let [less, after, before] = [before - after, after, before].map(hawkeye_report::render::binary);
    let line = format!("another export of this model sends {less} less ({after} in place of {before})");
    assert!(told.contains(&line), "{told}");
    let parts = printed(&["profile", parts, "-f", "spu-semi2k", "--format", "text"]);
    assert!(!parts.contains("another export"), "{parts}");
}

#[test]
fn what_a_framework_lacks_is_said_once_with_frameworks_that_have_it() {
    let bert = ["profile", "bert_base.onnx", "--batch", "1", "--dim", "seq=16"];
    let message = complaint(&[&bert[..], &["-f", "cheetah"]].concat());
    assert!(!message.contains(".star"), "{message}");
    let help = message.lines().find(|line| line.contains("crypten") && line.contains("spu-semi2k"));
    let help = help.unwrap_or_else(|| panic!("{message}"));
    assert!(help.contains("choose a framework that has it: ") && !help.contains("paper/"), "{help}");
    // Delphi has a function for Erf, to say why it has none.
    assert!(
        !message.lines().any(|line| line.contains("choose a framework") && line.contains("delphi")),
        "{message}"
    );
    assert!(message.contains("the framework has no protocol for Erf (12 nodes)\n"), "{message}");
    let causes = message.lines().filter(|line| line.starts_with("error: ")).collect::<Vec<_>>();
    let once: std::collections::BTreeSet<&&str> =
        causes.iter().filter(|line| line.contains("OpenCheetah has no MatMul2DShared")).collect();
    assert_eq!(once.len(), 1, "{message}");
    assert!(message.contains("  --> and 21 more\n"), "{message}");
}

#[test]
fn formulas_of_a_publication_say_what_they_count() {
    let told = printed(&["profile", "lenet5.onnx", "-f", "paper/aby3", "--format", "text"]);
    assert!(told.contains("\ncounters  online_bits "), "{told}");
    assert!(!told.contains("known to one party or to all"), "{told}");
}

#[test]
fn every_framework_says_against_whom_it_protects() {
    for name in hawkeye::builtin_names() {
        let security = hawkeye::Framework::open(&name).expect("it is built in").manifest.security;
        let security = security.unwrap_or_else(|| panic!("{name} says nothing"));
        assert!(["semi-honest; ", "malicious; "].iter().any(|model| security.starts_with(model)), "{name}");
    }
}

#[test]
fn rows_of_comparisons_that_repeat_are_one() {
    let sides = ["compare", "bert_base.onnx", "--batch", "1", "--dim", "seq=16", "-f", "crypten", "-f"];
    for more in [&["spu-semi2k"][..], &["spu-semi2k", "-f", "spu-aby3"]] {
        let told = printed(&[&sides[..], more, &["--format", "text"]].concat());
        let erf = told.lines().find(|line| line.contains(" Erf ")).unwrap_or_else(|| panic!("{told}"));
        assert!(erf.starts_with(" 12 x "), "{erf}");
        assert!(told.lines().all(|line| line.chars().count() <= 100), "{told}");
    }
}

#[test]
fn operands_that_do_not_fit_are_told_in_terms_of_onnx_under_every_framework() {
    for framework in ["crypten", "spu-semi2k", "cryptflow2"] {
        let message =
            complaint(&["explain", "--op", "Softmax", "--shape", "2x4", "--attr", "axis=7", "-f", framework]);
        assert!(
            message.contains("there is no axis 7: a tensor of 2 dimensions has axes -2 to 1"),
            "{message}"
        );
        assert!(message.contains("(Softmax, opset ") && !message.contains(".star"), "{message}");
    }
    let shapes = ["--shape", "1x6x8x8", "--weight", "4x2x3x3", "--attr", "group=2"];
    let message = complaint(&[&["explain", "--op", "Conv", "-f", "crypten"], &shapes[..]].concat());
    assert!(message.contains("[6]") && message.contains("of 2 groups takes [4]"), "{message}");
}

#[test]
fn whether_the_front_end_loads_the_model_is_among_the_first_lines() {
    let said = |model: &str, options: &[&str]| {
        let told = printed(&[&["profile", model, "-f", "crypten", "--format", "text"], options].concat());
        told.lines().find_map(|line| line.strip_prefix("loads ")).unwrap_or_default().trim().to_owned()
    };
    assert_eq!(said("lenet5.onnx", &[]), "crypten.nn.from_onnx loads the model as it stands");
    let bert = said("bert_base.onnx", &["--batch", "1", "--dim", "seq=16"]);
    assert!(bert.starts_with("not as it stands: crypten.nn.from_onnx refuses 41 nodes"), "{bert}");
}

#[test]
fn what_secret_words_of_a_text_cost_is_told() {
    let run = [
        "profile",
        "bert_base.onnx",
        "-f",
        "spu-semi2k",
        "--batch",
        "1",
        "--dim",
        "seq=16",
        "--format",
        "text",
    ];
    let said = printed(&run);
    assert!(said.contains("what selects rows of a table is secret; if everybody may know it, "), "{said}");
    assert!(said.contains("say --input \"input_ids=public\" --input \"token_type_ids=public\""), "{said}");
    let public = ["--input", "input_ids=public", "--input", "token_type_ids=public"];
    let said = printed(&[&run[..], &public].concat());
    assert!(!said.contains("selects rows"), "{said}");
    assert!(said.contains("\nweights   secret to every party; input_ids, token_type_ids public\n"), "{said}");
}

/// What is wrong with many models is said once, of each model at its own place.
#[test]
fn a_cause_that_many_models_share_is_told_once() {
    let models = ["alexnet.onnx", "vgg16.onnx", "lenet5.onnx"];
    let cause = "MaxPool: Delphi pools by averages only";
    let run = |frameworks: &[&str], format: &str| {
        command_line(&[&["profile"], &models[..], frameworks, &["--batch", "1", "--format", format]].concat())
    };
    let table = text(&run(&["-f", "delphi", "-f", "crypten"], "text").stdout);
    let told = table.split_once("refused:\n").expect("refusals").1.replace("\n    ", " ");
    assert_eq!(told.matches(cause).count(), 1, "{table}");
    assert!(told.contains("3 models under delphi: ") && told.contains(&models.join(", ")), "{table}");
    // Warnings about a model are not why it is refused.
    let list: serde_json::Value =
        serde_json::from_slice(&run(&["-f", "delphi", "-f", "crypten"], "json").stdout).expect("JSON");
    let refused = list.to_string();
    assert!(refused.contains(cause) && !refused.contains("ReLU6"), "{refused}");
    for frameworks in [&["-f", "delphi"][..], &["-f", "delphi", "-f", "delphi"]] {
        let output = run(frameworks, "text");
        assert_eq!(output.status.code(), Some(2));
        let said = text(&output.stderr);
        assert_eq!(said.matches(cause).count(), 1, "{said}");
        let under = if frameworks.len() > 2 { " under delphi" } else { "" };
        assert!(said.contains(&format!("--> lenet5.onnx{under}: node 2 \"MaxPool_2\"")), "{said}");
    }
    let check =
        [&["check"], &models[..], &["-f", "delphi", "--batch", "1", "--max", "online.bytes=1GiB"]].concat();
    let said = text(&command_line(&check).stderr);
    assert_eq!(said.matches(cause).count(), 1, "{said}");
    assert!(said.contains("--> lenet5.onnx: node 2 \"MaxPool_2\""), "{said}");
}

/// A reader that has seen enough leaves the exit code alone; a disk that is full does not.
#[cfg(target_os = "linux")]
#[test]
fn what_becomes_of_standard_output_is_told_by_the_exit_code() {
    use std::process::{Command, Stdio};
    let run = |arguments: &[&str], out: Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hawkeye"));
        let command = command.args(arguments).current_dir(hawkeye_testing::fixtures().join("models"));
        command.stdout(out).output().expect("the program starts")
    };
    let closed = || {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        Stdio::from(writer)
    };
    let full = || Stdio::from(std::fs::File::create("/dev/full").expect("it opens"));
    let profile = ["profile", "lenet5.onnx", "-f", "crypten"];
    let check = ["check", "lenet5.onnx", "-f", "crypten", "--max", "online.bytes=1"];
    for (arguments, code) in [
        (&profile[..], 0),
        (&["--help"], 0),
        (&["frameworks", "show", "crypten"], 0),
        (&["schema"], 0),
        (&["strip", "lenet5.onnx", "-o", "-"], 0),
        (&check, 1),
    ] {
        let output = run(arguments, closed());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
        assert!(output.stderr.is_empty(), "{arguments:?}: {}", text(&output.stderr));
        let output = run(arguments, full());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains("can't be written"), "{arguments:?}: {}", text(&output.stderr));
    }
}
