//! MP-SPDZ: networks, layers and functions equal what the running virtual machines print.

use std::collections::{BTreeMap, BTreeSet};

use hawkeye::{Framework, Options, TrainingOptions};
use hawkeye_cost::{Calls, Communication, Data, Fold};
use hawkeye_lower::{Known, Operation, OperationKind, Program, Runs, settle};
use hawkeye_report::measured::{Agreement, Patterns};
use hawkeye_testing::mp_spdz::{PerParty, difference, lines, networks};
use hawkeye_testing::{fixtures, profile};
use serde::Deserialize;
use serde_json::Value;

/// What each party sent in a whole run, and its rounds: some checks belong to no layer.
#[derive(Debug, Deserialize)]
struct Run {
    name: String,
    framework: String,
    model: String,
    sent: Vec<u64>,
    rounds: Vec<u64>,
}

/// A run under `mp-spdz-ring` with settings of the compiler or the machine.
#[derive(Debug, Deserialize)]
struct Variant {
    model: String,
    settings: BTreeMap<String, String>,
    sent: Vec<u64>,
    rounds: Vec<u64>,
}

/// A step of training, with what the compiler lists as required.
#[derive(Debug, Deserialize)]
struct Step {
    model: String,
    loss: String,
    optimizer: String,
    settings: BTreeMap<String, String>,
    required: BTreeMap<String, u64>,
}

/// Layers or functions that one program ran one after another, with what the compiler says that it requires.
#[derive(Debug, Deserialize)]
struct Table {
    name: String,
    framework: String,
    parties: u16,
    kind: String,
    whole: Value,
    rows: Vec<(Value, PerParty)>,
}

#[test]
fn networks_send_what_was_measured() {
    let mut differences = Vec::new();
    let mut compared: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for network in networks() {
        differences.extend(network.differences());
        let of_framework = compared.entry(network.framework.clone()).or_default();
        *of_framework = (of_framework.0 + 1, of_framework.1 + network.segments.len());
    }
    println!("networks and layers compared: {compared:?}");
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    let expected = [("rep4", 12, 93), ("ring", 13, 104), ("semi2k", 15, 113), ("shamir", 12, 93)];
    let expected = expected.map(|(name, networks, layers)| (format!("mp-spdz-{name}"), (networks, layers)));
    assert_eq!(compared, BTreeMap::from(expected));
}

/// Bytes are equal; so are rounds, but for one in the run whose first two batches of triples follow each other.
#[test]
fn malicious_runs_send_what_was_measured() {
    let runs = lines::<Run>("malicious.jsonl");
    for run in &runs {
        let model = fixtures().join("mp-spdz/models").join(&run.model);
        let report = profile(&model, &run.framework, &Options::default()).expect("it can be profiled");
        let counters = |name: &str| -> Vec<u64> {
            (0..run.sent.len()).map(|party| report.counters[&format!("{name}_{party}")]).collect()
        };
        assert_eq!(counters("sent"), run.sent, "{}", run.name);
        let missed = u64::from(run.name == "net_mlp_16_malrep");
        let rounds: Vec<u64> = counters("rounds").iter().map(|rounds| rounds + missed).collect();
        assert_eq!(rounds, run.rounds, "{}", run.name);
    }
    assert_eq!(runs.len(), 10);
}

#[test]
fn settings_do_what_was_measured() {
    let variants = lines::<Variant>("variants.jsonl");
    for variant in &variants {
        let options = Options { settings: variant.settings.clone(), ..Options::default() };
        let model = fixtures().join("mp-spdz/models").join(&variant.model);
        let report = profile(&model, "mp-spdz-ring", &options).expect("it can be profiled");
        let counters = |name: &str| -> Vec<u64> {
            (0..3).map(|party| report.counters[&format!("{name}_{party}")]).collect()
        };
        let found = (counters("sent"), counters("rounds"));
        assert_eq!(found, (variant.sent.clone(), variant.rounds.clone()), "{variant:?}");
    }
    assert_eq!(variants.len(), 14);
}

