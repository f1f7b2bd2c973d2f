//! Training steps of real exports, and the command that writes them.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use common::{command_line, text};
use hawkeye::{Bindings, Failure, bind, infer, load};
use hawkeye_grad::{
    Loss, Optimizer, StepGraph, StepSpec, Trainable, activity, differentiable, parameters, synthesise,
};
use hawkeye_graph::{Dim, Graph, Origin};
use hawkeye_shapes::expand;
use hawkeye_testing::{Unpacked, fixtures};

/// The models of the repository, and real exports.
fn models(corpus: &Unpacked) -> Vec<PathBuf> {
    let folders = [fixtures().join("models"), corpus.path()];
    let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "onnx"));
    files.sort();
    files
}

/// Leading dimensions 1, others 8, images 32.
fn bindings(graph: &Graph) -> Bindings {
    let mut dims = BTreeMap::new();
    for id in &graph.inputs {
        let Origin::Input(declared) = &graph.value(*id).origin else { continue };
        let declared = declared.dims.as_deref().unwrap_or_default();
        for (axis, dim) in declared.iter().enumerate() {
            if let Dim::Symbol(symbol) = dim {
                let size = if axis == 0 {
                    1
                } else if declared.len() == 4 {
                    32
                } else {
                    8
                };
                dims.entry(symbol.clone()).or_insert(size);
            }
        }
    }
    Bindings { dims, ..Bindings::default() }
}

fn step(path: &Path) -> Result<Option<StepGraph>, Failure> {
    let model = load(path)?;
    let inputs = bind(&model.graph, &bindings(&model.graph))?;
    let expanded = expand(&model.graph, &inputs, &differentiable).expect("there is room");
    let graph = expanded.graph.as_ref();
    let trained = parameters(graph, Trainable::Learnable, &[])?;
    let output = graph.outputs[0];
    let activity = activity(graph, &expanded.shapes, output, &trained, &|_| false);
    if activity.order.is_empty() {
        return Ok(None);
    }
    let optimizer = "adam".parse::<Optimizer>().expect("it is one");
    let spec = StepSpec { loss: Loss::Mse, optimizer, step: 2, output, trained };
    synthesise(graph, &expanded.shapes, &activity, &spec).map(Some)
}

/// Values that nodes give but whose shape or type is not known.
fn unknown(graph: &Graph) -> Vec<String> {
    let inputs = bind(graph, &Bindings::default()).expect("shapes of a step's inputs are fixed");
    let shapes = infer(graph, &inputs);
    let outputs = graph.nodes.iter().flat_map(|node| node.present_outputs().map(move |id| (node, id)));
    let unknown = outputs.filter(|(_, id)| {
        let fact = &shapes.facts[*id];
        fact.shape().is_none() || fact.dtype.is_none()
    });
    unknown.map(|(node, id)| format!("{} {}", node.op, graph.value(id).name)).collect()
}

#[test]
fn every_network_has_a_step_of_known_shapes() {
    let mut steps = 0;
    let corpus = Unpacked::new("corpus");
    for path in models(&corpus) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("skl_") {
            continue; // trees, neighbours and the like are not trained by gradients
        }
        let Some(step) = step(&path).unwrap_or_else(|failure| panic!("{name}: {failure}")) else { continue };
        assert_eq!(unknown(&step.graph), [""; 0], "{name}");
        let mut names: Vec<&String> = step.graph.values.iter().map(|value| &value.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), step.graph.values.len(), "{name}: names are not unique");
        steps += 1;
    }
    assert!(steps >= 4);
}

#[test]
fn a_step_is_a_model_like_any_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("step.onnx");
    let path = path.to_str().expect("a name");
    let output = command_line(&["grad", "lenet5.onnx", "--optimizer", "sgd:momentum=0.9", "-o", path]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let model = load(Path::new(path)).expect("it is a model");
    let original = load(&fixtures().join("models/lenet5.onnx")).expect("the fixture is fine");
    assert_eq!(unknown(&model.graph), [""; 0]);
    assert_eq!(model.graph.value(model.graph.outputs[0]).name, "loss");
    // Every parameter is there, byte for byte as in the model.
    for value in &original.graph.values {
        if let Origin::Initializer(tensor) = &value.origin {
            let kept = model.graph.values.iter().find(|v| v.name == value.name).expect("it is kept");
            assert_eq!(kept.origin, Origin::Initializer(tensor.clone()), "{}", value.name);
        }
    }
}

#[test]
fn what_can_not_be_trained_is_said() {
    let said = |arguments: &[&str]| {
        let output = command_line(arguments);
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).expect("text")
    };
    assert!(said(&["grad", "lenet5.onnx", "--frozen", "fc9"]).contains("no parameter named \"fc9\""));
    assert!(said(&["grad", "lenet5.onnx", "--train-output", "z"]).contains("no output named \"z\""));
    assert!(said(&["grad", "lenet5.onnx", "--train", "mae"]).contains("there is no loss \"mae\""));
}

/// The example's gradient of a maximum: a bit times a number for each of three comparisons of a window.
#[test]
fn the_example_trains() {
    let output = command_line(&[
        "profile",
        "lenet5.onnx",
        "-f",
        "../../examples/replicated",
        "--train",
        "mse",
        "--by",
        "op-type",
        "--format",
        "csv",
    ]);
    let csv = text(&output.stdout);
    let row = csv.lines().find(|line| line.starts_with("MaxPool backward,")).expect("it is there");
    let (windows, bit_times) = (6 * 14 * 14 + 16 * 5 * 5, 6 * 8);
    assert!(row.contains(&format!(",{},", windows * 3 * bit_times)), "{row}");
}
