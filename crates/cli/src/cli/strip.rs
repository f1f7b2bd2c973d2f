//! `hawkeye strip`.

use hawkeye::{Failure, strip};

use super::arguments::StripArguments;
use super::input::source;
use super::output;

pub(crate) fn run(command: &StripArguments) -> Result<(), Failure> {
    let stripped = strip(&source(&command.model)?.path)?;
    output::write_model(Some(&command.output), |to| to.write_all(&stripped))
}
