//! Building the report.

use hawkeye_cost::{Calls, Cost, Overflow, Phase, RoundRule, summarise};
use hawkeye_graph::{Diagnostic, Graph, Node, Severity};
use hawkeye_lower::{Program, Subject};
use hawkeye_shapes::Shapes;
use hawkeye_sheets::Counter;
use indexmap::IndexMap;

use crate::counters::counters;
use crate::schema::{
    DiagnosticInfo, FrameworkInfo, LinkTraffic, ModelInfo, Operator, OutputInfo, Phases, Report, RunInfo,
    SCHEMA,
};
use crate::tree::{Branch, Grower, Site, phase_cost};

/// What the report describes besides its numbers.
#[derive(Clone, Debug)]
pub struct Subjects {
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
pub fn report(
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
    let mut operators = Vec::with_capacity(program.operations.len());
    for (index, operation) in program.operations.iter().enumerate() {
        let label = Label::new(graph, operation.subject);
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
        operators.push(Operator {
            index,
            name: label.name,
            op: label.op,
            scope: label.scope,
            pass: "forward".to_owned(),
            outputs: label.node.map(|node| outputs(graph, shapes, node)).unwrap_or_default(),
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
        links: links(&total),
        counters: counters(&subjects.counters, calls, &total)?,
        operators,
        calls: tree.finish()?,
        diagnostics: subjects.diagnostics.iter().map(diagnostic).collect(),
    })
}

/// How an operation is named in the report.
struct Label<'a> {
    name: String,
    op: String,
    scope: Vec<String>,
    node: Option<&'a Node>,
}

impl<'a> Label<'a> {
    fn new(graph: &'a Graph, subject: Subject) -> Self {
        let outside = |name: &str, op: &str| Self {
            name: name.to_owned(),
            op: op.to_owned(),
            scope: Vec::new(),
            node: None,
        };
        match subject {
            Subject::Begin => outside("(setup)", "Setup"),
            Subject::End => outside("(output)", "Output"),
            Subject::Node(id) => {
                let node = graph.node(id);
                let name = if node.name.is_empty() {
                    format!("{}_{}", node.op, node.file_index)
                } else {
                    node.name.clone()
                };
                Self { name, op: node.op.clone(), scope: node.scope.clone(), node: Some(node) }
            }
        }
    }
}

/// Adds an operation under the modules of its scope.
fn plant(
    tree: &mut Branch,
    label: &Label<'_>,
    cost: &Cost,
    grower: &mut Grower<'_, '_>,
    site: Site<'_>,
) -> Result<(), Overflow> {
    let mut branch = tree;
    let mut depth = site.depth;
    for module in &label.scope {
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

fn outputs(graph: &Graph, shapes: &Shapes, node: &Node) -> Vec<OutputInfo> {
    let output = |id| OutputInfo { name: graph.value(id).name.clone(), shape: shapes.facts[id].dims.clone() };
    node.present_outputs().map(output).collect()
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
