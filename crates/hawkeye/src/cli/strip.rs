//! `hawkeye strip`.

use hawkeye::{Failure, strip};

use super::arguments::Strip;
use super::output;

pub(crate) fn run(command: &Strip) -> Result<(), Failure> {
    output::write_file(&command.output, &strip(&command.model)?)
}
