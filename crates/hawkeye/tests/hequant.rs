//! HEQuant's packing beside what its authors' program computes, and its settings.

use std::collections::{BTreeMap, BTreeSet};

use hawkeye::{Framework, Options};
use hawkeye_cost::{Calls, Communication, Data, Fold, RoundRule};
use hawkeye_lower::{Known, Operation, OperationKind, Program, Runs, settle};
use hawkeye_testing::{fixtures, profile};

/// What a function of the test's framework counts for each row of a fixture, beside what is expected.
fn counted<const N: usize>(
    fixture: &str,
    function: &str,
    names: [&str; N],
) -> Vec<([i64; 4], [u64; N], [u64; N])>
where
    [u64; N]: serde::de::DeserializeOwned,
{
    let text =
        std::fs::read_to_string(fixtures().join("hequant").join(fixture)).expect("the fixture is there");
    let rows: Vec<([i64; 4], [u64; N])> =
        text.lines().map(|line| serde_json::from_str(line).expect("a row per line")).collect();
    let folder = fixtures().join("frameworks/hequant-rows");
    let framework = Framework::open(&folder.to_string_lossy()).expect("the framework is there");
    let mut framework = framework.instantiate(None, &BTreeMap::new()).expect("its sheets can be loaded");
    let mut calls = Calls::default();
    let mut program = Program::default();
    for (shape, _) in &rows {
        let call = framework.sheets.call(&mut calls, function, &shape.map(Data::Int)).expect("it packs");
        program.operations.push(Operation { kind: OperationKind::Begin, call, evidence: BTreeSet::new() });
    }
    let program =
        settle(vec![Runs { program, times: 1 }], &mut calls, &mut framework.sheets, &mut Known::default());
    let program = program.expect("nothing is left to charge");
    let costs = Fold::new(&program.calls, Communication(&RoundRule::Stated)).expect("it fits 64 bits");
    let row = |((shape, expected), operation): (&([i64; 4], [u64; N]), &Operation)| {
        let cost = costs.value(operation.call.expect("it counts"));
        let amount = |name: &str| {
            let key = |key: &_| &**program.calls.name(*key) == name;
            cost.counted.iter().find(|(k, _)| key(k)).map_or(0, |(_, amount)| *amount)
        };
        (*shape, names.map(amount), *expected)
    };
    rows.iter().zip(&program.operations).map(row).collect()
}

/// Pixels, input and output channels, whether padded; ciphertexts of queries and of answers, rotations
/// (rounded up), products.
#[test]
fn packings_are_those_of_the_authors() {
    let rows = counted("packing.jsonl", "row_packed", ["queries", "answers", "rotations", "products"]);
    for (shape, found, expected) in &rows {
        assert_eq!(found, expected, "{shape:?}");
    }
    assert_eq!(rows.len(), 263);
}

/// Pixels, input and output channels, channels of a circulant block; rotations (rounded up) and products as the program
/// of PrivCirNet's authors computes them (CirILP.py, cal_rot).
#[test]
fn circulant_blocks_cost_what_their_authors_compute() {
    let rows = counted("circulant.jsonl", "row_circulant", ["rotations", "products"]);
    for (shape, found, expected) in &rows {
        assert_eq!(found, expected, "{shape:?}");
    }
    assert_eq!(rows.len(), 71);
}

/// Bytes of ciphertexts, and products, of ResNet-32.
fn linear(settings: &[(&str, &str)]) -> [u64; 2] {
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let options = Options { settings: settings.collect(), depth: 1, ..Options::default() };
    let report = profile(&fixtures().join("sirnn/models/resnet32.onnx"), "hequant", &options);
    let report = report.expect("it can be profiled");
    [report.counters["ciphertext_bytes"], report.counters["products"]]
}

#[test]
fn narrower_sums_are_cheaper() {
    let bits = |bits| linear(&[("intra_coefficient_packing", "false"), ("accumulation_bits", bits)]);
    let ([wide, products], [narrow, same]) = (bits("24"), bits("16"));
    // A ciphertext has 2 * 8192 coefficients of 2 t + 9 bits.
    assert_eq!(wide * (2 * 16 + 9), narrow * (2 * 24 + 9));
    assert_eq!(products, same);
}

#[test]
fn sharing_coefficients_saves_products() {
    let with = |packing| linear(&[("accumulation_bits", "9"), ("intra_coefficient_packing", packing)]);
    assert!(with("true")[1] < with("false")[1]);
}
