//! How the program is linked.
#![allow(clippy::print_stdout, reason = "this is how build scripts speak to cargo")]

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = |part: &str| std::env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    // A program that can be loaded anywhere begins with 135,000 addresses to be written: a quarter of the time that it
    // takes to start. All of this code is safe, or checks what it does, wherever it is.
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo:rustc-link-arg-bins=-no-pie");
        // Names of functions are 13 of 46 MB, and nothing needs them.
        println!("cargo:rustc-link-arg-bins=-Wl,--strip-all");
    }
}
