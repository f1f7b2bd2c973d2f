//! What would be gained if the framework did things at the same time.

use std::collections::HashSet;

use hawkeye_cost::{CallId, Calls, Cost, Share, Symbol};
use hawkeye_graph::{Graph, NodeId, Table, ValueId};
use hawkeye_lower::OperationKind;
use hawkeye_report::{Gain, PipelineInfo};
use hawkeye_time::pipeline::{Pipelining, Scheme, Stage, scheduled};
use hawkeye_time::{ChainSelection, Spent, Task, TooLong, chain};
use indexmap::IndexMap;

use super::timing::Timing;

/// An operation and what it takes in the phases that count.
pub(crate) struct Timed {
    pub(crate) kind: OperationKind,
    pub(crate) name: String,
    pub(crate) op: String,
    pub(crate) call: CallId,
    pub(crate) spent: Spent,
    /// What the sheets counted of masked operands that are known before the input, in bytes.
    pub(crate) ahead: u64,
}

/// Seconds of the longest path through the graph: how long it takes if every operator starts when its operands
/// are there, on as many processors and links as that needs. What comes before the first node and after
/// the last one is on every path.
pub(crate) fn critical_path(graph: &Graph, timed: &[Timed]) -> f64 {
    let mut own: Table<NodeId, f64> = Table::new(vec![0.0; graph.node_ids().count()]);
    let mut ends = 0.0;
    for operation in timed {
        match operation.kind {
            OperationKind::Node(node) => own[node] += operation.spent.seconds(),
            OperationKind::Begin | OperationKind::End | OperationKind::Part(_) => {
                ends += operation.spent.seconds()
            }
        }
    }
    let mut ready: Table<ValueId, f64> = Table::new(vec![0.0_f64; graph.value_ids().count()]);
    let mut longest = 0.0_f64;
    for id in graph.node_ids() {
        let node = graph.node(id);
        let start =
            node.present_inputs().chain(node.captured()).map(|value| ready[value]).fold(0.0, f64::max);
        let end = start + own[id];
        longest = longest.max(end);
        for value in node.present_outputs() {
            ready[value] = end;
        }
    }
    ends + longest
}

/// What each schedule makes of the program.
///
/// # Errors
/// [`TooLong`].
pub(crate) fn pipelines(
    timing: &Timing,
    calls: &Calls<Share>,
    timed: &[Timed],
    schemes: &[Scheme],
) -> Result<Vec<PipelineInfo>, TooLong> {
    let Some(says) = timing.pipelining() else { return Ok(Vec::new()) };
    let fixed: HashSet<Symbol> = calls
        .symbols()
        .filter(|(_, name)| says.fixed.iter().any(|kind| *kind == ***name))
        .map(|(id, _)| id)
        .collect();
    let phases = |phase| timing.counts(phase);
    let selection = ChainSelection { phases: &phases, fixed: &fixed };
    let stages: Vec<Stage> = timed
        .iter()
        .map(|operation| {
            let tasks = chain(calls, operation.call, &timing.clock, &selection, &operation.spent)?;
            Ok(Stage {
                tasks,
                sliced: says.sliced.contains(&operation.op),
                ahead: timing.transfer(operation.ahead),
            })
        })
        .collect::<Result<_, _>>()?;
    let sequential: Vec<f64> =
        stages.iter().map(|stage| stage.tasks.iter().map(Task::seconds).sum()).collect();
    let total: f64 = sequential.iter().sum();
    Ok(schemes.iter().map(|scheme| info(*scheme, &stages, timed, &sequential, total)).collect())
}

fn info(scheme: Scheme, stages: &[Stage], timed: &[Timed], sequential: &[f64], total: f64) -> PipelineInfo {
    let found = scheduled(stages, scheme);
    let requests = f64::from(found.requests);
    let idle = |busy: f64| if found.outcome.end > 0.0 { 1.0 - busy / found.outcome.end } else { 0.0 };
    let gains = found.stages.iter().enumerate().filter(|(index, seconds)| **seconds < sequential[*index]);
    let mut others: IndexMap<String, Vec<String>> = IndexMap::new();
    for (index, seconds) in found.stages.iter().enumerate() {
        if *seconds >= sequential[index] && sequential[index] > 0.0 {
            let reason = others.entry(why_not(&stages[index]).to_owned());
            reason.or_default().push(timed[index].name.clone());
        }
    }
    PipelineInfo {
        scheme: scheme.to_string(),
        seconds: found.outcome.end,
        requests: found.requests,
        // Sums of the same seconds in another order differ in their last digits.
        saved: if total > 0.0 { (1.0 - found.outcome.end / (requests * total)).max(0.0) } else { 0.0 },
        throughput: if found.outcome.end > 0.0 { requests / found.outcome.end } else { 0.0 },
        idle_processor: idle(found.outcome.work),
        idle_link: idle(found.outcome.transfer),
        operators: gains
            .map(|(index, seconds)| Gain {
                name: timed[index].name.clone(),
                seconds: *seconds,
                sequential: sequential[index],
            })
            .collect(),
        others,
    }
}

/// Why an operator gains nothing from being cut into slices.
fn why_not(stage: &Stage) -> &'static str {
    let sum = |part: fn(&Task) -> f64| stage.tasks.iter().map(part).sum::<f64>();
    if !stage.sliced {
        "its tensor can't be cut"
    } else if sum(|task| task.transfer + task.latency) == 0.0 {
        "it sends nothing that work could overlap with"
    } else if sum(|task| task.work) == 0.0 {
        "it has no work that a slice makes less"
    } else {
        "the work that each slice has anew outweighs what would overlap"
    }
}

/// What the sheets counted under a name.
pub(crate) fn counted(calls: &Calls<Share>, cost: &Cost, says: Option<&Pipelining>) -> u64 {
    let ahead = says.and_then(|says| says.ahead.as_deref());
    let counted = cost.counted.iter().find(|(key, _)| ahead.is_some_and(|name| name == &**calls.name(**key)));
    counted.map_or(0, |(_, amount)| *amount)
}
