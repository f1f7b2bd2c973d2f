//! Small models that were priced wrongly once, against runs of the frameworks themselves
//! (`fixtures/cases`; figures are those that SPU 0.9.5 and CrypTen 0.4.1 print).

use std::path::PathBuf;

use hawkeye::{
    Bindings, Framework, Loss, Options, Report, TrainingOptions, Visibility, analyse, bind, infer, load,
    strip,
};
use hawkeye_onnx::import;

fn path(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/cases")).join(format!("{name}.onnx"))
}

fn profile(name: &str, framework: &str, options: &Options) -> Result<Report, String> {
    let model = load(&path(name)).map_err(|e| e.to_string())?;
    let framework = Framework::open(framework).expect("it is built in");
    analyse(&model, name, framework, options).map_err(|e| e.to_string())
}

fn bytes(name: &str, framework: &str, options: &Options) -> u64 {
    profile(name, framework, options).expect("a report").totals.online.bytes
}

fn named(name: &str, visibility: Visibility) -> Options {
    Options { visibility: [(name.to_owned(), visibility)].into(), ..Options::default() }
}

#[test]
fn weights_in_constant_nodes_are_reached_by_flags() {
    let secret = Options { weights: Some(Visibility::Secret), ..Options::default() };
    assert_eq!(bytes("weights_as_constants", "spu-semi2k", &secret), 130_432);
    assert_eq!(bytes("weights_as_constants", "spu-semi2k", &named("w", Visibility::Secret)), 130_432);
    let listed = profile("weights_as_constants", "spu-semi2k", &secret).expect("a report").visibility;
    assert!(listed["secret"].contains_key("w") && listed["secret"].contains_key("x"), "{listed:?}");
    let clear = profile("weights_as_constants", "spu-semi2k", &Options::default()).expect("a report");
    assert_eq!(clear.totals.online.bytes, 16_384);
    // CrypTen itself leaves them in the clear.
    let crypten = profile("weights_as_constants", "crypten", &secret).expect("a report");
    assert_eq!(crypten.totals.online.bytes, 0);
    for report in [clear, crypten] {
        assert!(
            report.diagnostics.iter().any(|d| d.message.contains("weights in the clear: 1 Constant node ("))
        );
    }
}

#[test]
fn stripping_leaves_weights_in_constant_nodes_what_they_are() {
    let stripped = strip(&path("weights_as_constants")).expect("it can be stripped");
    let stripped = import(stripped.into(), None).expect("a model");
    let secret = Options { weights: Some(Visibility::Secret), ..Options::default() };
    let framework = |name| Framework::open(name).expect("it is built in");
    let report = analyse(&stripped, "", framework("spu-semi2k"), &secret).expect("a report");
    assert_eq!(report.totals.online.bytes, 130_432);
    let report = analyse(&stripped, "", framework("crypten"), &secret).expect("a report");
    assert_eq!(report.run.loads.map(|loads| loads.refused), Some(0));
}

#[test]
fn fractions_of_sizes_are_cut_as_crypten_does() {
    // ((36 + 2) / 3) k for k of 1 and 2: columns 12 to 25, where whole numbers say 12 to 24.
    let report = profile("intdiv_slice2", "crypten", &Options::default()).expect("a report");
    assert_eq!((report.totals.online.bytes, report.totals.online.rounds), (14_496, 10));
    // A reshape to 24 elements then fails in CrypTen.
    let report = profile("intdiv_slice3", "crypten", &Options::default()).expect("a report");
    assert!(report.diagnostics.iter().any(|d| d.message.contains("the framework itself can't run it")));
    assert_eq!(bytes("intdiv_slice3", "crypten", &Options::default()), 13_568);
}

#[test]
fn numbers_of_a_grid_are_no_weights() {
    let bindings = Bindings { dims: [("w".to_owned(), 4)].into(), ..Bindings::default() };
    let four = Options { bindings, ..Options::default() };
    assert_eq!(bytes("range_float_initializers", "spu-semi2k", &four), 192);
    let report = profile("range_float_initializers", "crypten", &four).expect("a report");
    assert_eq!(report.totals.online.bytes, 0);
    assert_eq!(report.visibility["public"].keys().collect::<Vec<_>>(), ["z", "o", "half"]);
}

#[test]
fn a_slice_without_axes_is_of_the_leading_ones() {
    let model = load(&path("slice_leading_axes")).expect("a model");
    let shapes = infer(&model.graph, &bind(&model.graph, &Bindings::default()).expect("fixed sizes"));
    assert_eq!(shapes.facts[model.graph.outputs[0]].shape(), Some(vec![2, 3]));
}

#[test]
fn numbers_of_64_bits_without_a_sign_are_read() {
    assert_eq!(bytes("large_unsigned", "crypten", &Options::default()), 0);
}

#[test]
fn a_choice_between_whole_numbers_by_what_is_known_is_local() {
    let three = Options { parties: Some(3), ..Options::default() };
    let report = profile("where_known_integers", "crypten", &three).expect("a report");
    let choice = report.operators.iter().find(|operator| operator.op == "Where").expect("it is there");
    assert_eq!(choice.phases.online.bytes, 0);
}

