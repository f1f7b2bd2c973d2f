//! `hawkeye strip`.

use hawkeye::{Failure, strip};

use super::arguments::Strip;
use super::output;

pub(crate) fn run(command: &Strip) -> Result<(), Failure> {
    let stripped = strip(&command.model)?;
    output::stream(&command.output, |file| file.write_all(&stripped))
}