#[test]
fn steps_of_training_require_what_the_compiler_lists() {
    let steps = lines::<Step>("training.jsonl");
    for step in &steps {
        let training = TrainingOptions {
            loss: step.loss.parse().expect("it is a loss"),
            optimizer: step.optimizer.parse().expect("it is an optimizer"),
            ..TrainingOptions::default()
        };
        let options =
            Options { settings: step.settings.clone(), training: Some(training), ..Options::default() };
        let model = fixtures().join("mp-spdz/models").join(&step.model);
        let report = profile(&model, "mp-spdz-ring", &options).expect("it can be profiled");
        for (counter, required) in &step.required {
            assert_eq!(report.counters[counter], *required, "{counter} of {step:?}");
        }
    }
    assert_eq!(steps.len(), 12);
}

#[test]
fn options_of_the_compiler_are_modelled_or_refused() {
    let with = |framework: &str, model: &str, option: &str| {
        let settings = BTreeMap::from([(option.to_owned(), "true".to_owned())]);
        let options = Options { settings, ..Options::default() };
        profile(&fixtures().join("mp-spdz/models").join(model), framework, &options)
    };
    let plain =
        profile(&fixtures().join("mp-spdz/models/lenet_max.onnx"), "mp-spdz-ring", &Options::default());
    let plain = plain.expect("it can be profiled").counters;
    for option in ["X", "Y"] {
        let report = with("mp-spdz-ring", "lenet_max.onnx", option).expect("nothing of it draws masks");
        assert_eq!(report.counters, plain, "{option}");
    }
    let refused = |framework: &str, model: &str, option: &str| {
        with(framework, model, option).expect_err("it compiles to something else").to_string()
    };
    assert!(refused("mp-spdz-ring", "mlp_softmax.onnx", "Y").contains("FPDiv draws other masks"));
    assert!(refused("mp-spdz-rep4", "resnet_bn.onnx", "X").contains("InvertSqrt draws other masks"));
    assert!(refused("mp-spdz-shamir", "mlp_16.onnx", "X").contains("LTZ draws other masks"));
    assert!(refused("mp-spdz-semi2k", "mlp_16.onnx", "O").contains("-O joins instructions"));
}

/// What each party sent and its rounds in rows of `layers_bert_ring`, whose layers the models are.
#[test]
fn attention_is_the_bert_layer_that_was_measured() {
    let measured = [
        ("bert_layer.onnx", [(238_240, 808), (330_144, 725), (238_240, 698)]),
        ("bert_layer_3_heads.onnx", [(111_121, 688), (153_937, 620), (111_121, 582)]),
    ];
    for (model, parties) in measured {
        let path = fixtures().join("mp-spdz/models").join(model);
        let report = profile(&path, "mp-spdz-ring", &Options::default()).expect("it can be profiled");
        let layer = report.operators.iter().filter(|operator| operator.name != "(output)");
        let sum = |counter: String| -> u64 { layer.clone().map(|o| o.counters[&counter]).sum() };
        for (party, measured) in parties.into_iter().enumerate() {
            let found = (sum(format!("sent_{party}")), sum(format!("rounds_{party}")));
            assert_eq!(found, measured, "party {party} of {model}");
        }
    }
}

#[test]
fn what_the_machines_print_is_what_reports_say() {
    let report = profile(&fixtures().join("mp-spdz/models/lenet5.onnx"), "mp-spdz-ring", &Options::default());
    let log = Framework::open("mp-spdz-ring").expect("it is built in").manifest.log.expect("it has patterns");
    let text =
        std::fs::read_to_string(fixtures().join("logs/mp_spdz_ring_lenet5.log")).expect("the log is there");
    let logs = [("log".to_owned(), text)];
    let measured =
        Patterns::new(&log).expect("they are right").against(&logs, &report.expect("it profiles"), true);
    let agreements: Vec<_> = measured.lines.iter().map(|line| line.agreement).collect();
    assert!(!agreements.contains(&Agreement::Differs), "{:?}", measured.lines);
    assert_eq!(agreements.iter().filter(|a| **a != Agreement::NotCounted).count(), 6, "{:?}", measured.lines);
}

