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

mod pipeline;

pub use hawkeye_graph::{Diagnostic, Failure, Place, Severity};
pub use hawkeye_lower::Visibility;
pub use hawkeye_onnx::{Model, load, strip};
pub use hawkeye_report::Report;
pub use hawkeye_shapes::{Bindings, Shapes, bind, infer};
pub use hawkeye_sheets::{Framework, builtin_names};
pub use pipeline::{Options, analyse};
