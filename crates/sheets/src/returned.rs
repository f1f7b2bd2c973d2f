//! What sheet functions return.

use hawkeye_cost::{CallId, Data};
use hawkeye_grad::Pass;
use hawkeye_graph::counted;
use hawkeye_lower::{Lowered, LoweringError, NodeView, Note, Reading, StepPlan};
use starlark::codemap::FileSpan;
use starlark::{Error, ErrorKind};

use crate::fault::describe;

/// What running a sheet function gave.
#[derive(Clone)]
pub(crate) struct Returned {
    pub(crate) result: Data,
    pub(crate) call: Option<CallId>,
    pub(crate) notes: Vec<Note>,
}

/// Reads what a `lower_` function returned.
pub(crate) fn lowered(outcome: Returned, function: &str, node: &NodeView) -> Result<Lowered, LoweringError> {
    let outputs = match outcome.result.field("outputs") {
        Some(Data::List(states) | Data::Tuple(states)) => states.clone(),
        None => Vec::new(),
        Some(other) => return Err(wrong(function, "outputs must be a list of states", other)),
    };
    if node.pass == Pass::Forward && outputs.len() > node.outputs.len() {
        let (states, outputs) = (outputs.len(), node.outputs.len());
        let (states, outputs) = (counted(states, "state"), counted(outputs, "output"));
        return Err(LoweringError::Broken(format!("{function} returns {states} for {outputs}")));
    }
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
    if let Some((position, _)) = inputs.iter().find(|(position, _)| *position >= node.inputs.len()) {
        let count = counted(node.inputs.len(), "input");
        let message = format!("{function} returns a state for input {position}, but the node has {count}");
        return Err(LoweringError::Broken(message));
    }
    if let Data::Struct(fields) = &outcome.result
        && let Some((name, _)) = fields.iter().find(|(name, _)| name != "outputs" && name != "inputs")
    {
        let message = format!("{function}: returns a field \"{name}\"; fields are outputs and inputs");
        return Err(LoweringError::Broken(message));
    }
    match outcome.result {
        Data::None | Data::Struct(_) => {
            Ok(Lowered { call: outcome.call, outputs, inputs, notes: outcome.notes })
        }
        other => Err(wrong(function, "returns None or struct(outputs = [...], inputs = {...})", &other)),
    }
}

/// Reads what a `read_` function returned.
pub(crate) fn readings(result: Data, function: &str) -> Result<Vec<Reading>, LoweringError> {
    let entries = match result {
        Data::None => Vec::new(),
        Data::Dict(entries) => entries,
        other => return Err(wrong(function, "returns None or a dictionary", &other)),
    };
    let reading = |(key, value): (Data, Data)| match (key, value) {
        (Data::Text(name), value) => Ok(Reading::Attribute(name, value)),
        (Data::Int(position), Data::List(items)) => {
            let ints = items.iter().map(|i| if let Data::Int(i) = i { Some(*i) } else { None }).collect();
            match (usize::try_from(position), ints) {
                (Ok(position), Some(ints)) => Ok(Reading::Input(position, ints)),
                _ => Err(wrong(function, "replaces an input by a list of integers", &Data::List(items))),
            }
        }
        (key, _) => Err(wrong(function, "keys are attribute names or input positions", &key)),
    };
    entries.into_iter().map(reading).collect()
}

/// Reads what `plan` or `plan_training` returned.
pub(crate) fn nodes_plan(function: &str, plan: Data) -> Result<Vec<Data>, LoweringError> {
    match plan {
        Data::None => Ok(Vec::new()),
        Data::List(entries) | Data::Tuple(entries) => Ok(entries),
        other => Err(wrong(function, "returns None or a list", &other)),
    }
}

/// Reads what `plan_step` returned.
pub(crate) fn step_plan(plan: Data) -> Result<StepPlan, LoweringError> {
    let entries = |name: &str| match plan.field(name) {
        Some(Data::List(entries)) => Ok(entries.clone()),
        _ => Err(wrong("plan_step", &format!("returns a struct with a list \"{name}\""), &plan)),
    };
    let Some(Data::Dict(updates)) = plan.field("updates") else {
        return Err(wrong("plan_step", "returns a struct with a dictionary \"updates\"", &plan));
    };
    let entry = |name: &str| match plan.field(name) {
        Some(entry) => Ok(entry.clone()),
        None => Err(wrong("plan_step", &format!("returns a struct with \"{name}\""), &plan)),
    };
    Ok(StepPlan {
        forward: entries("forward")?,
        loss: entry("loss")?,
        gradient: entry("gradient")?,
        backward: entries("backward")?,
        updates: updates.clone(),
    })
}

fn wrong(function: &str, expected: &str, found: &Data) -> LoweringError {
    LoweringError::Broken(format!("{function}: {expected}, not {found}"))
}

/// `fail` is a refusal; anything else that goes wrong is a fault of the sheet. `last` is the statement that ran
/// last.
pub(crate) fn refusal(
    error: &Error,
    last: Option<&FileSpan>,
    written: &dyn Fn(&FileSpan) -> FileSpan,
) -> LoweringError {
    match error.kind() {
        ErrorKind::Fail(message) if !message.to_string().trim().is_empty() => {
            LoweringError::Refused(message.to_string().trim().to_owned())
        }
        _ => LoweringError::Broken(describe(error, last, written)),
    }
}

pub(crate) fn missing(function: &str) -> LoweringError {
    LoweringError::Broken(format!("no sheet defines {function}"))
}
