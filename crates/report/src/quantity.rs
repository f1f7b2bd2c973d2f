//! What is counted, and what it is counted by.

use crate::PhaseCost;

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
pub const PHASES: [&str; 3] = ["setup", "offline", "online"];
