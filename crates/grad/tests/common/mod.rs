//! Small networks, whose gradients tract computes and central differences confirm.

#![allow(dead_code, reason = "every test uses its part of this")]

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use hawkeye_grad::{Loss, Optimizer, StepGraph, StepSpec, activity, synthesise};
use hawkeye_graph::{
    Attribute, Attributes, DType, DeclaredType, Dim, Elements, Failure, Graph, Kind, Node, NodeId, Origin,
    Provenance, Shapes, Tensor, Value, ValueId,
};
use hawkeye_shapes::infer;
use tract_onnx::prelude::{Framework, InferenceModelExt, IntoRunnable, IntoTValue, TValue};

/// A network under construction. Its float inputs are trained, so that their gradients are computed.
pub(crate) struct Net {
    pub(crate) graph: Graph,
    pub(crate) data: Vec<Vec<f32>>,
    random: u64,
}

impl Net {
    pub(crate) fn new(opset: i64) -> Self {
        let graph = Graph { opsets: [(String::new(), opset)].into(), ..Graph::default() };
        Self { graph, data: Vec::new(), random: 1 }
    }

    fn value(&mut self, name: String, origin: Origin) -> ValueId {
        self.graph.values.push(Value { name, origin });
        ValueId::new(self.graph.values.len() - 1)
    }

    /// Numbers from an interval, evenly spaced and shuffled, so that none is near another.
    pub(crate) fn numbers(&mut self, count: usize, low: f32, high: f32) -> Vec<f32> {
        self.random += 1;
        let offset = (self.random as f32 * 0.618_034).fract();
        let mut order: Vec<usize> = (0..count).collect();
        let mut state = self.random;
        for i in (1..count).rev() {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            order.swap(i, (state >> 33) as usize % (i + 1));
        }
        let at = |i: usize| low + (high - low) * (i as f32 + offset) / count as f32;
        order.into_iter().map(at).collect()
    }

    /// A trained input with elements from −1 to 1.
    pub(crate) fn input(&mut self, shape: &[u64]) -> ValueId {
        self.within(shape, -1.0, 1.0)
    }

    /// A trained input with elements from an interval.
    pub(crate) fn within(&mut self, shape: &[u64], low: f32, high: f32) -> ValueId {
        let numbers = self.numbers(shape.iter().product::<u64>() as usize, low, high);
        self.given(shape, numbers)
    }

    pub(crate) fn given(&mut self, shape: &[u64], numbers: Vec<f32>) -> ValueId {
        let dims = Some(shape.iter().copied().map(Dim::Fixed).collect());
        let name = format!("input{}", self.graph.inputs.len());
        let id =
            self.value(name, Origin::Input(DeclaredType { dtype: DType::Float32, dims, kind: Kind::Tensor }));
        self.graph.inputs.push(id);
        self.data.push(numbers);
        id
    }

    pub(crate) fn constant(&mut self, dtype: DType, dims: &[u64], elements: Elements) -> ValueId {
        let tensor = Tensor { dtype, dims: dims.to_vec(), elements: Some(elements) };
        self.value(format!("constant{}", self.graph.values.len()), Origin::Initializer(tensor))
    }

    pub(crate) fn ints(&mut self, ints: &[i64]) -> ValueId {
        self.constant(DType::Int64, &[ints.len() as u64], Elements::Ints(ints.to_vec()))
    }

    pub(crate) fn int(&mut self, int: i64) -> ValueId {
        self.constant(DType::Int64, &[], Elements::Ints(vec![int]))
    }

    pub(crate) fn float(&mut self, float: f64) -> ValueId {
        self.constant(DType::Float32, &[], Elements::Floats(vec![float]))
    }

