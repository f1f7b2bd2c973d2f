//! Training steps as the pipeline makes them, under a framework whose costs say what it was shown.

use std::path::Path;

use hawkeye::{Bindings, Framework, Loss, Options, Report, Steps, TrainingOptions, analyse, load};
use hawkeye_report::Phases;

const MANIFEST: &str = "
schema: hawkeye-framework/1
name: probe
title: Sends a byte per element that a training step touches
version: '1'
sheet: probe.star
parties: {default: 2, min: 2, max: 2}
visibility: {inputs: secret, weights: secret}
training: {gradients: own}
counters: {}
";

const SHEET: &str = r#"
def begin(_model):
    send(0, 1, 7, phase = "setup")

def end(_model):
    fail("no output is revealed in training")

def lower_Conv(n):
    send(0, 1, n.inputs[0].shape[0])

def loss_cross_entropy(n):
    send(0, 1, n.inputs[0].size + n.inputs[1].size)

def backward_cross_entropy(n):
    send(0, 1, n.inputs[0].size)
    return struct(inputs = {0: "of the loss"})

def backward_Conv(n):
    for needed, tensor in zip(n.needs, n.inputs):
        if needed:
            send(0, 1, tensor.size)
    return struct(inputs = {0: "of a node"})

def backward_Gemm(n):
    backward_Conv(n)
    if n.gradients[0].state == ["of the loss"]:
        send(1, 0, n.gradients[0].size, phase = "offline")
    return struct(inputs = {0: "of a node"})

def update_sgd(n):
    momentum = n.attrs["momentum"] if n.attrs["step"] > 1 else 0
    send(0, 1, n.gradients[0].size * (1 + momentum))

lower_Gemm = lower_Conv
lower_Relu = lower_Conv
lower_MaxPool = lower_Conv
lower_Flatten = lower_Conv
backward_Relu = backward_Conv
backward_MaxPool = backward_Conv
backward_Flatten = backward_Conv
"#;

/// Parameters of LeNet-5 by layer, weights and biases, in elements.
const PARAMETERS: [(u64, u64); 5] = [(150, 6), (2400, 16), (48000, 120), (10080, 84), (840, 10)];

fn profile(training: TrainingOptions) -> Report {
    profile_batch(training, 1)
}

fn profile_batch(training: TrainingOptions, batch: u64) -> Report {
    profile_sheet(MANIFEST, SHEET, training, batch)
}

fn profile_sheet(manifest: &str, sheet: &str, training: TrainingOptions, batch: u64) -> Report {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let shapes = [("input".to_owned(), vec![batch, 1, 28, 28])].into();
    let bindings = Bindings { shapes, ..Bindings::default() };
    let options = Options { training: Some(training), bindings, ..Options::default() };
    analyse(&model("lenet5"), "lenet5.onnx", framework(folder.path(), manifest, sheet), &options)
        .expect("the framework trains the model")
}

fn framework(folder: &Path, manifest: &str, sheet: &str) -> Framework {
    std::fs::write(folder.join("framework.yaml"), manifest).expect("it can be written");
    std::fs::write(folder.join("probe.star"), sheet).expect("it can be written");
    Framework::open(&format!("{}/", folder.display())).expect("its manifest is fine")
}

fn model(name: &str) -> hawkeye::Model {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/models");
    load(&fixtures.join(format!("{name}.onnx"))).expect("the fixture is there")
}

fn momentum(steps: Steps) -> TrainingOptions {
    let optimizer = "sgd:momentum=1".parse().expect("it is spelt right");
    TrainingOptions { optimizer, steps, ..TrainingOptions::default() }
}

fn bytes(phases: &Phases) -> [u64; 3] {
    [phases.setup.bytes, phases.offline.bytes, phases.online.bytes]
}

