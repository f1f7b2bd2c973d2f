//! What is counted, and what it is counted by.

use crate::{PhaseCost, Report};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Payload bytes.
    Bytes,
    /// Messages.
    Messages,
    /// Rounds as the framework counts them.
    Rounds,
    /// Seconds on a network; as an amount, in nanoseconds.
    Seconds,
}

impl Quantity {
    /// What every report has.
    pub const ALL: [Self; 3] = [Self::Bytes, Self::Messages, Self::Rounds];
    /// What a report has for which a network was given.
    pub const WITH_TIME: [Self; 4] = [Self::Bytes, Self::Messages, Self::Rounds, Self::Seconds];

    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Messages => "messages",
            Self::Rounds => "rounds",
            Self::Seconds => "seconds",
        }
    }

    /// The quantity of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::WITH_TIME.into_iter().find(|quantity| quantity.name() == name)
    }

    /// How much of it a cost has.
    #[must_use]
    pub fn of(self, cost: &PhaseCost) -> u64 {
        match self {
            Self::Bytes => cost.bytes,
            Self::Messages => cost.messages,
            Self::Rounds => cost.rounds,
            Self::Seconds => nanoseconds(cost.seconds.unwrap_or_default()),
        }
    }
}

/// Nanoseconds, in which seconds add up like everything else.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times are positive, and saturate"
)]
fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

impl Report {
    /// What the report counts.
    pub(crate) fn quantities(&self) -> &'static [Quantity] {
        if self.time.is_some() { &Quantity::WITH_TIME } else { &Quantity::ALL }
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
