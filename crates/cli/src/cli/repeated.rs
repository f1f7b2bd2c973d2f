//! Reading the command line, where what is given twice is told from what may be.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use hawkeye::builtin_names;

use super::Arguments;

/// Options that give something of a name a value, by the names of their fields.
const NAMED: [(&str, &str); 4] =
    [("settings", "--set"), ("dims", "--dim"), ("shapes", "--shape"), ("inputs", "--input")];

/// The arguments of the program; if they make no sense, it ends with a message.
pub(crate) fn arguments() -> Arguments {
    let matches = Arguments::command().try_get_matches().unwrap_or_else(|error| refuse(error));
    if let Some((_, command)) = matches.subcommand()
        && let Some((option, name)) = twice(command)
    {
        let message = format!("{option} gives \"{name}\" a value more than once");
        Arguments::command().error(ErrorKind::ArgumentConflict, message).exit();
    }
    Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// Ends the program with the error; where it is a framework that is missing, with those that there are.
fn refuse(mut error: clap::Error) -> ! {
    let missing = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(names)) => names.iter().any(|name| name.starts_with("--framework")),
        _ => false,
    };
    if error.kind() == ErrorKind::MissingRequiredArgument && missing {
        let names =
            ContextValue::StyledStrs(vec![format!("frameworks: {}", builtin_names().join(", ")).into()]);
        error.insert(ContextKind::Suggested, names);
    }
    error.exit()
}

/// The first name that an option gives two values.
fn twice(command: &ArgMatches) -> Option<(&'static str, String)> {
    NAMED.into_iter().find_map(|(field, option)| {
        let values = command.try_get_raw(field).ok().flatten()?;
        let mut names: Vec<String> =
            values.filter_map(|value| Some(value.to_str()?.rsplit_once('=')?.0.to_owned())).collect();
        names.sort();
        let pair = names.windows(2).find(|pair| pair[0] == pair[1])?;
        Some((option, pair[0].clone()))
    })
}
