//! Writing results and complaints.

use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::ValueEnum;
use hawkeye::{Diagnostic, Failure, Place, Severity};

use hawkeye_graph::printable;
use indexmap::{IndexMap, IndexSet};
use serde::Serialize;

use super::destination;
pub(super) use super::destination::is_standard;

/// File name extensions, and the formats that they stand for.
const EXTENSIONS: [(&str, &str); 17] = [
    ("txt", "text"),
    ("yaml", "yaml"),
    ("yml", "yaml"),
    ("json", "json"),
    ("csv", "csv"),
    ("md", "markdown"),
    ("markdown", "markdown"),
    ("htm", "html"),
    ("html", "html"),
    ("folded", "folded"),
    ("speedscope", "speedscope"),
    ("svg", "svg"),
    ("xml", "junit"),
    // No command has these formats, so that none writes another under such a name. Those that write models have none.
    ("onnx", "onnx"),
    ("pdf", "pdf"),
    ("png", "png"),
    ("xlsx", "xlsx"),
];

/// Writes text to a path, or to standard output if there is none or it is `-`. Colours go to terminals
/// only, and not where NO_COLOR is set. A reader that has seen enough is no error: `| head -1` is no cause for a script
/// under `pipefail` to stop, and the exit code keeps its meaning, whether budgets and comparisons hold.
pub(crate) fn write(path: Option<&Path>, content: &[u8]) -> Result<(), Failure> {
    if path.is_none_or(is_standard) {
        let mut stdout = anstream::stdout().lock();
        return finished(stdout.write_all(content).and_then(|()| stdout.flush()), path);
    }
    stream(path, |file| file.write_all(&anstream::adapter::strip_bytes(content).into_vec()))
}

/// Writes a document while it is made: those of a hundred thousand operators are longer than what they are made from. It
/// escapes whatever a terminal would act upon.
pub(crate) fn write_document<E: Display>(
    path: Option<&Path>,
    make: impl FnOnce(&mut dyn Write) -> Result<(), E>,
) -> Result<(), Failure> {
    stream(path, |to| {
        let mut to = Remembering { to, failed: None };
        make(&mut to)
            .map_err(|error| to.failed.take().unwrap_or_else(|| std::io::Error::other(error.to_string())))
    })
}

/// Writes a document as JSON.
///
/// # Errors
/// If it can't be written.
pub(crate) fn json(to: &mut dyn Write, document: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut *to, document)?;
    to.write_all(b"\n")
}

/// Keeps the error of a writer, of which a serialiser tells the message alone.
struct Remembering<'a> {
    to: &'a mut dyn Write,
    failed: Option<std::io::Error>,
}

impl Write for Remembering<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.to.write(bytes).inspect_err(|error| {
            let code = error.raw_os_error();
            self.failed = Some(code.map_or_else(|| error.kind().into(), std::io::Error::from_raw_os_error));
        })
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}

/// Writes a model.
///
/// # Errors
/// If it would go to a terminal, which takes its bytes for commands.
pub(crate) fn write_model(
    path: Option<&Path>,
    content: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(), Failure> {
    if is_seen(path) {
        let place = Place::File { path: "standard output".to_owned(), position: None };
        let error = Diagnostic::error(place, "a model is no text, and is not written to a terminal");
        return Err(error.help("give --output a file").into());
    }
    stream(path, content)
}

/// Writes what a function writes.
fn stream(
    path: Option<&Path>,
    content: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(), Failure> {
    finished(destination::fill(path.unwrap_or(Path::new("-")), content), path)
}

fn finished(result: std::io::Result<()>, path: Option<&Path>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let path = path.map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
            let place = Place::File { path, position: None };
            Err(Diagnostic::error(place, format!("can't be written: {error}")).into())
        }
        _ => Ok(()),
    }
}

/// Whether a person reads along at a terminal.
pub(crate) fn is_seen(path: Option<&Path>) -> bool {
    path.is_none_or(is_standard) && std::io::stdout().is_terminal()
}

