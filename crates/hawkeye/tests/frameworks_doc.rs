//! The framework of `docs/FRAMEWORKS.md`, run as it stands there.

use std::path::Path;

use hawkeye::{Framework, Options, builtin_names};
use hawkeye_testing::{fixtures, profile};

/// Writes the files of the document's code blocks, whose first lines name them.
fn write_example(folder: &Path) {
    let text =
        std::fs::read_to_string(fixtures().join("../docs/FRAMEWORKS.md")).expect("the document is there");
    for block in text.split("```").skip(1).step_by(2) {
        let body = block.split_once('\n').map_or("", |(_, body)| body);
        let Some(name) = body.lines().next().and_then(|line| line.strip_prefix("# beaver/")) else {
            continue;
        };
        std::fs::write(folder.join(name), body).expect("the folder can be written");
    }
}

#[test]
fn the_documented_framework_profiles_a_model() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    write_example(folder.path());
    let name = folder.path().to_str().expect("paths are text here");
    let model = fixtures().join("crypten/models/mlp3_b1.onnx");
    let relu_free = profile(&model, name, &Options::default()).expect_err("the example has no Relu");
    assert!(relu_free.to_string().contains("(Relu, opset 13): the framework has no protocol"), "{relu_free}");

    let sheet = folder.path().join("beaver.star");
    let text = std::fs::read_to_string(&sheet).expect("it was written") + "lower_Relu = lower_Add\n";
    std::fs::write(&sheet, text).expect("it can be written");
    let report = profile(&model, name, &Options::default()).expect("now it has");
    // Three fully connected layers: 784 x 128, 128 x 128, 128 x 10; each opens its input and
    // weights, then truncates its output.
    let layers = [(784, 128), (128, 128), (128, 10)];
    let opened: u64 = layers.iter().map(|(n, m)| n + n * m + m).sum();
    assert_eq!(report.counters["bytes"], 2 * 8 * opened);
    assert_eq!(report.counters["rounds"], 6);
    let dealt: u64 = layers.iter().map(|(n, m)| n + n * m + m + 2 * m).sum();
    assert_eq!(report.totals.offline.bytes, 8 * dealt);
    let three = Options { parties: Some(3), ..Options::default() };
    let report = profile(&model, name, &three).expect("it runs between any number of parties");
    assert_eq!(report.counters["bytes"], 6 * 8 * opened);
}

/// `//std` as the document has it: every function, as its sheet writes and documents it.
fn std_table() -> String {
    let folder = fixtures().join("../frameworks/std");
    let mut sheets: Vec<_> = std::fs::read_dir(folder).expect("it is there").flatten().collect();
    sheets.sort_by_key(std::fs::DirEntry::file_name);
    let mut table = "| load from | function | what it gives |\n|---|---|---|\n".to_owned();
    for sheet in sheets {
        let name = sheet.file_name().into_string().expect("names are text");
        let text = std::fs::read_to_string(sheet.path()).expect("it can be read");
        let functions: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("def ")).collect();
        let names: Vec<&str> = functions.iter().map(|f| &f[..f.find('(').unwrap_or(f.len())]).collect();
        let public: Vec<&str> = names.iter().copied().filter(|name| !name.starts_with('_')).collect();
        // The interpreter knows what belongs to which function.
        let folder = tempfile::tempdir().expect("a folder can be made");
        let loads = public.iter().map(|name| format!(", \"{name}\"")).collect::<String>();
        let sheet = format!("load(\"//std/{name}\"{loads})\n\ndef lower_Relu(_n):\n    pass\n");
        std::fs::write(folder.path().join("beaver.star"), sheet).expect("it can be written");
        std::fs::write(folder.path().join("framework.yaml"), MANIFEST).expect("it can be written");
        let framework = Framework::open(folder.path().to_str().expect("paths are text")).expect("it opens");
        let instance = framework.instantiate(None, &std::collections::BTreeMap::new()).expect("it loads");
        instance.sheets.operators().expect("it runs");
        let definitions = instance.sheets.definitions();
        for function in functions.iter().filter(|f| !f.starts_with('_')) {
            let function = function.trim_end_matches(':');
            let name_of = &function[..function.find('(').unwrap_or(function.len())];
            let (_, definition) = definitions.callee(None, name_of).expect("it was loaded");
            assert!(!definition.doc.is_empty(), "{name_of} of //std/{name} is not documented");
            table += &format!(
                "| `//std/{name}` | `{}` | {} |\n",
                function.replace('|', "\\|"),
                definition.doc.replace('|', "\\|")
            );
        }
    }
    table
}

const MANIFEST: &str = "schema: hawkeye-framework/1
name: beaver
title: loads //std
version: '1'
sheet: beaver.star
parties: {default: 2, min: 2, max: 2}
visibility: {inputs: secret, weights: secret}
counters: {}
";

