//! `cargo +nightly fuzz run sheet`.

#![no_main]
#![allow(dead_code, reason = "the targets share a file")]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/testing/src/targets.rs"]
mod targets;

thread_local! {
    static FOLDER: tempfile::TempDir = tempfile::tempdir().expect("a folder");
}

fuzz_target!(init: targets::hide_caught_panics(), |text: &[u8]| {
    FOLDER.with(|folder| targets::sheet(folder.path(), text));
});
