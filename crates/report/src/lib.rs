//! The cost report and what is made of it: tables, pages, comparisons, budgets.
//!
//! The structure of a [`Report`] is the published schema `hawkeye/1`, [`JSON_SCHEMA`]. Nothing here knows
//! how a report comes about.

mod alike;
pub mod budget;
pub mod compare;
mod label;
pub mod measured;
mod quantity;
pub mod render;
mod schema;
mod time;

pub use quantity::{Axis, PHASES, Quantity};
pub use schema::{
    CallNode, DiagnosticInfo, FrameworkInfo, LinkTraffic, MeasuredRuns, ModelInfo, OWN, Operator, OutputInfo,
    PARALLEL, PassCost, PhaseCost, Phases, Report, RunInfo, SCHEMA, SIDE, Scalar, TrainingInfo, Uncertainty,
};
pub use time::{ArrivalsInfo, Gain, PipelineInfo, ServiceInfo, SpentInfo, TimeInfo};

/// The schema of a report, as JSON Schema (draft 2020-12).
pub const JSON_SCHEMA: &str = include_str!("../../../docs/report.schema.json");