#[test]
fn the_shared_library_is_documented() {
    let path = fixtures().join("../docs/FRAMEWORKS.md");
    let text = std::fs::read_to_string(&path).expect("the document is there");
    let (begin, end) = ("<!-- std: written by `make docs` -->\n", "<!-- end of std -->");
    let (before, rest) = text.split_once(begin).expect("it has the table's place");
    let (_, after) = rest.split_once(end).expect("the table ends");
    let written = format!("{before}{begin}\n{}\n{end}{after}", std_table());
    if std::env::var_os("HAWKEYE_BLESS").is_some() {
        std::fs::write(&path, &written).expect("it can be written");
    }
    assert!(written == text || std::env::var_os("HAWKEYE_BLESS").is_some(), "run make docs");
}

#[test]
fn every_built_in_framework_loads() {
    for name in builtin_names() {
        let framework = Framework::open(&name).expect("its manifest is fine");
        assert_eq!(framework.manifest.name, name);
        let instance =
            framework.instantiate(None, &std::collections::BTreeMap::new()).expect("its sheets load");
        let operators = instance.sheets.operators().expect("its sheets run");
        assert!(!operators.is_empty(), "{name} lowers nothing");
    }
}

/// What a sheet or manifest of a user's can do wrong, and what it is told.
#[test]
fn mistakes_are_told_with_their_place() {
    let cases = [
        ("syntax", "def lower_Gemm(n):\n    send(0,\n", "beaver.star:"),
        ("unknown name", "def lower_Gemm(n):\n    sned(0, 1, 8)\n", "sned"),
        ("itself", "def lower_Gemm(n):\n    send(0, 0, 8)\n", "sends to itself"),
        ("party", "def lower_Gemm(n):\n    send(0, 7, 8)\n", "there is no party 7"),
        ("phase", "def lower_Gemm(n):\n    send(0, 1, 8, phase = \"later\")\n", "\"later\" is no phase"),
        ("negative", "def lower_Gemm(n):\n    send(0, 1, -8)\n", "beaver.star:2"),
        ("endless", "def f(n):\n    return f(n + 1)\ndef lower_Gemm(n):\n    f(0)\n", "beaver.star:"),
        (
            "long",
            "def lower_Gemm(n):\n    for i in range(1000000000):\n        ceil_div(i, 2)\n",
            "a range has more than 1000000 elements",
        ),
        ("negative bytes", "def lower_Gemm(n):\n    send(0, 1, -8)\n", "bytes is negative: -8"),
        ("power", "def lower_Gemm(n):\n    send(0, 1, 2 ** 3)\n", "Starlark has no **"),
        (
            "long text",
            "def lower_Gemm(n):\n    s = \"ab\"\n    for i in range(40):\n        s = s * 2\n",
            "beaver.star:4",
        ),
        ("long list", "def lower_Gemm(n):\n    x = [0] * 1000000000\n", "beaver.star:2"),
        (
            "large number",
            "def lower_Gemm(n):\n    x = 3\n    for i in range(40):\n        x = x * x\n",
            "a factor exceeds 64 bits",
        ),
        (
            "sends",
            "def lower_Gemm(n):\n    for i in range(1000000):\n        send(0, 1, 8)\n",
            "beaver.star:3",
        ),
        ("field", "def lower_Gemm(n):\n    return struct(output = 1)\n", "fields are outputs and inputs"),
        ("result", "def lower_Gemm(n):\n    return 5\n", "lower_Gemm: returns None or struct"),
        ("refusal", "def lower_Gemm(n):\n    fail(\"not today\")\n", "not today"),
        ("loading", "load(\"../../secret.star\", \"x\")\n", "leads out of the framework's directory"),
        ("missing", "load(\"nowhere.star\", \"x\")\n", "nowhere.star"),
        ("group", "def lower_Gemm(n):\n    defer(\"relu\", 1)\n", "no sheet defines group_relu"),
        ("resource", "def lower_Gemm(n):\n    draw(\"cot\", 1)\n", "no sheet defines draw_cot"),
    ];
    for (name, sheet, expected) in cases {
        let folder = tempfile::tempdir().expect("a folder can be made");
        write_example(folder.path());
        let rest = "\ndef lower_Relu(n):\n    pass\n\nlower_Flatten = lower_Relu\n";
        std::fs::write(folder.path().join("beaver.star"), format!("{sheet}{rest}"))
            .expect("it can be written");
        let path = folder.path().to_str().expect("paths are text here");
        let model = fixtures().join("crypten/models/mlp3_b1.onnx");
        let said = profile(&model, path, &Options::default()).expect_err(name).to_string();
        assert!(said.contains(expected), "{name}: expected \"{expected}\" in:\n{said}");
    }
}
