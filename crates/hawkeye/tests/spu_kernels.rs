//! Single operations of SPU's protocols: the sheets equal what the running framework counts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hawkeye::Framework;
use hawkeye_cost::{Calls, Communication, Cost, Data, Fold, Phase, Traffic};
use hawkeye_lower::{Known, LoweringError, Operation, OperationKind, Program, Runs, settle};
use hawkeye_sheets::ConfiguredFramework;
use hawkeye_testing::fixtures;
use hawkeye_testing::spu::lines;
use serde::Deserialize;
use serde_json::Value;

/// A protocol with its settings.
#[derive(Clone, Debug, Deserialize)]
struct Setting {
    protocol: String,
    parties: u16,
    field: String,
    #[serde(default)]
    settings: BTreeMap<String, Value>,
}

/// An operator on secret vectors: sums over the parties per element; none where SPU fails.
#[derive(Debug, Deserialize)]
struct OperatorRow {
    op: String,
    #[serde(flatten)]
    setting: Setting,
    /// Bytes, messages, rounds.
    totals: Option<[u64; 3]>,
}

/// Operations with their arguments, and what they send together. What is null is not known.
#[derive(Debug, Deserialize)]
struct KernelRow {
    name: String,
    /// `measured`; `read` in SPU's code; `model`: by an independent model.
    source: String,
    #[serde(flatten)]
    setting: Setting,
    calls: Vec<Vec<Value>>,
    /// Bytes, messages, rounds.
    totals: [Option<u64>; 3],
    /// Bytes of the construction of the context.
    context: Option<u64>,
    /// Bytes from the trusted third party.
    offline: Option<u64>,
}

/// Operators of the table that ONNX does not have.
const NOT_MODELLED: [&str; 1] = ["atan2"];

/// The sheets under some setting.
struct Probe {
    instance: ConfiguredFramework,
    calls: Calls,
}

/// Probes by their settings.
#[derive(Default)]
struct Probes(HashMap<String, Probe>);

impl Probes {
    fn get(&mut self, setting: &Setting) -> &mut Probe {
        self.0.entry(format!("{setting:?}")).or_insert_with(|| Probe::new(setting))
    }
}

impl Probe {
    fn new(setting: &Setting) -> Self {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let given = setting.settings.iter().map(|(name, value)| (name.clone(), text(value)));
        let mut settings: BTreeMap<_, _> = given.collect();
        settings.insert("protocol".to_owned(), setting.protocol.clone());
        settings.insert("field".to_owned(), setting.field.clone());
        let path = fixtures().join("frameworks/spu-probe");
        let framework = Framework::open(&path.to_string_lossy()).expect("the probe opens");
        let instance =
            framework.instantiate(Some(setting.parties), &settings).expect("the settings are known");
        Self { instance, calls: Calls::default() }
    }

    /// What operations cost one after another.
    fn cost(&mut self, operations: &[Vec<Value>]) -> Result<Cost, LoweringError> {
        let Self { instance: ConfiguredFramework { sheets, round_rule, .. }, calls } = self;
        let mut program = Program::default();
        for operation in operations {
            let name = Data::Text(operation[0].as_str().expect("a name comes first").to_owned());
            let arguments = Data::List(operation[1..].iter().map(number).collect());
            let call = sheets.call(calls, "run", &[name, arguments])?;
            program.operations.push(Operation {
                kind: OperationKind::Begin,
                call,
                evidence: BTreeSet::new(),
            });
        }
        let program = settle(vec![Runs { program, times: 1 }], calls, sheets, &mut Known::default())
            .expect("it settles");
        let values = Fold::new(&program.calls, Communication(round_rule)).expect("it is no large number");
        let costs = program.operations.iter().filter_map(|operation| operation.call);
        Ok(costs
            .fold(Cost::default(), |sum, call| sum.then(values.value(call)).expect("it is no large number")))
    }
}

fn number(value: &Value) -> Data {
    value.as_i64().map_or_else(|| value.as_f64().expect("arguments are numbers").into(), Data::Int)
}

/// Bytes and messages of a channel, and how far the bytes may be off.
fn traffic(cost: &Cost, channel: &str) -> Traffic {
    let links = cost.links.iter().filter(|(link, _)| &*link.channel == channel);
    links.fold(Traffic::default(), |sum, (_, traffic)| Traffic {
        bytes: sum.bytes + traffic.bytes,
        messages: sum.messages + traffic.messages,
        spread: sum.spread + traffic.spread,
    })
}

