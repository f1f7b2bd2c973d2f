//! `hawkeye completions` and `hawkeye man`: what shells and manuals hold, from the arguments themselves.

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;
use hawkeye::{Diagnostic, Failure, Place};
use hawkeye_graph::nearest;

use super::{Arguments, output};

pub(crate) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "hawkeye", &mut script);
    output::write(None, &script)
}

/// The page of a command, or of the program.
pub(crate) fn page(name: Option<&str>) -> Result<(), Failure> {
    let mut program = Arguments::command();
    program.build();
    let command = match name {
        None => program,
        Some(name) => match program.find_subcommand(name) {
            Some(command) => command.clone(),
            None => {
                let commands: Vec<&str> = program.get_subcommands().map(clap::Command::get_name).collect();
                let hint = nearest(name, commands.iter().copied());
                let hint = hint.map(|near| format!("did you mean {near}? ")).unwrap_or_default();
                return Err(Diagnostic::error(Place::Model, format!("there is no command \"{name}\""))
                    .help(format!("{hint}commands: {}", commands.join(", ")))
                    .into());
            }
        },
    };
    let mut page = Vec::new();
    let manual = Man::new(command).source(concat!("hawkeye ", env!("CARGO_PKG_VERSION"))).manual("HawkEye");
    manual.render(&mut page).map_err(|e| output::failed(e.to_string()))?;
    output::write(None, &page)
}
