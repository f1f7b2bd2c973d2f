//! Small models that were priced wrongly once, against runs of the frameworks themselves
//! (`fixtures/cases`; figures are those that SPU 0.9.5 and CrypTen 0.4.1 print).

use std::path::PathBuf;

use hawkeye::{
    Bindings, Framework, Loss, Options, Report, TrainingOptions, Visibility, analyse, bind, infer, load,
};

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
