//! What fuzzing feeds: bytes that may be anything. Each returns whether they came through to the end, as every seed
//! does; a panic, a hang or memory without bound is a defect.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use hawkeye::{
    Bindings, Framework, Model, Options, Report, Session, TrainingOptions, analyse, bind, builtin_names,
    import, infer,
};
use hawkeye_graph::{Dim, Kind, Origin};
use hawkeye_report::render::{View, csv, folded, html, markdown, perfetto, speedscope, text};
use hawkeye_report::{Axis, Quantity};

/// Keeps panics that the tool catches from the panic hook, in which a fuzzer ends the process.
pub fn hide_caught_panics() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !hawkeye::catches_panics() {
            hook(panic);
        }
    }));
}

/// The importer and shape inference.
pub fn model(bytes: &[u8]) -> bool {
    let Ok(model) = import(bytes.to_vec().into(), None) else { return false };
    let Ok(inputs) = bind(&model.graph, &bindings(&model)) else { return false };
    let _ = infer(&model.graph, &inputs);
    true
}

/// Sizes for whatever a model leaves open.
fn bindings(model: &Model) -> Bindings {
    let mut bindings = Bindings::default();
    for id in &model.graph.inputs {
        let value = model.graph.value(*id);
        let Origin::Input(declared) = &value.origin else { continue };
        for dim in declared.dims.iter().flatten() {
            if let Dim::Symbol(symbol) = dim {
                bindings.dims.insert(symbol.clone(), 3);
            }
        }
        if declared.dims.is_none() && declared.kind == Kind::Tensor {
            bindings.shapes.insert(value.name.clone(), vec![2, 3]);
        }
    }
    bindings
}

/// Every pass: a model under one of the frameworks, which its bytes choose, in inference or training, or under one that
/// has most operators if that refuses it; and the report in every format.
pub fn whole(bytes: &[u8]) -> bool {
    static SESSIONS: LazyLock<Vec<Session>> = LazyLock::new(|| {
        let session = |name: String| {
            Framework::open(&name).and_then(|framework| Session::new(framework, None, &BTreeMap::new()))
        };
        let names = ["spu-semi2k".to_owned()].into_iter().chain(builtin_names());
        names.map(|name| session(name).expect("it is built in")).collect()
    });
    let sum: usize = bytes.iter().map(|byte| usize::from(*byte)).sum();
    let Ok(model) = import(bytes.to_vec().into(), None) else { return false };
    let training = (sum / SESSIONS.len()).is_multiple_of(4).then(TrainingOptions::default);
    let inference = Options { bindings: bindings(&model), ..Options::default() };
    let chosen = Options { training, ..inference.clone() };
    let report = SESSIONS[sum % SESSIONS.len()]
        .analyse(&model, "model.onnx", &chosen)
        .or_else(|_| SESSIONS[0].analyse(&model, "model.onnx", &inference));
    let Ok(report) = report else { return false };
    in_every_format(&report);
    true
}

/// Renders a report.
fn in_every_format(report: &Report) {
    for axis in Axis::ALL {
        let view = View { axis, sort: Some(Quantity::Bytes), top: Some(3), depth: 2, fold: true };
        let _ = (text(report, view), csv(report, view), markdown(report, view));
    }
    let _ = (folded(report, Quantity::Bytes), speedscope(report, Quantity::Rounds));
    let _ = (html(report), perfetto(report));
}

/// The manifest of a framework; `folder` is where it is written to.
pub fn manifest(folder: &Path, text: &[u8]) -> bool {
    let sheet = include_str!("../../../fuzz/corpus/sheet/small.star");
    std::fs::write(folder.join("framework.yaml"), text).expect("the folder is there");
    std::fs::write(folder.join("sheet.star"), sheet).expect("the folder is there");
    open(folder)
}

/// A sheet under a fixed manifest.
pub fn sheet(folder: &Path, text: &[u8]) -> bool {
    let manifest = include_str!("../../../fuzz/corpus/manifest/small.yaml");
    std::fs::write(folder.join("framework.yaml"), manifest).expect("the folder is there");
    std::fs::write(folder.join("sheet.star"), text).expect("the folder is there");
    open(folder)
}

/// Loads a framework and has it price a model of a product and a sum.
fn open(folder: &Path) -> bool {
    static MODEL: LazyLock<Model> = LazyLock::new(|| {
        let bytes: &[u8] = include_bytes!("../../../fuzz/corpus/import/arithmetic.onnx");
        import(bytes.to_vec().into(), None).expect("it is a model")
    });
    // A path with a slash names a directory.
    let Ok(framework) = Framework::open(&format!("{}/", folder.display())) else { return false };
    let Ok(report) = analyse(&MODEL, "model.onnx", framework, &Options::default()) else { return false };
    in_every_format(&report);
    true
}
