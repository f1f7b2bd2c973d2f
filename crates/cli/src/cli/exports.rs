//! Other exports of a model that are known to cost less.

use hawkeye::{Model, Options, Report, Session};
use hawkeye_graph::Graph;
use hawkeye_report::DiagnosticInfo;
use hawkeye_report::render::{binary, grouped};
use hawkeye_rewrite::{Objective, Price, Quote, RULES, Weights, fixed, rewrite};

/// The rule that writes an operator as exporters write it where they don't know it.
const RULE: &str = "gelu-as-erf";
const OPERATOR: &str = "Gelu";

/// What the model would send less as other exporters write it; nothing if it costs no less, or has no such
/// operator.
pub(super) fn cheaper(model: &Model, session: &Session, options: &Options) -> Option<DiagnosticInfo> {
    let count = model.graph.nodes.iter().filter(|node| node.op == OPERATOR).count();
    if count == 0 || options.training.is_some() {
        return None;
    }
    let original = fixed(&model.graph, &options.bindings).ok()?;
    let bound = Options { bindings: hawkeye::Bindings::default(), time: None, ..options.clone() };
    let mut pricing = |graph: &Graph| session.price(graph, &bound).map(|report| quote(&report));
    let weights = Weights::new(None, &original);
    let rules = RULES.iter().filter(|rule| rule.name == RULE).collect();
    let search = hawkeye_rewrite::RewriteOptions {
        rules,
        objective: Objective::Bytes,
        loads: None,
        relus: None,
        budget: None,
    };
    let rewritten = rewrite(&original, &search, &weights, &mut pricing).ok()?;
    let (before, after) = (rewritten.before?.bytes, rewritten.after?.bytes);
    let less = before.checked_sub(after).filter(|less| *less > 0)?;
    Some(DiagnosticInfo {
        severity: "warning".to_owned(),
        place: format!("{} {OPERATOR}", grouped(count as u128)),
        message: format!(
            "another export of this model sends {} less ({} in place of {}): the one that writes Gelu as \
             x (1 + Erf(x / sqrt 2)) / 2",
            binary(less),
            binary(after),
            binary(before)
        ),
        help: Some(format!("export it with an opset before 20, or use hawkeye optimize --select {RULE}")),
    })
}

fn quote(report: &Report) -> Quote {
    let totals = &report.totals;
    let sum = |of: fn(&hawkeye_report::PhaseCost) -> u64| {
        [&totals.setup, &totals.offline, &totals.online].into_iter().map(of).fold(0, u64::saturating_add)
    };
    let total = Price { bytes: sum(|cost| cost.bytes), rounds: sum(|cost| cost.rounds), seconds: 0.0 };
    Quote { total, ..Quote::default() }
}
