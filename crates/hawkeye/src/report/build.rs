//! Building the report.

use hawkeye_cost::{Cost, Overflow};
use hawkeye_graph::{Diagnostic, Graph, Place, Severity, Shapes, ValueId};
use hawkeye_lower::Visibility;
use hawkeye_sheets::Counter;
use hawkeye_time::TooLong;
use indexmap::IndexMap;

use super::counters::Counters;
use super::label::Labels;
use super::overlap::{critical_path, pipelines};
use super::placed::{Priced, placed};
use super::rows::Sums;
use super::tree::{CallTreeBuilder, Children, Level, TreeError, phases};
use hawkeye_report::{
    DiagnosticInfo, FrameworkInfo, LinkTraffic, ModelInfo, Operator, PassCost, Report, RunInfo, SCHEMA,
};

/// What the report describes besides its numbers.
#[derive(Clone, Debug)]
pub(crate) struct ReportHeader {
    /// The model.
    pub model: ModelInfo,
    /// The framework.
    pub framework: FrameworkInfo,
    /// What was profiled.
    pub run: RunInfo,
    /// Who knows the inputs and weights.
    pub visibility: Vec<(ValueId, Visibility)>,
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
    header: ReportHeader,
    graph: &Graph,
    shapes: &Shapes,
    priced: Priced<'_, '_>,
    depth: usize,
) -> Result<Report, Overflow> {
    let Priced { program, timing, .. } = priced;
    let calls = &program.calls;
    let training = header.run.training.is_some();
    let counters = Counters::new(&header.counters, calls);
    let labels = Labels::new(graph, header.run.training.as_ref());
    let Sums { total, passes, rows, positions, timed } = Sums::of(priced, &labels)?;
    let operators = rows.finish(&labels, shapes, &counters, timing)?;
    let row = |operation: usize| &operators[positions[operation]];
    let (tree, cut) = call_tree(priced, &labels, &row, training, depth)?;
    let mut left_out = None;
    let time = timing.map(|timing| {
        let path = (!training).then(|| critical_path(graph, &timed));
        let schedules = pipelines(timing, calls, &timed, &timing.schedules).unwrap_or_else(|TooLong| {
            let message = "the schedules are left out: the program has too many steps to simulate";
            left_out = Some(Diagnostic::warning(Place::Model, message));
            Vec::new()
        });
        timing.info(&total.cost, &total.spent, path, schedules)
    });
    let diagnostics = header.diagnostics.iter().chain(&cut).chain(&left_out).map(diagnostic).collect();
    Ok(Report {
        schema: SCHEMA.to_owned(),
        model: header.model,
        framework: header.framework,
        run: header.run,
        visibility: visibility(graph, shapes, &header.visibility),
        totals: phases(&total, timing)?,
        time,
        passes: passes
            .into_iter()
            .filter(|_| training)
            .map(|(pass, seen)| {
                let counters = counters.of(&seen.cost)?;
                Ok((pass.name().to_owned(), PassCost { phases: phases(&seen, timing)?, counters }))
            })
            .collect::<Result<_, Overflow>>()?,
        links: links(&total.cost),
        counters: counters.of(&total.cost)?,
        operators,
        calls: tree.finish(calls, timing)?,
        diagnostics,
    })
}

/// The tree of all operations. One that would have too many nodes is cut at the level that has not, which
/// a warning says.
fn call_tree<'a>(
    priced: Priced<'_, '_>,
    labels: &Labels<'_>,
    row: &dyn Fn(usize) -> &'a Operator,
    training: bool,
    depth: usize,
) -> Result<(Children, Option<Diagnostic>), Overflow> {
    let Priced { program, costs, timing } = priced;
    let mut builder = CallTreeBuilder::new(&program.calls, costs, timing.map(|timing| &timing.clock));
    let mut attempt = |depth: usize| {
        let mut tree = Children::default();
        for (index, placed) in placed(priced).enumerate() {
            let Some(call) = placed.call else { continue };
            let operator = row(index);
            let pass = training.then_some(&operator.pass);
            let modules = pass.into_iter().chain(&operator.scope).map(|name| Level::module(name));
            let inner = labels.levels(placed.operation.kind);
            let path: Vec<Level<'_>> = modules.chain([Level::operator(operator)]).chain(inner).collect();
            let below = builder.build(call, depth.saturating_sub(path.len()), placed.before)?;
            let factor = placed.transfer_factor;
            // On a network with a memory an operation takes longer than its calls do one by one.
            let scaled = (factor != 1.0).then(|| {
                let mut scaled = below.as_ref().clone();
                scaled.scale_transfer(factor);
                scaled
            });
            tree.insert(&path, depth, &placed.seen, scaled.as_ref().unwrap_or(&below))?;
        }
        Ok(tree)
    };
    match attempt(depth) {
        Ok(tree) => return Ok((tree, None)),
        Err(TreeError::Overflow) => return Err(Overflow),
        Err(TreeError::TooLarge) => {}
    }
    let (mut levels, mut tree) = (0, Children::default());
    // Where the whole tree is too large, the deepest that is not is looked for from the top: each attempt takes what it may show.
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

/// Tensors by who knows them, with their elements.
fn visibility(
    graph: &Graph,
    shapes: &Shapes,
    tensors: &[(ValueId, Visibility)],
) -> IndexMap<String, IndexMap<String, Option<u64>>> {
    let mut listed: IndexMap<String, IndexMap<String, Option<u64>>> = IndexMap::new();
    for (id, visibility) in tensors {
        let shape = shapes.facts[*id].shape();
        let elements = shape.and_then(|dims| dims.iter().try_fold(1u64, |n, dim| n.checked_mul(*dim)));
        listed.entry(visibility.to_string()).or_default().insert(graph.value(*id).name.clone(), elements);
    }
    listed
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
