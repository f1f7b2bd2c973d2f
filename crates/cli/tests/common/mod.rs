//! Running the program.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use hawkeye_testing::fixtures;
use tempfile::TempDir;

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

/// A folder of the test's own with a copy of LeNet-5 in it.
pub(crate) struct Folder(pub(crate) TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder can be made"));
        fs::copy(fixtures().join("models/lenet5.onnx"), folder.path("model.onnx")).expect("it is copied");
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program starts")
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hawkeye"));
        command.args(arguments).current_dir(self.0.path());
        command
    }

    /// Writes a small result to a path.
    pub(crate) fn write_to(&self, path: &str) -> Output {
        self.run(&["profile", "model.onnx", "-f", "crypten", "--by", "phase", "--format", "csv", "-o", path])
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let files = fs::read_dir(self.0.path()).expect("it exists");
        let mut names: Vec<String> =
            files.map(|f| f.expect("it is listed").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

#[track_caller]
pub(crate) fn succeeds(output: &Output) {
    assert!(output.status.success(), "{}", text(&output.stderr));
}
