//! `hawkeye calibrate`: frameworks are Python, so a script times their primitives.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use clap::{Args, ValueEnum};
use hawkeye::{Diagnostic, Failure, Place};

use super::output;

/// The scripts, which the Python package has too; the first one is run.
const SCRIPTS: [(&str, &str); 2] = [
    ("calibrate.py", include_str!("../../../../python/hawkeye/calibrate.py")),
    ("calibrate_seal.py", include_str!("../../../../python/hawkeye/calibrate_seal.py")),
];

#[derive(Debug, Args)]
pub(crate) struct CalibrateArguments {
    /// The framework, which must be installed for the Python that runs it
    #[arg(value_enum)]
    framework: Calibrated,
    /// The Python that has the framework
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: PathBuf,
    /// Where SPU's first party listens; the others take the ports after it
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:29700")]
    address: String,
    /// Where to write the profile; standard output if not given
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
}

/// Frameworks whose primitives can be timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Calibrated {
    Crypten,
    SpuSemi2k,
    SpuAby3,
    SpuCheetah,
    /// Of Cheetah, CryptFlow2 by HE, Delphi and HEQuant, through TenSEAL
    Seal,
}

impl Calibrated {
    fn name(self) -> &'static str {
        match self {
            Self::Crypten => "crypten",
            Self::SpuSemi2k => "spu-semi2k",
            Self::SpuAby3 => "spu-aby3",
            Self::SpuCheetah => "spu-cheetah",
            Self::Seal => "seal",
        }
    }
}

pub(crate) fn run(command: &CalibrateArguments) -> Result<(), Failure> {
    let failed = |message: String| Diagnostic::error(Place::Model, message);
    let folder = tempfile::tempdir().map_err(|e| failed(format!("no folder can be made: {e}")))?;
    for (name, text) in SCRIPTS {
        std::fs::write(folder.path().join(name), text)
            .map_err(|e| failed(format!("the script can't be written: {e}")))?;
    }
    let python = command.python.display();
    let name = command.framework.name();
    let help = "say --python PROGRAM, the Python in whose environment the framework is installed";
    let done = Command::new(&command.python)
        .arg(folder.path().join(SCRIPTS[0].0))
        .args([name, "--address", &command.address])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| failed(format!("{python} can't be run: {e}")).help(help))?;
    if !done.status.success() {
        return Err(failed(format!("{name} could not be timed with {python}")).help(help).into());
    }
    output::write(command.output.as_deref(), &done.stdout)
}
