//! Real exports by several exporters: each gives a report or one clear error.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hawkeye::{Failure, Framework, Model, Options, Place, analyse, load};
use hawkeye_graph::{Dim, Origin};
use hawkeye_testing::Unpacked;

/// Leading dimensions 1, others 32.
fn dims(model: &Model) -> BTreeMap<String, u64> {
    let mut dims = BTreeMap::new();
    for id in &model.graph.inputs {
        let Origin::Input(declared) = &model.graph.value(*id).origin else { continue };
        for (axis, dim) in declared.dims.iter().flatten().enumerate() {
            if let Dim::Symbol(symbol) = dim {
                dims.entry(symbol.clone()).or_insert(if axis == 0 { 1 } else { 32 });
            }
        }
    }
    dims
}

#[test]
fn every_export_gives_a_report_or_names_what_is_missing() {
    let mut reports = BTreeMap::<&str, usize>::new();
    let corpus = Unpacked::new("corpus");
    let models = corpus.models();
    for path in &models {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let model = load(path).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        let mut options = Options::default();
        options.bindings.dims = dims(&model);
        for framework in FRAMEWORKS {
            match analyse(&model, &name, Framework::open(framework).expect("it is built in"), &options) {
                Ok(_) => *reports.entry(framework).or_default() += 1,
                Err(Failure(errors)) => {
                    let classical = name.starts_with("skl_");
                    assert!(framework != "crypten" || classical, "{name}: {}", Failure(errors));
                    let placed =
                        |place: &Place| matches!(place, Place::Node { .. } | Place::Value(_) | Place::Model);
                    assert!(errors.iter().all(|e| placed(&e.place) && !e.message.is_empty()), "{name}");
                }
            }
        }
    }
    accuracy(&models, &reports);
}

const FRAMEWORKS: [&str; 5] = ["crypten", "spu-semi2k", "cryptflow2", "cheetah", "delphi"];

/// Keeps the score in `docs/ACCURACY.md`, behind everything else.
fn accuracy(files: &[PathBuf], reports: &BTreeMap<&str, usize>) {
    let classical = files.iter().filter(|path| path.display().to_string().contains("/skl_")).count();
    let mut text = format!(
        "\n## Real exports\n\nOf {} exports by PyTorch's two exporters, Caffe2 and scikit-learn ({classical} of them \
         scikit-learn's, mostly\nof the `ai.onnx.ml` operators, which are out of scope), leading dimensions 1 and \
         others 32, this many give a report;\nthe others are errors that name the operators. Inputs are secret, \
         token indices too.\n\n| framework | reports |\n|---|---|\n",
        files.len()
    );
    for framework in FRAMEWORKS {
        let count = reports.get(framework).copied().unwrap_or(0);
        text.push_str(&format!("| {framework} | {count} |\n"));
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ACCURACY.md");
    let written = std::fs::read_to_string(&file).expect("it is there");
    let before = written.find("\n## Real exports\n").map_or(written.as_str(), |at| &written[..at]);
    let wanted = format!("{before}{text}");
    if std::env::var_os("HAWKEYE_BLESS").is_some() {
        std::fs::write(&file, wanted).expect("it can be written");
    } else {
        assert!(written == wanted, "docs/ACCURACY.md is out of date: run `make accuracy`");
    }
}
