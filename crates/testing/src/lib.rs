//! What the tests share: fixtures, measured traces, and profiling them.
#![expect(missing_docs, reason = "fields are those of the traces, which fixtures/README.md explains")]

pub mod crypten;
pub mod crypten_training;
pub mod decoder;
pub mod delphi;
pub mod mp_spdz;
pub mod schema;
pub mod sci;
pub mod sirnn;
pub mod spu;
pub mod targets;

use std::path::{Path, PathBuf};
use std::process::Command;

use hawkeye::{Failure, Framework, Options, Report, analyse, load};

/// The folder of the test data.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// A folder that an archive of the test data was unpacked into; it goes away with this.
pub struct Unpacked {
    folder: tempfile::TempDir,
    name: &'static str,
}

impl Unpacked {
    /// Unpacks `fixtures/NAME.tar.gz`, which holds a folder of that name.
    pub fn new(name: &'static str) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let archive = fixtures().join(format!("{name}.tar.gz"));
        let status = Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(folder.path()).status();
        assert!(status.is_ok_and(|status| status.success()), "{} can't be unpacked", archive.display());
        Self { folder, name }
    }

    /// The folder.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join(self.name)
    }

    /// The models in it, by name.
    pub fn models(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.path()).expect("it is there").flatten();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "onnx"));
        assert!(!files.is_empty(), "{} holds no models", self.name);
        files.sort();
        files
    }
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
