//! The CrypTen sheets against an independent cost model in Python (`fixtures/tools/crypten`), on random shapes
//! and knobs. What the model says is in `fixtures/crypten/oracle.jsonl`; `HAWKEYE_BLESS=1` asks it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

use hawkeye_cost::{Calls, Communication, Cost, Data, Fold, Share};
use hawkeye_grad::Pass;
use hawkeye_graph::DType;
use hawkeye_lower::{
    Known, Lowering, NodeView, Operation, OperationKind, Program, Runs, TensorView, Visibility, settle,
};
use hawkeye_sheets::{ConfiguredFramework, Framework};
use hawkeye_testing::fixtures;
use serde_json::{Value, json};

/// A reproducible stream of numbers (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn choose<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len() as u64) as usize]
    }
}

fn tensor(shape: &[u64]) -> Option<TensorView> {
    Some(TensorView {
        name: String::new(),
        shape: shape.to_vec(),
        dtype: Some(DType::Float32),
        visibility: Visibility::Secret,
        elements: None,
        initializer: false,
        state: Data::None,
    })
}

fn node(op: &str, inputs: &[&[u64]], output: &[u64], attributes: &[(&str, Data)]) -> NodeView {
    NodeView {
        pass: Pass::Forward,
        op: op.to_owned(),
        domain: String::new(),
        opset: 13,
        inputs: inputs.iter().map(|shape| tensor(shape)).collect(),
        outputs: vec![tensor(output)],
        attributes: attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        plan: Data::None,
        planned: false,
        needs: Vec::new(),
        gradients: Vec::new(),
    }
}

/// A node with random shapes, and the oracle's function and arguments that price it.
fn case(numbers: &mut Numbers) -> (NodeView, &'static str, Value) {
    let (a, b) = (1 + numbers.below(9), 1 + numbers.below(40));
    let n = a * b;
    let shape = [a, b];
    let elementwise =
        |op: &'static str, function: &'static str| (node(op, &[&shape], &shape, &[]), function, json!([n]));
    let int = |i: u64| Data::Int(i64::try_from(i).expect("it is small"));
    match numbers.below(16) {
        0 => elementwise("Relu", "relu"),
        1 => elementwise("Sigmoid", "sigmoid"),
        2 => elementwise("Tanh", "tanh"),
        3 => elementwise("Exp", "exp"),
        4 => elementwise("Log", "log"),
        5 => elementwise("Sqrt", "sqrt"),
        6 => elementwise("Erf", "erf"),
        7 => elementwise("Reciprocal", "reciprocal"),
        8 => elementwise("Abs", "abs"),
        9 => elementwise("Sin", "cossin"),
        10 => (node("Softmax", &[&shape], &shape, &[("axis", Data::Int(-1))]), "softmax", json!([b, a])),
        11 => {
            (node("LogSoftmax", &[&shape], &shape, &[("axis", Data::Int(0))]), "log_softmax", json!([a, b]))
        }
        12 => {
            let windows = [1, a, b, 2];
            let image = [1, a, 3 * b, 6];
            let list = |i: u64| Data::List(vec![int(i), int(i)]);
            let attributes = [("kernel_shape", list(3)), ("strides", list(3))];
            (node("MaxPool", &[&image], &windows, &attributes), "max_pool2d", json!([3, 2 * n]))
        }
        13 => {
            let c = 1 + numbers.below(20);
            (node("MatMul", &[&shape, &[b, c]], &[a, c], &[]), "matmul", json!([n, b * c, a * c]))
        }
        14 => {
            let c = 1 + numbers.below(20);
            let one = ("alpha", Data::from(1.0));
            let attributes = [one.clone(), ("beta", one.1), ("transB", Data::Int(1))];
            (
                node("Gemm", &[&shape, &[c, b], &[c]], &[a, c], &attributes),
                "gemm",
                json!([n, b * c, a * c, c]),
            )
        }
        _ => {
            let inputs: [&[u64]; 5] = [&[a, b, 3, 2], &[b], &[b], &[b], &[b]];
            (node("BatchNormalization", &inputs, &[a, b, 3, 2], &[]), "batchnorm_eval", json!([6 * n, b]))
        }
    }
}

