//! Tables of SIRNN's measured primitives and layers, row by row, and sequences of layers whose counters run on.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use hawkeye::Framework;
use hawkeye_cost::{Before, Calls, Communication, Cost, Data, Fold, Party, Phase, RoundRule};
use hawkeye_lower::{Known, Operation, OperationKind, Program, Runs, settle};
use serde::Deserialize;

use crate::fixtures;

/// The first line of a table: threads of the run, and the names of the operations' parameters.
#[derive(Deserialize)]
struct Header {
    threads: u16,
    parameters: BTreeMap<String, Vec<Cow<'static, str>>>,
}

/// Operation, parameters; bytes of ALICE and of BOB over `io`, then over `io_rev`; rounds of both
/// sockets of the first thread; sends of ALICE and of BOB, if they were counted.
#[derive(Debug, Deserialize)]
struct Row(String, Vec<i64>, [u64; 4], [u64; 2], #[serde(default)] Option<[u64; 2]>);

/// The rows that have been compared, and what differed.
pub struct Outcome {
    pub rows: usize,
    pub differences: Vec<String>,
}

/// Primitives, then layers, with how many rows each table has.
pub const TABLES: [(&str, usize); 5] = [
    ("primitives.jsonl", 11_631),
    ("layers_1_threads.jsonl", 591),
    ("layers_2_threads.jsonl", 267),
    ("layers_3_threads.jsonl", 63),
    ("layers_4_threads.jsonl", 95),
];

/// Sequences of layers, whose counters run on.
pub const SEQUENCES: [(&str, usize); 2] = [("sequence_seq1.jsonl", 32), ("sequence_seqr1.jsonl", 257)];

/// Random calls, which no process ran: what a cost model in Python says of them. The last is a sequence.
pub const RANDOM: [&str; 7] = [
    "random_primitives.jsonl",
    "random_layers_1_threads.jsonl",
    "random_layers_2_threads.jsonl",
    "random_layers_3_threads.jsonl",
    "random_layers_4_threads.jsonl",
    "random_layers_6_threads.jsonl",
    "random_sequence.jsonl",
];

/// Changes of direction on a socket. What comes before set-up's end does not matter here.
fn rule(channel: &str) -> RoundRule {
    RoundRule::DirectionChanges { channel: channel.into(), last: (Party(1), Party(0)) }
}

/// Runs a table. In a sequence a message that goes on in the direction of the layer before counts no
/// round; otherwise directions were cleared before each row.
pub fn compare(table: &str, sequence: bool) -> Outcome {
    let text = std::fs::read_to_string(fixtures().join("sirnn").join(table)).expect("the fixture is there");
    let mut lines = text.lines();
    let header: Header =
        serde_json::from_str(lines.next().expect("a table has a header")).expect("a header comes first");
    let rows: Vec<Row> = lines.map(|line| serde_json::from_str(line).expect("a row per line")).collect();

    let folder = fixtures().join("frameworks/sirnn-rows");
    let settings = BTreeMap::from([("num_threads".to_owned(), header.threads.to_string())]);
    let framework = Framework::open(&folder.to_string_lossy()).and_then(|f| f.instantiate(None, &settings));
    let mut framework = framework.expect("its sheets can be loaded");
    let mut calls = Calls::default();
    let mut program = Program::default();
    for row in &rows {
        let names = &header.parameters[&row.0];
        let parameters = names.iter().cloned().zip(row.1.iter().map(|value| Data::Int(*value))).collect();
        let call = framework.sheets.call(&mut calls, &format!("row_{}", row.0), &[Data::Struct(parameters)]);
        let call = call.expect("the rows have what it takes");
        program.operations.push(Operation { kind: OperationKind::Begin, call, evidence: BTreeSet::new() });
    }
    let program =
        settle(vec![Runs { program, times: 1 }], &mut calls, &mut framework.sheets, &mut Known::default());
    let program = program.expect("nothing is left to charge");
    let costs = |channel| {
        let rule = rule(channel);
        let costs = Fold::new(&program.calls, Communication(&rule)).expect("it fits 64 bits");
        let cost = |operation: &Operation| operation.call.map(|call| costs.value(call).clone());
        let costs = program.operations.iter().map(|operation| cost(operation).unwrap_or_default());
        in_place(costs.collect(), sequence)
    };
    let mut differences = Vec::new();
    for ((row, io), reversed) in rows.iter().zip(costs("io")).zip(costs("io_rev")) {
        let reported = reported(&io, &reversed);
        let measured = (row.2, row.3, row.4.unwrap_or(reported.2));
        if measured != reported {
            differences.push(format!("{table}: {row:?}: reported {reported:?}"));
        }
    }
    Outcome { rows: rows.len(), differences }
}

/// Each cost after what came before it.
fn in_place(costs: Vec<Cost>, sequence: bool) -> Vec<Cost> {
    let mut before = Before::default();
    let mut placed = Vec::with_capacity(costs.len());
    for cost in costs {
        placed.push(cost.after(&before));
        if sequence {
            before = before.then(&cost);
        }
    }
    placed
}

/// Bytes, rounds and sends in the order of a row.
fn reported(io: &Cost, reversed: &Cost) -> ([u64; 4], [u64; 2], [u64; 2]) {
    let mut bytes = [0; 4];
    let mut sends = [0; 2];
    for (link, traffic) in &io.links {
        let party = usize::from(link.from.0);
        bytes[if link.channel.starts_with("io_rev") { 2 + party } else { party }] += traffic.bytes;
        sends[party] += traffic.messages;
    }
    (bytes, [io, reversed].map(|cost| cost.rounds[Phase::Online].count), sends)
}
