//! Measured runs of CryptFlow2 and Cheetah: whole networks, and tables of their primitives and layers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hawkeye::{Failure, Framework, Options, Report};
use hawkeye_cost::{Before, Calls, Communication, Cost, Data, Fold, Phase};
use hawkeye_lower::{Known, Operation, OperationKind, Program, Runs, settle};
use hawkeye_report::{Operator, PhaseCost, Phases};
use serde::Deserialize;
use serde_json::Value;

use crate::{fixtures, profile};

/// A run of a network; bytes are those that ALICE and BOB send.
#[derive(Debug, Deserialize)]
pub struct Trace {
    pub name: String,
    pub model: String,
    /// `measured`, or `static` where the exact formulas were applied to a published program.
    pub source: String,
    settings: BTreeMap<String, Value>,
    /// Bytes and rounds of set-up; static ones don't tell the rounds.
    setup: (u64, u64, Option<u64>),
    pub totals: (u64, u64, u64),
    ops: Vec<Node>,
}

/// Name of a node, its bytes and rounds, the library calls that it became, and which of the bytes
/// went over sockets of their own for reversed OTs, if the run tells.
#[derive(Debug, Deserialize)]
struct Node(String, u64, u64, u64, Vec<String>, Option<[u64; 2]>);

impl Node {
    /// Whether ciphertexts are sent, whose sizes vary.
    fn encrypts(&self) -> bool {
        self.4
            .iter()
            .any(|call| ["Conv2DWrapper", "MatMul2D", "ElemWiseActModelVectorMult"].contains(&call.as_str()))
    }
}

/// What was compared.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Nodes or rows.
    pub compared: usize,
    /// Those whose sizes are compared within a band.
    pub banded: usize,
    pub differences: Vec<String>,
}

impl Outcome {
    pub fn add(&mut self, other: Self) {
        self.compared += other.compared;
        self.banded += other.banded;
        self.differences.extend(other.differences);
    }

    fn equal<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, measured: T, reported: T) {
        if measured != reported {
            self.differences.push(format!("{what}: measured {measured:?}, reported {reported:?}"));
        }
    }

    fn within(&mut self, what: &str, measured: [u64; 2], reported: [u64; 2], band: u64) {
        let apart: u64 = measured.iter().zip(reported).map(|(m, r)| m.abs_diff(r)).sum();
        if apart > band {
            self.differences.push(format!("{what}: measured {measured:?}, reported {reported:?} +- {band}"));
        }
    }
}

/// All runs of a framework.
pub fn traces(framework: &str) -> Vec<Trace> {
    lines(&fixtures().join(framework).join("traces.jsonl"))
}

fn lines<T: for<'a> Deserialize<'a>>(file: &Path) -> Vec<T> {
    let text = std::fs::read_to_string(file).expect("the fixture is there");
    text.lines().map(|line| serde_json::from_str(line).expect("a record per line")).collect()
}

fn settings(values: &BTreeMap<String, Value>) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    values.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

impl Trace {
    /// Whether the operators were measured by themselves, too.
    pub fn by_operator(&self) -> bool {
        !self.ops.is_empty()
    }

    /// Profiles the traced model under the trace's settings, with a call tree of that depth.
    pub fn profile_to(&self, framework: &str, depth: usize) -> Result<Report, Failure> {
        let options = Options { settings: settings(&self.settings), depth, ..Options::default() };
        profile(&fixtures().join(framework).join("models").join(&self.model), framework, &options)
    }

    /// Compares a run with its report: totals, set-up, every node with its library calls. Sizes of
    /// ciphertexts may lie anywhere within the band that the report states.
    pub fn compare(&self, report: &Report) -> Outcome {
        let mut outcome = Outcome::default();
        let Report { totals, counters, .. } = report;
        let name = |what: &str| format!("{}: {what}", self.name);
        let banded = band(&totals.online) > 0;
        let sent = [counters["total_alice"], counters["total_bob"]];
        outcome.within(&name("totals"), [self.totals.0, self.totals.1], sent, band(&totals.online));
        outcome.equal(&name("rounds"), self.totals.2, totals.online.rounds);
        let setup = [0, 1].map(|party| sent_by(report, "setup", party, |_| true));
        outcome.within(&name("set-up"), [self.setup.0, self.setup.1], setup, band(&totals.setup));
        if let Some(rounds) = self.setup.2 {
            outcome.equal(&name("rounds of set-up"), rounds, totals.setup.rounds);
        }
        let reversed: Option<Vec<[u64; 2]>> = self.ops.iter().map(|node| node.5).collect();
        if let Some(reversed) = reversed {
            let measured = [0, 1].map(|party| reversed.iter().map(|node| node[party]).sum());
            let sum = |party| sent_by(report, "online", party, |channel| channel.starts_with("io_rev"));
            outcome.equal(&name("reversed OTs"), measured, [sum(0), sum(1)]);
        }
        for node in &self.ops {
            self.node(node, report, banded && node.encrypts(), &mut outcome);
        }
        outcome
    }

