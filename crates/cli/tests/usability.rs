//! What new users run into: slips in options, names that nobody expected, many things at once.

mod common;

use common::{command_line, text};

/// Runs the program, and gives what it prints where it is meant to succeed.
#[track_caller]
fn printed(arguments: &[&str]) -> String {
    let output = command_line(arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// What it complains about.
#[track_caller]
fn complaint(arguments: &[&str]) -> String {
    let output = command_line(arguments);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
    assert!(output.stdout.is_empty());
    text(&output.stderr)
}

#[test]
fn slips_in_options_are_named() {
    let cases: [(&[&str], &[&str]); 13] = [
        (&["profile", "resnet18.onnx", "-f", "crypten", "--batch", "0"], &["--batch", "0"]),
        (
            &["sweep", "resnet18.onnx", "-f", "crypten", "--batch", "0..4"],
            &["--batch", "0 is no size of a batch"],
        ),
        (&["budget", "bert_base.onnx", "-f", "crypten", "--dim", "sep=8"], &["did you mean \"seq\"?"]),
        (&["optimize", "bert_base.onnx", "-f", "crypten", "--dim", "sep=8"], &["did you mean \"seq\"?"]),
        (
            &["profile", "bert_base.onnx", "-f", "crypten", "--batch", "1", "--dim", "sep=8"],
            &["no dimension named \"sep\"", "did you mean \"seq\"?"],
        ),
        (
            &["shapes", "lenet5.onnx", "--dim", "seq=8"],
            &["no dimension named \"seq\"", "its dimensions without a size: none"],
        ),
        (
            &["profile", "lenet5.onnx", "-f", "crypten", "--set", "provider=TFP", "--set", "provider=TTP"],
            &["--set gives \"provider\" a value more than once"],
        ),
        (
            &["sweep", "bert_base.onnx", "-f", "crypten", "--dim", "seq=8", "--dim", "seq=9"],
            &["--dim gives \"seq\" a value more than once"],
        ),
        (
            &["shapes", "lenet5.onnx", "--value", "a=1", "--value", "a=2"],
            &["--value gives \"a\" a value more than once"],
        ),
        (
            &["compare", "lenet5.onnx", "-f", "crypten", "--variant", "foo=1"],
            &["there is no parameter \"foo\""],
        ),
        (&["profile", "lenet5.onnx"], &["--framework", "frameworks: cheetah, crypten, "]),
        (&["annotate", "lenet5.onnx", "-o", "x.onnx"], &["--framework", "frameworks: cheetah, crypten, "]),
        (
            &["compare", "lenet5.onnx", "-f", "crypten", "-f", "cheetha"],
            &["cheetha", "did you mean cheetah?"],
        ),
    ];
    for (arguments, expected) in cases {
        let message = complaint(arguments);
        for part in expected {
            assert!(message.contains(part), "{arguments:?}: {message}");
        }
    }
}

/// What the user gave is shown again in messages about it.
#[test]
fn no_argument_acts_on_the_terminal() {
    let cases: [&[&str]; 6] = [
        &["profile", "lenet5.onnx", "-f", "crypten", "--dim", "a\x1b[31m=x"],
        &["profile", "lenet5.onnx", "-f", "crypten", "--format", "\x1b[31m"],
        &["profile", "lenet5.onnx", "-f", "\x1b[31m"],
        &["profile", "\x1b[31m.onnx", "-f", "crypten"],
        &["pro\x1b[31mfile"],
        &["profile", "--\x1b[31mx"],
    ];
    for arguments in cases {
        let message = complaint(arguments);
        assert!(!message.contains(acts) && message.contains("[31m"), "{message:?}");
    }
}

/// Characters that act on a terminal, but for the ends of lines.
fn acts(c: char) -> bool {
    c.is_control() && c != '\n'
}

#[test]
fn no_name_acts_on_the_terminal_or_breaks_a_row() {
    let model = "../usability/hostile_names.onnx";
    for format in ["text", "yaml", "json", "csv", "markdown", "folded", "speedscope"] {
        let printed =
            printed(&["profile", model, "--batch", "1", "-f", "crypten", "--format", format, "--unfold"]);
        assert!(!printed.contains(acts), "{format}: {printed:?}");
    }
    let csv = printed(&["profile", model, "--batch", "1", "-f", "crypten", "--format", "csv"]);
    let report: serde_json::Value = serde_json::from_str(&printed(&[
        "profile", model, "--batch", "1", "-f", "crypten", "--format", "json",
    ]))
    .expect("JSON");
    let count = report["operators"].as_array().expect("a list").len();
    assert_eq!(csv.lines().count(), count + 1, "a line for the header and each operator: {csv}");
    for arguments in [
        &["explain", model, "nothing", "--batch", "1", "-f", "crypten"][..],
        &["profile", model, "--batch", "1", "-f", "delphi"],
        &["profile", model, "--batch", "1", "-f", "crypten", "--input", "\u{1b}[31mx=public"],
    ] {
        let output = command_line(arguments);
        assert!(!text(&output.stderr).contains(acts), "{arguments:?}: {:?}", text(&output.stderr));
    }
    assert!(!printed(&["shapes", model, "--batch", "1"]).contains(acts));
    let markdown = printed(&["profile", model, "--batch", "1", "-f", "crypten", "--format", "markdown"]);
    assert!(!markdown.replace("\\<", "").contains('<'), "no markup: {markdown}");
    assert!(
        !printed(&[
            "compare",
            model,
            "--batch",
            "1",
            "-f",
            "crypten",
            "-f",
            "spu-semi2k",
            "--format",
            "text"
        ])
        .contains(acts)
    );
}

#[test]
fn operators_without_names_are_told_apart() {
    let csv = printed(&[
        "profile",
        "../usability/nameless_nodes.onnx",
        "--batch",
        "1",
        "-f",
        "crypten",
        "--format",
        "csv",
    ]);
    let mut rows: Vec<&str> = csv.lines().collect();
    let count = rows.len();
    rows.sort_unstable();
    rows.dedup();
    assert_eq!(rows.len(), count, "{csv}");
    assert!(csv.lines().next().is_some_and(|header| header.ends_with(",index,shape,module,pass")));
}

#[test]
fn many_frameworks_fit_a_screen_and_one_that_refuses_does_not_end_the_rest() {
    let mut arguments = vec!["compare", "lenet5.onnx", "--format", "text"];
    for name in ["crypten", "delphi", "cheetah", "cryptflow2", "spu-semi2k", "spu-aby3", "spu-cheetah"] {
        arguments.extend(["-f", name]);
    }
    let printed = printed(&arguments);
    let widest = printed.lines().map(|line| line.chars().count()).filter(|width| *width > 100).max();
    let refusal =
        printed.lines().find(|line| line.contains("delphi refuses: ")).expect("delphi has no max pool");
    assert!(widest.is_none_or(|width| width == refusal.chars().count()), "{printed}");
    assert!(printed.lines().any(|line| line.starts_with(" F  spu-cheetah")), "{printed}");
    let failing = [&arguments[..], &["--fail-on-difference"]].concat();
    assert_eq!(command_line(&failing).status.code(), Some(1));
    let all_refuse = complaint(&["compare", "lenet5.onnx", "-f", "delphi", "--variant", "batch=2"]);
    assert!(all_refuse.contains("MaxPool"), "{all_refuse}");
}

#[test]
fn comparisons_by_other_rows_add_up() {
    for by in ["op-type", "module", "protocol", "phase", "link", "pass"] {
        let csv = printed(&[
            "compare",
            "lenet5.onnx",
            "-f",
            "crypten",
            "-f",
            "cheetah",
            "--by",
            by,
            "--format",
            "csv",
        ]);
        let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.rsplit(',').collect()).collect();
        let (total, rows) = lines[1..].split_last().expect("a total");
        // Bytes of the second side, online: rows of every axis have all of them.
        let column = lines[0].iter().position(|name| *name == "B_online_bytes").expect("a column");
        let number = |row: &Vec<&str>| row[column].parse::<u64>().unwrap_or(0);
        assert_eq!(rows.iter().map(number).sum::<u64>(), number(total), "{by}");
    }
}

#[test]
fn several_models_and_frameworks_make_a_table() {
    let run = ["profile", "lenet5.onnx", "resnet18.onnx", "-f", "crypten", "-f", "delphi", "--batch", "1"];
    let table: serde_json::Value =
        serde_json::from_str(&printed(&[&run[..], &["--format", "json"]].concat())).expect("JSON");
    let table = table.as_array().expect("a list");
    assert_eq!(table.len(), 4);
    assert_eq!(table[0]["totals"]["online"]["bytes"], 13_374_176);
    assert!(table[1]["refused"][0].as_str().is_some_and(|reason| reason.contains("MaxPool")));
    let page = printed(&[&run[..], &["--format", "text"]].concat());
    assert!(page.contains("refused:\n  lenet5.onnx under delphi: "), "{page}");
    assert!(page.lines().all(|line| line.chars().count() <= 100 || line.starts_with("  ")), "{page}");
    // On networks, too; why a model is refused has nothing to do with them.
    let timed = printed(&[&run[..], &["--format", "text", "--network", "lan-1g,wan-100m"]].concat());
    assert!(timed.lines().all(|line| line.chars().count() <= 100), "{timed}");
    assert_eq!(timed.matches("lenet5.onnx under delphi: ").count(), 1, "{timed}");
    let missing =
        command_line(&["profile", "lenet5.onnx", "nowhere.onnx", "-f", "crypten", "--format", "csv"]);
    assert!(missing.status.success(), "one that is missing does not end the rest");
    assert!(text(&missing.stdout).contains("nowhere.onnx,crypten,,,,,,,,,,"));
    assert!(complaint(&["profile", "a.onnx", "b.onnx", "-f", "crypten"]).contains("a.onnx"));
}

#[test]
fn checks_are_json_for_programs() {
    let output = command_line(&[
        "check",
        "lenet5.onnx",
        "-f",
        "crypten",
        "--max",
        "online.bytes=1",
        "--format",
        "json",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["schema"], "hawkeye-checks/1");
    assert_eq!(document["kept"], false);
    let document = &document["results"][0];
    assert_eq!(document["checks"][0]["actual"], 13_374_176);
    assert_eq!(document["checks"][0]["quantity"], "bytes");
    assert_eq!(document["checks"][0]["causes"][0]["name"], "MaxPool_2");
}

#[test]
fn the_first_lines_say_what_decides() {
    let model = "../usability/nameless_nodes.onnx";
    let text = printed(&[
        "profile",
        model,
        "--batch",
        "1",
        "-f",
        "crypten",
        "--weights",
        "public",
        "--format",
        "text",
    ]);
    let first: Vec<&str> = text.lines().take(6).collect();
    assert!(first.iter().any(|line| line.contains("semi-honest")), "{text}");
    assert!(first.contains(&"weights   public; x secret to every party"), "{text}");
    assert!(first.iter().any(|line| line.contains("modelled from crypten 0.4.1, exact on ")), "{text}");
}

#[test]
fn a_name_that_several_nodes_bear_is_asked_about() {
    let model = "../usability/duplicate_names.onnx";
    let csv = printed(&["profile", model, "--batch", "1", "-f", "crypten", "--format", "csv"]);
    let name = csv.lines().nth(1).and_then(|line| line.split(',').next()).expect("an operator");
    let message = complaint(&["explain", model, name, "--batch", "1", "-f", "crypten"]);
    assert!(message.contains(&format!("nodes of the model are named \"{name}\"")), "{message}");
    assert!(message.contains(&format!("which one? {name}#0 (")), "{message}");
    let one = printed(&[
        "explain",
        model,
        &format!("{name}#0"),
        "--batch",
        "1",
        "-f",
        "crypten",
        "--format",
        "json",
    ]);
    let one: serde_json::Value = serde_json::from_str(&one).expect("JSON");
    assert_eq!(one["node"]["online"], one["expansion"]["costs"]["online"]);
}

#[test]
fn shapes_of_open_dimensions_are_laws_of_their_symbols() {
    let bert = printed(&["shapes", "bert_base.onnx"]);
    let first: Vec<&str> = bert.lines().take(2).collect();
    assert!(first[0].starts_with("# batch: axis 0 of input_ids"), "{first:?}");
    assert!(first[1].starts_with("# seq: axis 1 of input_ids"), "{first:?}");
    assert!(bert.lines().any(|line| line.starts_with("float32  [batch, 12, seq, seq]")), "{bert}");
    // Every law holds where it was not tried.
    let sized: serde_json::Value = serde_json::from_str(&printed(&[
        "shapes",
        "bert_base.onnx",
        "--batch",
        "3",
        "--dim",
        "seq=40",
        "--format",
        "json",
    ]))
    .expect("JSON");
    let open: serde_json::Value =
        serde_json::from_str(&printed(&["shapes", "bert_base.onnx", "--format", "json"])).expect("JSON");
    let rows = |document: &serde_json::Value| document["values"].as_array().expect("a list").clone();
    let mut laws = 0;
    for (open, sized) in rows(&open).iter().zip(rows(&sized)) {
        let (Some(dims), Some(sizes)) = (open["dims"].as_array(), sized["shape"].as_array()) else {
            continue;
        };
        for (dim, size) in dims.iter().zip(sizes) {
            let dim = dim.as_str().expect("text");
            let value: Option<u64> = match dim {
                "batch" => Some(3),
                "seq" => Some(40),
                "batch*seq" => Some(120),
                other => other.parse().ok(),
            };
            if let Some(value) = value {
                assert_eq!(Some(value), size.as_u64(), "{dim} of {}", open["name"]);
                laws += 1;
            }
        }
    }
    assert!(laws > 1000, "{laws}");
}

#[test]
fn parties_are_called_by_number_or_name() {
    let run = ["profile", "lenet5.onnx", "-f", "cheetah", "--format", "csv", "--weights"];
    let of = |who: &str| printed(&[&run[..], &[who]].concat());
    assert_eq!(of("ALICE"), of("0"));
    let refused = |who: &str| complaint(&[&run[..], &[who]].concat());
    assert_eq!(refused("bob"), refused("1"));
    assert!(refused("bob").contains("known to BOB"));
    let carol = complaint(&[&run[..], &["carol"]].concat());
    assert!(carol.contains("\"carol\" is neither secret, public nor a party of cheetah"), "{carol}");
    assert!(carol.contains("its parties are ALICE, BOB"), "{carol}");
    for know in [["--weights", "2"], ["--input", "input=2"]] {
        let said = complaint(&[&["profile", "lenet5.onnx", "-f", "crypten"], &know[..]].concat());
        assert!(said.contains("there is no party 2") && said.contains("parties are 0 to 1"), "{said}");
    }
}

/// A name is the framework's own: another may have it for another party.
#[test]
fn names_of_parties_are_those_of_the_framework() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("mine");
    let path = path.to_str().expect("paths are text here");
    assert!(command_line(&["frameworks", "export", "cheetah", path]).status.success());
    let manifest = folder.path().join("mine/framework.yaml");
    let before = std::fs::read_to_string(&manifest).expect("it can be read");
    let after = before.replace("names: [ALICE, BOB]", "names: [BOB, ALICE]");
    assert_ne!(before, after);
    std::fs::write(&manifest, after).expect("it can be written");
    let weights = |framework: &str| {
        printed(&["profile", "lenet5.onnx", "-f", framework, "--format", "yaml", "--weights", "alice"])
    };
    assert!(weights("cheetah").contains("weights: party 0"));
    let run = ["profile", "lenet5.onnx", "-f", path, "--weights", "alice"];
    let said = complaint(&run);
    assert!(said.contains("an operand is known to BOB only"), "ALICE is party 1 there: {said}");
}
