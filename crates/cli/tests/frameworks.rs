//! What authors of frameworks have: a skeleton, a check that finds what is wrong, tests, exports, overlays.

mod common;

use std::fs;
use std::path::Path;

use common::{command_line, text};
use hawkeye::builtin_names;
use hawkeye_testing::{fixtures, in_parallel};

const MANIFEST: &str = "schema: hawkeye-framework/1
name: small
title: A framework of a few lines
version: '1'
sheet: small.star
parties: {default: 2, min: 2, max: 3}
visibility: {inputs: secret, weights: secret}
counters: {bytes: {sum: bytes}}
";

/// The folder's path as text.
fn shown(folder: &Path) -> &str {
    folder.to_str().expect("paths are text here")
}

/// What `frameworks check` says of a manifest with these further lines and a sheet, and its exit code.
fn checked(lines: &str, sheet: &str) -> (String, Option<i32>) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    fs::write(folder.path().join("framework.yaml"), format!("{MANIFEST}{lines}\n"))
        .expect("it can be written");
    fs::write(folder.path().join("small.star"), sheet).expect("it can be written");
    let output = command_line(&["frameworks", "check", shown(folder.path())]);
    (text(&output.stderr) + &text(&output.stdout), output.status.code())
}

/// What can be wrong with a sheet, and what is said of it.
#[test]
fn faults_of_sheets_are_found() {
    let cases = [
        ("def lower_Covn(n):\n    pass\n", "did you mean lower_Conv?"),
        ("def lower_relu(n):\n    pass\n", "did you mean lower_Relu?"),
        ("def update_sdg(n):\n    pass\n", "did you mean update_sgd?"),
        ("def loss_msee(n):\n    pass\n", "did you mean loss_mse?"),
        ("def backward_Rleu(n):\n    pass\n", "did you mean backward_Relu?"),
        ("def backwards_Relu(n):\n    pass\n", "did you mean backward_Relu?"),
        ("def lowers_Relu(n):\n    pass\n", "did you mean lower_Relu?"),
        ("def Begin():\n    pass\n", "did you mean begin?"),
        ("def draw_x(a):\n    pass\n", "draw_x takes 1 argument, but is called as draw_x(state, request)"),
        ("def draw_x(state, request):\n    pass\n", "no sheet calls draw(\"x\", ...)"),
        ("def group_x(weight):\n    pass\n", "no sheet calls defer(\"x\", ...)"),
        (
            "def lower_Relu(n, m):\n    exchange(8)\n",
            "lower_Relu takes 2 arguments, but is called as lower_Relu(n)",
        ),
        ("def _relu(n, m):\n    exchange(8)\nlower_Relu = _relu\n", "lower_Relu (_relu) takes 2 arguments"),
        ("lower_Relu = 3\n", "lower_Relu is no function"),
        ("def begin(a, b):\n    pass\n", "begin takes 2 arguments"),
        ("def lower_Relu(n):\n    send(0, 7, 8)\n", "there is no party 7"),
        ("def lower_Relu(n):\n    send(0, 0, 8)\n", "sends to itself"),
        ("def lower_Relu(n):\n    send(0, 1)\n", "small.star:2"),
        ("def lower_Relu(n):\n    exchange(-8)\n", "bytes is negative: -8"),
        ("def lower_Relu(n):\n    exchange(8 // (n.inputs[0].rank - 2))\n", "small.star:2"),
        ("def lower_Relu(n):\n    exchange(n.inputs[1].size)\n", "small.star:2"),
        ("def lower_Relu(n):\n    exchange(n.inputs[0].sise)\n", "sise"),
        ("def lower_Conv(n):\n    exchange(n.attrs[\"kernel_shape\"][0])\n", "kernel_shape"),
        ("def lower_Relu(n):\n    return struct(output = [1])\n", "fields are outputs and inputs"),
        ("def lower_Relu(n):\n    return struct(outputs = [1, 2, 3])\n", "returns 3 states for 1 output\n"),
        ("def lower_Relu(n):\n    return 5\n", "returns None or struct"),
        (
            "def lower_Relu(n):\n    repeat(1000, exchange, 1 << 60)\n",
            "a cost exceeds 2^64 in Relu, defined at",
        ),
        ("CACHE = []\ndef lower_Relu(n):\n    CACHE.append(1)\n", "small.star:3"),
        ("def lower_Relu(n):\n    x = [0] * 1000000000\n    exchange(len(x))\n", "small.star:2"),
        (
            "def lower_Relu(n):\n    x = 3\n    for i in range(40):\n        x = x * x\n    exchange(x % 7)\n",
            "small.star:4",
        ),
        ("def lower_Relu(n):\n    for i in range(1000000000):\n        exchange(8)\n", "small.star:2"),
        ("def lower_Relu(n):\n    pass\nlower_Elu = lower_Rleu\n", "did you mean `lower_Relu`?"),
        (
            "def lower_Conv(n):\n    exchange(window_of(n).kernel[0])\n",
            "= help: load(\"//std/window.star\", \"window_of\")",
        ),
        (
            "def lower_Relu(n):\n    for i in range(100000):\n        for j in range(100000):\n            pass\n",
            "runs more than 10000000 loop turns and calls",
        ),
        (
            "def lower_Relu(n):\n    exchange(bytes_of_bits(8))\n",
            "load(\"//std/integers.star\", \"bytes_of_bits\") defines it",
        ),
        ("def lower_Relu(n):\n    exchange(params.ring)\n", "the manifest has no parameter \"ring\""),
        (
            "def lower_Relu(n):\n    exchange(8)\n\ndef idle():\n    exchange(1)\n",
            "nothing that is called leads to idle",
        ),
        (
            "def lower_Relu(n):\n    sends(8, 1)\n\ndef sends(x, y):\n    exchange(x)\n",
            "sends does not look at its parameter y",
        ),
        (
            "def lower_Relu(n):\n    evidence(\"provn\")\n    exchange(8)\n",
            "\"provn\" is no kind of evidence",
        ),
        ("def lower_Relu(n):\n    fail(\"\")\n", "small.star:2:5"),
        ("def lower_Relu(n):\n    send(0, 1, n.inputs[0].size / 2)\n", "divide integers by //"),
        ("def lower_Relu(n):\n    repeat(2, exchange(8))\n", "not repeat(n, f(x))"),
        ("def lower_Relu(n):\n    while True:\n        exchange(8)\n", "no while: write for _ in range(n)"),
        ("import math\ndef lower_Relu(n):\n    pass\n", "no import: write load("),
        ("def lower_If(n):\n    pass\n", "what is in the bodies of If takes its place"),
        (
            "def lower_Relu(n):\n    pass\ndef lower_com_microsoft_FusedCnov(n):\n    pass\n",
            "did you mean lower_com_microsoft_FusedConv?",
        ),
        (
            "def lower_Relu(n):\n    pass\ndef lower_com_micorsoft_Gelu(n):\n    pass\n",
            "did you mean lower_com_microsoft_Gelu?",
        ),
        ("def lower_CumSum(n):\n    exchange(-1)\n", "bytes is negative: -1"),
        (
            "def f(xs):\n    exchange(8)\n    xs.append(1)\ndef lower_Relu(n):\n    f([])\n",
            "f changes a value that it is given",
        ),
        ("load(\"gone.star\", \"f\")\ndef lower_Relu(n):\n    f(n)\n", "small.star:1 loads it"),
        ("def lower_Relu(n):\n    return 1 + \"a\"\n", "small.star:2:12"),
        ("def lower_Relu(n) -> int:\n    return \"a\"\n", "small.star:2"),
        ("def lower_Relu(n):\n    if n.inputs[0].rank == 3:\n        send(0, 9, 1)\n", "there is no party 9"),
        (
            "def lower_Mul(n):\n    if n.inputs[1].visibility == \"public\":\n        send(0, 9, 1)\n",
            "there is no party 9",
        ),
        ("def lower_Relu(n):\n    exchange(ceil_log2(n.inputs[0].rank - 9))\n", "n is negative: -"),
        ("def lower_Relu(n):\n    draw(\"ot\", 1)\n", "no sheet defines draw_ot"),
        ("def lower_Relu(n):\n    defer(\"ot\", 1)\n", "define group_ot(weight) in a sheet"),
        (
            "def lower_Relu(n):\n    return struct(inputs = {1: 0})\n",
            "state for input 1, but the node has 1 input",
        ),
        ("fail(\"not yet\")\ndef lower_Relu(n):\n    pass\n", "small.star:1:1-16: not yet"),
        ("def add(x):\n    return x\n", "no sheet defines a lower_ function"),
        ("def lower_Relu(n):\n    if parties == 3:\n        send(0, 9, 1)\n", "there is no party 9"),
        ("def lower_MatMul(n):\n    pass\ndef update_adam(n):\n    send(0, 9, 1)\n", "there is no party 9"),
        (
            "def lower_Add(n):\n    pass\ndef lower_Relu(n):\n    pass\ndef backward_Relu(n):\n    send(0, 9, 1)\n",
            "there is no party 9",
        ),
    ];
    let said = in_parallel(&cases, |(sheet, expected)| {
        let (said, _) = checked("", sheet);
        let missed = !said.contains(expected) || said.contains("Internal error");
        missed.then(|| format!("{sheet}expected \"{expected}\" in:\n{said}"))
    });
    let missed: Vec<String> = said.into_iter().flatten().collect();
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n----\n"));
}

