//! Running the program.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::process::{Command, Output};

use hawkeye_testing::fixtures;

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
