//! `hawkeye shapes`.

use std::fmt::Write;

use hawkeye::{Failure, bind, check_dims, infer, load};
use hawkeye_graph::{DType, printable};
use serde::Serialize;

use super::arguments::{Shapes, ShapesFormat};
use super::input::source;
use super::output;

#[derive(Serialize)]
struct Document<'a> {
    values: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    dtype: Option<&'static str>,
    shape: Option<&'a [Option<u64>]>,
}

pub(crate) fn run(command: &Shapes) -> Result<(), Failure> {
    let model = load(&source(&command.model)?.path)?;
    let bindings = command.sizes.bindings();
    check_dims(&model.graph, &bindings.dims)?;
    let inputs = bind(&model.graph, &bindings)?;
    let shapes = infer(&model.graph, &inputs);
    output::warn(&shapes.diagnostics);
    let row = |id| {
        let fact = &shapes.facts[id];
        Row {
            name: &model.graph.value(id).name,
            dtype: fact.dtype.map(DType::name),
            shape: fact.dims.as_deref(),
        }
    };
    let values: Vec<Row<'_>> = model.graph.value_ids().map(row).collect();
    let text = match command.format {
        ShapesFormat::Text => values.iter().map(line).collect(),
        ShapesFormat::Json => {
            serde_json::to_string(&Document { values }).map_err(|e| output::failed(e.to_string()))? + "\n"
        }
    };
    output::write(None, text.as_bytes())
}

fn line(row: &Row<'_>) -> String {
    let mut line = format!("{:<9}", row.dtype.unwrap_or("?"));
    match row.shape {
        None => line.push('?'),
        Some(dims) => {
            let dims: Vec<String> =
                dims.iter().map(|dim| dim.map_or_else(|| "?".to_owned(), |size| size.to_string())).collect();
            // Writing to a string never fails.
            let _ = write!(line, "[{}]", dims.join(", "));
        }
    }
    format!("{line:<32} {}\n", printable(row.name))
}
