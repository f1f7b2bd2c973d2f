//! Names as a terminal or a table may show them.

use std::borrow::Cow;

/// The same text on one line, with control characters escaped: those that move the cursor or colour the
/// screen, and those that turn the direction of writing. Names come from files that anyone may have written.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| if acts(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(escape).collect())
}

/// A number of things as a sentence counts them: `1 node`, `2 nodes`.
#[must_use]
pub fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// Whether a character acts on what is shown instead of being shown.
fn acts(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{counted, printable};

    #[test]
    fn one_thing_is_no_things() {
        assert_eq!([0, 1, 2].map(|n| counted(n, "node")), ["0 nodes", "1 node", "2 nodes"]);
    }

    #[test]
    fn what_acts_is_escaped() {
        assert_eq!(printable("a\u{1b}[31mb\nc\td"), "a\\u{1b}[31mb\\nc\\td");
        assert_eq!(printable("\u{202e}x\u{9b}1m"), "\\u{202e}x\\u{9b}1m");
        assert_eq!(printable("/conv1/Conv é 层"), "/conv1/Conv é 层");
    }
}
