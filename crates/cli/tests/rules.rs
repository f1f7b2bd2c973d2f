//! Rules of users: `hawkeye optimize --rules`.

mod common;

use std::path::Path;
use std::process::Output;

use common::{command_line, text};

const BEFORE: &str = "../rewrites/pow4_as_squares.before.onnx";

/// Runs `optimize` with a file of rules.
fn optimized(rules: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("there is room");
    let file = folder.path().join("mine.star");
    std::fs::write(&file, rules).expect("it can be written");
    command_line(&[&["optimize", "--rules", &file.to_string_lossy()], arguments].concat())
}

/// What is said of a file of rules that is wrong.
fn refused(rules: &str, arguments: &[&str]) -> String {
    let output = optimized(rules, arguments);
    assert!(!output.status.success(), "{rules}: {}", text(&output.stdout));
    text(&output.stderr)
}

/// The example of the manual.
fn example() -> String {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/OPTIMIZE.md");
    let manual = std::fs::read_to_string(manual).expect("it is there");
    let (_, rest) = manual.split_once("<!-- example of a rule -->\n```python\n").expect("it begins");
    rest.split_once("```\n<!-- end of example -->").expect("it ends").0.to_owned()
}

/// A rule about Relu.
fn about_relu(replacement: &str) -> String {
    format!("mine = rule(what = \"mine\", pattern = op(\"Relu\", \"x\"), replacement = {replacement})\n")
}

#[test]
fn the_manuals_example_is_applied_and_proved() {
    let folder = tempfile::tempdir().expect("there is room");
    let out = folder.path().join("out.onnx");
    let select =
        ["-f", "spu-semi2k", "--as-priced", "--select", "fourth-power", "-o", &out.to_string_lossy()];
    let output = optimized(&example(), &[&[BEFORE], &select[..]].concat());
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(said.contains("fourth-power") && said.contains("outputs differ by at most"), "{said}");
    assert!(out.exists());
    let list = text(&optimized(&example(), &["--list"]).stdout);
    assert!(list.contains("rules of your own") && list.contains("relu-of-relu"), "{list}");
    let explained = text(&optimized(&example(), &["--explain", "fourth-power"]).stdout);
    assert!(explained.contains("the exponent is the number 4"), "{explained}");
    assert!(explained.contains("mine.star:14"), "{explained}");
}

#[test]
fn a_wrong_rule_is_named_and_nothing_is_written() {
    let folder = tempfile::tempdir().expect("there is room");
    let out = folder.path().join("out.onnx");
    let model = "../rewrites/bn_relu_conv_scale_push.before.onnx";
    let said = refused(&about_relu("\"x\""), &[model, "-f", "crypten", "-o", &out.to_string_lossy()]);
    assert!(said.contains("rule mine is to blame"), "{said}");
    assert!(!out.exists());
    // It says that it changes the function: then it is for --allow.
    let approximate = about_relu("\"x\", error = \"1 on [-1, 0]\"");
    let output = optimized(&approximate, &[model, "-f", "crypten", "--allow", "mine"]);
    assert!(text(&output.stdout).contains("largest error 1 on [-1, 0]"), "{}", text(&output.stdout));
}

