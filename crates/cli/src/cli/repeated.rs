//! Reading the command line, where what is given twice is told from what may be.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use hawkeye::builtin_names;

use super::Arguments;
use super::files::Files;

/// Options that give something of a name a value, by the names of their fields.
const NAMED: [(&str, &str); 5] = [
    ("settings", "--set"),
    ("dims", "--dim"),
    ("shapes", "--shape"),
    ("inputs", "--input"),
    ("values", "--value"),
];

/// The arguments of the program, its name first.
///
/// # Errors
/// If they make no sense, or one names a value twice.
pub(crate) fn arguments(given: impl IntoIterator<Item = OsString>) -> clap::error::Result<Arguments> {
    let matches = Arguments::command().try_get_matches_from(given).map_err(with_frameworks)?;
    let Some((name, command)) = matches.subcommand() else { return Arguments::from_arg_matches(&matches) };
    if let Some((option, name)) = twice(command) {
        let message = format!("{option} gives \"{name}\" a value more than once");
        return Err(Arguments::command().error(ErrorKind::ArgumentConflict, message));
    }
    if name == "check"
        && let Some(option) = idle(command)
    {
        let message = format!(
            "{option} is for models that are named here; how those of a project are profiled, hawkeye.toml says"
        );
        return Err(Arguments::command().error(ErrorKind::ArgumentConflict, message));
    }
    Ok(Arguments { files: Files::of(command), ..Arguments::from_arg_matches(&matches)? })
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

/// Options of `check` that serve a project, too.
const OF_PROJECTS: [&str; 3] = ["project", "format", "output"];

/// An option of `check` that does nothing, since no model is named.
fn idle(command: &ArgMatches) -> Option<String> {
    let given = |id: &str| command.value_source(id) == Some(ValueSource::CommandLine);
    if given("subjects") {
        return None;
    }
    let options = Arguments::command();
    let options = options.find_subcommand("check")?.get_arguments();
    let mut idle = options.filter(|option| {
        let id = option.get_id().as_str();
        given(id) && !OF_PROJECTS.contains(&id)
    });
    idle.find_map(|option| Some(format!("--{}", option.get_long()?)))
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
