//! Who knows what goes into a model.

use std::collections::BTreeMap;

use hawkeye_cost::Party;
use hawkeye_graph::{Diagnostic, Failure, Graph, Origin, Place, Value, nearest};
use hawkeye_lower::{Conventions, Visibility, is_constant};
use hawkeye_sheets::{Manifest, Parties};

use crate::configuration::Configuration;
use crate::options::Options;

/// Who knows what goes into the model: as the user says, and else as the framework has it.
///
/// # Errors
/// Names that are not the model's, or are computed by it; parties that the framework has not.
pub(crate) fn conventions(
    graph: &Graph,
    framework: &Configuration,
    options: &Options,
) -> Result<Conventions, Failure> {
    let unknown = |name: &&String| graph.values.iter().all(|value| value.name != **name);
    let errors: Vec<Diagnostic> = options
        .visibility
        .keys()
        .chain(options.known_to.keys())
        .filter(unknown)
        .map(|name| {
            let message = format!("the model has no input or initializer named \"{name}\"");
            let error = Diagnostic::error(Place::Model, message);
            match nearest(name, graph.values.iter().map(|value| value.name.as_str())) {
                Some(near) => error.help(format!("did you mean {near}?")),
                None => error,
            }
        })
        .collect();
    let computed = |value: &&Value| match value.origin {
        Origin::Node(id) => !is_constant(graph.node(id)) && options.visibility.contains_key(&value.name),
        Origin::Input(_) | Origin::Initializer(_) | Origin::Outer(_) => false,
    };
    let computed = graph.values.iter().filter(computed).map(|value| {
        Diagnostic::error(
            Place::Value(value.name.clone()),
            "is computed by the model, so who knows it follows",
        )
    });
    let manifest = &framework.manifest;
    let party = |name: &String| party(manifest, name);
    let (known_to, not_parties): (Vec<_>, Vec<_>) = options
        .known_to
        .iter()
        .map(|(value, name)| Ok((value.clone(), party(name)?)))
        .partition(Result::is_ok);
    let (weights, no_party) = match options.weights_known_to.as_ref().map(party).transpose() {
        Ok(weights) => (weights.or(options.weights), None),
        Err(error) => (None, Some(error)),
    };
    let known = options.weights.iter().chain(options.visibility.values());
    let beyond = known.filter_map(|visibility| match visibility {
        Visibility::Known(party) if party.0 >= framework.parties => Some(beyond(*party, framework.parties)),
        Visibility::Known(_) | Visibility::Public | Visibility::Secret => None,
    });
    let not_parties = not_parties.into_iter().filter_map(Result::err).chain(no_party).chain(beyond);
    let errors: Vec<Diagnostic> = errors.into_iter().chain(computed).chain(not_parties).collect();
    if !errors.is_empty() {
        return Err(Failure(errors));
    }
    let rule = &manifest.visibility;
    // What is given a value is known to who gives it, which is everybody.
    let mut named: BTreeMap<String, Visibility> =
        options.bindings.values.keys().map(|name| (name.clone(), Visibility::Public)).collect();
    named.extend(options.visibility.clone());
    named.extend(known_to.into_iter().flatten());
    Ok(Conventions {
        inputs: rule.inputs.into(),
        weights: weights.unwrap_or(rule.weights.into()),
        // In the clear, where neither the framework nor the user says otherwise.
        constants: rule.constants.map(Visibility::from).or(weights).unwrap_or(Visibility::Public),
        named,
    })
}

fn beyond(party: Party, parties: u16) -> Diagnostic {
    let message = format!("there is no party {party} to know anything");
    Diagnostic::error(Place::Model, message).help(format!("parties are 0 to {}", parties.saturating_sub(1)))
}

/// What is known to the party of that name.
fn party(manifest: &Manifest, name: &str) -> Result<Visibility, Diagnostic> {
    manifest.parties.numbered(name).map(|number| Visibility::Known(Party(number))).ok_or_else(|| {
        let message = format!("\"{name}\" is neither secret, public nor a party of {}", manifest.name);
        let parties = match &manifest.parties {
            Parties::Named { names } => names.join(", "),
            Parties::Range { .. } => "numbers from 0 on".to_owned(),
        };
        Diagnostic::error(Place::Model, message).help(format!("its parties are {parties}"))
    })
}
