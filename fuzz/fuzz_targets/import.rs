//! `cargo +nightly fuzz run import`.

#![no_main]
#![allow(dead_code, reason = "the targets share a file")]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/testing/src/targets.rs"]
mod targets;

fuzz_target!(init: targets::hide_caught_panics(), |bytes: &[u8]| {
    targets::model(bytes);
});
