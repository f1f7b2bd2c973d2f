//! Training: what a step does beyond the forward pass.
//!
//! [`sweep`] finds out which nodes have a backward part, and in which order. [`Loss`] and [`Optimizer`]
//! are what a user asks for.

mod loss;
mod optimizer;
mod part;
mod sweep;

pub use loss::Loss;
pub use optimizer::{Algorithm, Optimizer, Setting};
pub use part::{Part, Pass};
pub use sweep::{Sweep, sweep};
