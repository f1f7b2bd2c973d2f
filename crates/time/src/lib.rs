//! Time: how long a settled program takes on a network and a machine.
//!
//! A [`Network`] says how fast messages go, a [`Machine`] how long local work takes, a [`Transport`] how
//! the framework sends; a [`Clock`] is the algebra of the three. `docs/TIME.md` states the law and its
//! sources.

mod chain;
mod clock;
mod machine;
mod network;
pub mod pipeline;
pub mod schedule;
mod service;
pub mod units;
mod walk;

pub use chain::{ChainSelection, Task, chain};
pub use clock::{Clock, Spent, Transport};
pub use machine::{Machine, Software};
pub use network::Network;
pub use service::{Met, Service};
pub use walk::{TooLong, transfers};
