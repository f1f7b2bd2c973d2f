//! A stripped model is small, holds no parameters, and has the model's profile.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use hawkeye::{Framework, Model, Options, Report, analyse, load, strip};
use hawkeye_graph::{Dim, Origin};
use hawkeye_onnx::import;
use hawkeye_testing::{Unpacked, fixtures};

/// A model that needs no unpacking, and some real exports.
fn models(corpus: &Unpacked) -> Vec<PathBuf> {
    let exports = [
        "bert_tiny.dynamo20.onnx",
        "light_shufflenet.caffe2.onnx",
        "llama_small.ts17.onnx",
        "mobilenet_v3_small.ts17.onnx",
        "resnet18.ts17.onnx",
        "resnet32_cifar.ts13.onnx",
        "rnn_lstm.ts14.onnx",
        "unet.ts13.onnx",
    ];
    let mut models = vec![fixtures().join("models/lenet5.onnx")];
    models.extend(exports.iter().map(|name| corpus.path().join(name)));
    models
}

fn profile(model: &Model, framework: &str) -> Option<Report> {
    let mut options = Options::default();
    let mut dims = BTreeMap::new();
    for id in &model.graph.inputs {
        let Origin::Input(declared) = &model.graph.value(*id).origin else { continue };
        for (axis, dim) in declared.dims.iter().flatten().enumerate() {
            if let Dim::Symbol(symbol) = dim {
                dims.entry(symbol.clone()).or_insert(if axis == 0 { 1 } else { 16 });
            }
        }
    }
    options.bindings.dims = dims;
    let framework = Framework::open(framework).expect("it is built in");
    let mut report = analyse(model, "model.onnx", framework, &options).ok()?;
    report.model.sha256.clear();
    report.model.sha256_of = None;
    Some(report)
}

#[test]
fn a_stripped_model_has_the_same_profile() {
    let corpus = Unpacked::new("corpus");
    for path in models(&corpus) {
        let model = load(&path).expect("it is a model");
        let small = strip(&path).expect("it can be stripped");
        let stripped = import(Bytes::from(small.clone()), None).expect("it is a model still");
        assert_eq!(stripped.parameters, model.parameters, "{}", path.display());
        for framework in ["crypten", "spu-semi2k", "cryptflow2"] {
            assert_eq!(
                profile(&stripped, framework),
                profile(&model, framework),
                "{} {framework}",
                path.display()
            );
        }
    }
}

#[test]
fn no_parameter_is_left() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/models");
    let small = strip(&root.join("lenet5.onnx")).expect("it can be stripped");
    let proto: hawkeye_onnx::wire::ModelProto =
        prost::Message::decode(small.as_slice()).expect("it is a model");
    let graph = proto.graph.expect("it has a graph");
    assert!(graph.initializer.iter().all(|tensor| tensor.data_type() == 7), "only shapes are left");
    assert!(small.len() < 4096, "{} bytes", small.len());
}
