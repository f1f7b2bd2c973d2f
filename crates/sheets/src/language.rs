//! The language of sheets: Starlark, what it may nest, and what sheets find without loading it.

use hawkeye_cost::Data;
use starlark::environment::{Globals, GlobalsBuilder, LibraryExtension};
use starlark::syntax::{AstModule, Dialect, DialectTypes};

use crate::fault::{describe, excerpt};
use crate::nesting::too_deep;
use crate::recorder::PartyCounts;
use crate::syntax::shift_assignment;
use crate::{bounded, declared, host, numbers};

/// What sheets find without loading it.
pub(crate) fn globals(parameters: &[(String, Data)], parties: PartyCounts) -> Globals {
    let mut builder = basis()
        .with(host::emission)
        .with(host::composition)
        .with(host::state)
        .with(host::notes)
        .with(host::declarations);
    host::constants(&mut builder, parameters, parties);
    builder.build()
}

/// What files of rules find without loading it.
pub(crate) fn rule_globals() -> Globals {
    basis().with(declared::declared).build()
}

/// What is in all of them.
fn basis() -> GlobalsBuilder {
    let extensions = [
        LibraryExtension::StructType,
        LibraryExtension::RecordType,
        LibraryExtension::EnumType,
        LibraryExtension::Typing,
        LibraryExtension::Print,
    ];
    let mut builder = GlobalsBuilder::extended_by(&extensions).with(numbers::integers).with(bounded::bounded);
    builder.namespace("math", numbers::doubles);
    builder
}

/// The syntax tree of a sheet.
///
/// # Errors
/// What is wrong with its syntax, with its place.
pub(crate) fn parse(name: &str, text: &str) -> Result<AstModule, String> {
    match too_deep(text) {
        Some((line, problem)) => Err(format!("{name}:{line}: {problem}")),
        None => parse_trusted(name, text.to_owned()),
    }
}

/// The syntax tree of a sheet that nests as deep as sheets may, such as one that comes with the tool.
///
/// # Errors
/// What is wrong with its syntax, with its place.
pub(crate) fn parse_trusted(name: &str, text: String) -> Result<AstModule, String> {
    let ast = AstModule::parse(name, text, &dialect());
    let ast = ast.map_err(|e| format!("{}{}", describe(&e, None, &Clone::clone), absent(&e)))?;
    match shift_assignment(&ast) {
        Some(place) => Err(format!("{place}: <<= is not supported; write x = x << n{}", excerpt(&place))),
        None => Ok(ast),
    }
}

/// What Python has and Starlark has not, by what is written, and what takes its place.
const ABSENT: [(&str, &str); 8] = [
    ("**", "write products, or x << n for a power of two"),
    ("while", "write for _ in range(n), or repeat(n, f, x) for n calls in sequence"),
    ("import", "write load(\"//std/integers.star\", \"chunks\"), or use math, which is there"),
    ("from", "write load(\"//std/integers.star\", \"chunks\"), or use math, which is there"),
    ("try", "ask before, and end with fail(text)"),
    ("raise", "write fail(text)"),
    ("class", "write struct(...), or record(...) for a type"),
    ("is", "write == or !="),
];

/// A hint where the text at a syntax error is Python.
fn absent(error: &starlark::Error) -> String {
    let line = error.span().map(|span| span.file.source_line(span.resolve_span().begin.line));
    let line = line.unwrap_or_default();
    let said = error.to_string();
    let meant = |(written, _): &&(&str, &str)| {
        if *written == "**" { line.contains(written) } else { said.contains(&format!("keyword `{written}`")) }
    };
    let hint = |(written, instead): &(&str, &str)| format!("\n  Starlark has no {written}: {instead}");
    ABSENT.iter().find(meant).map(hint).unwrap_or_default()
}

/// The Starlark that sheets are written in.
fn dialect() -> Dialect {
    Dialect {
        enable_keyword_only_arguments: true,
        enable_f_strings: true,
        enable_types: DialectTypes::Enable,
        ..Dialect::Standard
    }
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;

    use super::*;
    use crate::folder::Folder;
    use crate::loader::Loader;
    use crate::named::Named;

    /// Loads a sheet from a folder of its own.
    fn loaded(sheet: &str) -> Result<Option<Named>, String> {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        std::fs::write(folder.path().join("s.star"), sheet).map_err(|e| e.to_string())?;
        let folder = Folder::Disk(folder.path().to_owned());
        let globals = globals(&[], PartyCounts { protocol: 2, all: 2 });
        Loader::new(&folder, &IndexMap::new(), globals)?.get(&folder.file("s.star")?, "X")
    }

    #[test]
    fn shifts_are_exact_or_fail() -> Result<(), String> {
        let named = loaded("X = [1 << 30, 1 << 31, 3 << 31, 1 << 62, 5 << 0, 0 << 40]")?;
        assert_eq!(
            named.ok_or("there is no X")?.value.value().to_string(),
            "[1073741824, 2147483648, 6442450944, 4611686018427387904, 5, 0]"
        );
        assert!(loaded("X = \"x <<= 1\"").is_ok(), "text is no assignment");
        for sheet in ["X = 1 << 63", "X = 1 << 64", "X = 1 << -1", "def f(x):\n    x <<= 31"] {
            assert!(loaded(sheet).is_err(), "{sheet}");
        }
        Ok(())
    }
}
