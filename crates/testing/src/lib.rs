//! What the tests share: fixtures, measured traces, and profiling them.
#![expect(missing_docs, reason = "fields are those of the traces, which fixtures/README.md explains")]

pub mod crypten;
pub mod crypten_training;
pub mod decoder;
pub mod delphi;
pub mod schema;
pub mod sci;
pub mod spu;
pub mod targets;

use std::path::{Path, PathBuf};

use hawkeye::{Failure, Framework, Options, Report, analyse, load};

/// The folder of the test data.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// Profiles a model file. Every report keeps to the published schema.
pub fn profile(model: &Path, framework: &str, options: &Options) -> Result<Report, Failure> {
    let file = model.file_name().unwrap_or_default().to_string_lossy();
    let report = analyse(&load(model)?, &file, Framework::open(framework)?, options)?;
    assert_eq!(schema::departures(&report), Vec::<String>::new(), "{file} under {framework}");
    Ok(report)
}

/// Applies a function to all items, on all processors; results are in the order of the items.
pub fn in_parallel<T: Sync, R: Send>(items: &[T], f: impl Fn(&T) -> R + Sync) -> Vec<R> {
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
