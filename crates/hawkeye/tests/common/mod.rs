//! What the trace tests share: fixtures, and profiling them.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod crypten;
pub(crate) mod crypten_training;
pub(crate) mod delphi;
pub(crate) mod schema;
pub(crate) mod sci;
pub(crate) mod spu;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hawkeye::{Failure, Framework, Options, Report, analyse, load};

/// The folder of the test data.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// Runs the program in the folder of the models.
pub(crate) fn command_line(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hawkeye"))
        .args(arguments)
        .current_dir(fixtures().join("models"))
        .output()
        .expect("the program starts")
}

/// What it printed.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is text")
}

/// Profiles a model file. Every report keeps to the published schema.
pub(crate) fn profile(model: &Path, framework: &str, options: &Options) -> Result<Report, Failure> {
    let file = model.file_name().unwrap_or_default().to_string_lossy();
    let report = analyse(&load(model)?, &file, Framework::open(framework)?, options)?;
    assert_eq!(schema::departures(&report), Vec::<String>::new(), "{file} under {framework}");
    Ok(report)
}

/// Applies a function to all items, on all processors; results are in the order of the items.
pub(crate) fn in_parallel<T: Sync, R: Send>(items: &[T], f: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let f = &f;
    std::thread::scope(|scope| {
        let share = items.len().div_ceil(workers).max(1);
        let threads: Vec<_> = items
            .chunks(share)
            .map(|chunk| scope.spawn(move || chunk.iter().map(f).collect::<Vec<_>>()))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("it does not panic")).collect()
    })
}
