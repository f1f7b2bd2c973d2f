//! What sheets do with state, and call trees of any shape: each number in its place, or a clear error.

use hawkeye::{Framework, Operand, Options, Report, Steps, TrainingOptions, analyse, operator};
use hawkeye_report::render::{self, View};
use hawkeye_report::{Axis, CallNode, OWN, PhaseCost, Quantity};
use hawkeye_testing::{fixtures, profile};

const MANIFEST: &str = "
schema: hawkeye-framework/1
name: probe
title: Does what a test asks of it
version: '1'
sheets: [probe.star]
parties: {default: 2, min: 2, max: 2}
visibility: {inputs: secret, weights: secret}
counters: {}
";

/// What a sheet says about a model of one Relu, to any depth.
fn relu(sheet: &str) -> Result<Report, String> {
    let folder = tempfile::tempdir().expect("a folder can be made");
    std::fs::write(folder.path().join("framework.yaml"), MANIFEST).expect("it can be written");
    std::fs::write(folder.path().join("probe.star"), sheet).expect("it can be written");
    let framework = Framework::open(&format!("{}/", folder.path().display())).expect("its manifest is fine");
    let model = operator("Relu", &[Operand::Input(vec![4])], &[]).expect("there is such an operator");
    let options = Options { depth: usize::MAX, ..Options::default() };
    analyse(&model, "relu.onnx", framework, &options).map_err(|failure| failure.to_string())
}

fn online(sheet: &str) -> [u64; 3] {
    let report = relu(sheet).expect("the sheet is fine");
    let cost = report.totals.online;
    [cost.bytes, cost.messages, cost.rounds]
}

#[test]
fn keys_are_reached_once_however_often_calls_repeat() {
    let sheet = r#"
def keys(): send(0, 1, 100)
def layer(n):
    once("keys", keys)
    send(1, 0, n)
def lower_Relu(n): repeat(5, layer, 8)
"#;
    assert_eq!(online(sheet), [140, 6, 6]);
}

#[test]
fn repetitions_that_end_as_they_began_are_not_unrolled() {
    let sheet = r#"
def draw_pending(state, request):
    if request == 0 and state:
        send(1, 0, state)
    return (state or 0) + request if request else 0
def layer():
    send(0, 1, 8)
    draw("pending", 3)
    draw("pending", 0)
def lower_Relu(n): repeat(1000000000, layer)
"#;
    assert_eq!(online(sheet), [11_000_000_000, 2_000_000_000, 2_000_000_000]);
}

#[test]
fn buffers_refill_where_they_run_dry() {
    let sheet = r#"
def draw_pool(state, request):
    left = 0 if state == None else state
    if left < request:
        send(0, 1, 1000)
        left += 10
    return left - request
def lower_Relu(n): repeat(7, lambda: draw(resource = "pool", request = 3))
"#;
    // 21 of 30: the pool is filled for the first, the fourth and the seventh.
    assert_eq!(online(sheet), [3000, 3, 3]);
}

#[test]
fn groups_are_shared_out_to_the_last_byte() {
    let sheet = r#"
def group_relu(elements):
    once("keys", lambda: send(0, 1, 1))
    send(0, 1, 10)
    send(1, 0, 1 + elements)
def part(weight): defer(group = "relu", weight = weight)
def lower_Relu(n):
    repeat(3, part, 1)
    part(4)
"#;
    // Set-up of the group and its first message go in one direction, which is one flight.
    assert_eq!(online(sheet), [19, 3, 3]);
    let report = relu(sheet).expect("the sheet is fine");
    assert_eq!(report.totals.online.flights, 2);
    let part = &report.calls[0].children[0];
    assert_eq!((part.name.as_str(), part.times), ("part", 4));
    assert_eq!(part.children[0].name, "group_relu");
    assert_eq!(part.children[0].costs["online"].bytes, 19);
}

#[test]
fn state_without_end_is_refused_by_name() {
    let cases = [
        (
            "def draw_pool(state, request):\n    draw(resource = \"pool\", request = 1)\n\
             def lower_Relu(n): draw(resource = \"pool\", request = 1)",
            "draw_pool draws from \"pool\" itself",
        ),
        (
            "def group_g(weight): defer(group = \"g\", weight = 1)\n\
             def lower_Relu(n): defer(group = \"g\", weight = 1)",
            "the group \"g\" itself defers to a group",
        ),
        (
            "def f(i):\n    if i > 0: f(i - 1)\n    send(0, 1, i)\n\
             def lower_Relu(n):\n    for i in range(2000): f(i)",
            "calls below \"Relu\" nest more than",
        ),
        ("def lower_Relu(n): once(\"k\", lambda: None, scope = \"ever\")", "\"ever\" is no scope"),
    ];
    for (sheet, message) in cases {
        let error = relu(sheet).expect_err("it is refused");
        assert!(error.contains(message), "{error}");
    }
}

