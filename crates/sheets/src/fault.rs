//! What goes wrong in sheets, as their authors read it: the place, the line itself, and who called whom.

use std::fmt::Write;

use starlark::codemap::FileSpan;
use starlark::{Error, ErrorKind};

use crate::folder::standard;

/// Loop turns and calls that one evaluation may run.
pub(crate) const MOST_TICKS: u64 = 10_000_000;
/// How the fault begins of an evaluation that would run more.
pub const RUNS_LONG: &str = "runs more than";
/// How the interpreter begins to say that it would.
const TICKS_FULL: &str = "Execution duration limit";
/// Nested calls of sheet functions, counting two for each protocol call.
pub(crate) const DEEPEST_CALLS: usize = 300;

/// How a fault of numbers ends that no report could hold.
pub(crate) const TOO_LARGE: &str = "exceeds 64 bits";

/// Calls that are shown of those that led to a fault.
const SHOWN_CALLS: usize = 6;

/// Host functions that call functions of sheets: recursion through them is not theirs.
const COMPOSING: [&str; 4] = ["repeat", "parallel", "in_phase", "once"];

/// A host function was used wrongly.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Misuse(String);

pub(crate) fn misuse(message: impl Into<String>) -> Error {
    Error::new_other(Misuse(message.into()))
}

/// A number that can't be negative.
pub(crate) fn natural(name: &str, number: i64) -> starlark::Result<u64> {
    u64::try_from(number).map_err(|_| misuse(format!("{name} is negative: {number}")))
}

/// An error with its place, the source there and the calls that led there. `last` is the statement that ran
/// last, for errors that come without a place; `written` tells what places stand for (`guard.rs`).
pub(crate) fn describe(
    error: &Error,
    last: Option<&FileSpan>,
    written: &dyn Fn(&FileSpan) -> FileSpan,
) -> String {
    let frames = frames(error);
    let mut text = String::new();
    let span = error.span().or(last).map(written);
    let span = span.as_ref();
    if let Some(span) = span {
        let _ = write!(text, "{span}: ");
    }
    match error.kind() {
        ErrorKind::StackOverflow(_) => text.push_str(&endless(&frames)),
        ErrorKind::Fail(reason) => match reason.to_string().trim() {
            "" => text.push_str("fail() without a reason"),
            reason => text.push_str(reason),
        },
        _ => text.push_str(&said(error.without_diagnostic().to_string().trim())),
    }
    if let Some(span) = span {
        text.push_str(&excerpt(span));
    }
    for (name, place) in frames.iter().take(SHOWN_CALLS) {
        let place = place.map(|place| format!(", called at {}", written(place))).unwrap_or_default();
        let _ = write!(text, "\n  in {name}{place}");
    }
    text
}

/// [`runs_long`], if that is what the interpreter says.
pub(crate) fn too_long(said: &str) -> Option<String> {
    said.starts_with(TICKS_FULL).then(runs_long)
}

/// What is said of an evaluation that runs too long.
pub(crate) fn runs_long() -> String {
    format!("{RUNS_LONG} {MOST_TICKS} loop turns and calls")
}

/// What the interpreter says, in terms of sheets.
fn said(message: &str) -> String {
    if let Some(long) = too_long(message) {
        return long;
    }
    if message == "Immutable" {
        return "what a sheet defines at its top level is frozen once the sheet is loaded: a draw_ function keeps \
                state, and a function may change what it makes itself"
            .to_owned();
    }
    if message.contains("expected `int`, actual `float") {
        return format!("{message}; / gives a float: divide integers by //, or by ceil_div(a, b)");
    }
    if message.starts_with("Operation `call()` not supported on type") {
        return format!(
            "{message}; what is handed on to be called is the function itself: repeat(n, f, x), not \
                        repeat(n, f(x))"
        );
    }
    let undefined = message.strip_prefix("Variable `").and_then(|rest| rest.split_once("` not found"));
    if let Some((name, sheet)) = undefined.and_then(|(name, _)| Some((name, standard(name)?))) {
        return format!("{message}; load(\"{sheet}\", \"{name}\") defines it");
    }
    // The interpreter leaves out why: that is so of integers alone.
    if let Some((parameter, "int")) = message
        .strip_prefix("Error unpacking value for parameter `")
        .and_then(|rest| rest.split_once("` of type `"))
    {
        return format!("{parameter} {TOO_LARGE}");
    }
    // It names functions `PATH.star.NAME`.
    let name = |part: &str| match part.rsplit_once(".star.") {
        Some((_, name)) if !part.contains(char::is_whitespace) => name.to_owned(),
        _ => part.to_owned(),
    };
    message.split('`').map(name).collect::<Vec<_>>().join("`")
}

/// The line of a place, with the place underlined.
pub(crate) fn excerpt(span: &FileSpan) -> String {
    let resolved = span.resolve_span();
    let (begin, end) = (resolved.begin, resolved.end);
    let line = span.file.source_line(begin.line);
    let last = if end.line == begin.line { end.column } else { line.chars().count() };
    let before: String =
        line.chars().take(begin.column).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let marks = "^".repeat(last.saturating_sub(begin.column).max(1));
    let number = (begin.line + 1).to_string();
    let margin = " ".repeat(number.len());
    format!("\n {margin} |\n {number} | {line}\n {margin} | {before}{marks}")
}

/// Functions under way, the innermost first, and where they were called. Operators and the like are no
/// calls, though functions of the host stand in their place. Calls through host functions have no
/// place of their own: such a call is joined to the function that it leads to.
fn frames(error: &Error) -> Vec<(String, Option<&FileSpan>)> {
    let mut frames: Vec<(String, Option<&FileSpan>)> = Vec::new();
    for frame in error
        .call_stack()
        .frames
        .iter()
        .rev()
        .filter(|frame| frame.name != "None" && !frame.name.starts_with("__"))
    {
        match frames.last_mut() {
            Some((name, place @ None)) if *name == frame.name => *place = frame.location.as_ref(),
            _ => frames.push((frame.name.clone(), frame.location.as_ref())),
        }
    }
    frames
}

fn endless(frames: &[(String, Option<&FileSpan>)]) -> String {
    let again = |(position, (name, _)): &(usize, &(String, _))| {
        !COMPOSING.contains(&name.as_str()) && frames[position + 1..].iter().any(|(other, _)| other == name)
    };
    let recursive = frames.iter().enumerate().find(again).map(|(_, (name, _))| name);
    match recursive {
        Some(name) => format!("recursion: {name} calls itself, more than {DEEPEST_CALLS} calls deep"),
        None => format!("calls nest more than {DEEPEST_CALLS} deep"),
    }
}
