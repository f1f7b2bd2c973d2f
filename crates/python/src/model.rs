//! Models as Python has them.

use std::path::PathBuf;

use bytes::Bytes;
use hawkeye::{Failure, Model, bind, import, infer, load};
use hawkeye_graph::DType;
use pyo3::prelude::*;
use serde_json::json;

use crate::failure::guarded;
use crate::options::Options;

/// A model: the path of a file, or the content of one.
#[derive(FromPyObject)]
pub(crate) enum ModelInput {
    Content(Vec<u8>),
    Path(PathBuf),
}

impl ModelInput {
    /// Reads it.
    pub(crate) fn load(self) -> Result<Model, Failure> {
        match self {
            Self::Content(content) => import(Bytes::from(content), None),
            Self::Path(path) => load(&path),
        }
    }
}

/// Types and shapes of every value of a model, as JSON.
#[pyfunction]
pub(crate) fn shapes(py: Python<'_>, model: ModelInput, options: Options) -> PyResult<String> {
    guarded(py, || {
        let model = model.load()?;
        let inputs = bind(&model.graph, &options.bindings())?;
        let shapes = infer(&model.graph, &inputs);
        let values = model.graph.value_ids().map(|id| {
            let fact = &shapes.facts[id];
            json!({
                "name": model.graph.value(id).name,
                "dtype": fact.dtype.map(DType::name),
                "shape": fact.dims,
            })
        });
        Ok(values.collect::<serde_json::Value>().to_string())
    })
}