fn nodes(calls: &[CallNode]) -> usize {
    calls.iter().map(|call| 1 + nodes(&call.children)).sum()
}

#[test]
fn later_repetitions_continue_the_flights_of_earlier_ones() {
    let sheet = r#"
def there(): send(0, 1, 1)
def round():
    there()
    send(1, 0, 1)
    send(0, 1, 1)
def lower_Relu(n): repeat(10, round)
"#;
    let report = relu(sheet).expect("the sheet is fine");
    let round = &report.calls[0].children[0];
    assert_eq!(round.costs["online"].flights, 21);
    let [there, own] = round.children.as_slice() else { unreachable!("{round:?}") };
    // Only the first message of the first round is a flight of its own.
    assert_eq!((there.times, there.costs["online"].flights), (10, 1));
    assert_eq!((own.name.as_str(), own.costs["online"].flights), (OWN, 20));
}

#[test]
fn nested_repetitions_of_many_chains_render_in_every_format() {
    let names = ["a", "b"];
    let functions = names.map(|name| {
        format!(
            "def {name}(d):\n    if d > 0:\n        repeat(2, a, d - 1)\n        repeat(2, b, d - 1)\n    \
             send(0, 1, d)\n"
        )
    });
    let sheet = format!("{}def lower_Relu(n): a(20)\n", functions.concat());
    let report = relu(&sheet).expect("it is cut, not refused");
    assert!(nodes(&report.calls) <= 20_000);
    assert!(report.diagnostics.iter().any(|d| d.message.starts_with("the tree of calls is cut at")));
    // Of d levels, 4^k calls are k levels down, and each sends d - k bytes.
    let bytes: u64 = (0..=20).map(|k| 4u64.pow(k) * u64::from(20 - k)).sum();
    assert_eq!(report.totals.online.bytes, bytes);
    assert_eq!(report.calls[0].costs["online"].bytes, bytes);
    let view = View { axis: Axis::Operator, sort: None, top: None, depth: 3, fold: false };
    for text in [
        render::text(&report, view),
        render::csv(&report, view),
        render::markdown(&report, view),
        render::html(&report),
        render::folded(&report, Quantity::Bytes),
        render::speedscope(&report, Quantity::Bytes),
    ] {
        assert!(text.len() < 100 << 20);
    }
}

/// Constants that an execution makes secret are made secret in every step. What comes in batches from a pool that
/// outlives a step, as CHEETAH's correlations do, is less than that many times a step's.
#[test]
fn ten_steps_of_a_framework_are_ten_times_one_step_and_one_setup() {
    let model = fixtures().join("models/lenet5.onnx");
    let trains = |name: &String| {
        let manifest = Framework::open(name).expect("it is built in").manifest;
        manifest.training.refused.is_none()
    };
    let frameworks: Vec<String> = hawkeye::builtin_names().into_iter().filter(trains).collect();
    assert_eq!(frameworks, ["crypten", "mp-spdz-ring", "spu-aby3", "spu-cheetah", "spu-semi2k"]);
    for framework in frameworks {
        let steps = |steps| {
            let training = Some(TrainingOptions { steps, ..TrainingOptions::default() });
            let mut options = Options { training, ..Options::default() };
            options.bindings.batch = Some(1);
            profile(&model, &framework, &options).expect("it trains").totals
        };
        let (one, ten) = (steps(Steps::Only(2)), steps(Steps::First(10)));
        let numbers = |cost: PhaseCost| [cost.bytes, cost.messages, cost.rounds];
        let (offline, online) = (numbers(one.offline), numbers(one.online));
        assert_eq!(ten.setup, one.setup, "{framework}");
        assert_eq!(numbers(ten.online), online.map(|n| 10 * n), "{framework}");
        if framework == "spu-cheetah" {
            let [bytes, ..] = numbers(ten.offline);
            assert!((5 * offline[0]..10 * offline[0]).contains(&bytes), "{bytes}, of a step {offline:?}");
        } else {
            assert_eq!(numbers(ten.offline), offline.map(|n| 10 * n), "{framework}");
        }
    }
}
