//! Running tract's analysis and reading its facts back.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use hawkeye_graph::{DType, Diagnostic, Elements, Graph, Node, Origin, Place, SMALL, Table, ValueId};
use tract_onnx::Onnx;
use tract_onnx::pb::{GraphProto, ModelProto};
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::{Factoid, InferenceNode};

use crate::proto::{model, value_name};
use crate::{Fact, Shapes, rules, types};

/// Finds the type, shape and small constants of every value; `inputs` gives the shapes of the
/// graph's inputs.
///
/// Never fails: what can't be found out stays unknown, and a diagnostic says why.
#[must_use]
pub fn infer(graph: &Graph, inputs: &BTreeMap<ValueId, Vec<u64>>) -> Shapes {
    let mut found = BTreeMap::new();
    let mut analysis = analyse(graph, inputs, &found);
    while found.len() < MOST_REPAIRS {
        let more = rules::lenient(graph, &analysis.facts);
        if more.is_empty() {
            break;
        }
        found.extend(more);
        analysis = analyse(graph, inputs, &found);
    }
    types::restore(graph, &mut analysis.facts);
    let diagnostics = diagnostics(graph, &analysis);
    Shapes { facts: analysis.facts, diagnostics }
}

/// Values on mixed types whose shapes are found by rules of our own; each may take a new analysis.
const MOST_REPAIRS: usize = 64;

struct Analysis {
    facts: Table<ValueId, Fact>,
    /// Why nodes have no answer, by position: a message, or the input whose elements are missing.
    excuses: BTreeMap<usize, Result<String, usize>>,
    /// What went wrong with the analysis as a whole.
    problem: Option<String>,
}

/// What is known about every value; `found` is known already.
fn analyse(graph: &Graph, inputs: &BTreeMap<ValueId, Vec<u64>>, found: &BTreeMap<ValueId, Fact>) -> Analysis {
    let mut analysis = consult(graph, inputs, found);
    for id in graph.value_ids() {
        declared(graph, inputs, id, &mut analysis.facts[id]);
    }
    analysis
}

/// tract's view of every value.
fn consult(graph: &Graph, inputs: &BTreeMap<ValueId, Vec<u64>>, found: &BTreeMap<ValueId, Fact>) -> Analysis {
    let unknown = |problem| Analysis {
        facts: Table::new(vec![Fact::default(); graph.values.len()]),
        excuses: BTreeMap::new(),
        problem: Some(problem),
    };
    let proto = model(graph, inputs, found);
    let tract = with_operators_of(&proto);
    rules::start();
    // tract has operators that panic on inputs that make no sense; that must not end this process.
    let analysis = catch_unwind(AssertUnwindSafe(|| {
        let mut parsed = tract.parse(&proto, None)?;
        let problem = parsed.model.analyse(true).err();
        TractResult::Ok((parsed, problem))
    }));
    match analysis {
        Ok(Ok((parsed, problem))) => {
            let fact = |id| {
                let outlet = parsed.outlets_by_name.get(&value_name(id));
                let fact = outlet.and_then(|outlet| parsed.model.outlet_fact(*outlet).ok());
                fact.map(read).unwrap_or_default()
            };
            let excuse =
                |node: &InferenceNode| Some((position(&node.name)?, rules::excuse(node.op.as_op())?));
            Analysis {
                facts: Table::new(graph.value_ids().map(fact).collect()),
                excuses: parsed.model.nodes().iter().filter_map(excuse).collect(),
                problem: problem.map(|e| format!("{e:#}")),
            }
        }
        Ok(Err(error)) => unknown(format!("{error:#}")),
        Err(_) => unknown("an operator's inputs make no sense".to_owned()),
    }
}

/// tract with our rules, and all the model's operators.
fn with_operators_of(proto: &ModelProto) -> Cow<'static, Onnx> {
    let mut tract = Cow::Borrowed(rules::tract());
    for graph in proto.graph.iter().flat_map(graphs) {
        for node in &graph.node {
            if !tract.op_register.0.contains_key(&node.op_type) {
                rules::add_unknown(&mut tract.to_mut().op_register, &node.op_type);
            }
        }
    }
    tract
}

/// A graph and the bodies within it.
fn graphs(graph: &GraphProto) -> Vec<&GraphProto> {
    let mut all = vec![graph];
    let mut next = 0;
    while let Some(graph) = all.get(next).copied() {
        all.extend(graph.node.iter().flat_map(|n| &n.attribute).filter_map(|a| a.g.as_ref()));
        next += 1;
    }
    all
}

