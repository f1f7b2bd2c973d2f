//! Frameworks as data: a manifest and Starlark sheets.
//!
//! [`Framework::open`] reads the manifest, [`Framework::instantiate`] fixes parties and parameters
//! and loads the sheets; the [`Sheets`] that result implement [`hawkeye_lower::Lowering`].
//! `docs/FRAMEWORKS.md` is the language's reference.

mod bounded;
mod convert;
mod declared;
mod definitions;
mod entry;
mod export;
mod fault;
mod folder;
mod framework;
mod guard;
mod host;
mod inspect;
mod keys;
mod language;
mod late;
mod library;
mod limits;
mod loader;
mod loads;
mod manifest;
mod models;
mod named;
mod nesting;
mod numbers;
mod outline;
mod overlay;
mod parameter;
mod protocol;
mod recorder;
mod remedy;
mod returned;
mod rules;
mod selection;
mod settings;
mod sheets;
mod signs;
mod syntax;
mod terms;
mod written;

pub use definitions::{Definition, Definitions};
pub use entry::entry_name;
pub use fault::RUNS_LONG;
pub use framework::{ConfiguredFramework, Framework, FrameworkError, builtin_names};
pub use keys::meant;
pub use loads::{Conditions, FrontEnd};
pub use manifest::{
    Counter, CounterKind, FREE, Gradients, Manifest, Parties, Reference, Rounds, TrainingRule,
    VisibilityRule, Visible,
};
pub use overlay::Overlay;
pub use parameter::{Parameter, ParameterKind};
pub use protocol::OVERLAY;
pub use rules::{Approximation, WrittenRule, written_rules};
pub use sheets::{PLANNED_PART, Sheets};
pub use signs::Sign;
pub use terms::{Application, Term};
