//! From operators to protocol calls.
//!
//! [`secrecy`] finds out who knows each value; [`read`] applies a framework's own reading of
//! operators; [`lower`] expands every node through a [`Lowering`]; [`settle`] then charges what has
//! state (buffers that refill, keys sent once, preprocessing of a whole network) in program order.

mod avoid;
mod distinct;
mod groups;
mod lowering;
mod obstacles;
mod operands;
mod parts;
mod program;
mod real_division;
mod reinterpret;
mod secrecy;
mod settle;
mod step;
mod training;
mod view;
mod views;
mod weights;

pub use hawkeye_grad::Pass;
pub use lowering::{
    Ability, Compiled, Demand, Lowered, Lowering, LoweringError, ModelSource, Note, Plan, Reading, StepPlan,
};
pub use program::{Operation, OperationKind, Program, lower};
pub use real_division::real_division;
pub use reinterpret::reinterpret;
pub use secrecy::{Conventions, Visibility, secrecy};
pub use settle::{Known, Runs, Settled, settle};
pub use training::Training;
pub use view::{ModelView, NodeView, TensorView};
pub use weights::{constant_weights, is_constant};
