//! `hawkeye shapes`.

use hawkeye::{Failure, check_dims, load, with_values};
use hawkeye_graph::{DType, Diagnostic, Severity, printable};
use serde::Serialize;

use super::arguments::{ShapesArguments, ShapesFormat};
use super::input::source;
use super::open_shapes::{OpenSymbol, try_sizes, unbound};
use super::output;

#[derive(Serialize)]
struct ShapesDocument<'a> {
    values: Vec<ValueRow<'a>>,
}

#[derive(Serialize)]
struct ValueRow<'a> {
    name: &'a str,
    dtype: Option<&'static str>,
    shape: Option<Vec<Option<u64>>>,
    /// The shape with symbols in the place of sizes that are not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    dims: Option<Vec<String>>,
}

pub(crate) fn run(command: &ShapesArguments) -> Result<(), Failure> {
    let model = load(&source(&command.model)?.path)?;
    let bindings = command.sizes.bindings();
    let graph = with_values(&model.graph, &bindings)?;
    check_dims(&graph, &bindings.dims)?;
    let symbols = unbound(&graph, &bindings);
    let tried = try_sizes(&graph, &bindings, &symbols)?;
    // At sizes of our choice, operands may not fit that do at others.
    let misfits: Vec<Diagnostic> = tried.first.misfits().filter(|_| symbols.is_empty()).cloned().collect();
    let others = tried.first.diagnostics.iter().filter(|d| d.severity == Severity::Warning);
    output::warn(&others.cloned().collect::<Vec<_>>());
    let row = |id| {
        let fact = &tried.first.facts[id];
        let dims = tried.shape(id);
        let size = |dim: &String| dim.parse().ok();
        ValueRow {
            name: &graph.value(id).name,
            dtype: fact.dtype.map(DType::name),
            shape: dims.as_ref().map(|dims| dims.iter().map(size).collect()),
            dims: dims.filter(|_| !symbols.is_empty()),
        }
    };
    let values: Vec<ValueRow<'_>> = graph.value_ids().map(row).collect();
    let path = command.output.as_deref();
    let text = match output::format(command.format, path)?.unwrap_or(ShapesFormat::Text) {
        ShapesFormat::Text => {
            symbols.iter().map(origin).chain(values.iter().map(line)).collect::<Vec<_>>().concat()
        }
        ShapesFormat::Json => {
            serde_json::to_string(&ShapesDocument { values }).map_err(|e| output::failed(e.to_string()))?
                + "\n"
        }
    };
    output::write(path, text.as_bytes())?;
    if misfits.is_empty() { Ok(()) } else { Err(Failure(misfits)) }
}

/// Where a symbol comes from.
fn origin(symbol: &OpenSymbol) -> String {
    let place = |(input, axis): &(String, usize)| format!("axis {axis} of {}", printable(input));
    let places: Vec<String> = symbol.places.iter().map(place).collect();
    format!("# {}: {}\n", printable(&symbol.name), places.join(", "))
}

fn line(row: &ValueRow<'_>) -> String {
    let dim = |dim: &Option<u64>| dim.map_or_else(|| "?".to_owned(), |size| size.to_string());
    let dims = row.dims.clone().or_else(|| Some(row.shape.as_ref()?.iter().map(dim).collect()));
    let shape = dims.map_or_else(|| "?".to_owned(), |dims| format!("[{}]", dims.join(", ")));
    let line = format!("{:<9}{}", row.dtype.unwrap_or("?"), printable(&shape));
    format!("{line:<32} {}\n", printable(row.name))
}
