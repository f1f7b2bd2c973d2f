//! How values of options are spelt.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use hawkeye::{Loss, Options, Visibility};
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

/// Who knows something: everybody, nobody, or a party by its number, or by the name that a framework has for it.
#[derive(Clone, Debug)]
pub(crate) enum Who {
    Visibility(Visibility),
    Party(String),
}

impl Who {
    pub(crate) fn of(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Party(text.to_owned()), Self::Visibility)
    }

    /// Says who knows the weights.
    pub(super) fn know_weights(self, options: &mut Options) {
        match self {
            Self::Visibility(visibility) => options.weights = Some(visibility),
            Self::Party(name) => options.weights_known_to = Some(name),
        }
    }

    /// Says who knows an input or initializer.
    pub(super) fn know(self, name: String, options: &mut Options) {
        match self {
            Self::Visibility(visibility) => drop(options.visibility.insert(name, visibility)),
            Self::Party(party) => drop(options.known_to.insert(name, party)),
        }
    }
}

pub(super) fn who(text: &str) -> Result<Who, String> {
    Ok(Who::of(text))
}

pub(super) fn named_who(text: &str) -> Result<(String, Who), String> {
    let (name, value) = pair(text)?;
    Ok((name, Who::of(&value)))
}

pub(super) fn loss() -> impl TypedValueParser<Value = Loss> {
    PossibleValuesParser::new(Loss::ALL.map(Loss::name)).map(|name| name.parse().expect("a possible value"))
}
