//! Frameworks as data: a manifest and Starlark sheets.
//!
//! [`Framework::open`] reads the manifest, [`Framework::instantiate`] fixes parties and parameters
//! and loads the sheets; the [`Sheets`] that result implement [`hawkeye_lower::Lowering`].
//! `docs/FRAMEWORKS.md` is the language's reference.

mod bounded;
mod convert;
mod definitions;
mod export;
mod fault;
mod folder;
mod framework;
mod guard;
mod host;
mod inspect;
mod language;
mod library;
mod limits;
mod loader;
mod loads;
mod manifest;
mod models;
mod nesting;
mod numbers;
mod outline;
mod overlay;
mod parameter;
mod protocol;
mod recorder;
mod remedy;
mod returned;
mod sheets;
mod syntax;
mod written;

pub use definitions::{Definition, Definitions};
pub use framework::{ConfiguredFramework, Framework, FrameworkError, builtin_names};
pub use limits::RUNS_LONG;
pub use loads::{Conditions, FrontEnd};
pub use manifest::{
    Counter, CounterKind, FREE, Gradients, Manifest, Parties, Reference, Rounds, TrainingRule,
    VisibilityRule, Visible,
};
pub use overlay::Overlay;
pub use parameter::{Parameter, ParameterKind};
pub use protocol::OVERLAY;
pub use sheets::{PLANNED_PART, Sheets};
