//! Building the report.

use std::collections::BTreeMap;

use hawkeye_cost::{Calls, Cost, Overflow, Phase, RoundRule, summarise};
use hawkeye_grad::Pass;
use hawkeye_graph::{Diagnostic, Graph, Severity, Shapes, ValueId};
use hawkeye_lower::Program;
use hawkeye_sheets::Counter;
use indexmap::IndexMap;

use super::counters::counters;
use super::label::{Label, Labels};
use super::tree::{Branch, Grower, Site, phase_cost};
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
    program: &Program,
    calls: &Calls,
    rule: &RoundRule,
    depth: usize,
) -> Result<Report, Overflow> {
    let mut summaries = summarise(calls, rule);
    let mut before = rule.before();
    let mut total = Cost::default();
    let mut tree = Branch::default();
    let mut passes: BTreeMap<Pass, Cost> = BTreeMap::new();
    let labels = Labels::new(graph, subjects.run.training.as_ref());
    let mut operators = Vec::with_capacity(program.operations.len());
    for (index, operation) in program.operations.iter().enumerate() {
        let label = labels.of(operation.subject);
        let mut seen = Cost::default();
        if let Some(call) = operation.call {
            let cost = summaries.cost(call)?;
            seen = cost.after(&before);
            let mut grower = Grower { calls, summaries: &mut summaries };
            plant(
                &mut tree,
                &label,
                &seen,
                &mut grower,
                Site { call, repeated: 1, outer: 1, before: &before, depth },
            )?;
            before = before.then(&cost)?;
            total = total.then(&seen)?;
        }
        if subjects.run.training.is_some() {
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
        calls: tree.finish()?,
        diagnostics: subjects.diagnostics.iter().map(diagnostic).collect(),
    })
}

/// Adds an operation under the modules of its scope.
fn plant(
    tree: &mut Branch,
    label: &Label,
    cost: &Cost,
    grower: &mut Grower<'_, '_>,
    site: Site<'_>,
) -> Result<(), Overflow> {
    let mut branch = tree;
    let mut depth = site.depth;
    for module in label.path() {
        if depth == 0 {
            return Ok(());
        }
        branch = branch.child(module);
        branch.add(None, 0, cost)?;
        branch.once();
        depth -= 1;
    }
    if depth == 0 {
        return Ok(());
    }
    branch = branch.child(&label.name);
    branch.add(Some(&label.op), 1, cost)?;
    grower.grow(branch, Site { depth: depth - 1, ..site })
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
