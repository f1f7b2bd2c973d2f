//! Failures as exceptions.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hawkeye::{Diagnostic, Failure, Place, Severity};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyDict;

pyo3::create_exception!(
    hawkeye._native,
    HawkEyeError,
    PyException,
    "What HawkEye could not do. `diagnostics` holds every cause with its place and what to do next."
);

/// Runs the pipeline without the interpreter's lock; what it fails with becomes an exception, and so does
/// a panic, which would be a fault of ours.
pub(crate) fn guarded<T: Send>(
    py: Python<'_>,
    run: impl FnOnce() -> Result<T, Failure> + Send,
) -> PyResult<T> {
    match py.detach(|| catch_unwind(AssertUnwindSafe(run))) {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(failure)) => Err(exception(py, &failure)),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            Err(HawkEyeError::new_err(format!("a fault of HawkEye itself, please report it: {text}")))
        }
    }
}

/// The exception of a failure.
pub(crate) fn exception(py: Python<'_>, failure: &Failure) -> PyErr {
    let lines: Vec<String> = failure.0.iter().map(line).collect();
    let error = HawkEyeError::new_err(lines.join("\n"));
    let listed: PyResult<Vec<Bound<'_, PyDict>>> = failure.0.iter().map(|d| dict(py, d)).collect();
    match listed.and_then(|listed| error.value(py).setattr("diagnostics", listed)) {
        Ok(()) => error,
        Err(other) => other,
    }
}

fn line(diagnostic: &Diagnostic) -> String {
    let help = diagnostic.help.as_ref().map(|help| format!(" (help: {help})")).unwrap_or_default();
    match &diagnostic.place {
        Place::Model => format!("{}{help}", diagnostic.message),
        place => format!("{place}: {}{help}", diagnostic.message),
    }
}

fn dict<'py>(py: Python<'py>, diagnostic: &Diagnostic) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let severity = match diagnostic.severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    dict.set_item("severity", severity)?;
    dict.set_item("place", diagnostic.place.to_string())?;
    dict.set_item("message", &diagnostic.message)?;
    dict.set_item("help", diagnostic.help.as_deref())?;
    Ok(dict)
}
