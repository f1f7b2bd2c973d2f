//! Text that fits most screens.

use hawkeye_graph::printable;

/// Characters of a line that fit on most screens.
pub(super) const WIDTH: usize = 100;

/// Characters of the cause of a refusal in a list of them.
const CAUSE: usize = 160;

/// A name that fits its column.
pub(super) fn shortened(name: &str, width: usize) -> String {
    let length = name.chars().count();
    if length > width {
        format!("…{}", name.chars().skip(length - width + 1).collect::<String>())
    } else {
        name.to_owned()
    }
}

/// The beginning of a cause, in a list of many; profile tells all of it.
#[must_use]
pub fn brief(cause: &str) -> String {
    let cause = printable(cause);
    let mut shown: String = cause.chars().take(CAUSE).collect();
    if shown.len() < cause.len() {
        shown.push('…');
    }
    shown
}

/// Breaks lines between words; what goes on is indented by that many spaces. Lines that begin with a space, such as
/// excerpts of sources, stay as they are.
#[must_use]
pub fn wrapped(text: &str, indent: usize) -> String {
    let lines = text
        .lines()
        .map(|line| if line.starts_with(' ') { line.to_owned() } else { wrapped_line(line, indent) });
    lines.collect::<Vec<_>>().join("\n")
}

/// The same of one line, whatever it begins with.
#[must_use]
pub fn wrapped_line(line: &str, indent: usize) -> String {
    let mut text = String::with_capacity(line.len());
    let mut column = 0;
    for (position, word) in line.split(' ').enumerate() {
        let length = word.chars().count();
        if position > 0 && column + 1 + length > WIDTH {
            text.push_str(&format!("\n{:indent$}", ""));
            column = indent;
        } else if position > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn lines_are_broken_between_words_and_excerpts_stay() {
        let text = format!("{}\n  {}", "word ".repeat(40).trim_end(), "x ".repeat(80).trim_end());
        let wrapped = wrapped(&text, 4);
        let lines: Vec<&str> = wrapped.lines().collect();
        assert_eq!(lines[0].chars().count(), 99);
        assert_eq!(lines[1], format!("    {}", ["word"; 19].join(" ")));
        assert_eq!(lines[2], "    word");
        assert_eq!(lines[3].len(), 161);
        assert_eq!(wrapped.split_whitespace().count(), 120);
    }
}
