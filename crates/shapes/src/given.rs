//! Inputs whose value is given: constants, which may steer the course of an `If` or a `Loop`.

use std::borrow::Cow;

use hawkeye_graph::{DType, Diagnostic, Elements, Failure, Graph, Origin, Place, Tensor, ValueId, nearest};

use crate::Bindings;

/// The graph with the inputs that the bindings give a value as constants.
///
/// # Errors
/// Inputs that the model does not have or that hold more than one number, and what is no number of an
/// input's type, all at once.
pub fn with_values<'g>(graph: &'g Graph, bindings: &Bindings) -> Result<Cow<'g, Graph>, Failure> {
    let mut constants: Vec<(ValueId, Tensor)> = Vec::new();
    let mut errors = Vec::new();
    for (name, text) in &bindings.values {
        match constant(graph, name, text) {
            Ok(constant) => constants.push(constant),
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(Failure(errors));
    }
    if constants.is_empty() {
        return Ok(Cow::Borrowed(graph));
    }
    let mut graph = graph.clone();
    for (id, tensor) in constants {
        graph.values[id.index()].origin = Origin::Initializer(tensor);
        graph.inputs.retain(|input| *input != id);
    }
    Ok(Cow::Owned(graph))
}

fn constant(graph: &Graph, name: &str, text: &str) -> Result<(ValueId, Tensor), Diagnostic> {
    let inputs = || graph.inputs.iter().map(|id| (*id, graph.value(*id)));
    let declared = inputs().find_map(|(id, value)| match &value.origin {
        Origin::Input(declared) if value.name == name => Some((id, declared)),
        _ => None,
    });
    let Some((id, declared)) = declared else {
        let error = Diagnostic::error(Place::Model, format!("the model has no input named \"{name}\""));
        return Err(match nearest(name, inputs().map(|(_, value)| value.name.as_str())) {
            Some(near) => error.help(format!("did you mean \"{near}\"?")),
            None => error,
        });
    };
    let wrong = |message: String| Diagnostic::error(Place::Value(name.to_owned()), message);
    let dims = declared.single().ok_or_else(|| {
        wrong("holds more than one number, so --value can't give it".to_owned())
            .help("--value is for numbers that steer an If or a Loop, such as a sample rate")
    })?;
    let elements = elements(declared.dtype, text)
        .ok_or_else(|| wrong(format!("is of type {}, which \"{text}\" is not", declared.dtype)))?;
    Ok((id, Tensor { dtype: declared.dtype, dims, elements: Some(elements) }))
}

fn elements(dtype: DType, text: &str) -> Option<Elements> {
    if dtype.is_float() {
        return text.parse().ok().map(|number: f64| Elements::Floats(vec![number]));
    }
    match dtype {
        DType::Bool => text.parse().ok().map(|truth: bool| Elements::Ints(vec![truth.into()])),
        DType::String => None,
        _ => text.parse().ok().map(|number: i64| Elements::Ints(vec![number])),
    }
}
