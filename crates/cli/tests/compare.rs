//! Sides of a comparison add up, and what frameworks print is what reports say.

mod common;

use common::{command_line, text};
use hawkeye::{Framework, Options, Report, builtin_names};
use hawkeye_report::Quantity;
use hawkeye_report::compare::{Change, compare};
use hawkeye_report::measured::{Agreement, Measured, Patterns};
use hawkeye_report::render::comparison_csv;
use hawkeye_testing::{fixtures, profile};

fn lenet(framework: &str, settings: &[(&str, &str)]) -> Report {
    let settings = settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let options = Options { settings, ..Options::default() };
    profile(&fixtures().join("models/lenet5.onnx"), framework, &options).expect("it profiles")
}

#[test]
fn texts_of_comparisons() {
    let cases: [(&str, &[&str]); 4] = [
        ("frameworks", &["lenet5.onnx", "-f", "crypten", "-f", "spu-semi2k", "--format", "text"]),
        (
            "variants",
            &[
                "lenet5.onnx",
                "-f",
                "crypten",
                "--variant",
                "max_method=pairwise",
                "--variant",
                "parties=3",
                "--format",
                "text",
                "--top",
                "3",
            ],
        ),
        (
            "markdown",
            &["lenet5.onnx", "-f", "crypten", "-f", "spu-aby3", "--format", "markdown", "--top", "4"],
        ),
        (
            "rounds",
            &[
                "lenet5.onnx",
                "-f",
                "crypten",
                "-f",
                "cheetah",
                "--format",
                "text",
                "--sort",
                "rounds",
                "--top",
                "2",
            ],
        ),
    ];
    for (name, arguments) in cases {
        let output = command_line(&[&["compare"], arguments].concat());
        let text = if output.status.success() { text(&output.stdout) } else { text(&output.stderr) };
        insta::assert_snapshot!(format!("compare_{name}"), text);
    }
}

#[test]
fn rows_add_up_to_the_totals_of_every_side() {
    let names = ["crypten", "spu-semi2k", "spu-aby3", "spu-cheetah", "cryptflow2", "cheetah"];
    let reports: Vec<Report> = names.iter().map(|name| lenet(name, &[])).collect();
    let comparison = compare(&reports, Quantity::Bytes);
    let csv = comparison_csv(&comparison);
    let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    let (header, rows) = lines.split_first().expect("a header");
    let (total, rows) = rows.split_last().expect("a total");
    for column in 3..header.len() {
        let number = |row: &&Vec<&str>| row[column].parse::<i128>().unwrap_or(0);
        assert_eq!(rows.iter().map(|row| number(&row)).sum::<i128>(), number(&total), "{}", header[column]);
    }
    let online = header.iter().position(|name| *name == "F_online_bytes").expect("a column");
    assert_eq!(total[online], reports[5].totals.online.bytes.to_string());
}

#[test]
fn operators_are_added_removed_changed_or_the_same() {
    let before = lenet("crypten", &[]);
    let mut after = lenet("crypten", &[("max_method", "pairwise")]);
    let gone = after.operators.remove(0);
    after.operators.push(hawkeye_report::Operator { name: "new".to_owned(), ..gone.clone() });
    let comparison = compare(&[before.clone(), after], Quantity::Bytes);
    let change = |name: &str| comparison.operators.iter().find(|o| o.name == name).map(|o| o.change);
    assert_eq!(change(&gone.name), Some(Change::Removed));
    assert_eq!(change("new"), Some(Change::Added));
    assert_eq!(change("MaxPool_2"), Some(Change::Changed));
    assert_eq!(change("Gemm_7"), Some(Change::Same));
    let changes: Vec<u128> =
        comparison.operators.iter().map(|o| o.columns.differences[0].online.bytes.unsigned_abs()).collect();
    assert!(changes.is_sorted_by(|a, b| a >= b), "the largest change comes first");
    assert!(comparison.differs());
    assert!(!compare(&[before.clone(), before], Quantity::Bytes).differs());
}

