//! The command line.

mod cli;

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A quarter of a profile's time went into the system's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    cli::run(cli::arguments())
}
