//! Building the report.

use std::collections::BTreeMap;

use hawkeye_cost::{Before, CallId, Communication, Cost, Fold, Overflow, Phase, RoundRule};
use hawkeye_grad::Pass;
use hawkeye_graph::{Diagnostic, Graph, Place, Severity, Shapes, ValueId};
use hawkeye_lower::Settled;
use hawkeye_sheets::Counter;
use indexmap::IndexMap;

use super::counters::counters;
use super::label::Labels;
use super::tree::{CallTreeBuilder, Children, Leaf, TreeError, phase_cost};
use hawkeye_report::{
    DiagnosticInfo, FrameworkInfo, LinkTraffic, ModelInfo, Operator, OutputInfo, PassCost, Phases, Report,
    RunInfo, SCHEMA,
};

/// What the report describes besides its numbers.
#[derive(Clone, Debug)]
pub(crate) struct Subjects {
    /// The model.
    pub model: ModelInfo,
    /// The framework.
    pub framework: FrameworkInfo,
    /// What was profiled.
    pub run: RunInfo,
    /// The framework's counters.
    pub counters: IndexMap<String, Counter>,
    /// What the passes reported.
    pub diagnostics: Vec<Diagnostic>,
}

/// Builds the report of a settled program; its call tree is cut at `depth` levels.
///
/// # Errors
/// [`Overflow`].
pub(crate) fn report(
    subjects: Subjects,
    graph: &Graph,
    shapes: &Shapes,
    program: &Settled,
    rule: &RoundRule,
    depth: usize,
) -> Result<Report, Overflow> {
    let calls = &program.calls;
    let training = subjects.run.training.is_some();
    let costs = Fold::new(calls, Communication(rule))?;
    let mut before = rule.before();
    let mut total = Cost::default();
    let mut placed = Vec::new();
    let mut passes: BTreeMap<Pass, Cost> = BTreeMap::new();
    let labels = Labels::new(graph, subjects.run.training.as_ref());
    let mut operators = Vec::with_capacity(program.operations.len());
    for (index, operation) in program.operations.iter().enumerate() {
        let label = labels.of(operation.subject);
        let mut seen = Cost::default();
        if let Some(call) = operation.call {
            let cost = costs.value(call);
            seen = cost.after(&before);
            placed.push(Placed { index, call, before, seen: seen.clone() });
            before = before.then(cost);
            total = total.then(&seen)?;
        }
        if training {
            let pass = passes.entry(label.pass).or_default();
            *pass = std::mem::take(pass).then(&seen)?;
        }
        operators.push(Operator {
            index,
            name: label.name,
            op: label.op,
            scope: label.scope,
            pass: label.pass.name().to_owned(),
            of: label.of,
            outputs: label.outputs.iter().map(|(name, id)| output(shapes, name, *id)).collect(),
            phases: phases(&seen)?,
            counters: counters(&subjects.counters, calls, &seen)?,
            evidence: (!operation.evidence.is_empty())
                .then(|| operation.evidence.iter().cloned().collect::<Vec<_>>().join(", ")),
        });
    }
    let (tree, cut) = call_tree(&placed, &operators, training, CallTreeBuilder::new(calls, &costs), depth)?;
    let diagnostics = subjects.diagnostics.iter().chain(&cut).map(diagnostic).collect();
    Ok(Report {
        schema: SCHEMA.to_owned(),
        model: subjects.model,
        framework: subjects.framework,
        run: subjects.run,
        totals: phases(&total)?,
        passes: passes
            .into_iter()
            .map(|(pass, cost)| {
                let counters = counters(&subjects.counters, calls, &cost)?;
                Ok((pass.name().to_owned(), PassCost { phases: phases(&cost)?, counters }))
            })
            .collect::<Result<_, Overflow>>()?,
        links: links(&total),
        counters: counters(&subjects.counters, calls, &total)?,
        operators,
        calls: tree.finish(calls)?,
        diagnostics,
    })
}

/// An operation at its place in the program.
struct Placed {
    /// Its position among the operators.
    index: usize,
    call: CallId,
    before: Before,
    /// What it costs there.
    seen: Cost,
}

/// The tree of all operations. One that would have too many nodes is cut at the level that has not, which
/// a warning says.
fn call_tree(
    operations: &[Placed],
    operators: &[Operator],
    training: bool,
    mut builder: CallTreeBuilder<'_>,
    depth: usize,
) -> Result<(Children, Option<Diagnostic>), Overflow> {
    let mut attempt = |depth: usize| {
        let mut tree = Children::default();
        for Placed { index, call, before, seen } in operations {
            let Operator { name, op, scope, pass, .. } = &operators[*index];
            let pass = training.then_some(pass);
            let modules: Vec<&str> = pass.into_iter().chain(scope).map(String::as_str).collect();
            let below = depth.saturating_sub(modules.len() + 1);
            let below = builder.build(*call, below, *before)?;
            tree.insert(&modules, depth, Leaf { name, op, cost: seen, below: &below })?;
        }
        Ok(tree)
    };
    match attempt(depth) {
        Ok(tree) => return Ok((tree, None)),
        Err(TreeError::Overflow) => return Err(Overflow),
        Err(TreeError::TooLarge) => {}
    }
    let (mut levels, mut tree) = (0, Children::default());
    for more in 1..depth {
        match attempt(more) {
            Ok(larger) => (levels, tree) = (more, larger),
            Err(TreeError::Overflow) => return Err(Overflow),
            Err(TreeError::TooLarge) => break,
        }
    }
    let message = format!("the tree of calls is cut at {levels} levels: below them it is too large to show");
    Ok((
        tree,
        Some(Diagnostic::warning(Place::Model, message).help("explain shows the calls of one operator")),
    ))
}

fn phases(cost: &Cost) -> Result<Phases, Overflow> {
    Ok(Phases {
        setup: phase_cost(cost, Phase::Setup)?,
        offline: phase_cost(cost, Phase::Offline)?,
        online: phase_cost(cost, Phase::Online)?,
    })
}

fn links(cost: &Cost) -> Vec<LinkTraffic> {
    let link = |(link, traffic): (&hawkeye_cost::Link, &hawkeye_cost::Traffic)| LinkTraffic {
        phase: link.phase.to_string(),
        from: link.from.0,
        to: link.to.0,
        channel: link.channel.to_string(),
        bytes: traffic.bytes,
        messages: traffic.messages,
    };
    cost.links.iter().map(link).collect()
}

fn output(shapes: &Shapes, name: &str, id: ValueId) -> OutputInfo {
    OutputInfo { name: name.to_owned(), shape: shapes.facts[id].dims.clone() }
}

fn diagnostic(diagnostic: &Diagnostic) -> DiagnosticInfo {
    DiagnosticInfo {
        severity: match diagnostic.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
        .to_owned(),
        place: diagnostic.place.to_string(),
        message: diagnostic.message.clone(),
        help: diagnostic.help.clone(),
    }
}
