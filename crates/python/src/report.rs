//! Reports.

use hawkeye_graph::{Failure, Place};
use hawkeye_report::budget::{Budget, check_budgets};
use hawkeye_report::{Axis, PhaseCost, Phases, Quantity, render};
use pyo3::prelude::*;

use crate::failure::{exception, guarded};

/// A report; `python/hawkeye/_report.py` is what users see of it.
#[pyclass(frozen)]
pub(crate) struct Report {
    pub(crate) report: hawkeye::Report,
}

/// Bytes, messages, rounds and flights.
type Amounts = (u64, u64, u64, u64);

fn amounts(cost: &PhaseCost) -> Amounts {
    (cost.bytes, cost.messages, cost.rounds, cost.flights)
}

#[pymethods]
impl Report {
    /// Costs of set-up, offline and online phase.
    fn totals(&self) -> (Amounts, Amounts, Amounts) {
        let Phases { setup, offline, online } = &self.report.totals;
        (amounts(setup), amounts(offline), amounts(online))
    }

    /// The framework's own statistics.
    fn counters(&self) -> Vec<(String, u64)> {
        self.report.counters.iter().map(|(name, amount)| (name.clone(), *amount)).collect()
    }

    /// The whole report as JSON.
    fn json(&self, py: Python<'_>) -> PyResult<String> {
        guarded(py, || serde_json::to_string(&self.report).map_err(|e| unwritable(e.to_string())))
    }

    /// The same as YAML.
    fn yaml(&self, py: Python<'_>) -> PyResult<String> {
        guarded(py, || serde_yaml::to_string(&self.report).map_err(|e| unwritable(e.to_string())))
    }

    /// Tables for people, without colours.
    fn text(&self, py: Python<'_>, by: &str, top: Option<usize>, depth: usize) -> PyResult<String> {
        guarded(py, || {
            let axis = Axis::from_name(by).ok_or_else(|| {
                let names = Axis::ALL.map(Axis::name).join(", ");
                error("by", format!("\"{by}\" is no axis; there are {names}"))
            })?;
            let view = render::View { axis, sort: Some(Quantity::Bytes), top, depth, fold: true };
            Ok(anstream::adapter::strip_str(&render::text(&self.report, view)).to_string())
        })
    }

    /// A page for browsers.
    fn html(&self, py: Python<'_>) -> PyResult<String> {
        guarded(py, || Ok(render::html(&self.report)))
    }

    /// Every budget with what the report has, its limit, and whether that is kept.
    fn check(&self, budgets: Vec<String>) -> PyResult<Vec<(String, u128, u128, bool)>> {
        Python::attach(|py| {
            guarded(py, || {
                let parse = |text: &String| {
                    text.parse::<Budget>().map_err(|e| error("budgets", format!("\"{text}\" {e}")))
                };
                let budgets: Vec<Budget> = budgets.iter().map(parse).collect::<Result<_, _>>()?;
                let checks = check_budgets(&self.report, &budgets).map_err(Failure)?;
                Ok(checks.into_iter().map(|c| (c.name.clone(), c.actual, c.limit, c.holds())).collect())
            })
        })
    }

    /// A report from its JSON.
    #[staticmethod]
    fn from_json(py: Python<'_>, text: &str) -> PyResult<Self> {
        serde_json::from_str(text)
            .map(|report| Self { report })
            .map_err(|e| exception(py, &error("report", format!("this is none: {e}"))))
    }
}

/// Reports side by side, as JSON.
#[pyfunction]
pub(crate) fn compare(py: Python<'_>, reports: Vec<PyRef<'_, Report>>) -> PyResult<String> {
    let reports: Vec<hawkeye::Report> = reports.iter().map(|report| report.report.clone()).collect();
    guarded(py, || {
        let comparison = hawkeye_report::compare::compare(&reports, Axis::Operator, 0, Quantity::Bytes);
        serde_json::to_string(&comparison).map_err(|e| unwritable(e.to_string()))
    })
}

fn error(option: &'static str, message: String) -> Failure {
    hawkeye::Diagnostic::error(Place::Option(option), message).into()
}

fn unwritable(message: String) -> Failure {
    error("report", format!("it can't be written: {message}"))
}
