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
    // Front ends read one form of a constant and not another, and initializers come in another order.
    report.diagnostics.retain(|diagnostic| !diagnostic.message.contains("does not load"));
    report.run.loads = None;
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

/// Files of a version before sparse tensors become files of the first that has them.
#[test]
fn a_stripped_model_may_have_sparse_tensors() {
    use hawkeye_onnx::wire::ModelProto;
    use prost::Message;
    let bytes =
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/models/lenet5.onnx"));
    let model = ModelProto::decode(&*bytes.expect("the fixture is there")).expect("it is a model");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("model.onnx");
    for (version, stripped) in [(3, 6), (9, 9)] {
        let model = ModelProto { ir_version: Some(version), ..model.clone() };
        std::fs::write(&path, model.encode_to_vec()).expect("it is written");
        let small = ModelProto::decode(&*strip(&path).expect("it can be stripped")).expect("it is a model");
        assert_eq!(small.ir_version(), stripped);
    }
}

/// Wherever a model keeps its numbers: lists, sparse tensors, bodies of functions.
#[test]
fn no_list_and_no_sparse_tensor_is_left() {
    use hawkeye_onnx::wire::{
        AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, SparseTensorProto, TensorProto,
    };
    use prost::Message;
    const SECRET: f32 = 7.777_777_7;
    let values = |name: &str| TensorProto {
        name: Some(name.to_owned()),
        dims: vec![2],
        data_type: Some(1),
        float_data: vec![SECRET; 2],
        ..TensorProto::default()
    };
    let indices =
        TensorProto { dims: vec![2], data_type: Some(7), int64_data: vec![0, 1], ..TensorProto::default() };
    let sparse = |name: &str| SparseTensorProto {
        values: Some(values(name)),
        indices: Some(indices.clone()),
        dims: vec![4],
    };
    let constant = |output: &str, attribute| NodeProto {
        op_type: Some("Constant".to_owned()),
        output: vec![output.to_owned()],
        attribute: vec![attribute],
        ..NodeProto::default()
    };
    let add = |x: &str, y: &str, output: &str| NodeProto {
        op_type: Some("Add".to_owned()),
        input: vec![x.to_owned(), y.to_owned()],
        output: vec![output.to_owned()],
        ..NodeProto::default()
    };
    let named = |name: &str| AttributeProto { name: Some(name.to_owned()), ..AttributeProto::default() };
    let graph = GraphProto {
        node: vec![
            constant(
                "a",
                AttributeProto { floats: vec![SECRET; 4], r#type: Some(6), ..named("value_floats") },
            ),
            constant(
                "b",
                AttributeProto { sparse_tensor: Some(sparse("")), r#type: Some(11), ..named("sparse_value") },
            ),
            add("a", "b", "ab"),
            add("ab", "c", "y"),
        ],
        sparse_initializer: vec![sparse("c")],
        ..GraphProto::default()
    };
    let opset_import = vec![OperatorSetIdProto { version: Some(17), ..OperatorSetIdProto::default() }];
    let model = ModelProto { ir_version: Some(8), graph: Some(graph), opset_import, ..ModelProto::default() };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, model.encode_to_vec()).expect("it is written");
    let small = strip(&path).expect("it can be stripped");
    assert!(!small.windows(4).any(|bytes| bytes == SECRET.to_le_bytes()), "a weight is left");
    let (before, after) =
        (load(&path).expect("it is a model"), import(Bytes::from(small), None).expect("it is one"));
    assert_eq!(profile(&after, "crypten"), profile(&before, "crypten"));
}
