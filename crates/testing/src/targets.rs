//! What fuzzing feeds: bytes that may be anything. Each returns; a panic, a hang or memory without bound
//! is a defect.

use std::collections::BTreeMap;
use std::path::Path;

use hawkeye::{Bindings, Framework, bind, infer};
use hawkeye_graph::{Dim, Kind, Origin};
use hawkeye_onnx::import;

/// The importer and shape inference.
pub fn model(bytes: &[u8]) {
    let Ok(model) = import(bytes.to_vec().into(), None) else { return };
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
    if let Ok(inputs) = bind(&model.graph, &bindings) {
        let _ = infer(&model.graph, &inputs);
    }
}

/// The manifest of a framework; `folder` is where it is written to.
pub fn manifest(folder: &Path, text: &[u8]) {
    std::fs::write(folder.join("framework.yaml"), text).expect("the folder is there");
    std::fs::write(folder.join("sheet.star"), "").expect("the folder is there");
    open(folder);
}

/// A sheet under a fixed manifest.
pub fn sheet(folder: &Path, text: &[u8]) {
    let manifest = include_str!("../../../fuzz/corpus/manifest/small.yaml");
    std::fs::write(folder.join("framework.yaml"), manifest).expect("the folder is there");
    std::fs::write(folder.join("sheet.star"), text).expect("the folder is there");
    open(folder);
}

fn open(folder: &Path) {
    // A path with a slash names a directory.
    if let Ok(framework) = Framework::open(&format!("{}/", folder.display()))
        && let Ok(instance) = framework.instantiate(None, &BTreeMap::new())
    {
        let _ = instance.sheets.operators();
    }
}
