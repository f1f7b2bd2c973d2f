//! Generates `crates/onnx/src/wire.rs` from `proto/onnx.proto`; run by `make proto`.

use std::error::Error;
use std::path::Path;

const HEADER: &str = "// Generated from proto/onnx.proto by `make proto`; not to be edited.\n";

fn main() -> Result<(), Box<dyn Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = std::env::args().nth(1).ok_or("usage: generate-wire OUTPUT.rs")?;
    let files = protox::compile([here.join("../onnx.proto")], [here.join("..")])?;
    let scratch = here.join("target");
    prost_build::Config::new().bytes(["."]).out_dir(&scratch).compile_fds(files)?;
    let generated = std::fs::read_to_string(scratch.join("onnx.rs"))?;
    std::fs::write(out, format!("{HEADER}{generated}"))?;
    Ok(())
}
