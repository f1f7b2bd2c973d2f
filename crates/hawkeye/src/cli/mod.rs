//! Commands, their arguments and exit codes: 0 fine, 2 an error.

mod arguments;
mod frameworks;
mod grad;
mod output;
mod profile;
mod shapes;
mod strip;

use std::process::ExitCode;

pub(crate) use arguments::Arguments;
use arguments::Command;

/// Runs a command.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    let result = match &arguments.command {
        Command::Profile(command) => profile::run(command),
        Command::Shapes(command) => shapes::run(command),
        Command::Strip(command) => strip::run(command),
        Command::Frameworks { command } => frameworks::run(command),
        Command::Grad(command) => grad::run(command),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure, arguments.command.subject());
            ExitCode::from(2)
        }
    }
}
