//! What a framework sees of the model.

use std::borrow::Cow;

use hashbrown::HashMap;
use hawkeye_cost::Data;
use hawkeye_grad::Pass;
use hawkeye_graph::{DType, Elements};

use crate::Visibility;

/// A tensor as a framework sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorView {
    /// Name in the model.
    pub name: String,
    /// Elements per dimension.
    pub shape: Vec<u64>,
    /// Element type; `None` if shape inference did not find it.
    pub dtype: Option<DType>,
    /// Who knows it.
    pub visibility: Visibility,
    /// Elements of a small constant.
    pub elements: Option<Elements>,
    /// Whether it is one of the model's own parameters, or an Identity of one.
    pub initializer: bool,
    /// What the framework attached to it.
    pub state: Data,
}

/// A node as a framework sees it, or its part in another pass of a training step. Its name is not
/// part of it, so that equal operators are equal.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeView {
    /// The pass that it is lowered for.
    pub pass: Pass,
    /// Operator; the loss or optimizer for their parts.
    pub op: String,
    /// Operator domain; empty for ONNX's own.
    pub domain: String,
    /// Version of that domain's operator set.
    pub opset: i64,
    /// Inputs; `None` where an optional one is left out.
    pub inputs: Vec<Option<TensorView>>,
    /// Outputs; `None` where an optional one is not wanted.
    pub outputs: Vec<Option<TensorView>>,
    /// Attributes, and operands that other opsets have as attributes.
    pub attributes: Vec<(String, Data)>,
    /// What the framework's compiler planned for it.
    pub plan: Data,
    /// Whether the compiler planned the whole training step ([`crate::Plan::Step`]).
    pub planned: bool,
    /// Which inputs carry a gradient, by position; in inference, none does.
    pub needs: Vec<bool>,
    /// In the backward pass the gradients of the outputs, by position, and for the optimizer the
    /// gradient of the parameter; `None` where there is none.
    pub gradients: Vec<Option<TensorView>>,
}

/// A model as a framework sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelView {
    /// Graph inputs.
    pub inputs: Vec<TensorView>,
    /// Graph outputs.
    pub outputs: Vec<TensorView>,
    /// Nodes in execution order.
    pub nodes: Vec<NodeView>,
    /// The training step, if it is trained.
    pub training: Data,
}

/// Elements as a flat list.
pub(crate) fn list(elements: &Elements) -> Data {
    Data::List(match elements {
        Elements::Ints(v) => v.iter().copied().map(Data::Int).collect(),
        Elements::Floats(v) => v.iter().copied().map(Data::from).collect(),
        Elements::Strings(v) => v.iter().cloned().map(Data::Text).collect(),
    })
}

/// Operands of a node from which on records are made once for each tensor.
const MANY_OPERANDS: usize = 64;

/// Makes the records of tensors, one of each: every tensor is an output once and an input any number of times.
fn once<'a>(make: impl Fn(&'a TensorView) -> Data) -> impl FnMut(&'a TensorView) -> Data {
    let mut known: HashMap<&str, (&'a TensorView, Data)> = HashMap::new();
    move |view| match known.get(view.name.as_str()) {
        Some((same, data)) if *same == view => data.clone(),
        _ => {
            let data = make(view);
            known.insert(&view.name, (view, data.clone()));
            data
        }
    }
}

impl NodeView {
    /// This as the record that sheets see.
    #[must_use]
    pub fn data(&self) -> Data {
        match self.inputs.len() > MANY_OPERANDS {
            true => self.record(&mut once(TensorView::data)),
            false => self.record(&mut TensorView::data),
        }
    }

    fn record<'a>(&'a self, tensor: &mut dyn FnMut(&'a TensorView) -> Data) -> Data {
        let mut tensors = |views: &'a [Option<TensorView>]| {
            Data::List(views.iter().map(|v| v.as_ref().map_or(Data::None, &mut *tensor)).collect())
        };
        let attributes =
            self.attributes.iter().map(|(name, value)| (Data::Text(name.clone()), value.clone()));
        let fields = [
            ("op".into(), Data::Text(self.op.clone())),
            ("domain".into(), Data::Text(self.domain.clone())),
            ("opset".into(), Data::Int(self.opset)),
            ("inputs".into(), tensors(&self.inputs)),
            ("outputs".into(), tensors(&self.outputs)),
            ("attrs".into(), Data::Dict(attributes.collect())),
            ("plan".into(), self.plan.clone()),
            ("needs".into(), Data::List(self.needs.iter().copied().map(Data::Bool).collect())),
            ("gradients".into(), tensors(&self.gradients)),
        ];
        Data::Struct(fields.into())
    }
}

impl TensorView {
    fn fields(&self) -> [(Cow<'static, str>, Data); 8] {
        // Importer and rules bound element counts by 2^48, so sizes fit.
        let int = |n: u64| Data::Int(i64::try_from(n).unwrap_or(i64::MAX));
        let size = self.shape.iter().try_fold(1u64, |n, d| n.checked_mul(*d)).unwrap_or(u64::MAX);
        [
            ("shape".into(), Data::Tuple(self.shape.iter().copied().map(int).collect())),
            ("size".into(), int(size)),
            ("rank".into(), int(self.shape.len() as u64)),
            ("dtype".into(), self.dtype.map_or(Data::None, |d| d.name().into())),
            ("visibility".into(), self.visibility.data()),
            ("value".into(), self.elements.as_ref().map_or(Data::None, list)),
            ("initializer".into(), Data::Bool(self.initializer)),
            ("state".into(), self.state.clone()),
        ]
    }

    /// This as the record that sheets see.
    #[must_use]
    pub fn data(&self) -> Data {
        Data::Struct(self.fields().into())
    }

    /// This with its name.
    fn named(&self) -> Data {
        let name = ("name".into(), Data::Text(self.name.clone()));
        Data::Struct(self.fields().into_iter().chain([name]).collect())
    }
}

impl ModelView {
    /// This as the record that sheets see, with the names of tensors.
    #[must_use]
    pub fn data(&self) -> Data {
        let mut named = once(TensorView::named);
        let fields = [
            ("inputs".into(), Data::List(self.inputs.iter().map(&mut named).collect())),
            ("outputs".into(), Data::List(self.outputs.iter().map(&mut named).collect())),
            ("nodes".into(), Data::List(self.nodes.iter().map(|node| node.record(&mut named)).collect())),
            ("training".into(), self.training.clone()),
        ];
        Data::Struct(fields.into())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn an_operand_that_is_given_many_times_is_one_record() {
        let view = TensorView {
            name: "x".to_owned(),
            shape: vec![1, 4],
            dtype: Some(DType::Float32),
            visibility: Visibility::Secret,
            elements: None,
            initializer: false,
            state: Data::None,
        };
        let node = |count: usize| NodeView {
            pass: Pass::Forward,
            op: "Concat".to_owned(),
            domain: String::new(),
            opset: 13,
            inputs: vec![Some(view.clone()); count],
            outputs: vec![Some(TensorView { name: "y".to_owned(), shape: vec![4], ..view.clone() })],
            attributes: Vec::new(),
            plan: Data::None,
            planned: false,
            needs: Vec::new(),
            gradients: Vec::new(),
        };
        let data = node(1000).data();
        let Some(Data::List(inputs)) = data.field("inputs") else { panic!("{data}") };
        let Some(Data::Struct(record)) = inputs.first() else { panic!("{data}") };
        assert_eq!((inputs.len(), Arc::strong_count(record)), (1000, 1000));
        assert_eq!(inputs.first(), Some(&view.data()), "as it is of few operands");
    }
}