#[test]
fn faults_of_manifests_are_found() {
    let cases = [
        ("evidence: proven", "evidence is measured, modelled, formula, not \"proven\""),
        ("log: {lines: [{match: '(unclosed'}]}", "is no regular expression"),
        ("log: {lines: [{match: 'x', party: alice}]}", "which its parties lack"),
        ("parameters: {idle: {type: int, default: 1, doc: nothing}}", "no sheet looks at the parameter idle"),
        ("parameters: {f: {type: bool, default: true, min: 1, doc: f}}", "min and max are for type: int"),
        ("training: {cuts: [Argmax]}", "did you mean ArgMax?"),
        ("loads: {front_end: f, all_but: [Argmax]}", "framework.yaml:9:23"),
        ("log: {lines: [{match: '(?P<snt_bytes>[0-9]+)'}]}", "did you mean sent_bytes?"),
        ("log: {lines: [{match: '([0-9]+)', counters: {n: bytes}}]}", "a group \"n\", which its match lacks"),
        (
            "log: {lines: [{match: '(?P<n>[0-9]+)', counters: {n: byte}}]}",
            "counter \"byte\", which counters lack; did you mean bytes?",
        ),
        ("modules: {kernels: gone.star}", "module kernels: gone.star can't be read"),
        ("transport: {flight_rtt: -1}", "flight_rtt is no time: -1"),
        ("transport: {profiles: [crypten-gpu]}", "there is no profile \"crypten-gpu\""),
        ("measured: {runs: 5, exact: 9}", "9 runs are exact and 0 within their band, but there are 5"),
        ("extra_parties: [ttp, TTP]", "two parties are called TTP"),
        (
            "parameters:\n  a: {type: int, default: 1, doc: a}\n  a: {type: int, default: 2, doc: a}",
            "duplicate entry",
        ),
        (
            "rounds: {direction_changes: {channel: io, last: [1, 0]}}",
            "channel \"io\", on which no sheet sends",
        ),
        ("rounds: {direction_changes: {channel: io, last: [5, 0]}}", "last names party 5"),
    ];
    for (lines, expected) in cases {
        let (said, code) = checked(lines, "def lower_Relu(n):\n    exchange(8)\n");
        assert!(said.contains(expected), "{lines}: expected \"{expected}\" in:\n{said}");
        let warning = said.contains("fine, but for");
        assert_eq!(code, Some(if warning { 0 } else { 1 }), "{said}");
    }
    // Without its manifest nothing is looked over.
    let (said, code) = checked("secrity: none", "def lower_Relu(n):\n    exchange(8)\n");
    assert!(said.contains("did you mean security?") && code == Some(2), "{said}");
    // Parameters are updated where the layers alone have gradients.
    let own = "def lower_Gemm(n):\n    pass\ndef backward_Gemm(n):\n    pass\ndef loss_mse(n):\n    pass\n\
               def backward_mse(n):\n    pass\ndef update_sgd(n):\n    send(0, 9, 1)\n";
    let (said, _) = checked("training: {gradients: own}", own);
    assert!(said.contains("there is no party 9"), "{said}");
    // A maximum has one more output in the gradient graph.
    let mixed = "def lower_MaxPool(n):\n    exchange(8)\ndef backward_MaxPool(n):\n    exchange(8)\n\
                 def lower_Add(n):\n    pass\n";
    let (said, code) = checked("", mixed);
    assert_eq!(code, Some(0), "{said}");
    // The numbers of a fault are the samples'; it is told once.
    let (said, _) = checked("", "def lower_Conv(n):\n    exchange(n.outputs[0].size // 0)\n");
    assert_eq!(said.matches("division by zero").count(), 1, "{said}");
    let replaced = [
        (
            "parties: {default: 2, min: 2, max: 3}",
            "parties: {default: 2, min: 4, max: 3}",
            "framework.yaml:6:",
        ),
        (
            "weights: secret",
            "weights: hidden",
            "visibility: expected secret, public, or the number of a party",
        ),
        ("counters:", "rounds: sheets\ncounters:", "rounds: expected sheet, flights, or {direction_changes:"),
        ("counters:", "rounds: sheets\ncounters:", "framework.yaml:8:"),
        (
            "counters:",
            "parameters: {a: {type: choice, default: x, doc: a}}\ncounters:",
            "needs choices: [...]",
        ),
        (
            "counters:",
            "parameters: {a: {type: int, default: 1, min: 3, max: 2, doc: a}}\ncounters:",
            "parameter a: min 3 is more than max 2",
        ),
        ("sheet: small.star", "sheet: ../small.star", "leads out of the framework's directory\n  --> "),
        (
            "counters: {bytes: {sum: bytes}}",
            "counters:\n  sent: {sum: bytes, phases: [onlin]}",
            "framework.yaml:9:",
        ),
        ("framework/1", "framework/2", "  1 | schema: hawkeye-framework/2"),
        ("name: small", "name: 'fal con/..'", "is not made of letters"),
        ("weights: secret", "weights: {party: 7}", "known to party 7, but parties are 0 to 2"),
        ("counters: {bytes: {sum: bytes}}", "counters: {bytes: {sum: bytes, to: 3}}", "is to party 3"),
        ("parties: {default: 2, min: 2, max: 3}", "parties: three", "framework.yaml:6:"),
    ];
    for (old, new, expected) in replaced {
        let folder = tempfile::tempdir().expect("a folder can be made");
        fs::write(folder.path().join("framework.yaml"), MANIFEST.replace(old, new))
            .expect("it can be written");
        let sheet = "def lower_Relu(n):\n    exchange(8)\n";
        fs::write(folder.path().join("small.star"), sheet).expect("it can be written");
        let output = command_line(&["frameworks", "check", shown(folder.path())]);
        let said = text(&output.stderr);
        assert!(said.contains(expected), "{new}: expected \"{expected}\" in:\n{said}");
        assert!(!output.status.success());
    }
}

