//! The command line: exit codes, streams and texts.

mod common;

use std::process::Command;

use common::{command_line, text};
use hawkeye_testing::fixtures;

#[test]
fn a_report_goes_to_standard_output() {
    let output = command_line(&["profile", "lenet5.onnx", "--framework", "crypten"]);
    assert!(output.status.success() && output.stderr.is_empty());
    insta::assert_snapshot!("lenet5_crypten", text(&output.stdout));
}

#[test]
fn tables_for_people() {
    let cases: [(&str, &[&str]); 6] = [
        ("text_lenet5", &["lenet5.onnx", "-f", "crypten", "--format", "text"]),
        ("text_lenet5_link", &["lenet5.onnx", "-f", "cryptflow2", "--format", "text", "--by", "link"]),
        ("text_resnet50", &["resnet50.onnx", "-f", "crypten", "--batch", "1", "--format", "text"]),
        (
            "text_resnet50_module",
            &[
                "resnet50.onnx",
                "-f",
                "cryptflow2",
                "--batch",
                "1",
                "--format",
                "text",
                "--by",
                "module",
                "--depth",
                "1",
            ],
        ),
        (
            "text_resnet50_protocol",
            &[
                "resnet50.onnx",
                "-f",
                "crypten",
                "--batch",
                "1",
                "--format",
                "text",
                "--by",
                "protocol",
                "--sort",
                "rounds",
            ],
        ),
        ("markdown_lenet5", &["lenet5.onnx", "-f", "crypten", "--format", "markdown", "--by", "op-type"]),
    ];
    for (name, arguments) in cases {
        let output = command_line(&[&["profile"], arguments].concat());
        assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
        let printed = text(&output.stdout);
        assert!(!printed.contains('\u{1b}'), "{name}: no colours but on a terminal");
        insta::assert_snapshot!(name, printed);
    }
}

#[test]
fn json_and_files() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("report.json");
    let path = path.to_str().expect("paths are text here");
    let output = command_line(&["profile", "lenet5.onnx", "-f", "crypten", "--format", "json", "-o", path]);
    assert!(output.status.success() && output.stdout.is_empty(), "{}", text(&output.stderr));
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path).expect("it was written")).expect("it is JSON");
    assert_eq!(report["totals"]["online"]["bytes"], 13_374_176);
    assert_eq!(report["counters"]["rounds"], 133);
    let files: Vec<_> = std::fs::read_dir(folder.path()).expect("it exists").collect();
    assert_eq!(files.len(), 1, "nothing else is left in the folder");
}

#[test]
fn shapes_are_printed() {
    let output = command_line(&["shapes", "lenet5.onnx"]);
    assert!(output.status.success());
    insta::assert_snapshot!("lenet5_shapes", text(&output.stdout));
    let output = command_line(&["shapes", "lenet5.onnx", "--format", "json"]);
    let shapes: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let last = shapes["values"].as_array().and_then(|v| v.last()).expect("there are values");
    assert_eq!(last["shape"], serde_json::json!([1, 10]));
}

#[test]
fn parameters_parties_and_depth() {
    let more = [
        "profile",
        "lenet5.onnx",
        "-f",
        "crypten",
        "--parties",
        "3",
        "--set",
        "max_method=pairwise",
        "--depth",
        "1",
    ];
    let output = command_line(&more);
    let report: serde_yaml::Value = serde_yaml::from_slice(&output.stdout).expect("it is YAML");
    assert_eq!(report["framework"]["parties"], 3);
    assert_eq!(report["framework"]["parameters"]["max_method"], "pairwise");
    assert!(report["calls"][0].get("children").is_none());
}

#[test]
fn errors_are_complete_and_helpful() {
    let cases: [(&str, &[&str]); 10] = [
        ("no_such_value", &["profile", "lenet5.onnx", "-f", "crypten", "--input", "input.11=public"]),
        ("no_such_file", &["profile", "nowhere.onnx", "-f", "crypten"]),
        ("not_a_model", &["profile", "../crypten/traces.jsonl", "-f", "crypten"]),
        ("no_such_framework", &["profile", "lenet5.onnx", "-f", "crpyten"]),
        ("no_such_parameter", &["profile", "lenet5.onnx", "-f", "crypten", "--set", "exp_iteration=9"]),
        ("value_out_of_range", &["profile", "lenet5.onnx", "-f", "crypten", "--set", "exp_iterations=99"]),
        ("too_many_parties", &["profile", "lenet5.onnx", "-f", "crypten", "--parties", "99"]),
        ("unbound_dimensions", &["profile", "bert_base.onnx", "-f", "crypten"]),
        ("unsupported_under_delphi", &["profile", "resnet18.onnx", "-f", "delphi", "--batch", "1"]),
        ("no_such_input", &["shapes", "resnet18.onnx", "--batch", "1", "--shape", "y=1x2"]),
    ];
    for (name, arguments) in cases {
        let output = command_line(arguments);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(output.stdout.is_empty(), "{name}");
        insta::assert_snapshot!(name, text(&output.stderr));
    }
}

#[test]
fn frameworks_are_listed_shown_and_checked() {
    let list = text(&command_line(&["frameworks", "list"]).stdout);
    for name in hawkeye::builtin_names() {
        assert!(list.lines().any(|line| line.starts_with(&name)), "{name}");
        let output = command_line(&["frameworks", "check", &name]);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    insta::assert_snapshot!(
        "frameworks_show_delphi",
        text(&command_line(&["frameworks", "show", "delphi"]).stdout)
    );
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hawkeye"))
        .args(["profile", "bert_base.onnx", "-f", "crypten", "--batch", "1", "--dim", "seq=8"])
        .current_dir(fixtures().join("models"))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[test]
fn the_schema_is_printed() {
    let output = command_line(&["schema"]);
    assert_eq!(text(&output.stdout), hawkeye_report::JSON_SCHEMA);
}

#[test]
fn completions_and_manuals_know_every_command() {
    let commands = ["profile", "shapes", "frameworks", "schema", "check", "completions", "man"];
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = text(&command_line(&["completions", shell]).stdout);
        assert!(commands.iter().all(|command| script.contains(command)), "{shell}");
    }
    let manual = text(&command_line(&["man"]).stdout);
    for command in commands {
        assert!(manual.contains(&format!("hawkeye\\-{command}(1)")), "{command}");
        let page = text(&command_line(&["man", command]).stdout);
        assert!(page.contains(&format!(".TH hawkeye-{command} 1")), "{command}");
        assert!(page.contains("Example"), "{command} has examples");
    }
    let output = command_line(&["man", "profil"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("did you mean profile?"));
}

#[test]
fn files_get_the_permissions_of_others() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
    let path = ours.to_str().expect("paths are text here");
    assert!(command_line(&["profile", "lenet5.onnx", "-f", "crypten", "-o", path]).status.success());
    std::fs::write(&theirs, "").expect("it is written");
    let permissions = |path| std::fs::metadata(path).expect("it is there").permissions();
    assert_eq!(permissions(&ours), permissions(&theirs));
}
