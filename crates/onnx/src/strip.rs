//! A model without its parameters: the architecture may be shared where the weights may not.

use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;
use hawkeye_graph::{DType, Diagnostic, Failure, Place, SMALL, element_count};
use prost::Message;

use crate::attribute::SPARSE_VALUE;
use crate::foreign::{decode, not_onnx};
use crate::function::DEEPEST;
use crate::map::read;
use crate::states::{is_state, is_zero};
use crate::tensor::{dense, external};
use crate::wire::attribute_proto::AttributeType;
use crate::wire::tensor_proto::DataLocation;
use crate::wire::{AttributeProto, GraphProto, NodeProto, SparseTensorProto, TensorProto};

/// The first version of ONNX's files with sparse tensors.
const SPARSE_IR: i64 = 6;
/// The first opset whose `Constant` may be sparse.
const SPARSE_CONSTANT: i64 = 11;

/// Operators whose operands beyond the first are parameters, however few elements they have.
const LAYERS: &[&str] = &[
    "BatchNormalization",
    "Conv",
    "ConvInteger",
    "ConvTranspose",
    "GRU",
    "Gemm",
    "GroupNormalization",
    "InstanceNormalization",
    "LSTM",
    "LayerNormalization",
    "MatMul",
    "PRelu",
    "QLinearConv",
    "RMSNormalization",
    "RNN",
];

/// Operators whose shapes depend on operands of real numbers.
const SIZED_BY_NUMBERS: &[&str] = &["Resize", "Upsample"];

/// The model in a file without its parameters, as a file of its own.
///
/// Constants keep their types and shapes. Parameters become sparse tensors without a non-zero element,
/// which are valid ONNX and take no space; single numbers and small integers stay, as costs and shapes
/// depend on them, unless they are operands of a layer, and so do the zeros with which recurrent layers start. Documentation and source positions are left
/// out.
///
/// # Errors
/// If the file can't be read, is no model, or keeps parameters in attributes.
pub fn strip(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = read(path)?;
    let mut model = decode(&bytes)?;
    let opset =
        model.opset_import.iter().filter(|i| matches!(i.domain(), "" | "ai.onnx")).map(|i| i.version());
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut stripper = Stripper { folder, opset: opset.max().unwrap_or(0), errors: Vec::new() };
    let Some(graph) = &mut model.graph else { return Err(not_onnx(&bytes, "it holds no graph").into()) };
    stripper.graph(graph, 0);
    for function in &mut model.functions {
        stripper.nodes(&mut function.node, 0);
    }
    if !stripper.errors.is_empty() {
        return Err(Failure(stripper.errors));
    }
    model.ir_version = Some(model.ir_version().max(SPARSE_IR));
    Ok(model.encode_to_vec())
}

struct Stripper<'a> {
    folder: &'a Path,
    opset: i64,
    errors: Vec<Diagnostic>,
}

/// Operators that use a value, and at which input.
type ValueUses = HashMap<String, Vec<(String, usize)>>;

fn uses(nodes: &[NodeProto]) -> ValueUses {
    let mut uses = ValueUses::new();
    for node in nodes {
        for (position, input) in node.input.iter().enumerate() {
            uses.entry(input.clone()).or_default().push((node.op_type().to_owned(), position));
        }
    }
    uses
}

