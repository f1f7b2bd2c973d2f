//! Places in the text of a sheet whose text was edited before it was run (`guard.rs`).

use std::ops::Range;

use starlark::codemap::{CodeMap, FileSpan, Pos, Span};

use crate::outline::string;

/// A sheet as it was written, for places in its guarded text.
pub(crate) struct Written {
    pub(crate) text: CodeMap,
    /// What was put where, in the guarded text and in this one.
    pub(crate) edits: Vec<(Range<usize>, Range<usize>)>,
}

impl Written {
    /// The place of what a place in the guarded text stands for.
    pub(crate) fn place(&self, guarded: &FileSpan) -> FileSpan {
        let begin =
            self.position(begin(guarded.span), |edit, position| edit.end > position, |range| range.start);
        let end = self.position(end(guarded.span), |edit, position| edit.end >= position, |range| range.end);
        // What was put behind a statement stands for the statement.
        let line = self.text.source()[..begin].rfind('\n').map_or(0, |end| end + 1);
        let indented = &self.text.source()[line..];
        let statement = line + indented.len() - indented.trim_start().len();
        let begin = if begin == end { statement.min(begin) } else { begin };
        let [begin, end] = [begin, end].map(|position| Pos::new(u32::try_from(position).unwrap_or(u32::MAX)));
        self.text.file_span(Span::new(begin, end))
    }

    fn position(
        &self,
        guarded: usize,
        within: impl Fn(&Range<usize>, usize) -> bool,
        side: impl Fn(&Range<usize>) -> usize,
    ) -> usize {
        match self.edits.iter().rfind(|(edit, _)| edit.start <= guarded) {
            None => guarded,
            Some((edit, written)) if within(edit, guarded) => side(written),
            Some((edit, written)) => written.end + guarded - edit.end,
        }
    }
}

pub(crate) fn begin(span: Span) -> usize {
    span.begin().get() as usize
}

pub(crate) fn end(span: Span) -> usize {
    span.end().get() as usize
}

/// Brackets that a text closes without having opened them.
pub(crate) fn unmatched(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut open, mut unmatched, mut position) = (0usize, 0, 0);
    while let Some(byte) = bytes.get(position) {
        position += match byte {
            b'"' | b'\'' => string(&bytes[position..]).0,
            b'#' => bytes[position..].iter().position(|byte| *byte == b'\n').unwrap_or(1),
            b'(' => {
                open += 1;
                1
            }
            b')' => {
                match open.checked_sub(1) {
                    Some(left) => open = left,
                    None => unmatched += 1,
                }
                1
            }
            _ => 1,
        };
    }
    unmatched
}