#[test]
fn reports_in_yaml_and_json_are_read_back_and_differences_can_fail() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    for (name, format, method) in [
        ("a.yaml", "yaml", "log_reduction"),
        ("b.json", "json", "log_reduction"),
        ("c.json", "json", "pairwise"),
    ] {
        let set = format!("max_method={method}");
        let out = path(name);
        let output = command_line(&[
            "profile",
            "lenet5.onnx",
            "-f",
            "crypten",
            "--set",
            &set,
            "--format",
            format,
            "-o",
            &out,
        ]);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let code = |arguments: &[&str]| command_line(&[&["compare"], arguments].concat()).status.code();
    assert_eq!(code(&[&path("a.yaml"), &path("b.json"), "--fail-on-difference"]), Some(0));
    assert_eq!(code(&[&path("a.yaml"), &path("c.json")]), Some(0));
    assert_eq!(code(&[&path("a.yaml"), &path("c.json"), "--fail-on-difference"]), Some(1));
    assert_eq!(code(&[&path("a.yaml"), "lenet5.onnx", "-f", "crypten", "--fail-on-difference"]), Some(0));
    assert_eq!(code(&[&path("a.yaml")]), Some(2));
    assert_eq!(code(&[&path("a.yaml"), &path("none.yaml")]), Some(2));
    std::fs::write(path("d.yaml"), "schema: other\n").expect("it is written");
    assert_eq!(code(&[&path("a.yaml"), &path("d.yaml")]), Some(2));
}

/// A log of the fixtures against a model of the fixtures.
fn measured(logs: &[&str], model: &str, framework: &str, options: &Options) -> Measured {
    let logs: Vec<(String, String)> = logs
        .iter()
        .map(|name| {
            let path = fixtures().join("logs").join(name);
            ((*name).to_owned(), std::fs::read_to_string(path).expect("the log is there"))
        })
        .collect();
    let options = Options { depth: usize::MAX, ..options.clone() };
    let report = profile(&fixtures().join(model), framework, &options).expect("it profiles");
    let manifest = Framework::open(framework).expect("it is built in").manifest;
    let log = manifest.log.expect("it has patterns");
    Patterns::new(&log).expect("they are right").against(&logs, &report, true)
}

#[test]
fn what_frameworks_print_is_what_reports_say() {
    let parties = |n| Options { parties: Some(n), ..Options::default() };
    let mut untrained = Options::default();
    untrained.settings.insert("training_flag".to_owned(), "false".to_owned());
    let lenet = "models/lenet5.onnx";
    let both = ["cryptflow2_lenet5_alice.log", "cryptflow2_lenet5_bob.log"];
    let delphi = ["delphi_lenet_client.log", "delphi_lenet_server.log"];
    let cheetah = ["cheetah_lenet5_alice.log", "cheetah_lenet5_bob.log"];
    let cases: [(&[&str], &str, &str, Options, usize); 10] = [
        (&["crypten_lenet5.log"], lenet, "crypten", parties(2), 6),
        (&["crypten_lenet5_3_parties.log"], lenet, "crypten", parties(3), 2),
        (&["spu_semi2k_lenet5.log"], lenet, "spu-semi2k", parties(2), 16),
        (&["spu_0.9.1_semi2k_lenet5.log"], lenet, "spu-semi2k", parties(2), 2),
        (&["spu_semi2k_3_parties_lenet5.log"], lenet, "spu-semi2k", parties(3), 9),
        (&["spu_aby3_lenet5.log"], lenet, "spu-aby3", parties(3), 5),
        (&["spu_cheetah_lenet5.log"], lenet, "spu-cheetah", parties(2), 16),
        (&both, "cryptflow2/models/lenet5_b1.onnx", "cryptflow2", untrained, 29),
        (&cheetah, "cheetah/models/lenet5_b1.onnx", "cheetah", Options::default(), 11),
        (&delphi, "delphi/models/measured_lenet.onnx", "delphi", Options::default(), 8),
    ];
    for (logs, model, framework, options, least) in cases {
        let measured = measured(logs, model, framework, &options);
        let wrong: Vec<_> =
            measured.lines.iter().filter(|line| line.agreement == Agreement::Differs).collect();
        assert!(wrong.is_empty(), "{framework}: {wrong:?}");
        let compared = measured.lines.iter().filter(|line| line.agreement != Agreement::NotCounted).count();
        assert_eq!(compared, least, "{framework}: {:?}", measured.lines);
    }
}

