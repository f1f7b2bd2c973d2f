//! How values of options are spelt.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use hawkeye::{Framework, Loss, Visibility, builtin_names};
use hawkeye_cost::Party;
use hawkeye_grad::Pass;
use hawkeye_report::{Axis, Quantity};

pub(super) fn axis() -> impl TypedValueParser<Value = Axis> {
    PossibleValuesParser::new(Axis::ALL.map(Axis::name))
        .map(|name| Axis::from_name(&name).expect("a possible value"))
}

pub(super) fn quantity() -> impl TypedValueParser<Value = Quantity> {
    PossibleValuesParser::new(Quantity::WITH_TIME.map(Quantity::name))
        .map(|name| Quantity::from_name(&name).expect("a possible value"))
}

pub(super) fn pass() -> impl TypedValueParser<Value = Pass> {
    PossibleValuesParser::new(Pass::ALL.map(Pass::name))
        .map(|name| Pass::ALL.into_iter().find(|pass| pass.name() == name).expect("a possible value"))
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    // Names of values may hold an equals sign, sizes and settings of ours don't.
    match text.rsplit_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("is not of the form NAME=VALUE".to_owned()),
    }
}

pub(super) fn size(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("\"{text}\" is no size"))
}

pub(super) fn dimension(text: &str) -> Result<(String, u64), String> {
    let (name, value) = pair(text)?;
    Ok((name, size(&value)?))
}

pub(super) fn shape(text: &str) -> Result<(String, Vec<u64>), String> {
    let (name, value) = pair(text)?;
    Ok((name, dims(&value)?))
}

pub(super) fn dims(text: &str) -> Result<Vec<u64>, String> {
    text.split(['x', ',']).filter(|dim| !dim.is_empty()).map(size).collect()
}

/// Parties may be called by name, too.
pub(super) fn visibility(text: &str) -> Result<Visibility, String> {
    text.parse().or_else(|error| numbered(text).map(|party| Visibility::Known(Party(party))).ok_or(error))
}

/// The number of a party that a built-in framework has a name for. They agree in who is which.
fn numbered(party: &str) -> Option<u16> {
    let named = |framework: String| Framework::open(&framework).ok()?.manifest.parties.numbered(party);
    builtin_names().into_iter().find_map(named)
}

pub(super) fn named_visibility(text: &str) -> Result<(String, Visibility), String> {
    let (name, value) = pair(text)?;
    Ok((name, visibility(&value)?))
}

pub(super) fn loss() -> impl TypedValueParser<Value = Loss> {
    PossibleValuesParser::new(Loss::ALL.map(Loss::name)).map(|name| name.parse().expect("a possible value"))
}
