//! HawkEye tells what a model costs in multi-party learning, from its ONNX file alone.
//!
//! [`analyse`] is the whole pipeline; each of its passes is a public function of the crate that it
//! is named after, so that a compiler can run them one by one.
//!
//! ```
//! use hawkeye::{Framework, Options, analyse};
//! # let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/models");
//!
//! let model = hawkeye::load(format!("{fixtures}/lenet5.onnx").as_ref())?;
//! let report = analyse(&model, "lenet5.onnx", Framework::open("crypten")?, &Options::default())?;
//! assert_eq!(report.counters["bytes"], 13_374_176); // as CrypTen 0.4.1 prints it
//! assert_eq!(report.counters["rounds"], 133);
//! # Ok::<(), hawkeye::Failure>(())
//! ```

mod activations;
mod annotation;
mod configuration;
mod conventions;
mod explanation;
mod framework;
mod memory;
mod operator;
mod options;
mod passes;
mod pipeline;
mod report;
mod session;
mod sweep;
mod training;
mod widths;

pub use activations::{
    ActivationBudget, ActivationLayer, ActivationPrice, FrontPoint, Replacement, activation_budget,
};
pub use annotation::{PREFIX, annotations};
pub use explanation::{Explained, Explanation, explain};
pub use framework::{Checked, check_framework, operators};
pub use hawkeye_grad::{Loss, Optimizer};
pub use hawkeye_graph::{Diagnostic, Failure, Place, Severity, Shapes};
pub use hawkeye_lower::{Lowering, Visibility};
pub use hawkeye_onnx::{Annotated, Annotations, Model, import, load, not_a_file, read, strip};
pub use hawkeye_report::Report;
pub use hawkeye_shapes::{Bindings, bind, catches_panics, check_dims, infer, with_values};
pub use hawkeye_sheets::{Definition, Definitions, Framework, Manifest, Overlay, builtin_names};
pub use hawkeye_time as time;
pub use operator::{Operand, in_the_midst, operator};
pub use options::Options;
pub use pipeline::analyse_with_definitions;
pub use report::{MachineChoice, TimeOptions};
pub use session::{Session, Sessions, analyse};
pub use sweep::law;
pub use sweep::{
    Crossover, MOST_POINTS, Point, Statement, Sweep, SweepAxis, Variable, amount, crossovers, fixed, series,
    statements, sweep,
};
pub use training::{Steps, TrainingOptions};
pub use widths::{Width, WidthChoice, Widths};

/// The examples of the guide run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/EMBEDDING.md")]
struct Embedding;
