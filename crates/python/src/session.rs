//! Profiling many models under one framework.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use hawkeye::{Failure, Framework, builtin_names, check_dims};
use pyo3::prelude::*;

use crate::failure::guarded;
use crate::model::ModelInput;
use crate::options::Options;
use crate::report::Report;

/// A framework with its settings; its sheets are run once for each number of parties asked for.
#[pyclass(frozen)]
pub(crate) struct Session {
    framework: Framework,
    settings: BTreeMap<String, String>,
    opened: Mutex<HashMap<Option<u16>, Arc<hawkeye::Session>>>,
}

impl Session {
    fn opened(&self, parties: Option<u16>) -> Result<Arc<hawkeye::Session>, Failure> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = opened.get(&parties) {
            return Ok(session.clone());
        }
        let session = Arc::new(hawkeye::Session::new(self.framework.clone(), parties, &self.settings)?);
        opened.insert(parties, session.clone());
        Ok(session)
    }
}

#[pymethods]
impl Session {
    #[new]
    fn new(py: Python<'_>, framework: &str, settings: BTreeMap<String, String>) -> PyResult<Self> {
        guarded(py, || {
            let framework = Framework::open(framework)?;
            // What is wrong with settings is said here, not at the first profile.
            framework.manifest.values(&settings)?;
            Ok(Self { framework, settings, opened: Mutex::default() })
        })
    }

    /// Profiles a model; `name` stands for it in the report.
    fn profile(&self, py: Python<'_>, model: ModelInput, name: &str, options: Options) -> PyResult<Report> {
        guarded(py, || {
            let session = self.opened(options.parties)?;
            let model = model.load()?;
            check_dims(&model.graph, &options.bindings().dims)?;
            let report = session.analyse(&model, name, &options.pipeline(&self.framework)?)?;
            Ok(Report { report })
        })
    }
}

/// Names of the frameworks that come with HawkEye.
#[pyfunction]
pub(crate) fn frameworks() -> Vec<String> {
    builtin_names()
}