#[test]
fn every_part_is_shown_what_it_needs() {
    let report = profile(TrainingOptions::default());
    let rows = |pass: &str| -> Vec<_> { report.operators.iter().filter(|o| o.pass == pass).collect() };
    let sent = |pass: &str| -> Vec<_> { rows(pass).iter().map(|o| bytes(&o.phases)[2]).collect() };
    assert_eq!(sent("loss"), [20]);
    // The gradient of the loss, then the layers from the last to the first; the model's input needs none.
    let activations = [10, 84, 84, 120, 120, 400, 400, 1600, 1600, 1176, 4704, 4704, 0];
    let parameters: Vec<u64> = PARAMETERS.iter().map(|(w, b)| w + b).collect();
    let with = |i: usize, layer: usize| activations[i] + parameters[layer];
    assert_eq!(
        sent("backward"),
        [
            10,
            with(1, 4),
            activations[2],
            with(3, 3),
            activations[4],
            with(5, 2),
            activations[6],
            activations[7],
            activations[8],
            with(9, 1),
            activations[10],
            activations[11],
            parameters[0],
        ]
    );
    let offline: u64 = rows("backward").iter().map(|o| bytes(&o.phases)[1]).sum();
    assert_eq!(offline, 10, "the last layer alone takes its gradient from the loss");
    let elements: Vec<u64> = PARAMETERS.iter().flat_map(|(w, b)| [*w, *b]).collect();
    let mut updates = sent("optimizer");
    updates.sort_unstable();
    let mut sorted = elements.clone();
    sorted.sort_unstable();
    assert_eq!(updates, sorted);
    assert_eq!(report.run.training.as_ref().unwrap().trained, elements.iter().sum::<u64>());
}

#[test]
fn parts_name_their_forward_operator() {
    let report = profile(TrainingOptions::default());
    let forward: Vec<_> = report.operators.iter().filter(|o| o.pass == "forward").map(|o| &o.name).collect();
    for operator in &report.operators {
        match (operator.pass.as_str(), &operator.of) {
            ("forward" | "loss", of) => assert_eq!(*of, None),
            ("backward", Some(of)) => assert!(of == "(loss)" || forward.contains(&of), "{of}"),
            ("optimizer", Some(of)) => assert!(forward.contains(&of), "{of}"),
            (pass, of) => panic!("{pass} of {of:?}"),
        }
    }
}

#[test]
fn passes_add_up_to_the_totals() {
    let report = profile(momentum(Steps::First(3)));
    assert_eq!(report.passes.keys().collect::<Vec<_>>(), ["forward", "loss", "backward", "optimizer"]);
    let sum = report
        .passes
        .values()
        .map(|pass| bytes(&pass.phases))
        .fold([0; 3], |a, b| [a[0] + b[0], a[1] + b[1], a[2] + b[2]]);
    assert_eq!(sum, bytes(&report.totals));
}

#[test]
fn runs_are_sums_of_steps_with_one_setup() {
    let step = |k| bytes(&profile(momentum(Steps::Only(k))).totals);
    let (first, later) = (step(1), step(2));
    assert_ne!(first, later, "the first step has no momentum");
    assert_eq!(step(9), later);
    let run = bytes(&profile(momentum(Steps::First(5))).totals);
    assert_eq!(run, [7, first[1] + 4 * later[1], first[2] + 4 * later[2]]);
}

#[test]
fn the_last_batch_of_an_epoch_is_what_is_left() {
    let step = |batch, k| bytes(&profile_batch(momentum(Steps::Only(k)), batch).totals);
    let (first, later, rest) = (step(4, 1), step(4, 2), step(2, 2));
    let epochs = Steps::Epochs { epochs: 2, samples: 10 };
    let run = bytes(&profile_batch(momentum(epochs), 4).totals);
    for phase in 1..3 {
        assert_eq!(run[phase], first[phase] + 3 * later[phase] + 2 * rest[phase]);
    }
    assert_eq!(run[0], 7);
}

#[test]
fn frameworks_without_training_say_so() {
    let options = Options { training: Some(TrainingOptions::default()), ..Options::default() };
    for name in ["delphi", "cryptflow2", "cryptflow2-he", "cheetah"] {
        let framework = Framework::open(name).unwrap();
        let error = analyse(&model("lenet5"), "lenet5.onnx", framework, &options).unwrap_err();
        assert!(error.to_string().contains(&format!("{name} can't train")), "{error}");
    }
}

#[test]
fn a_loss_or_optimizer_that_a_framework_lacks_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let framework = framework(folder.path(), MANIFEST, SHEET);
    let training = TrainingOptions {
        loss: Loss::KlDiv,
        optimizer: "adam".parse().unwrap(),
        ..TrainingOptions::default()
    };
    let options = Options { training: Some(training), ..Options::default() };
    let error = analyse(&model("lenet5"), "lenet5.onnx", framework, &options).unwrap_err();
    let messages: Vec<_> = error.0.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "the framework has no loss kl_div",
            "the framework can't train through kl_div",
            "the framework has no optimizer adam"
        ]
    );
}

/// Has a function of its own for one backward part only; all others are nodes of the gradient graph.
const PLAIN: &str = r#"
def lower_Gemm(n):
    send(0, 1, n.inputs[0].size + n.inputs[1].size)

