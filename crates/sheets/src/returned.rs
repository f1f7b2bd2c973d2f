//! What sheet functions return.

use hawkeye_cost::{CallId, Data};
use hawkeye_lower::{Expansion, LoweringError, Note};

/// What running a sheet function gave.
pub(crate) struct Outcome {
    pub(crate) result: Data,
    pub(crate) call: Option<CallId>,
    pub(crate) notes: Vec<Note>,
}

/// Reads what a `lower_` function returned.
pub(crate) fn expansion(outcome: Outcome, function: &str) -> Result<Expansion, LoweringError> {
    let outputs = match outcome.result.field("outputs") {
        Some(Data::List(states) | Data::Tuple(states)) => states.clone(),
        None => Vec::new(),
        Some(other) => return Err(wrong(function, "outputs must be a list of states", other)),
    };
    let inputs = match outcome.result.field("inputs") {
        Some(Data::Dict(states)) => states
            .iter()
            .map(|(position, state)| match position {
                Data::Int(i) => usize::try_from(*i).ok().map(|i| (i, state.clone())),
                _ => None,
            })
            .collect::<Option<Vec<_>>>(),
        None => Some(Vec::new()),
        Some(_) => None,
    };
    let inputs = inputs.ok_or_else(|| {
        wrong(function, "inputs must be a dictionary of positions and states", &outcome.result)
    })?;
    if let Data::Struct(fields) = &outcome.result
        && let Some((name, _)) = fields.iter().find(|(name, _)| name != "outputs" && name != "inputs")
    {
        let message = format!("{function}: returns a field \"{name}\"; fields are outputs and inputs");
        return Err(LoweringError::Broken(message));
    }
    match outcome.result {
        Data::None | Data::Struct(_) => {
            Ok(Expansion { call: outcome.call, outputs, inputs, notes: outcome.notes })
        }
        other => Err(wrong(function, "returns None or struct(outputs = [...], inputs = {...})", &other)),
    }
}

pub(crate) fn wrong(function: &str, expected: &str, found: &Data) -> LoweringError {
    LoweringError::Broken(format!("{function}: {expected}, not {found}"))
}