/// All that is wrong is said at once, and what is right is not complained about.
#[test]
fn all_faults_are_told_at_once() {
    let sheet = "def lower_Covn(n):\n    pass\n\ndef lower_Relu(n):\n    send(0, 7, 8)\n\ndef lower_Add(n, m):\n    pass\n";
    let (said, code) = checked("evidence: proven", sheet);
    for expected in ["lower_Conv", "there is no party 7", "lower_Add takes 2", "evidence is"] {
        assert!(said.contains(expected), "{said}");
    }
    assert_eq!(code, Some(1));
    let (said, code) = checked("", "def lower_Relu(n):\n    exchange(8 * n.inputs[0].size)\n");
    assert!(said.starts_with("small 1: fine; 1 operator,"), "{said}");
    assert_eq!(code, Some(0));
}

#[test]
fn built_in_frameworks_and_examples_are_fine() {
    let example = fixtures().join("../examples/replicated");
    let mut names = builtin_names();
    names.push(shown(&example).to_owned());
    let said = in_parallel(&names, |name| {
        let output = command_line(&["frameworks", "check", name]);
        let said = text(&output.stderr) + &text(&output.stdout);
        (!said.contains(": fine; ")).then_some(said)
    });
    let complaints: Vec<String> = said.into_iter().flatten().collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    let output = command_line(&["frameworks", "test", shown(&example)]);
    assert!(output.status.success(), "{}", text(&output.stdout));
}

