//! The ONNX project's own shape tests, scored.
//!
//! The cases lie beside the repository; where they are absent the test says so and passes. A case
//! with symbolic inputs is not scored: a symbol without a size is an error before inference, and
//! with one it is another case that is concrete.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hawkeye_graph::Fact;
use hawkeye_shapes::{Bindings, bind, infer};
use serde_json::Value;

/// Exact cases that have been reached; fewer is a regression.
const REACHED: &[(&str, usize)] = &[
    ("light", 5),
    ("node", 676),
    ("node, expanded", 249),
    ("node_dyn", 38),
    ("node_dyn, expanded", 16),
    ("pytorch-converted", 46),
    ("pytorch-operator", 12),
    ("simple", 8),
    ("sit", 310),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Score {
    Wrong,
    Refused,
    None,
    Partial,
    Exact,
    NotScored,
}

#[test]
fn conformance() {
    let given = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance");
    let other = std::env::var_os("HAWKEYE_CONFORMANCE").map(PathBuf::from);
    let folder = other.clone().unwrap_or(given);
    let Ok(cases) = std::fs::read_to_string(folder.join("CASES.jsonl")) else {
        note(&format!("no conformance cases at {}", folder.display()));
        return;
    };
    let mut scores: BTreeMap<String, BTreeMap<Score, usize>> = BTreeMap::new();
    let mut types = BTreeMap::new();
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut missing: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).expect("a case is a line of JSON");
        let (score, type_errors, why) = score(&folder, &case);
        let kind = kind(&case);
        *scores.entry(kind.clone()).or_default().entry(score).or_default() += 1;
        *types.entry(kind.clone()).or_insert(0) += type_errors;
        if !matches!(score, Score::Exact | Score::NotScored) {
            let name = case["case"].as_str().unwrap_or_default();
            if kind == "node" {
                *reasons.entry(case["ops"][0].as_str().unwrap_or_default().to_owned()).or_default() += 1;
            }
            let list = missing.entry(format!("{kind} {score:?} {}", case["ops"])).or_default();
            list.push(format!("{name}: {why}"));
        }
    }
    for (group, cases) in &missing {
        note(&format!("{group}: {}, e.g. {}", cases.len(), cases[0]));
    }
    for (kind, scores) in &scores {
        note(&format!("{kind}: {scores:?}; wrong element types: {}", types[kind]));
    }
    let count = |kind: &str, score| scores.get(kind).and_then(|s| s.get(&score)).copied().unwrap_or(0);
    for kind in scores.keys() {
        assert_eq!(count(kind, Score::Wrong), 0, "wrong shapes among {kind}");
    }
    if other.is_some() {
        return;
    }
    for (kind, reached) in REACHED {
        assert!(count(kind, Score::Exact) >= *reached, "{kind}: fewer exact cases than {reached}");
    }
    accuracy(&scores, &reasons);
}

const HEAD: &str = "
## Shape inference

The ONNX project's own shape tests, the given half of them, by `crates/shapes/tests/conformance.rs`. *Exact*:
every dimension of every output; *partial*: some are unknown; *none*: none is known; *wrong*: one differs; *refused*:
the model is an error. `node_dyn` are the cases of `node` with their constants made inputs, so that most shapes
depend on data.

| kind | cases | exact | partial | none | wrong | refused |
|---|---|---|---|---|---|---|
";

