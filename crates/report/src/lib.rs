//! The cost report: views over a settled program.
//!
//! Every number in a [`Report`] is a sum over messages of the program under some prefix of the call
//! tree; nothing is computed here that is not such a sum. The structure is the published schema
//! `hawkeye/1`, [`JSON_SCHEMA`].

pub mod budget;
mod build;
pub mod compare;
mod counters;
mod label;
pub mod measured;
pub mod render;
mod schema;
mod tree;

pub use build::{Subjects, report};
pub use schema::{
    CallNode, DiagnosticInfo, FrameworkInfo, LinkTraffic, ModelInfo, Operator, OutputInfo, PassCost,
    PhaseCost, Phases, Report, RunInfo, SCHEMA, Scalar, TrainingInfo, Uncertainty,
};

/// The schema of a report, as JSON Schema (draft 2020-12).
pub const JSON_SCHEMA: &str = include_str!("../../../docs/report.schema.json");
