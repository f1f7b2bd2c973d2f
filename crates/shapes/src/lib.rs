//! Shape inference: the element type, shape and, where constant and small, the elements of every
//! value.
//!
//! [`bind`] fixes the shapes of the inputs; [`infer`] has tract-onnx analyse the rest. Weights never
//! reach tract: constants of more than [`hawkeye_graph::SMALL`] elements become typed inputs.
//! Operators that tract lacks or gets wrong have rules of our own in `rules`.

mod analysis;
mod bind;
mod expand;
mod fit;
mod given;
mod infer;
mod known;
mod proto;
mod rules;
mod types;

pub use bind::{Bindings, bind, check_dims};
pub use expand::{Expanded, expand, is_defined};
pub use given::with_values;
pub use infer::infer;
pub use rules::{catch_panics, catches_panics};
