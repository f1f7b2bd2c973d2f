//! The cost algebra: what protocol calls send, as exact integers.
//!
//! A [`Calls`] arena holds call trees as a DAG: equal calls are stored once. [`summarise`] turns
//! every call into its [`Cost`]: traffic per [`Link`], rounds and flights per [`Phase`], and
//! the framework's own counters. Costs compose in sequence ([`Cost::then`]), side by side
//! ([`Cost::beside`]) and by repetition ([`Cost::times`]); every operation is checked.

mod calls;
mod cost;
mod data;
mod phase;
mod run;
mod summary;
mod traffic;

pub use calls::{Call, CallId, Calls, Item, Message, Step, Symbol};
pub use cost::Cost;
pub use data::Data;
pub use phase::{Phase, PhaseMap};
pub use run::{Direction, Run};
pub use summary::{RoundRule, Summaries, summarise};
pub use traffic::{Link, Party, Traffic};

/// A number that does not fit 64 bits: more than 18 exabytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cost exceeds 2^64")]
pub struct Overflow;
