//! What a framework's own front end loads, which can be less than what has a price.

use std::collections::{BTreeMap, BTreeSet};

use hawkeye_graph::{Attribute, Diagnostic, Graph, Node, Place, counted};
use hawkeye_report::Loads;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// The front end of a framework: the function or program that reads ONNX for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontEnd {
    /// Its name, as messages give it.
    pub front_end: String,
    /// All that it loads, and under which conditions; everything but `all_but` if not given.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub operators: IndexMap<String, Conditions>,
    /// Whether it runs no node that reads one tensor twice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub distinct_inputs: bool,
    /// What it does not load.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub all_but: Vec<String>,
}

/// What must hold of a node's attributes, as the file writes them. An opset that passes an attribute as
/// an input does not write it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conditions {
    /// Attributes without which the node is not loaded, whatever their default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written: Vec<String>,
    /// Lists of exactly one number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub single: Vec<String>,
    /// Lists of equal numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub equal: Vec<String>,
    /// Largest numbers.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub most: IndexMap<String, i64>,
    /// Least numbers.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub least: IndexMap<String, i64>,
    /// Texts that must be these.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub text: IndexMap<String, String>,
}

impl FrontEnd {
    /// Why it does not load a node; `None` if it does.
    #[must_use]
    pub fn refusal(&self, node: &Node) -> Option<String> {
        let mut seen = BTreeSet::new();
        if self.distinct_inputs && !node.present_inputs().all(|input| seen.insert(input)) {
            return Some("it reads one tensor twice".to_owned());
        }
        let own = node.domain.is_empty() || node.domain == "ai.onnx";
        if self.operators.is_empty() {
            return (own && self.all_but.contains(&node.op)).then(|| "no such operator".to_owned());
        }
        // An operator of another domain is taken for the one of its name.
        match self.operators.get(&node.op) {
            None => Some("no such operator".to_owned()),
            Some(conditions) => conditions.violation(node),
        }
    }

    /// Every node of a graph that is not loaded, and why.
    #[must_use]
    pub fn refusals(&self, graph: &Graph) -> Vec<Diagnostic> {
        let refusal = |id| {
            let node = graph.node(id);
            let message = format!("{} does not load this node: {}", self.front_end, self.refusal(node)?);
            Some(Diagnostic::error(Place::node(node), message))
        };
        graph.node_ids().filter_map(refusal).collect()
    }

    /// What a report says about it.
    #[must_use]
    pub fn info(&self, graph: &Graph) -> Loads {
        let refused = graph.nodes.iter().filter(|node| self.refusal(node).is_some()).count() as u64;
        Loads { front_end: self.front_end.clone(), refused }
    }

    /// One warning that names the operators which are not loaded, with how many nodes there are of each.
    #[must_use]
    pub fn warning(&self, graph: &Graph) -> Option<Diagnostic> {
        let mut refused: BTreeMap<(&str, String), usize> = BTreeMap::new();
        for node in &graph.nodes {
            if let Some(why) = self.refusal(node) {
                *refused.entry((&node.op, why)).or_insert(0) += 1;
            }
        }
        if refused.is_empty() {
            return None;
        }
        let list: Vec<String> = refused
            .iter()
            .map(|((op, why), count)| format!("{op} ({}: {why})", counted(*count, "node")))
            .collect();
        let message = format!(
            "{} does not load the model as it stands: {}. Costs are those of the same functions called by hand",
            self.front_end,
            list.join(", ")
        );
        Some(Diagnostic::warning(Place::Model, message))
    }
}

impl Conditions {
    fn violation(&self, node: &Node) -> Option<String> {
        let get = |name: &String| node.attributes.get(name);
        let missing = self.written.iter().find(|name| get(name).is_none());
        if let Some(name) = missing {
            return Some(format!("attribute {name} is not written out"));
        }
        let ints = |name: &String| match get(name) {
            Some(Attribute::Ints(list)) => Some(list.as_slice()),
            _ => None,
        };
        if let Some(name) = self.single.iter().find(|name| ints(name).is_some_and(|list| list.len() != 1)) {
            return Some(format!("{name} has other than one element"));
        }
        let differ = |name: &&String| ints(name).is_some_and(|list| list.windows(2).any(|w| w[0] != w[1]));
        if let Some(name) = self.equal.iter().find(differ) {
            return Some(format!("{name} differ"));
        }
        let int = |name: &String| node.attributes.int(name);
        let above = self.most.iter().find(|(name, most)| int(name).is_some_and(|i| i > **most));
        let below = self.least.iter().find(|(name, least)| int(name).is_some_and(|i| i < **least));
        if let Some((name, _)) = above.or(below) {
            return Some(format!("{name} is {}", int(name).unwrap_or_default()));
        }
        let other = |(name, text): &(&String, &String)| match get(name) {
            Some(Attribute::String(found)) => found != *text,
            _ => false,
        };
        self.text.iter().find(other).map(|(name, text)| format!("{name} is not {text}"))
    }
}
