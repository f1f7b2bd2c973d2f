//! The command line of HawkEye, as functions: the program `hawkeye` and the Python package run it.

mod cli;

use std::ffi::OsString;
use std::process::ExitCode;

use hawkeye::{Diagnostic, Failure, Place};

/// Runs the command line; the first argument is the program's name.
///
/// Exit codes are those that `hawkeye --help` states. Help and mistakes in the arguments are printed, and
/// never end the process.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match cli::arguments(arguments) {
        Ok(arguments) => cli::run(&arguments),
        Err(message) => cli::print_message(&message),
    }
}

/// The same for programs that run a command: what it fails with is returned, not printed.
///
/// # Errors
/// Those of the command, and mistakes in the arguments.
pub fn execute(arguments: impl IntoIterator<Item = OsString>) -> Result<ExitCode, Failure> {
    let arguments =
        cli::arguments(arguments).map_err(|error| Diagnostic::error(Place::Model, error.to_string()))?;
    cli::execute(&arguments)
}