fn rounds(cost: &Cost) -> u64 {
    cost.rounds[Phase::Offline].count + cost.rounds[Phase::Online].count
}

#[test]
fn operators_cost_what_they_were_measured_to() {
    let mut differences = Vec::new();
    let mut probes = Probes::default();
    let (mut cells, mut failing) = (0, 0);
    for row in lines::<OperatorRow>("operators.jsonl") {
        if NOT_MODELLED.contains(&row.op.as_str()) {
            continue;
        }
        for n in [1, 7, 1000] {
            cells += 1;
            let found = probes.get(&row.setting).cost(&[vec![row.op.clone().into(), n.into()]]);
            let equal = match (&row.totals, &found) {
                (None, Err(LoweringError::Refused(_))) => {
                    failing += 1;
                    true
                }
                (Some([bytes, messages, measured]), Ok(cost)) => {
                    let sent = traffic(cost, "link");
                    // ABY3's rounds overlap by roles drawn at random.
                    let in_step = row.setting.protocol == "ABY3" || rounds(cost) == *measured;
                    sent.bytes == bytes * n && sent.messages == *messages && in_step
                }
                _ => false,
            };
            if !equal {
                let found = found.map(|cost| (traffic(&cost, "link"), rounds(&cost)));
                differences.push(format!("{row:?}, {n} elements: {found:?}"));
            }
        }
    }
    println!("{cells} cells compared, in {failing} of which SPU fails");
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn kernels_cost_what_they_were_measured_to() {
    let mut differences = Vec::new();
    let mut probes = Probes::default();
    let mut compared = BTreeMap::new();
    for row in lines::<KernelRow>("kernels.jsonl") {
        *compared.entry(row.source.clone()).or_insert(0) += 1;
        let cost = probes.get(&row.setting).cost(&row.calls).expect("SPU runs it");
        let sent = traffic(&cost, "link");
        let [bytes, messages, measured] = row.totals;
        let mut equal = bytes.is_none_or(|bytes| bytes.abs_diff(sent.bytes) <= sent.spread)
            && messages.is_none_or(|messages| messages == sent.messages)
            && measured.is_none_or(|measured| measured == rounds(&cost))
            && row.offline.is_none_or(|bytes| bytes == traffic(&cost, "beaver").bytes);
        if let Some(bytes) = row.context {
            let context = probes
                .get(&row.setting)
                .cost(&[vec!["context".into()]])
                .expect("every run constructs a context");
            equal &= bytes == traffic(&context, "context").bytes;
        }
        if !equal {
            differences.push(format!("{}: {row:?}: {sent:?}, {} rounds", row.name, rounds(&cost)));
        }
    }
    println!("rows compared: {compared:?}");
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

/// What a kernel declares in SPU's source: bits that each party sends for an element, and rounds.
struct Form {
    protocol: &'static str,
    /// Where it is declared, at the commit that the manifests name.
    source: &'static str,
    kernel: &'static str,
    /// Arguments but for the elements, of a ring of so many bits.
    more: fn(u64) -> Vec<u64>,
    parties: &'static [u16],
    /// By bits of the ring, their logarithm, parties.
    bits: fn(u64, u64, u64) -> u64,
    rounds: fn(u64) -> u64,
}

const fn form(
    (protocol, source): (&'static str, &'static str),
    kernel: &'static str,
    parties: &'static [u16],
    bits: fn(u64, u64, u64) -> u64,
    rounds: fn(u64) -> u64,
) -> Form {
    Form { protocol, source, kernel, more: |_| Vec::new(), parties, bits, rounds }
}

const ANY: &[u16] = &[2, 3, 5];

/// ABY3's b2a is not among them: what it declares has another adder than what its a2b declares.
const FORMS: [Form; 14] = [
    form(("SEMI2K", "semi2k/arithmetic.h:145"), "mul_aa", ANY, |k, _, n| 2 * k * (n - 1), |_| 1),
    form(("SEMI2K", "semi2k/arithmetic.h:160"), "square_a", ANY, |k, _, n| k * (n - 1), |_| 1),
    form(("SEMI2K", "semi2k/arithmetic.h:175"), "mul_a1b", &[2], |k, _, _| 2 * k, |_| 1),
    Form {
        more: |_| vec![16],
        ..form(("SEMI2K", "semi2k/arithmetic.h:275"), "trunc_a", &[3, 5], |k, _, n| k * (n - 1), |_| 1)
    },
    Form {
        more: |k| vec![k],
        ..form(("SEMI2K", "semi2k/boolean.h:93"), "and_bb", ANY, |k, _, n| 2 * k * (n - 1), |_| 1)
    },
    Form {
        more: |k| vec![k],
        ..form(("SEMI2K", "semi2k/conversion.h:68"), "b2a", ANY, |k, _, n| k * (n - 1), |_| 1)
    },
    form(
        ("SEMI2K", "semi2k/conversion.h:119"),
        "equal_aa",
        ANY,
        |k, log, n| (2 * log + 1) * k * (n - 1),
        |log| log + 1,
    ),
    form(
        ("SEMI2K", "semi2k/conversion.h:101"),
        "msb_a2b",
        &[2],
        |k, _, n| 2 * k * (n - 1) + 2 * (n - 1) * (2 * k + 32),
        |log| log + 1,
    ),
    form(("SEMI2K", "semi2k/conversion.h:31"), "a2b", &[2], |k, log, _| (2 * log + 1) * 2 * k, |log| log + 1),
    form(("ABY3", "aby3/arithmetic.h:56"), "p2a", &[3], |k, _, _| k, |_| 1),
    form(("ABY3", "aby3/arithmetic.h:181"), "mul_aa", &[3], |k, _, _| k, |_| 1),
    Form { more: |k| vec![k], ..form(("ABY3", "aby3/boolean.h:124"), "and_bb", &[3], |k, _, _| k, |_| 1) },
    form(("ABY3", "aby3/conversion.h:112"), "msb_a2b", &[3], |k, _, _| 4 * k + 32, |log| log + 2),
    form(("ABY3", "aby3/conversion.h:39"), "a2b", &[3], |k, log, _| 2 * log * k + 2 * k, |log| log + 2),
];

/// SPU declares the costs of most kernels beside their code, as `comm()` and `latency()`.
#[test]
fn kernels_cost_what_their_source_declares() {
    const ELEMENTS: u64 = 8;
    let mut differences = Vec::new();
    let mut probes = Probes::default();
    for Form { protocol, source, kernel, more, parties, bits, rounds: declared } in &FORMS {
        for (field, k) in [("FM32", 32_u64), ("FM64", 64), ("FM128", 128)] {
            for count in *parties {
                let settings = BTreeMap::new();
                let setting =
                    Setting { protocol: (*protocol).into(), parties: *count, field: field.into(), settings };
                let mut call: Vec<Value> = vec![(*kernel).into(), ELEMENTS.into()];
                call.extend(more(k).into_iter().map(Value::from));
                let cost = probes.get(&setting).cost(&[call]).expect("SPU runs it");
                let (log, n) = (u64::from(k.ilog2()), u64::from(*count));
                let expected = (ELEMENTS * n * bits(k, log, n), declared(log));
                let found = (8 * traffic(&cost, "link").bytes, rounds(&cost));
                if found != expected {
                    differences
                        .push(format!("{source}: {kernel}, {field}, {n} parties: {expected:?}, {found:?}"));
                }
            }
        }
    }
    // Products of matrices have sizes instead of elements.
    let (m, k, n) = (3_u64, 5, 7);
    for (protocol, count, elements) in
        [("SEMI2K", 2, (m + n) * k), ("SEMI2K", 4, (m + n) * k), ("ABY3", 3, m * n)]
    {
        let settings = BTreeMap::new();
        let setting = Setting { protocol: protocol.into(), parties: count, field: "FM64".into(), settings };
        let call: Vec<Value> = vec!["mmul_aa".into(), m.into(), k.into(), n.into()];
        let cost = probes.get(&setting).cost(&[call]).expect("SPU runs it");
        let peers = if protocol == "SEMI2K" { u64::from(count) - 1 } else { 1 };
        let expected = (u64::from(count) * peers * elements * 8, 1);
        let found = (traffic(&cost, "link").bytes, rounds(&cost));
        if found != expected {
            differences.push(format!("{protocol}: mmul_aa, {count} parties: {expected:?}, {found:?}"));
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}
