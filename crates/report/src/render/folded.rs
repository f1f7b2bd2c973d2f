//! Folded stacks, as flame graph programs read them.

use std::fmt::Write;

use hawkeye_graph::printable;

use super::stacks::stacks;
use crate::{PHASES, Quantity, Report};

/// One line per prefix chain and phase: the phase and the chain's frames, separated by semicolons,
/// and how much is sent there.
#[must_use]
pub fn folded(report: &Report, weight: Quantity) -> String {
    let mut text = String::new();
    let stacks = stacks(report);
    for (phase, name) in PHASES.iter().enumerate() {
        for stack in &stacks {
            let amount = stack.cells.get(phase, weight);
            if amount > 0 {
                let frames = stack.frames.iter().map(|frame| printable(frame).replace(';', ":"));
                let frames: Vec<String> = frames.collect();
                // Writing to a string never fails.
                let _ = writeln!(text, "{name};{} {amount}", frames.join(";"));
            }
        }
    }
    text
}
