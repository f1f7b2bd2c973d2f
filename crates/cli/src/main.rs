//! The program.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A quarter of a profile's time went into the system's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    hawkeye_cli::run(std::env::args_os())
}
