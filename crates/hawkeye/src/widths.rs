//! Widths of single layers, which take the place of the framework's parameters of the same names.

use std::collections::BTreeMap;

use hawkeye_graph::{Attribute, Diagnostic, Failure, Graph, Place, check_nesting, nearest};
use hawkeye_lower::OperationKind;
use hawkeye_sheets::Manifest;
use serde::{Deserialize, Serialize};
use serde_yaml::Value;

use crate::report::Labels;

/// Parameters that a layer may have values of its own for. Sheets find these as attributes of nodes, behind the prefix.
const PARAMETERS: [&str; 2] = ["weight_bits", "activation_bits"];
const PREFIX: &str = "hawkeye.";

/// Bits of a layer's weights and of its output; the framework's parameters say those that are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Width {
    /// Bits of its weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_bits: Option<u32>,
    /// Bits of its output, the sign's among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation_bits: Option<u32>,
}

/// Widths that a layer may have, and what the user's training says that they cost in accuracy.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WidthChoice {
    /// Bits of its weights.
    #[serde(default)]
    pub weight_bits: Option<u32>,
    /// Bits of its output.
    #[serde(default)]
    pub activation_bits: Option<u32>,
    /// What these widths add to the sum that has a bound.
    pub sensitivity: f64,
}

/// What a file says of a model's layers, by the names of a report's rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Widths {
    /// Each layer's widths.
    Fixed(BTreeMap<String, Width>),
    /// Widths to choose from.
    Open {
        /// The most that the sensitivities may add up to.
        most: f64,
        /// Choices of each layer.
        layers: BTreeMap<String, Vec<WidthChoice>>,
    },
}

/// A file of either kind; the kind of its layers is looked at one by one, for errors that name them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WidthsDocument {
    most: Option<f64>,
    layers: BTreeMap<String, Value>,
}

impl Widths {
    /// Reads YAML.
    ///
    /// # Errors
    /// What is wrong with it, on one line.
    pub fn parse(text: &str) -> Result<Self, String> {
        check_nesting(text)?;
        let document: WidthsDocument = serde_yaml::from_str(text).map_err(|e| e.to_string())?;
        let named = |name: &str, e: serde_yaml::Error| format!("layer {name}: {e}");
        let Some(most) = document.most else {
            let width = |(name, value): (String, Value)| {
                if value.is_sequence() {
                    return Err(format!(
                        "layer {name} has several widths, but there is no `most:` to choose by"
                    ));
                }
                let width = serde_yaml::from_value(value).map_err(|e| named(&name, e))?;
                Ok((name, width))
            };
            return document.layers.into_iter().map(width).collect::<Result<_, _>>().map(Self::Fixed);
        };
        let choices = |(name, value): (String, Value)| {
            let choices: Vec<WidthChoice> = serde_yaml::from_value(value).map_err(|e| named(&name, e))?;
            let is_cost = |choice: &WidthChoice| choice.sensitivity.is_finite() && choice.sensitivity >= 0.0;
            match choices.iter().all(is_cost) {
                _ if choices.is_empty() => Err(format!("layer {name} has no widths to choose from")),
                false => Err(format!("layer {name}: a sensitivity is a number from 0 on")),
                true => Ok((name, choices)),
            }
        };
        let layers = document.layers.into_iter().map(choices).collect::<Result<_, _>>()?;
        Ok(Self::Open { most, layers })
    }

    /// The graph with its layers' widths as attributes.
    ///
    /// # Errors
    /// If the framework has no widths, there are still some to choose from, or the model has no such layer; widths
    /// that the framework does not have.
    pub(crate) fn applied(&self, graph: &Graph, manifest: &Manifest) -> Result<Graph, Failure> {
        let refused = |message: String, help: String| {
            Failure::from(Diagnostic::error(Place::Model, message).help(help))
        };
        if PARAMETERS.iter().any(|name| !manifest.parameters.contains_key(*name)) {
            let message = format!("{} has one width for all layers, or none to choose", manifest.name);
            return Err(refused(
                message,
                "widths are for frameworks with weight_bits and activation_bits".to_owned(),
            ));
        }
        let Self::Fixed(layers) = self else {
            let message = "the file of widths still leaves several to choose from".to_owned();
            return Err(refused(
                message,
                "hawkeye optimize MODEL -f FRAMEWORK --widths FILE chooses".to_owned(),
            ));
        };
        let labels = Labels::new(graph, None);
        let names: Vec<String> = graph.node_ids().map(|id| labels.of(OperationKind::Node(id)).name).collect();
        let mut graph = graph.clone();
        let mut wrong = Vec::new();
        for (layer, width) in layers {
            let values = [width.weight_bits, width.activation_bits];
            let given = PARAMETERS.iter().zip(values).filter_map(|(name, bits)| Some((*name, bits?)));
            let settings = given.clone().map(|(name, bits)| (name.to_owned(), bits.to_string())).collect();
            if let Err(failure) = manifest.values(&settings) {
                let of_layer =
                    |d: Diagnostic| Diagnostic { message: format!("layer {layer}: {}", d.message), ..d };
                wrong.extend(failure.0.into_iter().map(of_layer));
            }
            let mut found = false;
            for (node, _) in graph.nodes.iter_mut().zip(&names).filter(|(_, name)| *name == layer) {
                found = true;
                for (name, bits) in given.clone() {
                    node.attributes.set(&format!("{PREFIX}{name}"), Attribute::Int(bits.into()));
                }
            }
            if !found {
                let error = Diagnostic::error(Place::Model, format!("the model has no layer \"{layer}\""));
                wrong.push(match nearest(layer, names.iter().map(String::as_str)) {
                    Some(near) => error.help(format!("did you mean {near}?")),
                    None => error.help("the names are those of the report's rows"),
                });
            }
        }
        if wrong.is_empty() { Ok(graph) } else { Err(Failure(wrong)) }
    }
}
