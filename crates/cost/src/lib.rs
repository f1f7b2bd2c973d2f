//! The cost algebra: what protocol calls send, as exact integers.
//!
//! A [`Calls`] arena holds call trees as a DAG: equal calls are stored once. A [`Fold`] gives
//! every call its value in an [`Algebra`]. In [`Communication`] that is its [`Cost`]: traffic per
//! [`Link`], rounds and flights per [`Phase`], and the framework's own counters. Costs compose in sequence ([`Cost::then`]), side by side
//! ([`Cost::beside`]) and by repetition ([`Cost::times`]); every operation is checked.

mod algebra;
mod calls;
mod communication;
mod cost;
mod data;
mod flights;
mod phase;
mod rounds;
mod traffic;

pub use algebra::{Algebra, Fold};
pub use calls::{Call, CallId, Calls, Deferral, Item, Message, Scope, Share, State, Step, Symbol};
pub use communication::Communication;
pub use cost::{Before, Cost};
pub use data::Data;
pub use flights::{Direction, FlightCount};
pub use phase::{Phase, PhaseMap};
pub use rounds::RoundRule;
pub use traffic::{Link, Party, Traffic};

/// A number that does not fit 64 bits: more than 18 exabytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cost exceeds 2^64")]
pub struct Overflow;