#[test]
fn a_rule_ends() {
    for (rules, expected) in [
        ("def f(m):\n    return f(m)\n", "mine.star:2:12-16: recursion: f calls itself"),
        (
            "def f(m):\n    for i in range(100):\n        for j in range(1000000):\n            pass\n",
            "loop turns and calls",
        ),
        ("def f(m):\n    s = [1]\n    for i in range(99):\n        s = s + s\n", "mine.star:4:13-18"),
        (
            "def f(m):\n    t = op('Relu', 'x')\n    for i in range(2000):\n        t = op('Relu', t)\n    return t\n",
            "no plain data",
        ),
        (
            "def f(m):\n    return op('Concat', *[op('Relu', 'x') for i in range(2000)])\n",
            "more than 1000 operators",
        ),
    ] {
        let said = refused(&(rules.to_owned() + &about_relu("f")), &["lenet5.onnx", "-f", "crypten"]);
        assert!(said.contains(expected) && said.contains("rule mine"), "{rules}: {said}");
    }
    // One that makes what it is about.
    for replacement in ["op(\"Relu\", op(\"Relu\", \"x\"))", "op(\"Relu\", \"x\")"] {
        let output =
            optimized(&about_relu(replacement), &["lenet5.onnx", "-f", "crypten", "--select", "mine"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
}

#[test]
fn mistakes_are_errors_at_their_place() {
    let reached: &[&str] = &["lenet5.onnx", "-f", "crypten"];
    for (rules, expected) in [
        ("mine = rule(what = 3, pattern = op(\"Relu\"), replacement = \"x\")", "mine.star:1:"),
        ("mine = rule(what = \"\", pattern = \"x\", replacement = \"x\")", "the pattern is no op(...)"),
        ("mine = rule(pattern = op(\"Relu\"))", "mine.star:1:"),
        (
            "mine = struct(pattern = op(\"Relu\", \"x\"), replacement = \"x\")",
            "mine is not what rule() gives: it has no source",
        ),
        ("x = 3", "it defines no rule"),
        ("x = (", "mine.star:1:"),
    ] {
        let said = refused(rules, reached);
        assert!(said.contains(expected) && said.contains("mine.star"), "{rules}: {said}");
    }
    for (replacement, expected) in [
        ("op(\"Relu\", \"y\")", "the replacement names \"y\", which the pattern does not; it names x"),
        ("op(\"Relu\", \"x\"), weights = {\"w\": \"positive\"}", "weights names \"w\""),
        (
            "op(\"Relu\", \"x\"), weights = {\"x\": \"large\"}",
            "one of positive, nonnegative, negative, nonzero",
        ),
        ("op(\"Relu\", \"x\"), weights = {\"x\": len}", "weights is a dictionary of names and signs"),
        ("op(\"Relu\", True)", "an operand is the name of a value"),
        ("op(\"Relu\", \"x\"), condition = 3", "the condition is a function"),
        ("op(\"Relu\", \"x\"), condition = lambda m: 3", "neither True nor False"),
        ("lambda m: op(\"Relu\", m.y)", "no attribute `y`"),
        ("lambda m: op(\"Relu\", \"y\")", "names \"y\", which the pattern does not"),
        ("op(\"Shape\", \"x\")", "it makes int64 [4] where float32"),
        ("op(\"Rleu\", \"x\")", "an operator or its operands are wrong"),
        ("op(\"Relu\", \"x\", a = [1, \"b\"])", "attribute a of Relu mixes numbers and texts"),
        ("3", "float32 [] where float32"),
    ] {
        let said = refused(&about_relu(replacement), reached);
        assert!(said.contains(expected) && said.contains("mine.star:1"), "{replacement}: {said}");
    }
    let taken = about_relu("\"x\"").replace("mine =", "redundant_relu =");
    let said = refused(&taken, reached);
    assert!(said.contains("rule redundant-relu (") && said.contains("has the name of another"), "{said}");
}

#[test]
fn conditions_on_weights_that_are_not_there_are_questions() {
    let rules = "mine = rule(what = \"\", pattern = op(\"Relu\", op(\"Conv\", \"x\", \"w\", \"b?\", bind = \"y\")), \
                 replacement = lambda m: op(\"Conv\", \"x\", \"w\", \"b\", **m.y.attributes), weights = {\"w\": \"positive\"})";
    let output = optimized(rules, &["lenet5.onnx", "-f", "crypten", "--select", "mine"]);
    let said = text(&output.stdout);
    assert!(said.contains("mine") && said.contains("is positive"), "{said}{}", text(&output.stderr));
}

#[test]
fn a_manifest_lists_rules() {
    let folder = tempfile::tempdir().expect("there is room");
    let framework = folder.path().join("mine");
    let path = framework.to_string_lossy();
    let exported = command_line(&["frameworks", "export", "crypten", &path]);
    assert!(exported.status.success(), "{}", text(&exported.stderr));
    let manifest = framework.join("framework.yaml");
    let keys = std::fs::read_to_string(&manifest).expect("it was written");
    std::fs::write(&manifest, format!("{keys}\nrules: [mine.star]\n")).expect("it can be written");
    std::fs::write(framework.join("mine.star"), about_relu("\"x\"")).expect("it can be written");
    let list = command_line(&["optimize", "--list", "-f", &path]);
    assert!(text(&list.stdout).contains("\n  mine "), "{}", text(&list.stderr));
    let found = command_line(&["optimize", "lenet5.onnx", "-f", &path, "--select", "mine"]);
    assert!(text(&found.stdout).contains("mine"), "{}", text(&found.stderr));
    std::fs::write(framework.join("mine.star"), "x = (").expect("it can be written");
    let checked = command_line(&["frameworks", "check", &path]);
    assert!(text(&checked.stdout).contains("mine.star:1:") || text(&checked.stderr).contains("mine.star:1:"));
}
