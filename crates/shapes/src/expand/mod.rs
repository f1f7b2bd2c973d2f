//! Operators replaced by others that mean the same: control flow by the bodies that run, and operators
//! that a framework lacks by what defines them.

mod activation;
mod attention;
mod control;
mod emit;
mod legacy;
mod normalization;
mod recurrent;
mod reduction;
mod rewrite;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use hawkeye_graph::{DType, Diagnostic, Graph, Node, Place, Shapes, ValueId};

use crate::infer;
use emit::Emitter;
use rewrite::Rewriter;

/// Gives the outputs of a node in terms of other operators; `None` if it can't be done.
type Rule = fn(&mut Emitter<'_, '_>, &Node) -> Option<Vec<Option<ValueId>>>;

/// Nodes of a graph after expansion.
const MOST_NODES: usize = 1_000_000;

/// Expansions give operators that may have to be expanded themselves, to this depth.
const DEEPEST: usize = 8;

/// A graph with nodes replaced, and its shapes.
#[derive(Clone, Debug)]
pub struct Expanded<'a> {
    /// The graph; values of the old one keep their ids.
    pub graph: Cow<'a, Graph>,
    /// Its shapes.
    pub shapes: Shapes,
    /// Warnings about what was replaced.
    pub diagnostics: Vec<Diagnostic>,
    /// Nodes that could not be replaced, and the operators that this would need.
    pub lacking: Vec<(Place, BTreeSet<String>)>,
}

/// The graph without control flow whose course is known, and with every operator for which `has`
/// (of domain and operator) is false written as operators for which it is true, where it has a
/// definition in terms of such. `inputs` gives the shapes of the graph's inputs.
#[must_use]
pub fn expand<'a>(
    graph: &'a Graph,
    inputs: &BTreeMap<ValueId, Vec<u64>>,
    has: &dyn Fn(&str, &str) -> bool,
) -> Expanded<'a> {
    let shapes = infer(graph, inputs);
    let graph = Cow::Borrowed(graph);
    let mut expanded = Expanded { graph, shapes, diagnostics: Vec::new(), lacking: Vec::new() };
    // Bodies hold bodies, and definitions use operators that have definitions.
    for _ in 0..MOST_ROUNDS {
        let round = round(&expanded.graph, &expanded.shapes, has);
        expanded.lacking = round.lacking;
        let Some(graph) = round.graph else { break };
        expanded.shapes = infer(&graph, inputs);
        expanded.graph = Cow::Owned(graph);
        let news = round.diagnostics.into_iter().filter(|d| !expanded.diagnostics.contains(d));
        expanded.diagnostics.extend(news.collect::<Vec<_>>());
    }
    expanded
}

/// Definitions and bodies nest to this depth.
const MOST_ROUNDS: usize = 64;

struct Round {
    graph: Option<Graph>,
    diagnostics: Vec<Diagnostic>,
    lacking: Vec<(Place, BTreeSet<String>)>,
}

/// Replaces what can be replaced in one go.
fn round(graph: &Graph, shapes: &Shapes, has: &dyn Fn(&str, &str) -> bool) -> Round {
    let real = |id: ValueId| shapes.facts[id].dtype.is_some_and(DType::is_float);
    let rule = |node: &Node| {
        // Arithmetic on shapes is done in the clear.
        let defined = || definition(node).filter(|_| node.present_inputs().any(real));
        always(node).or_else(|| if has(&node.domain, &node.op) { None } else { defined() })
    };
    if graph.nodes.iter().all(|node| rule(node).is_none()) {
        return Round { graph: None, diagnostics: Vec::new(), lacking: Vec::new() };
    }
    let mut rewriter = Rewriter::new(graph, shapes);
    let mut lacking = Vec::new();
    let mut replaced = BTreeSet::new();
    for node in &graph.nodes {
        let always = always(node);
        let rule = rule(node);
        let Some(outputs) = rule.and_then(|rule| rewriter.attempt(node, rule)) else {
            rewriter.keep(node);
            continue;
        };
        let missing = if always.is_some() { BTreeSet::new() } else { rewriter.lacking(has) };
        if missing.is_empty() {
            rewriter.replace(node, &outputs);
            if always.is_none() {
                replaced.insert(node.op.clone());
            }
        } else {
            lacking.push((Place::node(node), missing));
            rewriter.keep(node);
        }
    }
    let notes = replaced.iter().map(|op| {
        let message = format!("the framework has no {op}; it is profiled as the operators that define it");
        Diagnostic::warning(Place::Model, message)
    });
    let diagnostics = notes.collect();
    Round { graph: rewriter.changed().then(|| rewriter.finish()), diagnostics, lacking }
}

/// Rules for nodes that no framework could run as they are.
fn always(node: &Node) -> Option<Rule> {
    if !node.domain.is_empty() {
        return None;
    }
    match node.op.as_str() {
        "If" => Some(control::choose),
        "Loop" => Some(control::repeat),
        "Scan" => Some(control::scan),
        _ if legacy::stretches(node) => Some(legacy::stretch),
        _ => None,
    }
}

/// What defines an operator.
fn definition(node: &Node) -> Option<Rule> {
    let rule: Rule = match (node.domain.as_str(), node.op.as_str()) {
        ("", "LSTM") => recurrent::lstm,
        ("", "GRU") => recurrent::gru,
        ("", "RNN") => recurrent::rnn,
        ("", "Attention") => attention::attention,
        ("", "RotaryEmbedding") => attention::rotary,
        ("", "RMSNormalization" | "SimplifiedLayerNormalization") => normalization::root_mean_square,
        ("", "LayerNormalization") => normalization::layer,
        ("", "InstanceNormalization") => normalization::instance,
        ("", "GroupNormalization") => normalization::group,
        ("", "MeanVarianceNormalization") => normalization::mean_variance,
        ("", "LpNormalization") => normalization::lp,
        ("", "Gelu") => activation::gelu,
        ("", "Swish") | ("com.microsoft", "QuickGelu") => activation::swish,
        ("", "SwiGLU") => activation::swiglu,
        ("", "HardSwish") => activation::hard_swish,
        ("", "HardSigmoid") => activation::hard_sigmoid,
        ("", "Mish") => activation::mish,
        ("", "Softplus") => activation::softplus,
        ("", "Softsign") => activation::softsign,
        ("", "Elu") => activation::elu,
        ("", "Celu") => activation::celu,
        ("", "Selu") => activation::selu,
        ("", "LeakyRelu") => activation::leaky_relu,
        ("", "PRelu") => activation::parametric_relu,
        ("", "Abs") => activation::absolute,
        ("", "Reciprocal") => activation::reciprocal,
        ("", "Pow") => activation::power,
        ("", "Max") => activation::maximum,
        ("", "Min") => activation::minimum,
        ("", "Sum") => reduction::sum,
        ("", "Mean") => reduction::mean,
        ("", "GreaterOrEqual") => reduction::greater_or_equal,
        ("", "LessOrEqual") => reduction::less_or_equal,
        ("", "ReduceSum") => reduction::reduce_sum,
        ("", "ReduceL1") => reduction::l1,
        ("", "ReduceL2") => reduction::l2,
        ("", "ReduceSumSquare") => reduction::sum_of_squares,
        ("", "ReduceLogSum") => reduction::log_of_sum,
        ("", "ReduceLogSumExp") => reduction::log_of_sum_of_exponentials,
        _ => return None,
    };
    Some(rule)
}