fn knobs(numbers: &mut Numbers) -> BTreeMap<&'static str, Value> {
    let mut knobs = BTreeMap::new();
    let methods = ["log_reduction", "double_log_reduction", "accelerated_cascade", "pairwise"];
    knobs.insert("max_method", json!(numbers.choose(&methods)));
    knobs.insert("reciprocal_method", json!(numbers.choose(&["NR", "log"])));
    knobs.insert("sigmoid_tanh_method", json!(numbers.choose(&["reciprocal", "chebyshev"])));
    knobs.insert("sigmoid_tanh_terms", json!(6 + 2 * numbers.below(12)));
    for name in
        ["exp_iterations", "reciprocal_nr_iters", "sqrt_nr_iters", "log_iterations", "log_exp_iterations"]
    {
        knobs.insert(name, json!(1 + numbers.below(12)));
    }
    for name in ["erf_iterations", "trig_iterations", "precision_bits"] {
        knobs.insert(name, json!(2 + numbers.below(15)));
    }
    knobs.insert("log_order", json!(1 << numbers.below(4)));
    knobs
}

fn instantiate(parties: u64, knobs: &BTreeMap<&'static str, Value>) -> ConfiguredFramework {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let settings = knobs.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect();
    let parties = u16::try_from(parties).expect("there are few");
    Framework::open("crypten")
        .and_then(|f| f.instantiate(Some(parties), &settings))
        .expect("the knobs are fine")
}

/// Counters as the oracle gives them: rounds, bytes, provider rounds, provider bytes.
fn counters(calls: &Calls<Share>, cost: &Cost) -> [u64; 4] {
    let counted = |name: &str| {
        let found = cost.counted.iter().find(|(symbol, _)| &**calls.name(**symbol) == name);
        found.map_or(0, |(_, amount)| *amount)
    };
    let rounds = |phase| cost.rounds[phase].count;
    let (online, offline) = (rounds(hawkeye_cost::Phase::Online), rounds(hawkeye_cost::Phase::Offline));
    [online + offline, counted("bytes"), offline, counted("provider_bytes")]
}

/// Asks the oracle what the groups of calls cost, and keeps its answer.
fn ask(groups: &[Value]) {
    let script = fixtures().join("tools/crypten/expect.py");
    let mut python = Command::new("python3")
        .arg(&script)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("there is Python");
    let lines: String = groups.iter().map(|group| format!("{group}\n")).collect();
    let mut stdin = python.stdin.take().expect("it is piped");
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = python.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("it reads its input");
    assert!(output.status.success(), "the oracle failed");
    std::fs::write(fixtures().join(EXPECTED), output.stdout).expect("it can be written");
}

const EXPECTED: &str = "crypten/oracle.jsonl";

#[test]
fn crypten_sheets_agree_with_the_oracle() {
    let mut numbers = Numbers(20_261_120);
    let mut groups = Vec::new();
    let mut reported = Vec::new();
    for _ in 0..60 {
        let parties = 2 + numbers.below(7);
        let knobs = knobs(&mut numbers);
        let mut framework = instantiate(parties, &knobs);
        let mut calls = Calls::default();
        let mut asked = Vec::new();
        for _ in 0..25 {
            let (node, function, arguments) = case(&mut numbers);
            let lowered = framework.sheets.node(&mut calls, &node).expect("it is lowered");
            let operation =
                Operation { kind: OperationKind::Begin, call: lowered.call, evidence: BTreeSet::new() };
            let program = Program { operations: vec![operation], ..Program::default() };
            let program = settle(
                vec![Runs { program, times: 1 }],
                &mut calls,
                &mut framework.sheets,
                &mut Known::default(),
            );
            let program = program.expect("it settles");
            let costs = Fold::new(&program.calls, Communication(&framework.round_rule)).expect("it is small");
            let cost = program.operations[0].call.map(|call| costs.value(call).clone()).unwrap_or_default();
            reported.push(counters(&program.calls, &cost));
            asked.push(json!({"function": function, "arguments": arguments}));
        }
        groups.push(json!({"parties": parties, "knobs": knobs, "calls": asked}));
    }
    if std::env::var_os("HAWKEYE_BLESS").is_some() {
        ask(&groups);
    }
    let text = std::fs::read_to_string(fixtures().join(EXPECTED)).expect("the fixture is there");
    let answers: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    assert_eq!(answers.len(), groups.len());
    let mut reported = reported.into_iter();
    for (group, answer) in groups.iter().zip(&answers) {
        assert_eq!((&group["parties"], &group["knobs"]), (&answer["parties"], &answer["knobs"]));
        let (asked, answered) = (group["calls"].as_array(), answer["calls"].as_array());
        for (call, answer) in asked.expect("a list").iter().zip(answered.expect("a list")) {
            let same = |name: &str| assert_eq!(call[name], answer[name], "the fixture is of other calls");
            ["function", "arguments"].iter().for_each(|name| same(name));
            let reported = reported.next().expect("one for each call");
            assert_eq!(json!(reported), answer["cost"], "{call} of {group}");
        }
    }
    assert_eq!(reported.next(), None);
}
