//! The local work that sheets state: counted by hand from the libraries' code, and beside what Delphi took.

use hawkeye::time::{Machine, Network};
use hawkeye::{MachineChoice, Options, Report, TimeOptions};
use hawkeye_testing::{fixtures, profile};
use serde_json::Value;

fn report(model: &str, framework: &str, machine: Machine) -> Report {
    let machine = MachineChoice::Profile(Box::new(machine));
    let time = TimeOptions { machine, ..TimeOptions::on(Network::of(None, 0.0)) };
    profile(&fixtures().join(model), framework, &Options { time: Some(time), ..Options::default() })
        .expect("it profiles")
}

fn seal() -> Machine {
    Machine::embedded("seal-cpu").expect("it is embedded")
}

/// Amounts of a kind of work, offline and online: seconds on a network and a machine where all else takes no time.
fn amounts(model: &str, framework: &str, kind: &str) -> (f64, f64) {
    let mut machine = seal();
    machine.work.values_mut().for_each(|seconds| *seconds = 0.0);
    *machine.work.get_mut(kind).expect("the profile has the kind") = 1.0;
    let totals = report(model, framework, machine).totals;
    (totals.offline.seconds.expect("a network"), totals.online.seconds.expect("a network"))
}

/// LeNet-5: convolutions of 1x28x28 to 6 by 5x5 padded by 2, of 6x14x14 to 16 by 5x5; 400 to 120 to 84 to 10.
const LENET: &str = "models/lenet5.onnx";

#[test]
fn cheetah_multiplies_each_query_by_each_filter() {
    let of = |kind| amounts(LENET, "cheetah", kind).1;
    // One query each, but for the first matrix, which is cut to 30 rows of at most 136 columns: 3 queries, 4 answers.
    let products = 6.0 + 16.0 + 3.0 * 4.0 + 3.0 + 1.0;
    let answers = 6.0 + 16.0 + 4.0 + 3.0 + 1.0;
    let queries = 1.0 + 1.0 + 3.0 + 1.0 + 1.0;
    assert_eq!(of("multiply_plain_4096x2"), products);
    assert_eq!(of("add_4096x2"), products - answers);
    assert_eq!(of("encrypt_symmetric_4096x2"), queries + 5.0);
    assert_eq!(of("serialise_4096x1"), queries + answers);
    for kind in ["switch_modulus_4096x2", "encrypt_zero_4096x1", "decrypt_4096x1"] {
        assert_eq!(of(kind), answers, "{kind}");
    }
}

#[test]
fn cryptflow2_rotates_to_every_element_of_a_filter() {
    let of = |kind| amounts(LENET, "cryptflow2-he", kind).1;
    // Of 8 and 16 plaintexts of each element of the filters, two are zero: 6 channels fill half of the second half.
    assert_eq!(of("multiply_plain_8192x3"), 25.0 * (6.0 + 16.0) + 8.0 + 2.0 + 1.0);
    // Digits of the non-adjacent forms of 32 r + c and of 14 r + c, r and c from 0 to 4; of 0 to 7; of 0 and 1.
    assert_eq!(of("rotate_8192x3"), 50.0 + 54.0 + 11.0 + 1.0);
    // Sums by 4 and by 16 channels, twice and once, and the halves' exchange; 512 / 8, 128 / 2, 128 / 1 partial sums.
    assert_eq!(of("rotate_8192x2"), 2.0 * 3.0 + 1.0 + 23.0 + 6.0 + 6.0 + 7.0);
    assert_eq!(of("decrypt_8192x1"), 5.0);
}

#[test]
fn delphi_rotates_in_the_clear_and_garbles_offline() {
    let of = |kind| amounts("delphi/models/measured_lenet.onnx", "delphi", kind);
    assert_eq!(of("encrypt_8192x4"), (25.0 + 25.0 + 1.0 + 1.0, 0.0));
    assert_eq!(of("decrypt_8192x4"), (2.0 + 1.0 + 1.0 + 1.0, 0.0));
    assert_eq!(of("multiply_plain_8192x4"), (25.0 * (16.0 + 16.0) + 4.0 + 1.0, 0.0));
    assert_eq!(of("rotate_8192x4"), (2.0 * 2.0 * 3.0 + 2.0 + 23.0 + 4.0 + 6.0 + 7.0, 0.0));
    let ands = 10_340.0 * 288.0;
    assert_eq!((of("garbled_and"), of("evaluated_and")), ((ands, 0.0), (0.0, ands)));
}

fn delphi_runs() -> Vec<Value> {
    let file = std::fs::read_to_string(fixtures().join("delphi/times.jsonl")).expect("the fixture is there");
    file.lines().map(|run| serde_json::from_str(run).expect("a run is JSON")).collect()
}

/// Delphi's own timers of its linear layers, on a machine that other jobs kept busy: what a layer took beyond SEAL's operations,
/// timed alone on a quiet one, is the same factor for all, so that their counts are right.
#[test]
fn delphis_layers_take_what_their_operations_take() {
    let mut factors = Vec::new();
    for run in delphi_runs() {
        let model = format!("delphi/models/{}.onnx", run["model"].as_str().expect("a name"));
        let report = report(&model, "delphi", seal());
        for (layer, seconds) in run["offline"].as_object().expect("layers") {
            let operator =
                report.operators.iter().find(|operator| operator.name == *layer).expect("it is there");
            let predicted = operator.phases.offline.seconds.expect("a network");
            if predicted > 0.1 {
                factors.push(seconds.as_f64().expect("a number") / predicted);
            }
        }
    }
    factors.sort_by(f64::total_cmp);
    assert_eq!(factors.len(), 6);
    assert!(factors[0] > 1.0 && factors[5] < 1.4 * factors[0], "{factors:?}");
}

#[test]
fn every_framework_that_encrypts_has_a_profile_with_all_it_needs() {
    let profiles = [
        ("cheetah", "seal-cpu"),
        ("cryptflow2-he", "seal-cpu"),
        ("hequant", "seal-cpu"),
        ("spu-cheetah", "spu-cheetah-cpu"),
    ];
    for (framework, machine) in profiles {
        let time = TimeOptions::on(Network::of(Some(1e9), 1e-3));
        let options = Options { time: Some(time), ..Options::default() };
        let time = profile(&fixtures().join(LENET), framework, &options).expect("it profiles").time;
        let time = time.expect("a network");
        assert_eq!(time.machine, machine);
        assert!(time.spent.work > 0.1 * time.seconds, "{framework}: {time:?}");
    }
}

/// Evaluating takes what it took in the layer of a thousand circuits or more that was disturbed least; garbling as much more as
/// it took in all. A circuit has 288 ANDs.
#[test]
fn garbled_gates_take_what_two_runs_took() {
    let number = |value: &Value| value.as_f64().expect("a number");
    let (mut garbled, mut evaluated, mut least) = (0.0, 0.0, f64::INFINITY);
    for run in delphi_runs() {
        garbled += number(&run["garbled"]);
        for layer in run["evaluated"].as_array().expect("a list") {
            let (circuits, seconds) = (number(&layer[0]), number(&layer[1]));
            evaluated += seconds;
            if circuits > 1000.0 {
                least = least.min(seconds / circuits / 288.0);
            }
        }
    }
    let machine = seal();
    for (kind, seconds) in [("evaluated_and", least), ("garbled_and", least * garbled / evaluated)] {
        assert!((machine.work[kind] / seconds - 1.0).abs() < 0.01, "{kind}: {seconds}");
    }
}
