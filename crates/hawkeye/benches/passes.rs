//! How long each pass takes, and the whole profile: `make bench`.

use std::path::PathBuf;

use divan::{Bencher, black_box};
use hawkeye::{Bindings, Framework, Model, Options, Session, analyse, bind, infer, load};
use hawkeye_grad::{Loss, Optimizer, StepSpec, Trainable, activity, parameters, synthesise};

fn main() {
    divan::main();
}

const MODELS: [&str; 4] = ["lenet5", "resnet18", "resnet50", "bert_base"];

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/models").join(format!("{name}.onnx"))
}

fn model(name: &str) -> Model {
    load(&path(name)).expect("the fixture is fine")
}

fn options() -> Options {
    let bindings = Bindings { batch: Some(1), dims: [("seq".to_owned(), 128)].into(), ..Bindings::default() };
    Options { bindings, ..Options::default() }
}

#[divan::bench(args = MODELS)]
fn import(name: &str) {
    black_box(model(name));
}

#[divan::bench(args = MODELS)]
fn shapes(bencher: Bencher<'_, '_>, name: &str) {
    let model = model(name);
    let inputs = bind(&model.graph, &options().bindings).expect("every dimension is bound");
    bencher.bench_local(|| infer(&model.graph, &inputs));
}

#[divan::bench(args = MODELS)]
fn training_step(bencher: Bencher<'_, '_>, name: &str) {
    let model = model(name);
    let graph = &model.graph;
    let inputs = bind(graph, &options().bindings).expect("every dimension is bound");
    let shapes = infer(graph, &inputs);
    bencher.bench_local(|| {
        let trained = parameters(graph, Trainable::Learnable, &[]).expect("none is frozen");
        let output = graph.outputs[0];
        let activity = activity(graph, &shapes, output, &trained, &|_| false);
        let spec =
            StepSpec { loss: Loss::CrossEntropy, optimizer: Optimizer::default(), step: 1, output, trained };
        synthesise(graph, &shapes, &activity, &spec).expect("every node has a gradient")
    });
}

#[divan::bench]
fn open_crypten() {
    let framework = Framework::open("crypten").expect("it is built in");
    black_box(framework.instantiate(None, &Default::default()).expect("its sheets load"));
}

#[divan::bench(args = MODELS)]
fn profile_crypten(bencher: Bencher<'_, '_>, name: &str) {
    let model = model(name);
    bencher.bench_local(|| {
        let framework = Framework::open("crypten").expect("it is built in");
        analyse(&model, name, framework, &options()).expect("it profiles")
    });
}

#[divan::bench(args = MODELS, consts = [0, 1, 2])]
fn profile_warm<const FRAMEWORK: usize>(bencher: Bencher<'_, '_>, name: &str) {
    let framework = ["crypten", "cryptflow2", "spu-semi2k"][FRAMEWORK];
    let framework = Framework::open(framework).expect("it is built in");
    let session = Session::new(framework, None, &Default::default()).expect("its sheets load");
    let model = model(name);
    let profile = || session.analyse(&model, name, &options());
    if profile().is_ok() {
        bencher.bench_local(profile);
    }
}

#[divan::bench(args = MODELS)]
fn write_yaml(bencher: Bencher<'_, '_>, name: &str) {
    let framework = Framework::open("crypten").expect("it is built in");
    let report = analyse(&model(name), name, framework, &options()).expect("it profiles");
    bencher.bench_local(|| serde_yaml::to_string(&report).expect("it serializes"));
}
