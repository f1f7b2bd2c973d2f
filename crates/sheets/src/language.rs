//! The language of sheets: Starlark, what it may nest, and what sheets find without loading it.

use hawkeye_cost::Data;
use starlark::environment::{Globals, GlobalsBuilder, LibraryExtension};
use starlark::syntax::{AstModule, Dialect, DialectTypes};

use crate::fault::{describe, excerpt};
use crate::nesting::too_deep;
use crate::recorder::Parties;
use crate::syntax::shift_assignment;
use crate::{bounded, host, numbers};

/// What sheets find without loading it.
pub(crate) fn globals(parameters: &[(String, Data)], parties: Parties) -> Globals {
    let extensions = [
        LibraryExtension::StructType,
        LibraryExtension::RecordType,
        LibraryExtension::EnumType,
        LibraryExtension::Typing,
        LibraryExtension::Print,
    ];
    let mut builder = GlobalsBuilder::extended_by(&extensions)
        .with(host::emission)
        .with(host::composition)
        .with(host::state)
        .with(host::notes)
        .with(host::declarations)
        .with(numbers::integers)
        .with(bounded::bounded);
    builder.namespace("math", numbers::doubles);
    host::constants(&mut builder, parameters, parties);
    builder.build()
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
    let power = |error: &starlark::Error| {
        let line = error.span().map(|span| span.file.source_line(span.resolve_span().begin.line));
        let hint = "\n  Starlark has no **: write products, or x << n for a power of two";
        if line.is_some_and(|line| line.contains("**")) { hint } else { "" }
    };
    let ast = AstModule::parse(name, text, &dialect());
    let ast = ast.map_err(|e| format!("{}{}", describe(&e, None), power(&e)))?;
    match shift_assignment(&ast) {
        Some(place) => Err(format!("{place}: <<= is not supported; write x = x << n{}", excerpt(&place))),
        None => Ok(ast),
    }
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
