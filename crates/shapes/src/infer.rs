//! Running tract's analysis and reading its facts back.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use hawkeye_graph::{DType, Diagnostic, Elements, Graph, Origin, Place, SMALL, Table, ValueId};
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::Factoid;

use crate::proto::{model, value_name};
use crate::{Fact, Shapes, rules, types};

/// Finds the type, shape and small constants of every value; `inputs` gives the shapes of the
/// graph's inputs.
///
/// Never fails: what can't be found out stays unknown, and a diagnostic says why.
#[must_use]
pub fn infer(graph: &Graph, inputs: &BTreeMap<ValueId, Vec<u64>>) -> Shapes {
    let mut found = BTreeMap::new();
    let (mut facts, mut problem) = analyse(graph, inputs, &found);
    while found.len() < MOST_REPAIRS {
        let more = rules::lenient(graph, &facts);
        if more.is_empty() {
            break;
        }
        found.extend(more);
        (facts, problem) = analyse(graph, inputs, &found);
    }
    types::restore(graph, &mut facts);
    let diagnostics = problem.into_iter().map(|message| diagnostic(graph, &message)).collect();
    Shapes { facts, diagnostics }
}

/// Values on mixed types whose shapes are found by rules of our own; each may take a new analysis.
const MOST_REPAIRS: usize = 64;

/// What is known about every value, and the first problem that tract met; `found` is known already.
fn analyse(
    graph: &Graph,
    inputs: &BTreeMap<ValueId, Vec<u64>>,
    found: &BTreeMap<ValueId, Fact>,
) -> (Table<ValueId, Fact>, Option<String>) {
    let (mut facts, problem) = consult(graph, inputs, found);
    for id in graph.value_ids() {
        declared(graph, inputs, id, &mut facts[id]);
    }
    (facts, problem)
}

/// tract's view of every value.
fn consult(
    graph: &Graph,
    inputs: &BTreeMap<ValueId, Vec<u64>>,
    found: &BTreeMap<ValueId, Fact>,
) -> (Table<ValueId, Fact>, Option<String>) {
    let unknown = || Table::new(vec![Fact::default(); graph.values.len()]);
    let proto = model(graph, inputs, found);
    let mut onnx = tract_onnx::onnx();
    rules::register(&mut onnx.op_register);
    // tract has operators that panic on inputs that make no sense; that must not end this process.
    let analysis = catch_unwind(AssertUnwindSafe(|| {
        let mut parsed = onnx.parse(&proto, None)?;
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
            let facts = graph.value_ids().map(fact).collect();
            (Table::new(facts), problem.map(|e| format!("{e:#}")))
        }
        Ok(Err(error)) => (unknown(), Some(format!("{error:#}"))),
        Err(_) => (unknown(), Some("an operator's inputs make no sense".to_owned())),
    }
}

/// What the model itself says, which tract can't always represent.
fn declared(graph: &Graph, inputs: &BTreeMap<ValueId, Vec<u64>>, id: ValueId, fact: &mut Fact) {
    let known = |shape: &[u64]| Some(shape.iter().copied().map(Some).collect());
    match &graph.value(id).origin {
        Origin::Input(declared) => {
            fact.dtype = Some(declared.dtype);
            fact.dims = inputs.get(&id).and_then(|shape| known(shape));
        }
        Origin::Initializer(tensor) => {
            *fact = Fact {
                dtype: Some(tensor.dtype),
                dims: known(&tensor.dims),
                elements: tensor.elements.clone(),
            };
        }
        Origin::Node(_) => {}
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

/// tract's message with its node named as the model names it.
fn diagnostic(graph: &Graph, message: &str) -> Diagnostic {
    let node = message.split('"').nth(1).and_then(|name| name.strip_prefix('n')?.parse::<usize>().ok());
    let cause = message.rsplit(": ").next().unwrap_or(message);
    match node.and_then(|index| graph.nodes.get(index)) {
        Some(node) => Diagnostic::warning(Place::node(node), format!("shape inference: {cause}")),
        None => Diagnostic::warning(Place::Model, format!("shape inference: {message}")),
    }
}