    fn node(&self, node: &Node, report: &Report, banded: bool, outcome: &mut Outcome) {
        let reported = if node.0 == "(graph output)" { "(output)" } else { &node.0 };
        let what = format!("{}: {}", self.name, node.0);
        outcome.compared += 1;
        outcome.banded += usize::from(banded);
        let operator = report.operators.iter().find(|o| o.name == reported);
        let rounds = operator.map_or(u64::MAX, |o| o.phases.online.rounds);
        let sent = operator.map_or([u64::MAX; 2], |o| [o.counters["total_alice"], o.counters["total_bob"]]);
        outcome.within(&what, [node.1, node.2], sent, operator.map_or(0, |o| band(&o.phases.online)));
        if !banded {
            outcome.equal(&what, [node.1, node.2], sent);
        }
        outcome.equal(&what, node.3, rounds);
        let mut calls: BTreeMap<&str, u64> = BTreeMap::new();
        node.4.iter().for_each(|call| *calls.entry(call).or_default() += 1);
        self.statistics(node, operator, outcome);
        let tree = report.calls.iter().filter(|call| call.name == reported).flat_map(|call| &call.children);
        outcome.equal(&what, calls, tree.map(|call| (call.name.as_str(), call.times)).collect());
    }

    /// The library's statistics by layer: they miss reversed OTs and public divisions; convolutions
    /// count twice, as products too.
    fn statistics(&self, node: &Node, operator: Option<&Operator>, outcome: &mut Outcome) {
        let unlisted = |call: &String| ["ElemWiseVectorPublicDiv", "HardSigmoid"].contains(&call.as_str());
        let (Some(operator), Some(reversed)) = (operator, node.5) else { return };
        if node.4.iter().any(unlisted) {
            return;
        }
        let measured = [node.1 - reversed[0], node.2 - reversed[1]];
        let listed = ["_alice", "_bob"].map(|party| {
            let of_party = |name: &str| name.starts_with("layerwise_") && name.ends_with(party);
            let counters =
                operator.counters.iter().filter(|(name, _)| of_party(name) && !name.contains("_conv"));
            counters.map(|(_, bytes)| bytes).sum()
        });
        outcome.equal(&format!("{}: {}: layer statistics", self.name, node.0), measured, listed);
    }
}

/// Bytes that a party sends in a phase over some channels.
fn sent_by(report: &Report, phase: &str, party: u16, channel: impl Fn(&str) -> bool) -> u64 {
    let links = report.links.iter().filter(|l| l.phase == phase && l.from == party && channel(&l.channel));
    links.map(|link| link.bytes).sum()
}

/// The stated band around the bytes.
pub fn band(cost: &PhaseCost) -> u64 {
    cost.uncertainty.map_or(0, |u| u.bytes)
}

/// What does not add up in a report: operators to totals, links to totals, counters to counters.
pub fn sums(report: &Report) -> Vec<String> {
    let mut outcome = Outcome::default();
    for phase in ["setup", "offline", "online"] {
        let of = |phases: &Phases| match phase {
            "setup" => phases.setup,
            "offline" => phases.offline,
            _ => phases.online,
        };
        let total = of(&report.totals);
        let sum = |quantity: fn(&PhaseCost) -> u64| {
            report.operators.iter().map(|o| quantity(&of(&o.phases))).sum::<u64>()
        };
        let operators =
            [sum(|c| c.bytes), sum(|c| c.messages), sum(|c| c.rounds), sum(|c| c.flights), sum(band)];
        let totals = [total.bytes, total.messages, total.rounds, total.flights, band(&total)];
        outcome.equal(&format!("{phase}: operators"), totals, operators);
        let links = report.links.iter().filter(|l| l.phase == phase);
        let links = links.fold([0, 0], |sum, l| [sum[0] + l.bytes, sum[1] + l.messages]);
        outcome.equal(&format!("{phase}: links"), [total.bytes, total.messages], links);
    }
    for (name, total) in &report.counters {
        outcome.equal(name, *total, report.operators.iter().map(|o| o.counters[name]).sum());
    }
    outcome.differences
}