#[test]
fn what_a_compiler_stumbles_over_is_the_operator_that_it_lacks() {
    let error = profile("foreign_operator", "spu-semi2k", &Options::default()).expect_err("no such operator");
    assert!(error.contains("no protocol for Foo") && !error.contains("HawkEye's description"), "{error}");
}

#[test]
fn a_size_of_minus_one_is_one_without_a_name() {
    let error = profile("dim_minus_one", "crypten", &Options::default()).expect_err("no size");
    assert!(error.contains("without a size"), "{error}");
    let bindings = Bindings { batch: Some(2), ..Bindings::default() };
    let two = Options { bindings, ..Options::default() };
    assert_eq!(bytes("dim_minus_one", "crypten", &two), 178_176);
    assert_eq!(bytes("dim_minus_one", "spu-semi2k", &two), 55_296);
}

#[test]
fn no_selection_by_secret_indices_is_free() {
    for framework in ["cryptflow2", "cryptflow2-he", "cheetah"] {
        let error = profile("gather_secret_zero", framework, &Options::default()).expect_err("no protocol");
        assert!(error.contains("secret indices"), "{framework}: {error}");
        assert_eq!(bytes("gather_secret_zero", framework, &named("i", Visibility::Public)), 0);
    }
}

#[test]
fn automatic_padding_of_a_transposed_convolution() {
    let model = load(&path("ct_same_output_padding")).expect("a model");
    let shapes = infer(&model.graph, &bind(&model.graph, &Bindings::default()).expect("fixed sizes"));
    assert_eq!(shapes.facts[model.graph.outputs[0]].shape(), Some(vec![1, 1, 6, 6]));
}

#[test]
fn the_largest_integer_stays_what_it_is_when_cast() {
    assert_eq!(bytes("slice_cast_int64max", "spu-semi2k", &Options::default()), 12_096);
}

#[test]
fn states_of_zeros_are_no_weights() {
    // SPU's compiler folds the products of the zero cell away, but not the matrix product.
    assert_eq!(bytes("lstm_zero_state", "spu-semi2k", &Options::default()), 17_072);
    // CrypTen shares them like every other initializer.
    assert_eq!(bytes("lstm_zero_state", "crypten", &Options::default()), 18_144);
}

#[test]
fn states_of_zeros_are_no_weights_however_long_they_are() {
    // As weights they would cost 1,118,880: the products with the states, and the forget gate.
    assert_eq!(bytes("lstm_long_zero_state", "spu-semi2k", &Options::default()), 407_520);
    // They stay when the weights are left out.
    for name in ["lstm_zero_state", "lstm_long_zero_state"] {
        let stripped = import(strip(&path(name)).expect("it can be stripped").into(), None).expect("a model");
        let framework = Framework::open("spu-semi2k").expect("it is built in");
        let report = analyse(&stripped, name, framework, &Options::default()).expect("a report");
        assert_eq!(report.totals.online.bytes, bytes(name, "spu-semi2k", &Options::default()), "{name}");
    }
}

#[test]
fn a_value_decides_which_branch_runs() {
    let given = |name: &str, value: &str| {
        let values = [(name.to_owned(), value.to_owned())].into();
        Options { bindings: Bindings { values, ..Bindings::default() }, ..Options::default() }
    };
    // A ReLU of eight elements.
    assert_eq!(bytes("if_on_public_input", "crypten", &given("sr", "16000")), 3_712);
    assert_ne!(bytes("if_on_public_input", "crypten", &given("sr", "8000")), 3_712);
    let wrong = |options: &Options| profile("if_on_public_input", "crypten", options).expect_err("no cost");
    let model = load(&path("if_on_public_input")).expect("a model");
    let framework = Framework::open("crypten").expect("it is built in");
    let open = analyse(&model, "open", framework, &Options::default()).expect_err("no cost");
    let help = open.0[0].help.as_deref().expect("it says what to do");
    assert!(help.contains("--value \"sr=NUMBER\""), "{help}");
    assert!(wrong(&given("sr", "fast")).contains("is of type int64, which \"fast\" is not"));
    assert!(wrong(&given("x", "1")).contains("holds more than one number"));
    assert!(wrong(&given("rs", "1")).contains("no input named \"rs\""));
}

#[test]
fn fused_operators_cost_what_they_are_made_of() {
    for framework in ["crypten", "spu-semi2k", "cryptflow2"] {
        let [fused, plain] = ["fused_conv", "fused_conv_plain"].map(|name| {
            let report = profile(name, framework, &Options::default()).expect("a report");
            report.totals
        });
        assert_eq!(fused, plain, "{framework}");
    }
}

#[test]
fn exports_that_lost_their_normalization_are_told() {
    let options = Options {
        training: Some(TrainingOptions { loss: Loss::CrossEntropy, ..TrainingOptions::default() }),
        ..Options::default()
    };
    let report = profile("bn_folded_dynamo", "crypten", &options).expect("a report");
    assert!(report.diagnostics.iter().any(|d| d.message.contains("looks like an export for inference")));
}