/// What the model itself says, which tract can't always represent.
fn declared(graph: &Graph, inputs: &BTreeMap<ValueId, Vec<u64>>, id: ValueId, fact: &mut Fact) {
    let known = |shape: &[u64]| Some(shape.iter().copied().map(Some).collect());
    match &graph.value(id).origin {
        Origin::Input(declared) => {
            fact.dtype = Some(declared.dtype);
            if let Some(shape) = inputs.get(&id) {
                fact.dims = known(shape);
            }
        }
        Origin::Initializer(tensor) => {
            *fact = Fact {
                dtype: Some(tensor.dtype),
                dims: known(&tensor.dims),
                elements: tensor.elements.clone(),
            };
        }
        Origin::Node(_) | Origin::Outer(_) => {}
    }
}

fn read(fact: &InferenceFact) -> Fact {
    let dims = (!fact.shape.is_open()).then(|| {
        let size = |dim: &tract_onnx::tract_hir::infer::DimFact| {
            dim.concretize().and_then(|dim| dim.to_i64().ok()).and_then(|size| u64::try_from(size).ok())
        };
        fact.shape.dims().map(size).collect()
    });
    Fact {
        dtype: fact.datum_type.concretize().and_then(dtype),
        dims,
        elements: fact.value.concretize().and_then(|tensor| elements(&tensor)),
    }
}

fn dtype(datum: DatumType) -> Option<DType> {
    Some(match datum {
        DatumType::Bool => DType::Bool,
        DatumType::U8 => DType::Uint8,
        DatumType::U16 => DType::Uint16,
        DatumType::U32 => DType::Uint32,
        DatumType::U64 => DType::Uint64,
        DatumType::I8 => DType::Int8,
        DatumType::I16 => DType::Int16,
        DatumType::I32 => DType::Int32,
        // Shapes are computed on symbolic integers.
        DatumType::I64 | DatumType::TDim => DType::Int64,
        DatumType::F16 => DType::Float16,
        DatumType::F32 => DType::Float32,
        DatumType::F64 => DType::Float64,
        DatumType::String => DType::String,
        _ => return None,
    })
}

fn elements(tensor: &Tensor) -> Option<Elements> {
    if tensor.len() as u64 > SMALL {
        return None;
    }
    let datum = tensor.datum_type();
    if datum.is_float() {
        let tensor = tensor.cast_to::<f64>().ok()?;
        Some(Elements::Floats(tensor.try_as_plain_ram().ok()?.as_slice::<f64>().ok()?.to_vec()))
    } else if datum.is_integer() || datum == DatumType::Bool || datum == DatumType::TDim {
        let tensor = tensor.cast_to::<i64>().ok()?;
        Some(Elements::Ints(tensor.try_as_plain_ram().ok()?.as_slice::<i64>().ok()?.to_vec()))
    } else {
        None
    }
}

/// The first nodes of which something stays unknown, and why.
fn diagnostics(graph: &Graph, analysis: &Analysis) -> Vec<Diagnostic> {
    let open = |id: ValueId| analysis.facts[id].shape().is_none();
    let mut found = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        if !node.present_outputs().any(open) || node.present_inputs().chain(node.captured()).any(open) {
            continue;
        }
        let message = match analysis.excuses.get(&index) {
            Some(Ok(problem)) => format!("shape inference: {problem}"),
            Some(Err(input)) => format!(
                "the shape depends on the data: on the elements of input {input}{}, which is no constant",
                name(graph, node, *input)
            ),
            None if node.attributes.bodies().next().is_some() => {
                "which branch runs, or how often the body runs, is not known before the model runs".to_owned()
            }
            None => "the shape depends on the data, so it is not known before the model runs".to_owned(),
        };
        found.push(Diagnostic::warning(Place::node(node), message));
    }
    if found.is_empty() {
        found.extend(analysis.problem.as_ref().map(|message| diagnostic(graph, message)));
    }
    found
}

fn name(graph: &Graph, node: &Node, input: usize) -> String {
    let id = node.inputs.get(input).copied().flatten();
    id.map(|id| format!(" (\"{}\")", graph.value(id).name)).unwrap_or_default()
}

/// Position of a node in the graph, from its name in the proto.
fn position(name: &str) -> Option<usize> {
    name.strip_prefix('n')?.parse().ok()
}

/// tract's message with its node named as the model names it.
fn diagnostic(graph: &Graph, message: &str) -> Diagnostic {
    let cause = message.rsplit(": ").next().unwrap_or(message);
    match message.split('"').nth(1).and_then(position).and_then(|index| graph.nodes.get(index)) {
        Some(node) => Diagnostic::warning(Place::node(node), format!("shape inference: {cause}")),
        None => Diagnostic::warning(Place::Model, format!("shape inference: {message}")),
    }
}