impl Stripper<'_> {
    fn error(&mut self, place: Place, message: impl Into<String>) {
        self.errors.push(Diagnostic::error(place, message));
    }

    fn graph(&mut self, graph: &mut GraphProto, depth: usize) {
        let uses = uses(&graph.node);
        for mut tensor in std::mem::take(&mut graph.initializer) {
            if self.secret(&tensor, tensor.name(), &uses) {
                let name = tensor.name().to_owned();
                // What is an initializer too is no input.
                graph.input.retain(|input| input.name() != name);
                graph.sparse_initializer.push(hollow(&tensor));
            } else {
                self.inline(&mut tensor);
                graph.initializer.push(tensor);
            }
        }
        graph.sparse_initializer.iter_mut().for_each(empty);
        self.nodes(&mut graph.node, depth);
    }

    fn nodes(&mut self, nodes: &mut [NodeProto], depth: usize) {
        let uses = uses(nodes);
        for (index, node) in nodes.iter_mut().enumerate() {
            node.metadata_props.retain(|entry| entry.key() == "namespace");
            let place = || Place::Node {
                index: Some(index),
                name: node.name().into(),
                op: node.op_type.clone().unwrap_or_default(),
                opset: self.opset,
            };
            // Trees, support vectors and scalers are nothing but their parameters.
            if node.domain() == "ai.onnx.ml" && node.attribute.iter().any(|a| a.floats.len() > 1) {
                let place = place();
                self.error(place, "keeps its parameters in attributes, so it can't be stripped");
                continue;
            }
            let place = place();
            let output = node.output.first().cloned().unwrap_or_default();
            for attribute in &mut node.attribute {
                if let Some(body) = &mut attribute.g {
                    match GraphProto::decode(body.clone()) {
                        Ok(mut graph) if depth < DEEPEST => {
                            self.graph(&mut graph, depth + 1);
                            *body = Bytes::from(graph.encode_to_vec());
                        }
                        Ok(_) => self.error(place.clone(), format!("bodies nest deeper than {DEEPEST}")),
                        Err(e) => self.error(place.clone(), format!("the body is broken: {e}")),
                    }
                }
                self.constant(attribute, &output, &uses);
            }
        }
    }

    fn constant(&mut self, attribute: &mut AttributeProto, output: &str, uses: &ValueUses) {
        attribute.sparse_tensor.iter_mut().for_each(empty);
        if let Some(list) = listed(attribute) {
            if self.secret(&list, output, uses) {
                *attribute = sparse_value(&list);
            }
            return;
        }
        let Some(tensor) = &mut attribute.t else { return };
        if !self.secret(tensor, output, uses) {
            self.inline(tensor);
        } else if self.opset >= SPARSE_CONSTANT && attribute.name.as_deref() == Some("value") {
            *attribute = sparse_value(tensor);
        } else {
            let zeros = vec![0; tensor.raw_data.as_ref().map_or(0, Bytes::len)];
            tensor.raw_data = tensor.raw_data.as_ref().map(|_| Bytes::from(zeros));
            tensor.float_data.iter_mut().for_each(|f| *f = 0.0);
            tensor.double_data.iter_mut().for_each(|f| *f = 0.0);
            tensor.int32_data.iter_mut().for_each(|i| *i = 0);
            tensor.int64_data.iter_mut().for_each(|i| *i = 0);
            tensor.uint64_data.iter_mut().for_each(|i| *i = 0);
        }
    }

    /// Whether a constant is a parameter, rather than part of the architecture.
    fn secret(&self, tensor: &TensorProto, name: &str, uses: &ValueUses) -> bool {
        let dims: Option<Vec<u64>> = tensor.dims.iter().map(|d| u64::try_from(*d).ok()).collect();
        let Some(count) = dims.and_then(|dims| element_count(&dims).ok()) else { return true };
        let dtype = DType::from_onnx(tensor.data_type());
        if dtype == Some(DType::String) || tensor.dims.is_empty() || count == 0 {
            return false;
        }
        let uses = uses.get(name).map(Vec::as_slice).unwrap_or_default();
        let used_by = |ops: &[&str]| uses.iter().any(|(op, _)| ops.contains(&op.as_str()));
        let operand = |(op, position): &(String, usize)| *position > 0 && LAYERS.contains(&op.as_str());
        let of_layers = !uses.is_empty() && uses.iter().all(operand);
        let state = |(op, position): &(String, usize)| is_state(op, *position);
        if !uses.is_empty() && uses.iter().all(state) && is_zero(tensor) {
            return false;
        }
        let structural = matches!(dtype, Some(DType::Int64 | DType::Int32 | DType::Bool));
        match count {
            1 => of_layers,
            _ if structural => count > SMALL || of_layers,
            _ => !used_by(SIZED_BY_NUMBERS),
        }
    }

    /// Takes what stays into the file.
    fn inline(&mut self, tensor: &mut TensorProto) {
        if tensor.data_location() != DataLocation::External {
            return;
        }
        match external(tensor, Some(self.folder)) {
            Ok(Some(raw)) => {
                tensor.raw_data = Some(Bytes::from(raw));
                tensor.data_location = None;
                tensor.external_data.clear();
            }
            Ok(None) => {}
            Err(message) => self.error(Place::Value(tensor.name().to_owned()), message),
        }
    }
}

/// The numbers of a `Constant` that has them as a list, which opsets know that have sparse constants, too.
fn listed(attribute: &AttributeProto) -> Option<TensorProto> {
    let (data_type, count) = match attribute.name.as_deref()? {
        "value_floats" => (DType::Float32, attribute.floats.len()),
        "value_ints" => (DType::Int64, attribute.ints.len()),
        _ => return None,
    };
    Some(TensorProto {
        dims: vec![i64::try_from(count).ok()?],
        data_type: Some(data_type.to_onnx()),
        float_data: attribute.floats.clone(),
        int64_data: attribute.ints.clone(),
        ..TensorProto::default()
    })
}

/// A constant's value without an element.
fn sparse_value(tensor: &TensorProto) -> AttributeProto {
    AttributeProto {
        name: Some(SPARSE_VALUE.to_owned()),
        r#type: Some(AttributeType::SparseTensor.into()),
        sparse_tensor: Some(hollow(tensor)),
        ..AttributeProto::default()
    }
}

/// Takes the elements out of a sparse tensor.
fn empty(sparse: &mut SparseTensorProto) {
    let name = sparse.values.as_ref().and_then(|values| values.name.clone());
    *sparse = hollow(&TensorProto { name, ..dense(sparse) });
}

/// The tensor without an element.
fn hollow(tensor: &TensorProto) -> SparseTensorProto {
    let none = |data_type, name| TensorProto { dims: vec![0], data_type, name, ..TensorProto::default() };
    SparseTensorProto {
        values: Some(none(tensor.data_type, tensor.name.clone())),
        indices: Some(none(Some(DType::Int64.to_onnx()), None)),
        dims: tensor.dims.clone(),
    }
}
