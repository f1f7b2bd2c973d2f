//! Building the report of a settled program.
//!
//! Every number in a [`hawkeye_report::Report`] is a sum over messages of the program under some prefix of
//! the call tree; nothing is computed here that is not such a sum.

mod build;
mod counters;
mod label;
mod overflow;
mod overlap;
mod placed;
mod rows;
mod timing;
mod tree;

pub(crate) use build::{ReportHeader, report};
pub(crate) use label::Labels;
pub(crate) use overflow::located;
pub(crate) use placed::Priced;
pub(crate) use timing::Timing;
pub use timing::{MachineChoice, TimeOptions};
