//! Reading the command line, where what is given twice is told from what may be.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use hawkeye::builtin_names;

use super::Arguments;

/// Options that give something of a name a value, by the names of their fields.
const NAMED: [(&str, &str); 4] =
    [("settings", "--set"), ("dims", "--dim"), ("shapes", "--shape"), ("inputs", "--input")];

/// The arguments of the program, its name first.
///
/// # Errors
/// If they make no sense, or one names a value twice.
pub(crate) fn arguments(given: impl IntoIterator<Item = OsString>) -> clap::error::Result<Arguments> {
    let matches = Arguments::command().try_get_matches_from(given).map_err(with_frameworks)?;
    if let Some((_, command)) = matches.subcommand()
        && let Some((option, name)) = twice(command)
    {
        let message = format!("{option} gives \"{name}\" a value more than once");
        return Err(Arguments::command().error(ErrorKind::ArgumentConflict, message));
    }
    Arguments::from_arg_matches(&matches)
}

/// The error; where it is a framework that is missing, with those that there are.
fn with_frameworks(mut error: clap::Error) -> clap::Error {
    let missing = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(names)) => names.iter().any(|name| name.starts_with("--framework")),
        _ => false,
    };
    if error.kind() == ErrorKind::MissingRequiredArgument && missing {
        let names =
            ContextValue::StyledStrs(vec![format!("frameworks: {}", builtin_names().join(", ")).into()]);
        error.insert(ContextKind::Suggested, names);
    }
    error
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
