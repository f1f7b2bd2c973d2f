//! Building the report.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;
use hawkeye_cost::{Before, CallId, Communication, Cost, Fold, Overflow, Phase};
use hawkeye_grad::Pass;
use hawkeye_graph::{Diagnostic, Graph, Place, Severity, Shapes, ValueId};
use hawkeye_lower::{OperationKind, Settled, Visibility};
use hawkeye_sheets::Counter;
use hawkeye_time::TooLong;
use indexmap::IndexMap;

use super::counters::Counters;
use super::label::{Label, Labels};
use super::overlap::{Timed, counted, critical_path, pipelines};
use super::timing::{Timing, spent_info};
use super::tree::{CallTreeBuilder, Children, Level, Seen, TreeError, phase_cost};
use hawkeye_report::{
    DiagnosticInfo, FrameworkInfo, LinkTraffic, ModelInfo, Operator, OutputInfo, PassCost, Phases, Report,
    RunInfo, SCHEMA,
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
    program: &Settled,
    costs: &Fold<Communication<'_>>,
    timing: Option<&Timing>,
    depth: usize,
) -> Result<Report, Overflow> {
    let calls = &program.calls;
    let training = header.run.training.is_some();
    let counters = Counters::new(&header.counters, calls);
    let mut before = Before::program(costs.algebra().0);
    let mut total = Seen::default();
    let mut placed = Vec::new();
    let mut passes: BTreeMap<Pass, Seen> = BTreeMap::new();
    let labels = Labels::new(graph, header.run.training.as_ref());
    let mut rows = OperatorRows::default();
    let mut timed = Vec::new();
    for (index, operation) in program.operations.iter().enumerate() {
        let label = labels.of(operation.kind);
        let mut seen = Seen::default();
        let position = rows.position(&label);
        if let Some(call) = operation.call {
            let cost = costs.value(call);
            seen.cost = cost.after(&before);
            let mut transfer_factor = 1.0;
            if let Some(timing) = timing {
                seen.spent = *timing.clock.value(call);
                transfer_factor = timing.transfer_factor(index, timing.clock.value(call));
                seen.scale_transfer(transfer_factor);
                if !cost.is_zero() {
                    seen.spent[Phase::Online].work += timing.operator() * runs(program, operation.kind);
                }
                timed.push(Timed {
                    kind: operation.kind,
                    name: label.name.clone(),
                    op: label.op.clone(),
                    call,
                    spent: timing.counted(&seen.cost, &seen.spent),
                    ahead: counted(calls, cost, timing.pipelining()),
                });
            }
            let (levels, inner) = (label.levels.clone(), label.inner.clone());
            let seen = seen.clone();
            placed.push(Placed { row: position, levels, inner, call, before, seen, transfer_factor });
            before = before.then(cost);
        }
        total.add(&seen)?;
        if training {
            let pass = passes.entry(label.pass).or_default();
            pass.add(&seen)?;
        }
        rows.add(position, label, &seen, &operation.evidence)?;
    }
    let operators = rows
        .list
        .into_iter()
        .enumerate()
        .map(|(index, row)| {
            let OperatorRow { label, seen, evidence } = row;
            let evidence: Vec<String> = evidence.into_iter().collect();
            Ok(Operator {
                index,
                node: label.node,
                name: label.name,
                op: label.op,
                scope: label.scope,
                pass: label.pass.name().to_owned(),
                of: label.of,
                outputs: label.outputs.iter().map(|(name, id)| output(shapes, name, *id)).collect(),
                phases: phases(&seen, timing)?,
                seconds: timing.map(|timing| timing.counted(&seen.cost, &seen.spent).seconds()),
                time: timing.map(|timing| spent_info(timing.counted(&seen.cost, &seen.spent))),
                counters: counters.of(&seen.cost)?,
                evidence: (!evidence.is_empty()).then(|| evidence.join(", ")),
            })
        })
        .collect::<Result<Vec<_>, Overflow>>()?;
    let builder = CallTreeBuilder::new(calls, costs, timing.map(|timing| &timing.clock));
    let (tree, cut) = call_tree(&placed, &operators, training, builder, depth)?;
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

/// Operations that stand for the same node of the file in the same pass, together.
struct OperatorRow {
    label: Label,
    seen: Seen,
    evidence: BTreeSet<String>,
}

/// OperatorRows in order of first appearance.
#[derive(Default)]
struct OperatorRows {
    list: Vec<OperatorRow>,
    /// By pass, node of the file, and for what belongs to none of them its name.
    positions: HashMap<(Pass, Option<usize>, String), usize>,
}

impl OperatorRows {
    /// The position of an operation's row, which may be the next one.
    fn position(&mut self, label: &Label) -> usize {
        let name = if label.node.is_some() { String::new() } else { label.name.clone() };
        let next = self.list.len();
        *self.positions.entry((label.pass, label.node, name)).or_insert(next)
    }

    /// Adds an operation to the row at its position.
    fn add(
        &mut self,
        position: usize,
        label: Label,
        seen: &Seen,
        evidence: &BTreeSet<String>,
    ) -> Result<(), Overflow> {
        let defined = label.defined.then(|| "defined".to_owned());
        if position == self.list.len() {
            self.list.push(OperatorRow { label, seen: Seen::default(), evidence: BTreeSet::new() });
        }
        let row = &mut self.list[position];
        row.seen.add(seen)?;
        row.evidence.extend(evidence.iter().cloned().chain(defined));
        Ok(())
    }
}

/// An operation at its place in the program.
struct Placed {
    /// Its operator's position.
    row: usize,
    /// Levels below its operator that lead to it.
    levels: Vec<String>,
    /// Its own operator.
    inner: String,
    call: CallId,
    before: Before,
    /// What it costs there.
    seen: Seen,
    /// By how much its transfers take longer where it stands than alone.
    transfer_factor: f64,
}

/// The tree of all operations. One that would have too many nodes is cut at the level that has not, which
/// a warning says.
fn call_tree(
    operations: &[Placed],
    operators: &[Operator],
    training: bool,
    mut builder: CallTreeBuilder<'_, '_>,
    depth: usize,
) -> Result<(Children, Option<Diagnostic>), Overflow> {
    let mut attempt = |depth: usize| {
        let mut tree = Children::default();
        for Placed { row, levels, inner, call, before, seen, transfer_factor } in operations {
            let operator = &operators[*row];
            let pass = training.then_some(&operator.pass);
            let modules = pass.into_iter().chain(&operator.scope).map(|name| Level::module(name));
            let mut path: Vec<Level<'_>> = modules
                .chain([Level::operator(operator)])
                .chain(levels.iter().map(|n| Level::module(n)))
                .collect();
            if let Some(last) = path.last_mut().filter(|_| !levels.is_empty()) {
                last.op = Some(inner);
            }
            let below = builder.build(*call, depth.saturating_sub(path.len()), *before)?;
            let scaled = (*transfer_factor != 1.0).then(|| {
                let mut scaled = below.as_ref().clone();
                scaled.scale_transfer(*transfer_factor);
                scaled
            });
            tree.insert(&path, depth, seen, scaled.as_ref().unwrap_or(&below))?;
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

/// How often an operation of a program runs.
#[expect(clippy::cast_precision_loss, reason = "seconds are no exact numbers")]
fn runs(program: &Settled, kind: OperationKind) -> f64 {
    if kind == OperationKind::Begin { 1.0 } else { program.runs as f64 }
}

fn phases(seen: &Seen, timing: Option<&Timing>) -> Result<Phases, Overflow> {
    Ok(Phases {
        setup: phase_cost(seen, Phase::Setup, timing)?,
        offline: phase_cost(seen, Phase::Offline, timing)?,
        online: phase_cost(seen, Phase::Online, timing)?,
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