#[test]
fn a_new_framework_is_fine_and_passes_its_tests() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("mine");
    let path = shown(&path);
    assert!(command_line(&["frameworks", "new", "mine", "-o", path]).status.success());
    let output = command_line(&["frameworks", "check", path]);
    assert!(text(&output.stdout).starts_with("mine 1: fine; "), "{}", text(&output.stderr));
    let output = command_line(&["frameworks", "test", path]);
    assert!(text(&output.stdout).ends_with("3 of 3 passed\n"), "{}", text(&output.stdout));
    // A wrong number is told with the right one.
    let tests = Path::new(path).join("tests.yaml");
    let changed = fs::read_to_string(&tests).expect("it is there").replace("bytes: 192", "bytes: 193");
    fs::write(&tests, changed).expect("it can be written");
    let output = command_line(&["frameworks", "test", path]);
    assert!(text(&output.stdout).contains("bytes: expected 193, but it is 192"), "{}", text(&output.stdout));
    assert_eq!(output.status.code(), Some(1));
    // What is there is not overwritten.
    let output = command_line(&["frameworks", "new", "mine", "-o", path]);
    assert!(text(&output.stderr).contains("is there already"));
}

/// An exported framework prices as the one that it came from.
#[test]
fn exported_frameworks_run_as_they_stand() {
    let names = ["crypten", "cheetah", "spu-semi2k", "mp-spdz-ring", "delphi", "sirnn", "paper/falcon"];
    in_parallel(&names, |name| {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("mine");
        let output = command_line(&["frameworks", "export", name, shown(&path)]);
        assert!(output.status.success(), "{name}: {}", text(&output.stderr));
        let model = if *name == "mp-spdz-ring" { "mlp3.onnx" } else { "lenet5.onnx" };
        let model = if fixtures().join("models").join(model).exists() { model } else { "lenet5.onnx" };
        let profile = |framework: &str| {
            let output = command_line(&["profile", model, "-f", framework, "--format", "json"]);
            text(&output.stdout) + &text(&output.stderr).replace(shown(&path), name)
        };
        let (ours, theirs) = (profile(name), profile(shown(&path)));
        assert_eq!(ours.len() > 1000, theirs.len() > 1000, "{name}: {theirs}");
        if ours.len() > 1000 {
            assert_eq!(ours, theirs, "{name}");
        }
    });
}

