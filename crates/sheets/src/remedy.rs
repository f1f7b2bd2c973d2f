//! What a user can do about what a framework lacks.

use hawkeye_grad::Pass;
use hawkeye_lower::LoweringError;

use crate::entry::entry_name;
use crate::folder::FilePath;

/// Who wrote the sheets, and can add to them.
#[derive(Clone, Debug)]
pub(crate) enum Author {
    /// They come with the tool.
    HawkEye {
        /// The built-in frameworks that have an operator, or a part of a training step, of their own.
        having: fn(Pass, &str, &str) -> Vec<String>,
    },
    /// They are on disk.
    User {
        /// Those that the manifest lists.
        sheets: Vec<FilePath>,
    },
}

impl Author {
    /// A fault of sheets, as those who did not write them can deal with it.
    pub(crate) fn blame(&self, error: LoweringError) -> LoweringError {
        match (self, error) {
            (Self::HawkEye { .. }, LoweringError::Broken(message)) => {
                let said = message.lines().next().unwrap_or_default();
                // The place, `PATH.star:LINE: `, says nothing to who has no sheets.
                let placed = said.split_once(".star:").and_then(|(_, rest)| rest.split_once(": "));
                LoweringError::Ours(placed.map_or(said, |(_, said)| said).to_owned())
            }
            (_, error) => error,
        }
    }

    /// For those who write sheets, the function to add; for others, the frameworks that have the operator.
    pub(crate) fn remedy(&self, pass: Pass, domain: &str, op: &str) -> String {
        if domain == "ai.onnx.ml" {
            return "classical machine learning (ai.onnx.ml) is out of scope; export a neural network"
                .to_owned();
        }
        match self {
            Self::User { sheets } => {
                let entry = entry_name(pass, domain, op);
                format!("add {entry} to {}", home(&entry, sheets))
            }
            Self::HawkEye { having } => match having(pass, domain, op).as_slice() {
                [] => "no framework has it: replace it by other operators".to_owned(),
                names => format!("replace it, or choose a framework that has it: {}", names.join(", ")),
            },
        }
    }

    /// For those who write sheets, what their function lacks.
    pub(crate) fn selection_remedy(&self, domain: &str, op: &str) -> Option<String> {
        let Self::User { .. } = self else { return None };
        let entry = entry_name(Pass::Forward, domain, op);
        Some(format!(
            "or send in {entry} what that takes, or say evidence(\"local\") there if it takes no message"
        ))
    }
}

/// The sheet with the most functions like one that is to be added.
fn home(entry: &str, sheets: &[FilePath]) -> String {
    let prefix = entry.split_inclusive('_').next().unwrap_or(entry);
    let alike = |line: &str| line.strip_prefix("def ").unwrap_or(line).starts_with(prefix);
    let count =
        |sheet: &&FilePath| sheet.read().map_or(0, |text| text.lines().filter(|line| alike(line)).count());
    // Of equals the first.
    sheets.iter().rev().max_by_key(count).map(FilePath::display).unwrap_or_default()
}
