//! `hawkeye frameworks operators`: what a framework must have for a model.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use hawkeye::{Failure, Framework, load, operators};
use hawkeye_grad::Pass;
use hawkeye_graph::Node;
use hawkeye_lower::{Ability, Lowering, LoweringError};
use hawkeye_shapes::is_defined;
use hawkeye_sheets::{Sheets, entry_name};

use super::source;

/// Lists the operators of a model, most frequent first, with the function of each and whether the framework has it.
pub(super) fn run(model: &Path, framework: Option<&str>) -> Result<String, Failure> {
    let model = load(&source(model)?.path)?;
    let sheets = match framework {
        Some(name) => Some(Framework::open(name)?.instantiate(None, &BTreeMap::new())?.sheets),
        None => None,
    };
    let mut nodes: BTreeMap<(&str, &str), Vec<&Node>> = BTreeMap::new();
    for node in &model.graph.nodes {
        nodes.entry((&node.domain, &node.op)).or_default().push(node);
    }
    let mut rows: Vec<((&str, &str), Vec<&Node>)> = nodes.into_iter().collect();
    rows.sort_by_key(|(_, nodes)| std::cmp::Reverse(nodes.len()));
    let mut text =
        format!("{:<40} {:>7}  {}\n", "function", "nodes", if sheets.is_some() { "state" } else { "" });
    let mut missing = 0;
    for ((domain, op), nodes) in rows {
        let function = entry_name(Pass::Forward, domain, op);
        let state = match state(sheets.as_ref(), domain, op)? {
            MISSING if nodes.iter().all(|node| is_defined(node)) => "made of other operators unless written",
            state => state,
        };
        let count = nodes.len();
        missing += usize::from(state == MISSING);
        // Writing to a string never fails.
        let _ = writeln!(text, "{}", format!("{function:<40} {count:>7}  {state}").trim_end());
    }
    if sheets.is_some() && missing > 0 {
        let _ = writeln!(
            text,
            "\n{missing} missing: write them, or hold the model to operators that are there. Nodes of public inputs \
                 alone, as those that compute shapes, need none: `hawkeye profile` names what a model really lacks"
        );
    }
    Ok(text)
}

const MISSING: &str = "missing";

/// What becomes of an operator.
fn state(sheets: Option<&Sheets>, domain: &str, op: &str) -> Result<&'static str, Failure> {
    if op == "Constant" && domain.is_empty() {
        return Ok("not needed: a constant");
    }
    let Some(sheets) = sheets else {
        return Ok(match (domain, hawkeye_sheets::FREE.contains(&op)) {
            ("", true) => "free unless written",
            ("", false) if !operators().contains(&op) => "no operator of ONNX",
            _ => "",
        });
    };
    Ok(match sheets.supports(Ability::Lower(Pass::Forward), domain, op) {
        Ok(()) if sheets.is_free(domain, op) => "free unless written",
        Ok(()) => "there",
        Err(LoweringError::Unsupported) if matches!(op, "If" | "Loop" | "Scan") => "not needed: unrolled",
        Err(_) => MISSING,
    })
}
