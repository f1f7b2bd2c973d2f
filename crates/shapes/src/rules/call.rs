//! Rules written as functions: what such a function sees of its node, and what it says.

use tract_onnx::model::{OnnxOpRegister, ParsingContext};
use tract_onnx::pb::NodeProto;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::tract_hir::internal::*;

/// Gives the outputs of a node; `None` if they can't be known, or not yet.
pub(crate) type Outputs = fn(&Call<'_>) -> Option<Vec<Output>>;

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
pub(crate) struct Call<'a> {
    node: &'a NodeProto,
    /// Version of ONNX's own operators that the model uses.
    pub(crate) opset: i64,
    inputs: Vec<Option<&'a InferenceFact>>,
}

impl Call<'_> {
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

    /// An output of the input's type and dimensions.
    pub(crate) fn alike(&self, input: usize) -> Option<Output> {
        Some(known(self.dtype(input), self.dims(input)?))
    }

    /// Elements of a constant input.
    pub(crate) fn ints(&self, input: usize) -> Option<Vec<i64>> {
        let tensor = self.fact(input)?.value.concretize()?;
        let tensor = tensor.cast_to::<i64>().ok()?;
        Some(tensor.try_as_plain_ram().ok()?.as_slice::<i64>().ok()?.to_vec())
    }

    /// Elements of a constant input.
    pub(crate) fn floats(&self, input: usize) -> Option<Vec<f32>> {
        let tensor = self.fact(input)?.value.concretize()?;
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

    pub(crate) fn list(&self, name: &str) -> Option<Vec<i64>> {
        self.attribute(name).map(|a| a.ints.clone())
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

/// Makes tract use the rule for the operator.
pub(crate) fn register(operators: &mut OnnxOpRegister, op: &'static str) {
    operators.insert(op, build);
}

fn build(context: &ParsingContext<'_>, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let Some((_, rule)) = super::TABLE.iter().find(|(op, _)| *op == node.op_type) else {
        bail!("no rule for {}", node.op_type)
    };
    let function = Function { node: node.clone(), opset: context.onnx_operator_set_version, rule: *rule };
    Ok((Box::new(function), Vec::new()))
}

#[derive(Clone, Debug)]
struct Function {
    node: NodeProto,
    opset: i64,
    rule: Outputs,
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

impl Eq for Function {}

impl Op for Function {
    fn name(&self) -> StaticName {
        "Rule".into()
    }

    not_a_typed_op!();
}

impl EvalOp for Function {
    fn eval_out_of_plan(&self, _inputs: TVec<TValue>) -> TractResult<Option<TVec<TValue>>> {
        Ok(None)
    }
}

impl InferenceOp for Function {
    fn infer_facts(
        &mut self,
        inputs: TVec<&InferenceFact>,
        outputs: TVec<&InferenceFact>,
        observed: TVec<&InferenceFact>,
    ) -> TractResult<(TVec<InferenceFact>, TVec<InferenceFact>, TVec<InferenceFact>)> {
        let mut present = inputs.iter().copied();
        let all = self.node.input.iter().map(|n| if n.is_empty() { None } else { present.next() }).collect();
        let found = (self.rule)(&Call { node: &self.node, opset: self.opset, inputs: all });
        let mut facts: TVec<InferenceFact> = tvec!();
        let found = found.unwrap_or_default();
        let wanted = self.node.output.iter().enumerate().filter(|(_, name)| !name.is_empty());
        for (index, _) in wanted.take(outputs.len()) {
            facts.push(found.get(index).map(fact).unwrap_or_default());
        }
        let own = |facts: TVec<&InferenceFact>| facts.into_iter().cloned().collect();
        Ok((own(inputs), facts, own(observed)))
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(self.node.output.iter().filter(|name| !name.is_empty()).count())
    }

    as_op!();
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
