//! Where the numbers of one node come from: its protocol calls, with the sheet that describes each
//! and the source that the sheet follows.

use std::sync::OnceLock;

use hawkeye_grad::Pass;
use hawkeye_report::{CallNode, Operator, PhaseCost, Report};
use hawkeye_sheets::{Definition, Definitions, PLANNED_PART, entry_name};
use indexmap::IndexMap;
use regex::Regex;
use serde::Serialize;

/// The expansion of a node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The node as the report has it.
    pub node: Operator,
    /// Its expansion.
    pub expansion: Explained,
}

/// A call with its explanation.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Explained {
    /// Name of the protocol function.
    pub name: String,
    /// How often it runs under its parent.
    pub times: u64,
    /// Costs by phase.
    pub costs: IndexMap<String, PhaseCost>,
    /// Where the sheet defines it: file and line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// What the sheet says about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub doc: String,
    /// Places in the reference implementation that the sheet names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reference: Vec<String>,
    /// What it calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Explained>,
}

/// Explains the operator of that name in a pass; the report's call tree must be complete. `None` if
/// there is no such operator.
#[must_use]
pub fn explain(report: &Report, definitions: &Definitions, pass: Pass, name: &str) -> Option<Explanation> {
    let node = report.operators.iter().find(|o| o.name == name && o.pass == pass.name())?;
    let entry = match node.op.as_str() {
        "Setup" => "begin".to_owned(),
        "Output" => "end".to_owned(),
        op => entry_name(pass, "", op),
    };
    // Operators of other domains have it in the function's name.
    let defined = node.evidence.iter().flat_map(|kinds| kinds.split(", ")).any(|kind| kind == "defined");
    let planned = || if defined { None } else { definitions.callee(None, PLANNED_PART) };
    let function = definitions.callee(None, &entry).or_else(planned);
    let (position, definition) = match function {
        Some((position, definition)) => (Some(position), Some(definition)),
        None => (None, None),
    };
    let none = CallNode { name: node.name.clone(), times: 1, ..CallNode::default() };
    let of_pass = || report.calls.iter().find(|call| call.name == node.pass);
    let calls = match &report.run.training {
        Some(_) => of_pass().map_or(&[][..], |pass| &pass.children),
        None => &report.calls,
    };
    let call = find(calls, &node.scope, node).unwrap_or(&none);
    let expansion = explained(call, definitions, pass, position, definition);
    Some(Explanation { node: node.clone(), expansion })
}

/// The node under its modules.
fn find<'a>(calls: &'a [CallNode], scope: &[String], operator: &Operator) -> Option<&'a CallNode> {
    match scope.split_first() {
        Some((module, below)) => {
            let module = calls.iter().find(|call| call.name == *module)?;
            find(&module.children, below, operator)
        }
        None => calls.iter().find(|call| call.name == operator.name && call.node == operator.node),
    }
}

fn explained(
    call: &CallNode,
    definitions: &Definitions,
    pass: Pass,
    position: Option<usize>,
    definition: Option<&Definition>,
) -> Explained {
    let below = |child: &CallNode| {
        // An operator within another is what the framework lowers in its place.
        let callee = match &child.op {
            Some(op) => definitions.callee(None, &entry_name(pass, "", op)),
            None => definitions.callee(position, &child.name),
        };
        match callee {
            Some((callee, definition)) => explained(child, definitions, pass, Some(callee), Some(definition)),
            // Messages of its own, or calls side by side: these belong to the same function.
            None => explained(child, definitions, pass, position, None),
        }
    };
    let doc = definition.map(|definition| definition.doc.clone()).unwrap_or_default();
    Explained {
        name: call.name.clone(),
        times: call.times,
        costs: call.costs.clone(),
        sheet: definition.map(|definition| format!("{}:{}", definition.file, definition.line)),
        reference: references(&doc),
        doc,
        calls: call.children.iter().map(below).collect(),
    }
}

/// Places like `mpc/primitives/beaver.py:32-60` in a text.
fn references(text: &str) -> Vec<String> {
    static PLACE: OnceLock<Option<Regex>> = OnceLock::new();
    let place = PLACE.get_or_init(|| Regex::new(r"[\w./+-]+\.[a-z]{1,4}:\d+(-\d+)?(, \d+(-\d+)?)*").ok());
    let found = place.iter().flat_map(|place| place.find_iter(text));
    found.map(|place| place.as_str().to_owned()).collect()
}
