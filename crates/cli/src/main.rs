//! The program.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A quarter of a profile's time went into the system's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !hawkeye::catches_panics() {
            print(panic);
        }
    }));
    hawkeye_cli::run(std::env::args_os())
}
