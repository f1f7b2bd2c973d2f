//! The native half of the Python package `hawkeye`.
//!
//! It is thin: models come as paths or bytes, options as keyword arguments, and results leave as JSON or
//! text. What users touch is written in Python, in `python/hawkeye`. Nothing here panics across the border
//! (`failure::guarded`), and the interpreter's lock is released while the pipeline runs.

mod failure;
mod model;
mod options;
mod report;
mod session;

use std::ffi::OsString;
use std::process::ExitCode;

use mimalloc::MiMalloc;
use pyo3::prelude::*;

// As in the command: a quarter of a profile in a running process is allocation.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// `hawkeye._native`.
#[pymodule(name = "_native")]
mod native {
    #[pymodule_export]
    use crate::failure::HawkEyeError;
    #[pymodule_export]
    use crate::model::shapes;
    #[pymodule_export]
    use crate::report::{Report, compare};
    #[pymodule_export]
    use crate::session::{Session, frameworks};
    #[pymodule_export]
    use crate::{execute, main};
}

/// Runs the command line with these arguments, program name first; returns the exit code.
#[pyfunction]
fn main(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    number(py.detach(|| hawkeye_cli::run(arguments)))
}

/// The same, but raises what the command fails with.
#[pyfunction]
fn execute(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<u8> {
    failure::guarded(py, || hawkeye_cli::execute(arguments)).map(number)
}

/// Exit codes are opaque in Rust; the command line has these three.
fn number(code: ExitCode) -> u8 {
    (0..=2).find(|number| ExitCode::from(*number) == code).unwrap_or(2)
}