def lower_Relu(_n):
    pass

def backward_Relu(n):
    send(0, 1, 1)

lower_MatMul = lower_Gemm
lower_Conv = lower_Gemm
lower_ConvTranspose = lower_Gemm
lower_MaxPool = lower_Relu
lower_Flatten = lower_Relu
lower_Reshape = lower_Relu
lower_Transpose = lower_Relu
lower_ScatterElements = backward_Relu  # by the positions of maxima, which nobody knows
lower_ReduceSum = lower_Relu
lower_LogSoftmax = lower_Relu
lower_Softmax = lower_Relu
lower_Exp = lower_Relu
lower_Mul = lower_Relu
lower_Div = lower_Relu
lower_Neg = lower_Relu
lower_Add = lower_Relu
lower_Sub = lower_Relu
lower_Slice = lower_Relu
"#;

#[test]
fn parts_without_a_function_are_nodes_of_the_gradient_graph() {
    let manifest = MANIFEST.replace("training: {gradients: own}\n", "");
    let report = profile_sheet(&manifest, PLAIN, TrainingOptions::default(), 3);
    let backward = |op: &str| -> Vec<u64> {
        let rows = report.operators.iter().filter(|o| o.pass == "backward" && o.op == op);
        rows.map(|o| bytes(&o.phases)[2]).collect()
    };
    // Each layer multiplies the gradient of its output by its weights and by its input.
    let layer = |input: u64, output: u64| 2 * 3 * output + input * output + 3 * input;
    assert_eq!(backward("Gemm"), [layer(84, 10), layer(120, 84), layer(400, 120)]);
    assert_eq!(backward("Relu"), [1, 1, 1, 1]);
    assert_eq!(bytes(&report.passes["loss"].phases), [0; 3]);
}

#[test]
fn an_export_for_inference_is_told_by_its_marks() {
    let warned = |name: &str| {
        let options = Options {
            training: Some(TrainingOptions::default()),
            bindings: Bindings { batch: Some(1), ..Bindings::default() },
            ..Options::default()
        };
        let framework = Framework::open("crypten").unwrap();
        let report = analyse(&model(name), name, framework, &options).unwrap();
        let marks = |text: &String| text.contains("export for inference");
        report.diagnostics.iter().map(|diagnostic| diagnostic.message.clone()).find(marks)
    };
    let folded = warned("resnet18").unwrap();
    assert!(folded.contains("\"onnx::Conv_193\""), "{folded}");
    assert_eq!(warned("vgg16"), None, "it has no BatchNormalization to fold");
}

/// A plan of the whole step says of every part what is left of it, even if that is nothing.
#[test]
fn a_plan_of_the_step_that_lacks_a_part_is_an_error_at_the_part() {
    let refused = |plan: &str| {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let sheet = format!(
            "OPERATORS = [\"Conv\", \"Relu\", \"MaxPool\", \"Flatten\", \"Gemm\"]\n\ndef lower_part(n):\n    pass\n\n\
             def plan_step(model):\n    nodes = [0 for _ in model.nodes]\n    return struct({plan})\n"
        );
        let training = TrainingOptions::default();
        let shapes = [("input".to_owned(), vec![1, 1, 28, 28])].into();
        let bindings = Bindings { shapes, ..Bindings::default() };
        let options = Options { training: Some(training), bindings, ..Options::default() };
        let failure = analyse(&model("lenet5"), "", framework(folder.path(), MANIFEST, &sheet), &options);
        failure.map(|report| bytes(&report.totals)).map_err(|failure| failure.to_string())
    };
    let whole = "forward = nodes, loss = 0, gradient = 0, backward = nodes, \
                 updates = {name: 0 for name in model.training.updated}";
    assert_eq!(refused(whole), Ok([0; 3]));
    for (part, without, place) in [
        ("loss = 0, ", "", "returns a struct with \"loss\""),
        ("gradient = 0, ", "", "returns a struct with \"gradient\""),
        ("forward = nodes", "forward = nodes[1:]", "Gemm"),
        ("backward = nodes", "backward = nodes[1:]", "Gemm"),
        (
            "updates = {name: 0 for name in model.training.updated}",
            "updates = {}",
            "has no entry for this part",
        ),
    ] {
        let said = refused(&whole.replace(part, without)).expect_err("a part is missing");
        assert!(said.contains(place), "{part}: {said}");
        assert!(said.contains("has no entry for this part") || said.contains("plan_step"), "{part}: {said}");
    }
}