    /// A node with the given number of outputs.
    pub(crate) fn node(
        &mut self,
        op: &str,
        inputs: &[Option<ValueId>],
        attributes: &[(&str, Attribute)],
        outputs: usize,
    ) -> Vec<ValueId> {
        let id = NodeId::new(self.graph.nodes.len());
        let names: Vec<String> = (0..outputs).map(|i| format!("{op}{}_{i}", id.index())).collect();
        let outputs: Vec<ValueId> =
            names.into_iter().map(|name| self.value(name, Origin::Node(id))).collect();
        let mut set = Attributes::default();
        for (name, value) in attributes {
            set.set(name, value.clone());
        }
        self.graph.nodes.push(Node {
            name: format!("{op}{}", id.index()),
            op: op.to_owned(),
            domain: String::new(),
            opset: self.graph.opset(),
            inputs: inputs.to_vec(),
            outputs: outputs.iter().copied().map(Some).collect(),
            attributes: set,
            scope: Arc::default(),
            provenance: Provenance::of_file(id.index()),
        });
        outputs
    }

    /// A node with one output.
    pub(crate) fn op(&mut self, op: &str, inputs: &[ValueId], attributes: &[(&str, Attribute)]) -> ValueId {
        let inputs: Vec<_> = inputs.iter().copied().map(Some).collect();
        self.node(op, &inputs, attributes, 1)[0]
    }

    pub(crate) fn shapes(&self) -> Shapes {
        infer(&self.graph, &input_shapes(&self.graph))
    }

    /// The step that minimizes a loss of `output` by the float inputs.
    pub(crate) fn step(&self, output: ValueId, loss: Loss, optimizer: &str, step: u64) -> StepGraph {
        let made = self.synthesise(output, loss, optimizer, step).unwrap();
        complete(&made.graph);
        made
    }

    /// Why there is no step.
    pub(crate) fn refused(&self, output: ValueId) -> Failure {
        self.synthesise(output, Loss::Mse, "sgd", 1).unwrap_err()
    }

    fn synthesise(
        &self,
        output: ValueId,
        loss: Loss,
        optimizer: &str,
        step: u64,
    ) -> Result<StepGraph, Failure> {
        let shapes = self.shapes();
        let trained = self.graph.inputs.clone();
        let activity = activity(&self.graph, &shapes, output, &trained, &|_| false);
        let optimizer: Optimizer = optimizer.parse().unwrap();
        let spec = StepSpec { loss, optimizer, step, output, trained };
        synthesise(&self.graph, &shapes, &activity, &spec)
    }

    /// Compares the gradients of Σ target·output with central differences, for a random target.
    pub(crate) fn check(&mut self, output: ValueId) {
        self.check_within(output, 1e-2);
    }

    pub(crate) fn check_within(&mut self, output: ValueId, tolerance: f32) {
        let step = self.step(output, Loss::Nll, "sgd", 1);
        self.confirm(&step, tolerance);
    }

    /// The same for a network of one node, whose operator tract lacks: `definition` runs in its place
    /// and gives its outputs.
    pub(crate) fn check_as(&mut self, output: ValueId, definition: impl Fn(&mut Self) -> Vec<ValueId>) {
        assert_eq!(self.graph.nodes.len(), 1);
        let mut step = self.step(output, Loss::Nll, "sgd", 1);
        let mut stand_in =
            Self { graph: Graph { nodes: Vec::new(), ..step.graph.clone() }, data: Vec::new(), random: 0 };
        let made = definition(&mut stand_in);
        for (made, output) in made.into_iter().zip(&step.graph.nodes[0].outputs) {
            stand_in.op("Identity", &[made], &[]);
            stand_in.graph.nodes.last_mut().unwrap().outputs = vec![*output];
        }
        stand_in.graph.nodes.extend_from_slice(&step.graph.nodes[1..]);
        step.graph = stand_in.graph;
        self.confirm(&step, 1e-2);
    }

    fn confirm(&mut self, step: &StepGraph, tolerance: f32) {
        let shape = shape(&step.graph, step.target);
        let target = self.numbers(shape.iter().product::<u64>() as usize, -1.0, 1.0);
        self.data.push(target);
        let trained = self.graph.inputs.clone();
        let gradients: Vec<ValueId> =
            trained.iter().map(|id| step.gradients[*id].expect("it has a gradient")).collect();
        let found = Runner::new(&step.graph, &gradients).run(&self.data);
        let forward = Runner::new(&step.graph, &[step.loss]);
        for (position, found) in found.iter().enumerate() {
            let expected = differences(&forward, &self.data, position);
            compare(found, &expected, tolerance, &format!("gradient of input {position}"));
        }
        self.data.pop();
    }
}