#[test]
fn numbers_that_differ_are_told_apart_from_rounded_ones() {
    let mut settings = Options::default();
    settings.settings.insert("max_method".to_owned(), "pairwise".to_owned());
    let other = measured(&["crypten_lenet5.log"], "models/lenet5.onnx", "crypten", &settings);
    assert!(other.lines.iter().all(|line| line.agreement == Agreement::Differs));
    assert_eq!(other.lines[0].difference, Some(83 - 133));
    let report = lenet("cryptflow2", &[]);
    let manifest = Framework::open("cryptflow2").expect("it is built in").manifest;
    let log = manifest.log.expect("it has patterns");
    let patterns = Patterns::new(&log).expect("they are right");
    let exact = report.counters["total"] as f64 / 1_048_576.0;
    let agreement = |shown: String| {
        let line = format!("Total comm (sent+received) = {shown} MiB.\n");
        patterns.against(&[("log".to_owned(), line)], &report, false).lines[0].agreement
    };
    assert_eq!(agreement(format!("{exact:.4}")), Agreement::EqualAsPrinted, "six digits");
    assert_eq!(agreement(format!("{exact:.2}")), Agreement::Differs, "a stream prints six digits, not four");
    assert_eq!(agreement(format!("{:.4}", exact + 0.0002)), Agreement::Differs);
}

#[test]
fn logs_are_read_whatever_is_around_the_numbers() {
    let report = lenet("crypten", &[]);
    let manifest = Framework::open("crypten").expect("it is built in").manifest;
    let log = manifest.log.expect("it has patterns");
    let patterns = Patterns::new(&log).expect("they are right");
    for line in [
        "INFO:root:Rounds: 133\r\nINFO:root:Bytes: 13374176\r\n",
        "\u{1b}[32m[rank 0]\u{1b}[0m 2026-01-01 10:00:00,123 Rounds: \u{1b}[1m133\u{1b}[0m\nBytes: 13374176",
        "stats: {'rounds': 133, 'bytes': 13374176, 'time': 0.24}",
    ] {
        let measured = patterns.against(&[("log".to_owned(), line.to_owned())], &report, false);
        let exact: Vec<bool> = measured.lines.iter().map(|l| l.agreement == Agreement::Equal).collect();
        assert_eq!(exact, [true, true], "{line}");
    }
}

#[test]
fn frameworks_are_recognised_by_what_they_print() {
    for name in builtin_names() {
        let manifest = Framework::open(&name).expect("it is built in").manifest;
        // Libraries of primitives, and formulas of packing, print nothing of a whole run.
        if let Some(log) = manifest.log {
            Patterns::new(&log).expect("the patterns are right");
        }
    }
    let log = fixtures().join("logs/crypten_lenet5.log").display().to_string();
    let output = command_line(&["compare", "--measured", &log, "lenet5.onnx", "--format", "text"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    insta::assert_snapshot!("compare_measured", text(&output.stdout));
    let spu = fixtures().join("logs/spu_semi2k_lenet5.log").display().to_string();
    let output = command_line(&["compare", "--measured", &spu, "lenet5.onnx", "--format", "csv"]);
    assert_eq!(output.status.code(), Some(0), "of SPU's protocols, one fits: {}", text(&output.stderr));
    assert!(text(&output.stderr).contains("spu-semi2k"));
    let output = command_line(&["compare", "--measured", &spu, "resnet18.onnx", "--batch", "1"]);
    assert_eq!(output.status.code(), Some(2), "none fits, so none is guessed");
    insta::assert_snapshot!("compare_measured_ambiguous", text(&output.stderr).replace(&spu, "spu.log"));
    let output =
        command_line(&["compare", "--measured", &log, "lenet5.onnx", "--parties", "3", "--format", "csv"]);
    assert_eq!(output.status.code(), Some(1), "three parties did not run: {}", text(&output.stdout));
    let output = command_line(&["compare", "--measured", &log, "lenet5.onnx", "-f", "cheetah"]);
    assert_eq!(output.status.code(), Some(2), "these are not Cheetah's statistics");
}