#[test]
fn functions_that_a_model_needs_are_listed() {
    let output = command_line(&["frameworks", "operators", "-m", "lenet5.onnx"]);
    let said = text(&output.stdout);
    assert!(said.contains("lower_Relu") && said.contains("free unless written"), "{said}");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("mine");
    command_line(&["frameworks", "new", "mine", "-o", shown(&path)]);
    let output = command_line(&["frameworks", "operators", "-m", "lenet5.onnx", "-f", shown(&path)]);
    let said = text(&output.stdout);
    let state =
        |op: &str| said.lines().find(|line| line.starts_with(&format!("lower_{op} "))).unwrap_or_default();
    assert!(state("Relu").ends_with("there") && state("Flatten").ends_with("free unless written"), "{said}");
    assert!(said.contains("missing"), "{said}");
    let output = command_line(&["frameworks", "operators", "-m", "bert_base.onnx", "-f", shown(&path)]);
    let said = text(&output.stdout);
    let layer = said.lines().find(|line| line.starts_with("lower_LayerNormalization ")).unwrap_or_default();
    assert!(layer.ends_with("made of other operators unless written"), "{said}");
}

/// The evidence, and the totals' bytes, of LeNet-5.
fn bytes(arguments: &[&str]) -> (String, u64) {
    let output = command_line(&[&["profile", "lenet5.onnx", "--format", "json"], arguments].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let evidence = report["framework"]["evidence"].as_str().unwrap_or_default().to_owned();
    (evidence, report["totals"]["online"]["bytes"].as_u64().expect("there are totals"))
}

#[test]
fn a_function_of_a_built_in_framework_can_be_replaced() {
    let (_, before) = bytes(&["-f", "crypten"]);
    let (evidence, after) = bytes(&["-f", "crypten", "--cost", "ltz=0"]);
    assert!(after < before, "{after} of {before}");
    assert!(evidence.contains("ltz replaced"), "{evidence}");
    // The same by a sheet; what it loads are the framework's own functions.
    let folder = tempfile::tempdir().expect("a folder can be made");
    let sheet = folder.path().join("mine.star");
    fs::write(&sheet, "def lower_Relu(n):\n    send(0, 1, n.inputs[0].size)\n").expect("it can be written");
    let output = command_line(&[
        "profile",
        "lenet5.onnx",
        "-f",
        "crypten",
        "--overlay",
        shown(&sheet),
        "--format",
        "json",
    ]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let relu =
        report["operators"].as_array().and_then(|all| all.iter().find(|op| op["op"] == "Relu")).cloned();
    let relu = relu.expect("LeNet-5 has one");
    assert_eq!(relu["evidence"], "overlay", "{relu}");
    for command in ["profile", "compare", "explain"] {
        let more: &[&str] = match command {
            "compare" => &["--variant", "max_method=pairwise"],
            "explain" => &["Relu_1"],
            _ => &[],
        };
        let arguments = [&[command, "lenet5.onnx"], more, &["-f", "crypten", "--cost", "ltzz=0"]].concat();
        let output = command_line(&arguments);
        let said = text(&output.stderr);
        assert!(
            said.contains("define no function ltzz") && said.contains("did you mean"),
            "{command}: {said}"
        );
        assert_eq!(output.status.code(), Some(2));
    }
}
