//! Training: what a step does beyond the forward pass.
//!
//! [`activity`] finds out which nodes have a backward part, and in which order; [`synthesise`] writes the
//! whole step as a graph. [`Loss`] and [`Optimizer`] are what a user asks for.

mod activity;
mod adjoint;
mod builder;
mod loss;
mod loss_nodes;
mod optimizer;
mod parameters;
mod part;
mod rules;
mod step;
mod update;
mod upgrade;

pub use activity::{Activity, activity};
pub use loss::Loss;
pub use optimizer::{Algorithm, Optimizer, Setting};
pub use parameters::{Trainable, parameters};
pub use part::{Part, Pass};
pub use rules::differentiable;
pub use step::{StepGraph, StepSpec, synthesise};