/// The format that was asked for, or else the one that the path's extension stands for.
///
/// # Errors
/// If that is one that the command does not write.
pub(crate) fn format<F: ValueEnum>(given: Option<F>, path: Option<&Path>) -> Result<Option<F>, Failure> {
    let Some(path) = path.filter(|_| given.is_none()) else { return Ok(given) };
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let Some((_, name)) = EXTENSIONS.iter().find(|(known, _)| *known == extension) else { return Ok(None) };
    match F::from_str(name, true) {
        Ok(format) => Ok(Some(format)),
        Err(_) => {
            let formats = F::value_variants().iter().filter_map(ValueEnum::to_possible_value);
            let formats: Vec<String> = formats.map(|value| value.get_name().to_owned()).collect();
            let place = Place::File { path: path.display().to_string(), position: None };
            let help = format!("give --format, one of {}, or another name", formats.join(", "));
            Err(Diagnostic::error(place, format!("this command does not write {name}")).help(help).into())
        }
    }
}

/// A failure to write.
pub(crate) fn failed(message: String) -> Failure {
    Diagnostic::error(Place::File { path: "output".to_owned(), position: None }, message).into()
}

/// Prints help, or what is wrong with the arguments, and says how the program ends. What the user gave, and is shown
/// again, may hold anything.
pub(crate) fn print_message(message: &clap::Error) -> ExitCode {
    let text = message.to_string();
    if message.use_stderr() {
        note(&(lines(&text) + "\n"));
        return ExitCode::from(2);
    }
    match write(None, text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            print(&failure.0, None);
            ExitCode::from(2)
        }
    }
}

/// Prints warnings.
pub(crate) fn warn(diagnostics: &[Diagnostic]) {
    print(diagnostics, None);
}

/// Prints errors about a subject.
pub(crate) fn print_failure(failure: &Failure, subject: String) {
    print(&failure.0, Some(&subject));
}

/// The style of small pages of tables: by day and by night, on a desk and on a telephone.
pub(crate) const STYLE: &str = ":root{color-scheme:light dark}body{font:14px sans-serif;margin:2em}\
    td,th{padding:2px 12px;text-align:left;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}\
    th{overflow-wrap:normal}@media(max-width:600px){body{font-size:12px;margin:1em}td,th{font-size:11px;padding:2px}h1{font-size:18px}}";

/// Characters of a line of a message that are printed.
const LONGEST: usize = 2000;

/// Messages that are printed: nobody reads those of a hundred thousand broken nodes.
const MESSAGES: usize = 100;

/// Places of one message that are listed.
const PLACES: usize = 3;

/// Prints diagnostics in the manner of compilers: what, where, and what to do. What is said of many places is
/// said once; errors come first, then what is said of most.
fn print(diagnostics: &[Diagnostic], subject: Option<&str>) {
    let mut told: IndexMap<(Severity, &str, Option<&str>), IndexSet<String>> = IndexMap::new();
    for Diagnostic { severity, place, message, help } in diagnostics {
        let places = told.entry((*severity, message, help.as_deref())).or_default();
        places.insert(located(place, subject));
    }
    let mut told: Vec<_> = told.into_iter().collect();
    told.sort_by_key(|((severity, ..), places)| std::cmp::Reverse((*severity, places.len())));
    let mut text = String::new();
    let more = told.len().saturating_sub(MESSAGES);
    for ((severity, message, help), places) in told.into_iter().take(MESSAGES) {
        let severity = match severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        text.push_str(&format!("{severity}: {}\n", lines(message)));
        places.iter().take(PLACES).for_each(|place| text.push_str(&format!("  --> {place}\n")));
        if places.len() > PLACES {
            text.push_str(&format!("  --> and {} more\n", places.len() - PLACES));
        }
        if let Some(help) = help {
            text.push_str(&format!("  = help: {}\n", lines(help)));
        }
    }
    if more > 0 {
        text.push_str(&format!("and {more} more\n"));
    }
    note(&text);
}

/// Prints what is not the result.
pub(crate) fn note(text: &str) {
    // There is nowhere left to report a failure to.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

fn located(place: &Place, subject: Option<&str>) -> String {
    shown(&match (place, subject) {
        (Place::File { .. } | Place::Option(_), _) | (_, None) => place.to_string(),
        (Place::Model, Some(subject)) => printable(subject).into_owned(),
        (place, Some(subject)) => format!("{}: {place}", printable(subject)),
    })
}

/// A message whose lines are its own, but whose names may hold anything.
fn lines(message: &str) -> String {
    message.lines().map(|line| shown(&printable(line))).collect::<Vec<_>>().join("\n")
}

/// The beginning of a line that names may have made too long to be read.
fn shown(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}... ({} characters in all)", &line[..end], line.chars().count()),
        None => line.to_owned(),
    }
}
