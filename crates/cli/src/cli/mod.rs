//! Commands, their arguments and exit codes: 0 fine, 1 a budget or comparison failed, 2 an error.

mod annotate;
mod arguments;
mod budget;
mod calibrate;
mod check;
mod compare;
mod destination;
mod distinct;
mod explain;
mod exports;
mod files;
mod frameworks;
mod grad;
mod input;
mod manual;
mod open_shapes;
mod optimize;
mod output;
mod plot;
mod profile;
mod project;
mod refusals;
mod repeated;
mod run;
mod selections;
mod shapes;
mod strip;
mod survey;
mod sweep;
mod time;
mod unfinished;
mod values;

use std::process::ExitCode;

use hawkeye::Failure;

use arguments::{Arguments, Command};
pub(crate) use output::print_message;
pub(crate) use repeated::arguments;

/// Runs a command and prints what it fails with.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match execute(arguments) {
        Ok(code) => code,
        Err(failure) => {
            output::print_failure(&failure, arguments.command.subject());
            ExitCode::from(2)
        }
    }
}

/// Runs a command.
pub(crate) fn execute(arguments: &Arguments) -> Result<ExitCode, Failure> {
    arguments.files.check()?;
    match &arguments.command {
        Command::Profile(command) => profile::run(command).map(|()| ExitCode::SUCCESS),
        Command::Shapes(command) => shapes::run(command).map(|()| ExitCode::SUCCESS),
        Command::Strip(command) => strip::run(command).map(|()| ExitCode::SUCCESS),
        Command::Frameworks { command } => frameworks::run(command),
        Command::Grad(command) => grad::run(command).map(|()| ExitCode::SUCCESS),
        Command::Schema => {
            output::write(None, hawkeye_report::JSON_SCHEMA.as_bytes()).map(|()| ExitCode::SUCCESS)
        }
        Command::Check(command) => check::run(command, &arguments.files),
        Command::Completions { shell } => manual::completions(*shell).map(|()| ExitCode::SUCCESS),
        Command::Man { command } => manual::page(command.as_deref()).map(|()| ExitCode::SUCCESS),
        Command::Compare(command) => compare::run(command),
        Command::Budget(command) => budget::run(command).map(|()| ExitCode::SUCCESS),
        Command::Annotate(command) => annotate::run(command).map(|()| ExitCode::SUCCESS),
        Command::Sweep(command) => sweep::run(command).map(|()| ExitCode::SUCCESS),
        Command::Optimize(command) => optimize::run(command),
        Command::Calibrate(command) => calibrate::run(command).map(|()| ExitCode::SUCCESS),
        Command::Explain(command) => explain::run(command).map(|()| ExitCode::SUCCESS),
    }
}