/// A measured table: what its rows ran is in `fixtures/frameworks/<framework>-rows`. One, `thresholds`,
/// was not measured: independently written formulas were evaluated where batches begin to split.
#[derive(Debug)]
pub struct Table {
    pub name: String,
    settings: BTreeMap<String, Value>,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Header {
    settings: BTreeMap<String, Value>,
}

/// One measurement: bytes of ALICE and BOB over `io`, then over `io_rev` if there is one; sends of
/// both parties if they were counted.
#[derive(Debug, Deserialize)]
struct Row {
    op: String,
    params: serde_json::Map<String, Value>,
    bytes: Vec<u64>,
    messages: Option<[u64; 2]>,
    rounds: u64,
}

/// All tables of a framework, by name.
pub fn tables(framework: &str) -> Vec<Table> {
    let folder = fixtures().join(framework).join("primitives");
    let files = std::fs::read_dir(&folder).expect("the fixture is there");
    let mut files: Vec<_> = files.map(|file| file.expect("it can be listed").path()).collect();
    files.sort();
    files.iter().map(|file| Table::read(file)).collect()
}

impl Table {
    fn read(file: &Path) -> Self {
        let mut records: Vec<Value> = lines(file);
        let rows = records.split_off(1);
        let header: Header =
            serde_json::from_value(records.remove(0)).expect("the first line has the settings");
        let rows =
            rows.into_iter().map(|row| serde_json::from_value(row).expect("the others are rows")).collect();
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self { name, settings: header.settings, rows }
    }

    /// What the rows after set-up sent together, from ALICE and from BOB.
    pub fn online(&self) -> [u64; 2] {
        let rows = self.rows.iter().filter(|row| !row.op.starts_with("setup"));
        let sent = |party: usize| move |row: &Row| row.bytes.iter().skip(party).step_by(2).sum::<u64>();
        [rows.clone().map(sent(0)).sum(), rows.map(sent(1)).sum()]
    }

    /// The settings that it was measured under.
    pub fn settings(&self) -> BTreeMap<String, String> {
        settings(&self.settings)
    }

    /// Runs every row, one after the other in one program, and compares. Rows are apart: the
    /// measuring program synchronised after each, so that the last message always went to ALICE.
    pub fn compare(&self, framework: &str) -> Result<Outcome, String> {
        let folder = fixtures().join(format!("frameworks/{framework}-rows"));
        let framework = Framework::open(&folder.to_string_lossy())
            .and_then(|framework| framework.instantiate(None, &self.settings()));
        let mut framework = framework.map_err(|failure| failure.to_string())?;
        let mut calls = Calls::default();
        let mut program = Program::default();
        for row in &self.rows {
            let parameters =
                row.params.iter().map(|(name, value)| (name.clone().into(), data(value))).collect();
            let call =
                framework.sheets.call(&mut calls, &format!("row_{}", row.op), &[Data::Struct(parameters)]);
            let call = call.map_err(|e| format!("{row:?}: {e:?}"))?;
            program.operations.push(Operation {
                kind: OperationKind::Begin,
                call,
                evidence: BTreeSet::new(),
            });
        }
        let program = settle(
            vec![Runs { program, times: 1 }],
            &mut calls,
            &mut framework.sheets,
            &mut Known::default(),
        );
        let program = program.map_err(|failure| failure.to_string())?;
        let costs = Fold::new(&program.calls, Communication(&framework.round_rule));
        let costs = costs.map_err(|overflow| overflow.to_string())?;
        let mut outcome = Outcome::default();
        for (row, operation) in self.rows.iter().zip(&program.operations) {
            let cost = operation.call.map(|call| costs.value(call));
            let cost =
                cost.map(|cost| cost.after(&Before::program(&framework.round_rule))).unwrap_or_default();
            row.compare(&self.name, &cost, &mut outcome);
        }
        Ok(outcome)
    }
}

fn data(value: &Value) -> Data {
    Data::Int(value.as_i64().expect("parameters of rows are integers"))
}

impl Row {
    fn compare(&self, table: &str, cost: &Cost, outcome: &mut Outcome) {
        let what = format!("{table}: {} {:?}", self.op, self.params);
        let mut messages = [0, 0];
        let mut bytes = vec![0; self.bytes.len()];
        let mut band = bytes.clone();
        for (link, traffic) in &cost.links {
            let party = usize::from(link.from.0);
            let place = if link.channel.starts_with("io_rev") { 2 + party } else { party };
            bytes[place] += traffic.bytes;
            band[place] += traffic.spread;
            messages[party] += traffic.messages;
        }
        outcome.compared += 1;
        outcome.banded += usize::from(band.iter().any(|b| *b > 0));
        let fits = bytes
            .iter()
            .zip(&band)
            .zip(&self.bytes)
            .all(|((b, band), measured)| b.abs_diff(*measured) <= *band);
        if !fits {
            outcome.equal(&what, &self.bytes, &bytes);
        }
        if let Some(measured) = self.messages {
            outcome.equal(&format!("{what}: messages"), measured, messages);
        }
        let rounds = Phase::ALL.iter().map(|phase| cost.rounds[*phase].count).sum();
        outcome.equal(&format!("{what}: rounds"), self.rounds, rounds);
    }
}
