//! Running a graph in tract.

use std::path::Path;

use hawkeye_graph::{DType, DeclaredType, Diagnostic, Dim, Fact, Failure, Graph, Kind, Place, ValueId};
use hawkeye_onnx::export;
use hawkeye_shapes::{bind, catch_panics, infer};
use prost::Message;
use tract_onnx::pb::{GraphProto, ModelProto, TensorProto};
use tract_onnx::prelude::*;

/// A tensor that goes into a graph.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    pub(crate) shape: Vec<usize>,
    pub(crate) dtype: DType,
    pub(crate) numbers: Vec<f32>,
}

/// What the outputs of a graph are: their types as inference finds them.
#[must_use]
pub fn output_types(graph: &Graph, facts: &hawkeye_graph::Table<ValueId, Fact>) -> Vec<DeclaredType> {
    let declared = |id: &ValueId| DeclaredType {
        dtype: facts[*id].dtype.unwrap_or(DType::Float32),
        dims: facts[*id].shape().map(|shape| shape.into_iter().map(Dim::Fixed).collect()),
        kind: Kind::Tensor,
    };
    graph.outputs.iter().map(declared).collect()
}

/// Runs a graph; `source` is the model that holds its weights.
///
/// # Errors
/// If tract can't run it, or weights are not there.
pub(crate) fn run(graph: &Graph, feeds: &[Feed], source: Option<&Path>) -> Result<Vec<Vec<f32>>, Failure> {
    let inputs = bind(graph, &Default::default()).unwrap_or_default();
    let types = output_types(graph, &infer(graph, &inputs).facts);
    let wrong = |why: String| Failure::from(Diagnostic::error(Place::Model, why));
    let exported = export(graph, &types, source)?.bytes;
    let proto = ModelProto::decode(exported.as_slice()).map_err(|e| wrong(e.to_string()))?;
    drop(exported);
    if proto.graph.as_ref().is_some_and(is_hollow) {
        return Err(wrong(
            "the model's weights are not in its file; give the model with its weights".to_owned(),
        ));
    }
    let folder = source.and_then(Path::parent).and_then(Path::to_str);
    // The chain names the operator that could not be run, its last link why.
    let chain = |error: TractError| error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    let ran = catch_panics(|| Ok(attempt(proto, feeds, folder)));
    ran.and_then(|outputs| outputs.map_err(chain)).map_err(|why| wrong(format!("tract can't run it: {why}")))
}

/// Whether weights were taken out of a graph.
fn is_hollow(graph: &GraphProto) -> bool {
    let is_empty = |tensor: &TensorProto| {
        tensor.dims.iter().all(|dim| *dim > 0)
            && tensor.raw_data.is_empty()
            && tensor.external_data.is_empty()
            && tensor.float_data.is_empty()
            && tensor.double_data.is_empty()
            && tensor.int32_data.is_empty()
            && tensor.int64_data.is_empty()
            && tensor.uint64_data.is_empty()
            && tensor.string_data.is_empty()
    };
    !graph.sparse_initializer.is_empty() || graph.initializer.iter().any(is_empty)
}

/// What is no longer needed goes before the next copy of the weights comes.
fn attempt(proto: ModelProto, feeds: &[Feed], folder: Option<&str>) -> TractResult<Vec<Vec<f32>>> {
    let onnx = tract_onnx::onnx();
    let mut model = onnx.parse(&proto, folder)?.model;
    drop(proto);
    for (index, feed) in feeds.iter().enumerate() {
        let shape: Vec<TDim> = feed.shape.iter().map(|d| d.to_dim()).collect();
        model.set_input_fact(index, InferenceFact::dt_shape(datum(feed.dtype), shape))?;
    }
    let model = model.into_typed()?.into_decluttered()?.into_runnable()?;
    let inputs = feeds
        .iter()
        .map(|feed| {
            let tensor = tract_ndarray::ArrayD::from_shape_vec(feed.shape.clone(), feed.numbers.clone())?;
            Ok(Tensor::from(tensor).cast_to_dt(datum(feed.dtype))?.into_owned().into())
        })
        .collect::<TractResult<TVec<TValue>>>()?;
    let outputs = model.run(inputs)?;
    outputs
        .iter()
        .map(|output| {
            let output = output.cast_to::<f32>()?;
            Ok(output.try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
        })
        .collect()
}

fn datum(dtype: DType) -> DatumType {
    match dtype {
        DType::Int64 => DatumType::I64,
        DType::Int32 => DatumType::I32,
        DType::Bool => DatumType::Bool,
        DType::Float64 => DatumType::F64,
        _ => DatumType::F32,
    }
}