impl Table {
    /// What each party sends and its rounds in every row, run one after another in one program.
    fn reported(&self) -> Vec<PerParty> {
        let mut rows =
            Framework::open(&fixtures().join("frameworks/mp-spdz-rows").to_string_lossy()).expect("it opens");
        rows.manifest.modules = Framework::open(&self.framework).expect("it is built in").manifest.modules;
        let mut framework = rows.instantiate(Some(self.parties), &BTreeMap::new()).expect("it loads");
        let mut calls = Calls::default();
        let mut program = Program::default();
        let function = if self.kind == "layers" { "row_layer" } else { "row_function" };
        for (row, _) in &self.rows {
            let call = framework.sheets.call(&mut calls, function, &[data(row), data(&self.whole)]);
            let call = call.expect("the machine runs it");
            program.operations.push(Operation {
                kind: OperationKind::Begin,
                call,
                evidence: BTreeSet::new(),
            });
        }
        let runs = vec![Runs { program, times: 1 }];
        let mut settled =
            settle(runs, &mut calls, &mut framework.sheets, &mut Known::default()).expect("it settles");
        let name = |party| format!("rounds_{party}");
        let rounds: Vec<_> = (0..self.parties).map(|party| settled.calls.symbol(&name(party))).collect();
        let costs = Fold::new(&settled.calls, Communication(&framework.round_rule));
        let costs = costs.expect("it is no large number");
        let per_party = |call| {
            let cost = costs.value(call);
            let sent = |party: u16| {
                cost.links
                    .iter()
                    .filter(|(link, _)| link.from.0 == party)
                    .map(|(_, traffic)| traffic.bytes)
                    .sum()
            };
            let of_party = |party: u16| {
                (sent(party), cost.counted.get(&rounds[usize::from(party)]).copied().unwrap_or(0))
            };
            (0..self.parties).map(of_party).collect()
        };
        let nothing = || vec![(0, 0); usize::from(self.parties)];
        settled.operations.iter().map(|o| o.call.map_or_else(nothing, per_party)).collect()
    }
}

fn data(value: &Value) -> Data {
    match value {
        Value::Bool(b) => Data::Bool(*b),
        Value::Number(n) => Data::Int(n.as_i64().expect("rows have integers")),
        Value::String(s) => Data::Text(s.clone()),
        Value::Array(items) => Data::List(items.iter().map(data).collect()),
        Value::Object(fields) => {
            Data::Struct(fields.iter().map(|(name, value)| (name.clone().into(), data(value))).collect())
        }
        Value::Null => Data::None,
    }
}

/// The compiler knows the positions of the rows that its loop leaves over, and makes no comparisons with their padding:
/// what it lists as required, and its rounds.
#[test]
fn pools_leave_padding_out_where_positions_are_known() {
    let model = fixtures().join("mp-spdz/models/maxpool_padded.onnx");
    let report = profile(&model, "mp-spdz-ring", &Options::default()).expect("it can be profiled");
    let pool = &report.operators[0].counters;
    assert_eq!(
        (pool["required_triples"], pool["required_bit_triples"], pool["rounds"]),
        (3348, 385_020, 288)
    );
}

#[test]
fn layers_and_functions_send_what_was_measured() {
    let mut differences = Vec::new();
    let mut compared: BTreeMap<String, usize> = BTreeMap::new();
    for table in lines::<Table>("rows.jsonl") {
        for ((row, measured), reported) in table.rows.iter().zip(table.reported()) {
            *compared.entry(format!("{} {}", table.framework, table.kind)).or_default() += 1;
            if let Some(found) = difference(&table.framework, measured, &reported) {
                differences.push(format!("{}: {row}: {found}", table.name));
            }
        }
    }
    println!("rows compared: {compared:?}");
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    assert_eq!(compared.values().sum::<usize>(), 757);
}
