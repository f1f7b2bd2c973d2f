//! Reports for people and for other programs: each renderer is a function from a report to text.
//!
//! However a report is cut into rows or stacks, these add up to its totals exactly.

mod checks;
mod comparison;
mod csv;
mod folded;
mod html;
mod markdown;
mod measured;
mod protocols;
mod rows;
mod speedscope;
mod stacks;
mod table;
mod text;

pub use checks::{checks_github, checks_junit, checks_text};
pub use comparison::{comparison_csv, comparison_markdown, comparison_text};
pub use csv::{csv, field};
pub use folded::folded;
pub use html::html;
pub use markdown::markdown;
pub use measured::{measured_csv, measured_markdown, measured_text};
pub use rows::View;
pub use speedscope::speedscope;
pub use table::{binary, grouped};
pub use text::text;

use crate::{PhaseCost, Phases};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Payload bytes.
    Bytes,
    /// Messages.
    Messages,
    /// Rounds as the framework counts them.
    Rounds,
}

impl Quantity {
    /// All quantities.
    pub const ALL: [Self; 3] = [Self::Bytes, Self::Messages, Self::Rounds];

    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Messages => "messages",
            Self::Rounds => "rounds",
        }
    }

    /// The quantity of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|quantity| quantity.name() == name)
    }

    /// How much of it a cost has.
    #[must_use]
    pub fn of(self, cost: &PhaseCost) -> u64 {
        match self {
            Self::Bytes => cost.bytes,
            Self::Messages => cost.messages,
            Self::Rounds => cost.rounds,
        }
    }
}

/// What the rows of a table are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Nodes of the model.
    Operator,
    /// Operators of the same kind.
    OpType,
    /// Modules of the exporting framework, to a depth.
    Module,
    /// Chains of protocol calls below an operator, to a depth.
    Protocol,
    /// Setup, offline, online.
    Phase,
    /// Sender and receiver. Rounds belong to no link.
    Link,
    /// Forward, and what training adds to it.
    Pass,
}

impl Axis {
    /// All axes.
    pub const ALL: [Self; 7] =
        [Self::Operator, Self::OpType, Self::Module, Self::Protocol, Self::Phase, Self::Link, Self::Pass];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::OpType => "op-type",
            Self::Module => "module",
            Self::Protocol => "protocol",
            Self::Phase => "phase",
            Self::Link => "link",
            Self::Pass => "pass",
        }
    }

    /// The axis of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|axis| axis.name() == name)
    }
}

/// Names of the phases, in order.
pub(crate) const PHASES: [&str; 3] = ["setup", "offline", "online"];

impl Phases {
    /// The costs in the order of the phases.
    pub(crate) fn each(&self) -> [&PhaseCost; 3] {
        [&self.setup, &self.offline, &self.online]
    }
}
