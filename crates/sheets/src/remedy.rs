//! What a user can do about what a framework lacks.

use hawkeye_grad::Pass;
use hawkeye_lower::LoweringError;

use crate::entry::entry_name;
use crate::fault::TOO_LARGE;
use crate::folder::FilePath;
use crate::limits::came_to_a_bound;

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
                let said = placed.map_or(said, |(_, said)| said);
                if said.ends_with(TOO_LARGE) {
                    return LoweringError::Refused(format!("costs more than can be counted: {said}"));
                }
                if came_to_a_bound(said) {
                    let message = format!("the model is too large to be priced under this framework: {said}");
                    return LoweringError::Refused(message);
                }
                LoweringError::Ours(said.to_owned())
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
                names if is_quantised(op) => {
                    let names = names.join(", ");
                    format!(
                        "the model is quantised: export it as it was before, or choose a framework of integers: {names}"
                    )
                }
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

/// Whether the operator is one of quantised models alone.
fn is_quantised(op: &str) -> bool {
    op.starts_with("QLinear")
        || op.ends_with("Integer")
        || op.ends_with("QuantizeLinear")
        || op == "DequantizeLinear"
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_for_our_sheets_is_no_fault_of_theirs() {
        let author = Author::HawkEye { having: |_, _, _| Vec::new() };
        let blamed =
            |said: &str| author.blame(LoweringError::Broken(format!("a/b.star:3:1: {said}"))).to_string();
        assert!(blamed("runs more than 10000000 loop turns and calls").starts_with("the model is too large"));
        assert!(blamed("a factor exceeds 64 bits").starts_with("costs more than can be counted"));
        assert!(blamed("Key `x` not found").contains("please report it"));
    }
}
