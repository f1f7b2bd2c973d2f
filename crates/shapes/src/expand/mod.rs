//! Operators replaced by others that mean the same: control flow by the bodies that run, and operators
//! that a framework lacks by what defines them.

mod activation;
mod attention;
mod builder;
mod contrib;
mod control;
mod legacy;
mod normalization;
mod quantised;
mod recurrent;
mod reduction;
mod replace;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use hawkeye_graph::{DType, Derivation, Diagnostic, Failure, Graph, Node, Place, Shapes, ValueId};

use crate::infer;
use builder::DefinitionBuilder;
use replace::Replacer;

/// Gives the outputs of a node in terms of other operators; `None` if it can't be done.
type Decomposition = fn(&mut DefinitionBuilder<'_, '_>, &Node) -> Decomposed;

/// The values that take the place of a node's outputs.
type Decomposed = Option<Vec<Option<ValueId>>>;

/// The only output of a node.
fn one(value: ValueId) -> Decomposed {
    Some(vec![Some(value)])
}

/// Nodes and values that any graph may have after expansion, whatever its size.
const MANY: usize = 100_000;
/// Nodes and values that there may be besides for each of the graph.
const MANY_PER_NODE: usize = 4;
/// Nodes and values that no graph may have more of.
const MOST: usize = 500_000;

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
///
/// # Errors
/// A node that would become more nodes and values than there is room for.
pub fn expand<'a>(
    graph: &'a Graph,
    inputs: &BTreeMap<ValueId, Vec<u64>>,
    has: &dyn Fn(&str, &str) -> bool,
) -> Result<Expanded<'a>, Failure> {
    let shapes = infer(graph, inputs);
    let room = (MANY + MANY_PER_NODE * graph.size()).min(MOST);
    let graph = Cow::Borrowed(graph);
    let mut expanded = Expanded { graph, shapes, diagnostics: Vec::new(), lacking: Vec::new() };
    // Bodies hold bodies, and definitions use operators that have definitions.
    for _ in 0..MOST_ROUNDS {
        if expanded.shapes.misfits().next().is_some() {
            return Ok(expanded);
        }
        let round = round(&expanded.graph, &expanded.shapes, has, room)?;
        expanded.lacking = round.lacking;
        let Some(graph) = round.graph else { break };
        expanded.shapes = infer(&graph, inputs);
        expanded.graph = Cow::Owned(graph);
        let news = round.diagnostics.into_iter().filter(|d| !expanded.diagnostics.contains(d));
        expanded.diagnostics.extend(news.collect::<Vec<_>>());
    }
    Ok(expanded)
}

/// Definitions and bodies nest to this depth.
const MOST_ROUNDS: usize = 64;

struct Round {
    graph: Option<Graph>,
    diagnostics: Vec<Diagnostic>,
    lacking: Vec<(Place, BTreeSet<String>)>,
}

/// Replaces what can be replaced in one go. The first node for which there is no room is an error: what comes
/// after it would find none either.
fn round(
    graph: &Graph,
    shapes: &Shapes,
    has: &dyn Fn(&str, &str) -> bool,
    room: usize,
) -> Result<Round, Failure> {
    let real = |id: ValueId| shapes.facts[id].dtype.is_some_and(DType::is_float);
    let rule = |node: &Node| {
        // Arithmetic on shapes is done in the clear.
        let defined = || definition(node).filter(|_| node.present_inputs().any(real));
        always(node).or_else(|| if has(&node.domain, &node.op) { None } else { defined() })
    };
    if graph.nodes.iter().all(|node| rule(node).is_none()) {
        return Ok(Round { graph: None, diagnostics: Vec::new(), lacking: Vec::new() });
    }
    let mut replacer = Replacer::new(graph, shapes, room);
    let mut lacking = Vec::new();
    let mut replaced = BTreeSet::new();
    for id in graph.node_ids() {
        let node = graph.node(id);
        let always = always(node);
        let Some(rule) = rule(node) else { continue };
        let Some(outputs) = replacer.attempt(id, derivation(node, always.is_some()), rule) else {
            if replacer.full() {
                return Err(too_large(node, room).into());
            }
            replacer.give_up();
            continue;
        };
        let missing = if always.is_some() { BTreeSet::new() } else { replacer.lacking(has) };
        if missing.is_empty() {
            replacer.replace(id, &outputs);
            if always.is_none() {
                replaced.insert(node.op.clone());
            }
        } else {
            lacking.push((Place::node(node), missing));
            replacer.give_up();
        }
    }
    let notes = replaced.iter().map(|op| {
        let message = format!("the framework has no {op}; it is profiled as the operators that define it");
        Diagnostic::warning(Place::Model, message)
    });
    let diagnostics = notes.collect();
    // Definitions hold no circle, so that what they make always has an order.
    let graph = if replacer.changed() { replacer.finish().ok() } else { None };
    Ok(Round { graph, diagnostics, lacking })
}

fn too_large(node: &Node, room: usize) -> Diagnostic {
    let message = format!("expands to more than {room} nodes and values, too many for so small a model");
    let help = "every repetition of a body or of a recurrent layer is priced as nodes of its own: profile fewer \
                of them, and sweep over their number for the law";
    Diagnostic::error(Place::node(node), message).help(help)
}

/// Rules for nodes that no framework could run as they are.
fn always(node: &Node) -> Option<Decomposition> {
    match (node.domain.as_str(), node.op.as_str()) {
        ("", "If") => Some(control::choose),
        ("", "Loop") => Some(control::repeat),
        ("", "Scan") => Some(control::scan),
        ("com.microsoft", "FusedConv") => Some(contrib::fused_conv),
        ("com.microsoft", "FusedGemm") => Some(contrib::fused_gemm),
        ("com.microsoft", "FusedMatMul" | "TransposeMatMul") => Some(contrib::fused_matmul),
        ("", _) if legacy::stretches(node) => Some(legacy::stretch),
        _ => None,
    }
}

/// What is done to a node for which there is a rule.
fn derivation(node: &Node, always: bool) -> Derivation {
    match always {
        _ if node.is_control_flow() => Derivation::ControlFlowInlining,
        true => Derivation::Canonicalization,
        false => Derivation::Decomposition,
    }
}

/// Whether a node that a framework lacks is made of other operators, where it has those.
#[must_use]
pub fn is_defined(node: &Node) -> bool {
    always(node).or_else(|| definition(node)).is_some()
}

/// What defines an operator.
fn definition(node: &Node) -> Option<Decomposition> {
    let rule: Decomposition = match (node.domain.as_str(), node.op.as_str()) {
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
        ("com.microsoft", "Gelu" | "BiasGelu" | "FastGelu") => contrib::gelu,
        ("com.microsoft", "QLinearLeakyRelu" | "QLinearSigmoid" | "QLinearSoftmax") => quantised::unary,
        ("com.microsoft", "SkipLayerNormalization") => contrib::skip_layer,
        ("com.microsoft", "SkipSimplifiedLayerNormalization") => contrib::skip_root_mean_square,
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
