//! The pass over the graph, and what it can't find out.

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use hawkeye_graph::{
    DType, Diagnostic, Dim, Fact, Graph, Node, Origin, Place, Shapes, Table, ValueId, element_count,
};

use crate::analysis::Analysis;
use crate::fit::misfits;
use crate::known::KnownValue;
use crate::rules::MISFIT;
use crate::rules::UnknownReason;
use crate::types;

/// Finds the type, shape and small constants of every value; `inputs` gives the shapes of the
/// graph's inputs.
///
/// Never fails: what can't be found out stays unknown, and a diagnostic says why. Errors among the diagnostics are
/// about nodes whose operands do not fit together by ONNX's rules.
#[must_use]
pub fn infer(graph: &Graph, inputs: &BTreeMap<ValueId, Vec<u64>>) -> Shapes {
    let mut analysis = Analysis::new(graph.opset());
    let known = analysis.graph(graph, |id, origin| match origin {
        Origin::Input(declared) => {
            let dims: Option<Vec<_>> = match inputs.get(&id) {
                Some(shape) => Some(shape.iter().copied().map(Some).collect()),
                None => declared.dims.as_ref().map(|dims| dims.iter().map(fixed).collect()),
            };
            Some(KnownValue::typed(declared.dtype, dims.as_deref()))
        }
        Origin::Initializer(_) | Origin::Node(_) | Origin::Outer(_) => None,
    });
    let mut facts = Table::new(known.iter().map(|known: &Rc<KnownValue>| known.fact.clone()).collect());
    for id in graph.value_ids() {
        declared(graph, id, &mut facts[id]);
    }
    types::restore(graph, &mut facts);
    let mut all = misfits(graph, &facts);
    all.extend(too_large(graph, &facts));
    let unknown = diagnostics(graph, &facts, &analysis.reasons);
    let wrong: HashSet<Place> = all.iter().map(|misfit| misfit.place.clone()).collect();
    all.extend(unknown.into_iter().filter(|diagnostic| !wrong.contains(&diagnostic.place)));
    Shapes { facts, diagnostics: all }
}

/// The first nodes whose outputs are larger than any tensor may be.
fn too_large(graph: &Graph, facts: &Table<ValueId, Fact>) -> Vec<Diagnostic> {
    let problem = |id: ValueId| element_count(&facts[id].shape()?).err();
    let told = |node: &Node| {
        let message = format!("its output: {}", node.present_outputs().find_map(problem)?);
        let follows = node.present_inputs().chain(node.captured()).any(|id| problem(id).is_some());
        (!follows).then(|| Diagnostic::error(Place::node(node), message))
    };
    graph.nodes.iter().filter_map(told).collect()
}

fn fixed(dim: &Dim) -> Option<u64> {
    match dim {
        Dim::Fixed(size) => Some(*size),
        Dim::Symbol(_) => None,
    }
}

/// What the model itself says, which tract can't always represent.
fn declared(graph: &Graph, id: ValueId, fact: &mut Fact) {
    match &graph.value(id).origin {
        Origin::Input(declared) => fact.dtype = Some(declared.dtype),
        Origin::Initializer(tensor) => {
            *fact = Fact {
                dtype: Some(tensor.dtype),
                dims: Some(tensor.dims.iter().copied().map(Some).collect()),
                elements: tensor.elements.clone(),
            };
        }
        Origin::Node(_) | Origin::Outer(_) => {}
    }
}

/// The first nodes of which something stays unknown, and why.
fn diagnostics(
    graph: &Graph,
    facts: &Table<ValueId, Fact>,
    reasons: &BTreeMap<usize, UnknownReason>,
) -> Vec<Diagnostic> {
    let open = |id: ValueId| facts[id].shape().is_none();
    let mut found = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        if !node.present_outputs().any(open) || node.present_inputs().chain(node.captured()).any(open) {
            continue;
        }
        let message = match reasons.get(&index) {
            Some(UnknownReason::Problem(problem)) if problem != MISFIT => problem.clone(),
            Some(UnknownReason::Missing(input)) => format!(
                "the shape depends on the data: on the elements of input {input}{}, which is no constant",
                name(graph, node, *input)
            ),
            None if node.is_control_flow() => {
                "which branch runs, or how often the body runs, is not known before the model runs".to_owned()
            }
            _ if depends_on_data(node, facts) => {
                "the shape depends on the data, so it is not known before the model runs".to_owned()
            }
            _ => format!("{MISFIT}: {}", inputs(graph, facts, node)),
        };
        found.push(Diagnostic::warning(Place::node(node), message));
    }
    found
}

/// Operators whose results are as many as the data have it.
const COUNTING: [&str; 4] = ["NonZero", "Unique", "Compress", "NonMaxSuppression"];

/// Whether other elements could give the outputs another shape: integers say how large or where something is.
fn depends_on_data(node: &Node, facts: &Table<ValueId, Fact>) -> bool {
    let open_integers = |fact: &Fact| {
        let integers = matches!(fact.dtype, Some(DType::Int64 | DType::Int32));
        (integers || fact.dtype.is_none()) && fact.elements.is_none()
    };
    COUNTING.contains(&node.op.as_str()) || node.present_inputs().any(|id| open_integers(&facts[id]))
}

/// Names, types and shapes of a node's inputs.
fn inputs(graph: &Graph, facts: &Table<ValueId, Fact>, node: &Node) -> String {
    let shown = |id: ValueId| {
        let Fact { dtype, dims, .. } = &facts[id];
        let dtype = dtype.map(|dtype| format!(" {dtype}")).unwrap_or_default();
        let dims = dims.iter().flatten().map(|dim| dim.map_or_else(|| "?".to_owned(), |n| n.to_string()));
        format!("\"{}\"{dtype} [{}]", graph.value(id).name, dims.collect::<Vec<_>>().join(", "))
    };
    node.present_inputs().map(shown).collect::<Vec<_>>().join(", ")
}

fn name(graph: &Graph, node: &Node, input: usize) -> String {
    let id = node.inputs.get(input).copied().flatten();
    id.map(|id| format!(" (\"{}\")", graph.value(id).name)).unwrap_or_default()
}
