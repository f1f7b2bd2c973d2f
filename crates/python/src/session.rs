//! Profiling many models under one framework.

use std::collections::BTreeMap;

use hawkeye::{Framework, analyse, builtin_names};
use pyo3::prelude::*;

use crate::failure::guarded;
use crate::model::Source;
use crate::options::Options;
use crate::report::Report;

/// A framework with its settings.
#[pyclass(frozen)]
pub(crate) struct Session {
    framework: Framework,
    settings: BTreeMap<String, String>,
}

#[pymethods]
impl Session {
    #[new]
    fn new(py: Python<'_>, framework: &str, settings: BTreeMap<String, String>) -> PyResult<Self> {
        let framework = guarded(py, || Framework::open(framework))?;
        Ok(Self { framework, settings })
    }

    /// Profiles a model; `name` stands for it in the report.
    fn profile(&self, py: Python<'_>, model: Source, name: &str, options: Options) -> PyResult<Report> {
        guarded(py, || {
            let options = options.pipeline(self.settings.clone())?;
            let report = analyse(&model.load()?, name, self.framework.clone(), &options)?;
            Ok(Report { report })
        })
    }
}

/// Names of the frameworks that come with HawkEye.
#[pyfunction]
pub(crate) fn frameworks() -> Vec<String> {
    builtin_names()
}
