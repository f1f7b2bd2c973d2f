//! Rules written as functions: what such a function sees of its node, and what it says.

use std::cell::Cell;

use tract_onnx::pb::NodeProto;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::tract_hir::internal::*;

/// Gives the outputs of a node; `None` if they can't be known, or not yet.
pub(crate) type Outputs = fn(&RuleCall<'_>) -> Option<Vec<Output>>;

/// Why a node's outputs are not known.
#[derive(Clone, Debug)]
pub(crate) enum UnknownReason {
    /// What is wrong.
    Problem(String),
    /// The input whose elements would tell more.
    Missing(usize),
}

/// An output's element type and dimensions, of which some may depend on the data.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    pub(crate) dtype: Option<DatumType>,
    pub(crate) dims: Vec<Option<i64>>,
}

/// An output whose dimensions are all known.
pub(crate) fn known(dtype: Option<DatumType>, dims: Vec<i64>) -> Output {
    Output { dtype, dims: dims.into_iter().map(Some).collect() }
}

/// A node and what is known about its inputs.
pub(crate) struct RuleCall<'a> {
    node: &'a NodeProto,
    /// Version of ONNX's own operators that the model uses.
    pub(crate) opset: i64,
    inputs: Vec<Option<&'a InferenceFact>>,
    /// The first input whose elements the rule asked for though they are not constant.
    missing: Cell<Option<usize>>,
}

impl RuleCall<'_> {
    fn fact(&self, input: usize) -> Option<&InferenceFact> {
        self.inputs.get(input).copied().flatten()
    }

    /// Whether the input is given.
    pub(crate) fn has(&self, input: usize) -> bool {
        self.fact(input).is_some()
    }

    /// How many inputs there are, those left out included.
    pub(crate) fn arity(&self) -> usize {
        self.inputs.len()
    }

    pub(crate) fn dtype(&self, input: usize) -> Option<DatumType> {
        self.fact(input)?.datum_type.concretize()
    }

    /// Dimensions of the input, if all are known.
    pub(crate) fn dims(&self, input: usize) -> Option<Vec<i64>> {
        let dims = self.fact(input)?.shape.as_concrete_finite().ok()??;
        dims.iter().map(|d| i64::try_from(*d).ok()).collect()
    }

    /// Dimensions of the input as far as they are known, if their number is.
    pub(crate) fn partial_dims(&self, input: usize) -> Option<Vec<Option<i64>>> {
        let shape = &self.fact(input)?.shape;
        let size = |dim: &DimFact| dim.concretize().and_then(|dim| dim.to_i64().ok());
        (!shape.is_open()).then(|| shape.dims().map(size).collect())
    }

    /// An output of the input's type, with what is known of its dimensions.
    pub(crate) fn same(&self, input: usize) -> Option<Output> {
        Some(Output { dtype: self.dtype(input), dims: self.partial_dims(input)? })
    }

    /// The elements of a constant input; remembers that they were asked for.
    fn constant(&self, input: usize) -> Option<Arc<Tensor>> {
        let tensor = self.fact(input)?.value.concretize();
        if tensor.is_none() {
            self.missing.set(self.missing.get().or(Some(input)));
        }
        tensor
    }

    /// An output of the input's type and dimensions.
    pub(crate) fn alike(&self, input: usize) -> Option<Output> {
        Some(known(self.dtype(input), self.dims(input)?))
    }

    /// Elements of a constant input.
    pub(crate) fn ints(&self, input: usize) -> Option<Vec<i64>> {
        let tensor = self.constant(input)?;
        let tensor = tensor.cast_to::<i64>().ok()?;
        Some(tensor.try_as_plain_ram().ok()?.as_slice::<i64>().ok()?.to_vec())
    }

    /// Elements of a constant input.
    pub(crate) fn floats(&self, input: usize) -> Option<Vec<f32>> {
        let tensor = self.constant(input)?;
        let tensor = tensor.cast_to::<f32>().ok()?;
        Some(tensor.try_as_plain_ram().ok()?.as_slice::<f32>().ok()?.to_vec())
    }

    fn attribute(&self, name: &str) -> Option<&tract_onnx::pb::AttributeProto> {
        self.node.attribute.iter().find(|a| a.name == name)
    }

    /// Whether the attribute is given.
    pub(crate) fn states(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        self.attribute(name).map(|a| a.i)
    }

    pub(crate) fn float(&self, name: &str) -> Option<f32> {
        self.attribute(name).map(|a| a.f)
    }

    pub(crate) fn list(&self, name: &str) -> Option<Vec<i64>> {
        self.attribute(name).map(|a| a.ints.clone())
    }

    /// The texts that an attribute lists, as bytes.
    pub(crate) fn texts(&self, name: &str) -> Option<&[Vec<u8>]> {
        self.attribute(name).map(|a| a.strings.as_slice())
    }

    pub(crate) fn float_list(&self, name: &str) -> Option<Vec<f32>> {
        self.attribute(name).map(|a| a.floats.clone())
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.attribute(name).map(|a| String::from_utf8_lossy(&a.s).into_owned()).unwrap_or_default()
    }

    /// The element type that an attribute names.
    pub(crate) fn named_type(&self, name: &str) -> Option<DatumType> {
        let code = i32::try_from(self.int(name)?).ok()?;
        DatumType::try_from(DataType::try_from(code).ok()?).ok()
    }
}

/// Position of a possibly negative axis.
pub(crate) fn axis(axis: i64, rank: usize) -> Option<usize> {
    let rank_ = i64::try_from(rank).ok()?;
    let axis = if axis < 0 { axis.checked_add(rank_)? } else { axis };
    usize::try_from(axis).ok().filter(|a| *a < rank)
}

/// What the rule says of the wanted outputs of a node, of which there are `wanted`, and the input whose
/// elements it would need for more.
pub(crate) fn facts(
    rule: Outputs,
    node: &NodeProto,
    opset: i64,
    inputs: &[&InferenceFact],
    wanted: usize,
) -> (TVec<InferenceFact>, Option<usize>) {
    let mut present = inputs.iter().copied();
    let all = node.input.iter().map(|n| if n.is_empty() { None } else { present.next() }).collect();
    let call = RuleCall { node, opset, inputs: all, missing: Cell::new(None) };
    let found = rule(&call).unwrap_or_default();
    let named = node.output.iter().enumerate().filter(|(_, name)| !name.is_empty());
    let facts = named.take(wanted).map(|(index, _)| found.get(index).map(fact).unwrap_or_default()).collect();
    (facts, call.missing.get())
}

fn fact(output: &Output) -> InferenceFact {
    // A dimension below zero means that the inputs do not fit the operator.
    let impossible = output.dims.iter().flatten().any(|d| *d < 0);
    let mut fact = InferenceFact::default();
    if let Some(dtype) = output.dtype {
        fact = fact.with_datum_type(dtype);
    }
    if !impossible {
        let dims =
            output.dims.iter().map(|d| d.map_or(GenericFactoid::Any, |d| GenericFactoid::Only(d.to_dim())));
        fact.shape = ShapeFactoid::closed(dims.collect());
    }
    fact
}