/// Central differences of the first output by one input.
pub(crate) fn differences(runner: &Runner, data: &[Vec<f32>], input: usize) -> Vec<f32> {
    const H: f32 = 1.0 / 256.0;
    let mut data = data.to_vec();
    let mut differences = Vec::new();
    for index in 0..data[input].len() {
        let kept = data[input][index];
        let mut at = |value: f32| {
            data[input][index] = value;
            f64::from(runner.run(&data)[0][0])
        };
        let difference = at(kept + H) - at(kept - H);
        data[input][index] = kept;
        differences.push((difference / (2.0 * f64::from(H))) as f32);
    }
    differences
}

pub(crate) fn compare(found: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0f32, |m, x| m.max(x.abs()));
    assert!(largest > 1e-3, "{what} is zero, which tests nothing: {expected:?}");
    for (index, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!(
            (f - e).abs() <= tolerance * largest + 1e-4,
            "{what}, element {index}: {f} should be {e}\nfound    {found:?}\nexpected {expected:?}"
        );
    }
}

/// The declared shape of an input.
pub(crate) fn shape(graph: &Graph, id: ValueId) -> Vec<u64> {
    input_shapes(graph)[&id].clone()
}

pub(crate) fn input_shapes(graph: &Graph) -> BTreeMap<ValueId, Vec<u64>> {
    let size = |dim: &Dim| match dim {
        Dim::Fixed(size) => *size,
        Dim::Symbol(symbol) => panic!("{symbol} is not bound"),
    };
    let shape = |id: &ValueId| match &graph.value(*id).origin {
        Origin::Input(declared) => (*id, declared.dims.as_ref().unwrap().iter().map(size).collect()),
        other => panic!("{other:?} is no input"),
    };
    graph.inputs.iter().map(shape).collect()
}

/// Asserts that shape inference finds out every shape and type.
pub(crate) fn complete(graph: &Graph) {
    let shapes = infer(graph, &input_shapes(graph));
    for node in &graph.nodes {
        for output in node.present_outputs() {
            let fact = &shapes.facts[output];
            assert!(
                fact.shape().is_some() && fact.dtype.is_some(),
                "{} {}: {fact:?} {:?}",
                node.op,
                graph.value(output).name,
                shapes.diagnostics
            );
        }
    }
}

/// A graph that tract runs.
pub(crate) struct Runner {
    model: std::sync::Arc<tract_onnx::prelude::TypedRunnableModel>,
    shapes: Vec<Vec<usize>>,
}

impl Runner {
    pub(crate) fn new(graph: &Graph, outputs: &[ValueId]) -> Self {
        let shapes = input_shapes(graph);
        let facts = infer(graph, &shapes).facts;
        let graph = Graph { outputs: outputs.to_vec(), ..graph.clone() };
        let declared = |id: &ValueId| {
            let dims = facts[*id].shape().map(|shape| shape.into_iter().map(Dim::Fixed).collect());
            DeclaredType { dtype: facts[*id].dtype.unwrap(), dims, kind: Kind::Tensor }
        };
        let types: Vec<DeclaredType> = outputs.iter().map(declared).collect();
        let bytes = hawkeye_onnx::export(&graph, &types, None).unwrap().bytes;
        let model = tract_onnx::onnx().model_for_read(&mut Cursor::new(bytes)).unwrap();
        let model = model.into_typed().unwrap().into_runnable().unwrap();
        let shapes = graph.inputs.iter().map(|id| shapes[id].iter().map(|d| *d as usize).collect()).collect();
        Self { model, shapes }
    }

    pub(crate) fn run(&self, data: &[Vec<f32>]) -> Vec<Vec<f32>> {
        let tensor = |(shape, data): (&Vec<usize>, &Vec<f32>)| -> TValue {
            tract_onnx::prelude::Tensor::from_shape(shape, data).unwrap().into_tvalue()
        };
        let inputs = self.shapes.iter().zip(data).map(tensor).collect();
        let outputs = self.model.run(inputs).unwrap();
        outputs
            .iter()
            .map(|t| {
                t.cast_to::<f32>().unwrap().try_as_plain_ram().unwrap().as_slice::<f32>().unwrap().to_vec()
            })
            .collect()
    }
}