/// Keeps the scores in `docs/ACCURACY.md`, behind what is measured.
fn accuracy(scores: &BTreeMap<String, BTreeMap<Score, usize>>, reasons: &BTreeMap<String, usize>) {
    let mut text = HEAD.to_owned();
    for (kind, scores) in scores {
        let of = |score| scores.get(&score).copied().unwrap_or(0);
        let columns = [Score::Exact, Score::Partial, Score::None, Score::Wrong, Score::Refused].map(of);
        let cases: usize = columns.iter().sum();
        let columns: Vec<String> = columns.iter().map(usize::to_string).collect();
        text.push_str(&format!("| {kind} | {cases} | {} |\n", columns.join(" | ")));
    }
    text.push_str(
        "\nOf the operator cases (`node`), these are not exact; their shapes depend on data that a profile does not see:\n\n| operator | cases |\n|---|---|\n",
    );
    for (operator, cases) in reasons {
        text.push_str(&format!("| {operator} | {cases} |\n"));
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ACCURACY.md");
    let written = std::fs::read_to_string(&file).expect("it is there");
    let measured = written.find("\n## Shape inference\n").map_or(written.as_str(), |at| &written[..at]);
    let behind = written.find("\n## Real exports\n").map_or("", |at| &written[at..]);
    let wanted = format!("{measured}{text}{behind}");
    if std::env::var_os("HAWKEYE_BLESS").is_some() {
        std::fs::write(&file, wanted).expect("it can be written");
    } else {
        assert!(written == wanted, "docs/ACCURACY.md is out of date: run `make accuracy`");
    }
}

fn kind(case: &Value) -> String {
    let kind = case["kind"].as_str().unwrap_or_default();
    if case["expanded"] == true { format!("{kind}, expanded") } else { kind.to_owned() }
}

/// The worst of the outputs, how many have another element type, and what went wrong.
fn score(folder: &Path, case: &Value) -> (Score, usize, String) {
    let given = if case["inputs"].is_object() { &case["inputs"] } else { &case["given"] };
    let expected = case["expected"].as_object().expect("a case expects outputs");
    let tensors: Vec<_> = expected.iter().filter(|(_, e)| e["kind"] == "tensor").collect();
    let mut bindings = Bindings::default();
    for (name, input) in given.as_object().expect("a case gives inputs") {
        if input["kind"] != "tensor" {
            continue;
        }
        match sizes(&input["shape"]) {
            Some(shape) => bindings.shapes.insert(name.clone(), shape),
            None => return (Score::NotScored, 0, String::new()),
        };
    }
    if tensors.is_empty() {
        return (Score::NotScored, 0, String::new());
    }
    let file = folder.join(case["file"].as_str().expect("a case has a file"));
    let model = match hawkeye_onnx::load(&file) {
        Ok(model) => model,
        Err(failure) => return (Score::Refused, 0, format!("{failure:?}")),
    };
    let inputs = model.graph.inputs.iter().map(|id| model.graph.value(*id).name.clone()).collect::<Vec<_>>();
    bindings.shapes.retain(|name, _| inputs.contains(name));
    let shapes = match bind(&model.graph, &bindings) {
        Ok(inputs) => infer(&model.graph, &inputs),
        Err(failure) => return (Score::Refused, 0, format!("{failure:?}")),
    };
    let (mut worst, mut type_errors, mut why) = (Score::Exact, 0, String::new());
    for (name, expected) in tensors {
        let id = model.graph.value_ids().find(|id| model.graph.value(*id).name == *name);
        let Some(id) = id else { continue };
        let fact = &shapes.facts[id];
        let score = compare(fact, &expected["shape"]);
        let dtype = expected["dtype"].as_str().unwrap_or_default().to_lowercase();
        let names = fact.dtype.map(|d| d.name().to_owned()).unwrap_or_default();
        let names = names.replace("float32", "float").replace("float64", "double");
        if score == Score::Exact && names != dtype {
            type_errors += 1;
            note(&format!("type {} {name}: {names} for {dtype}", case["case"]));
        }
        if score < worst {
            worst = score;
            let message = shapes.diagnostics.first().map(|d| d.message.clone()).unwrap_or_default();
            why = format!("{name} is {:?}, expected {}; {message}", fact.dims, expected["shape"]);
        }
    }
    (worst, type_errors, why)
}

fn sizes(shape: &Value) -> Option<Vec<u64>> {
    shape.as_array()?.iter().map(Value::as_u64).collect()
}

fn compare(fact: &Fact, expected: &Value) -> Score {
    let Some(expected) = expected.as_array() else { return Score::Exact };
    let Some(dims) = &fact.dims else { return Score::None };
    let contradicts = |(dim, expected): (&Option<u64>, &Value)| match (dim, expected.as_u64()) {
        (Some(dim), Some(expected)) => *dim != expected,
        _ => false,
    };
    if dims.len() != expected.len() || dims.iter().zip(expected).any(contradicts) {
        return Score::Wrong;
    }
    let open = |(dim, expected): (&Option<u64>, &Value)| dim.is_none() && expected.is_u64();
    if dims.iter().zip(expected).any(open) { Score::Partial } else { Score::Exact }
}

fn note(text: &str) {
    use std::io::Write;
    // A failure to print is no failure of the test.
    let _ = writeln!(std::io::stdout(), "{text}");
}
