//! `hawkeye check`: budgets, exit codes and what continuous integration reads.

mod common;

use common::{command_line, text};

/// A report of LeNet-5 under CrypTen in a folder of its own.
fn report(format: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join(format!("report.{format}")).display().to_string();
    let output = command_line(&["profile", "lenet5.onnx", "-f", "crypten", "--format", format, "-o", &path]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    (folder, path)
}

#[test]
fn limits_hold_to_the_byte() {
    let cases = [
        ("online.bytes=13374176", 0),
        ("online.bytes=13374175", 1),
        ("bytes=13374176", 0),
        ("total.bytes=12.75MiB", 1),
        ("total.bytes=13MiB", 0),
        ("rounds=133", 0),
        ("rounds=132", 1),
        ("offline.messages=0", 0),
        ("operator:MaxPool_2:online.bytes=6961920", 0),
        ("operator:MaxPool_2:online.bytes=6961919", 1),
        ("op-type:MaxPool:rounds=91", 1),
        ("op-type:MaxPool:rounds=92", 0),
    ];
    for (limit, code) in cases {
        let output = command_line(&["check", "lenet5.onnx", "-f", "crypten", "--max", limit]);
        assert_eq!(output.status.code(), Some(code), "{limit}: {}", text(&output.stdout));
        assert!(output.stderr.is_empty());
    }
    let layer = ["check", "resnet50.onnx", "-f", "crypten", "--batch", "1", "--max"];
    for (limit, code) in [("module:layer1:bytes=1731067904", 0), ("module:layer1:bytes=1731067903", 1)] {
        assert_eq!(command_line(&[&layer, &[limit][..]].concat()).status.code(), Some(code), "{limit}");
    }
    // A module is no other whose name begins so.
    let output = command_line(&[&layer, &["module:laye:bytes=0"][..]].concat());
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
}

#[test]
fn several_models_are_held_to_the_same_limits() {
    let both = ["check", "lenet5.onnx", "vgg16.onnx", "-f", "crypten", "--batch", "1", "--max"];
    for (limit, code) in [("online.bytes=20GiB", 0), ("online.bytes=20MiB", 1)] {
        let output = command_line(&[&both, &[limit][..]].concat());
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        let said = text(&output.stdout);
        assert!(
            said.contains("lenet5.onnx under crypten") && said.contains("vgg16.onnx under crypten"),
            "{said}"
        );
    }
    let output =
        command_line(&["check", "lenet5.onnx", "bert_base.onnx", "-f", "crypten", "--max", "rounds=1"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("dimensions without a size") && said.contains("bert_base.onnx"), "{said}");
}

#[test]
fn reports_are_checked_as_models_are() {
    for format in ["yaml", "json"] {
        let (_folder, path) = report(format);
        for (limit, code) in [("online.bytes=13374176", 0), ("online.bytes=13374175", 1)] {
            assert_eq!(
                command_line(&["check", &path, "--max", limit]).status.code(),
                Some(code),
                "{format} {limit}"
            );
        }
    }
}

#[test]
fn a_baseline_limits_every_total() {
    let (_folder, path) = report("yaml");
    let against = |more: &[&str]| {
        let same = ["check", "lenet5.onnx", "-f", "crypten", "--baseline", &path];
        command_line(&[&same, more].concat())
    };
    assert_eq!(against(&[]).status.code(), Some(0), "a report keeps to itself");
    // Another way to the maximum sends a fifth more bytes, in fewer rounds.
    let pairwise = ["--set", "max_method=pairwise"];
    let output = against(&[&pairwise[..], &["--max-increase", "1%"]].concat());
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!("check_baseline", text(&output.stdout));
    assert_eq!(against(&[&pairwise[..], &["--max-increase", "19.608%"]].concat()).status.code(), Some(1));
    assert_eq!(against(&[&pairwise[..], &["--max-increase", "19.609%"]].concat()).status.code(), Some(0));
    let output = against(&["--parties", "3"]);
    assert_eq!(output.status.code(), Some(2), "what can't be compared is an error, not a failed check");
    insta::assert_snapshot!("check_other_parties", text(&output.stderr));
}

#[test]
fn offenders_are_listed_for_people_and_machines() {
    let check = |format: &str| {
        let arguments = [
            "check",
            "resnet50.onnx",
            "-f",
            "crypten",
            "--batch",
            "1",
            "--max",
            "module:layer1:online.bytes=1GiB",
            "--max",
            "rounds=1000",
            "--max",
            "op-type:Conv:bytes=1",
            "--format",
            format,
        ];
        let output = command_line(&arguments);
        assert_eq!(output.status.code(), Some(1));
        text(&output.stdout)
    };
    for format in ["text", "github", "junit"] {
        insta::assert_snapshot!(format!("check_{format}"), check(format));
    }
}

#[test]
fn errors_name_what_was_meant() {
    let lenet = ["check", "lenet5.onnx", "-f", "crypten"];
    let cases: [(&str, &[&str]); 4] = [
        ("check_unknown", &["--max", "operator:MaxPol_2:bytes=1", "--max", "op-type:ReLU:bytes=1"]),
        ("check_phase", &["--max", "onlin.bytes=1"]),
        ("check_nothing", &[]),
        ("check_no_baseline", &["--baseline", "lenet5.onnx"]),
    ];
    for (name, more) in cases {
        let output = command_line(&[&lenet, more].concat());
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(output.stdout.is_empty(), "{name}");
        insta::assert_snapshot!(name, text(&output.stderr));
    }
    let output = command_line(&["check", "lenet5.onnx", "--max", "bytes=1"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("give --framework"));
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("broken.yaml");
    for broken in ["schema: hawkeye/1\nmodel: 7\n", "{}", "# nothing\n", "---\n- 1\n"] {
        std::fs::write(&path, broken).expect("it is written");
        let output = command_line(&["check", &path.display().to_string(), "--max", "bytes=1"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("is no report"), "{}", text(&output.stderr));
    }
}
