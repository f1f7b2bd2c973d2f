//! Decoders of any number of layers, as exporters write them.

use hawkeye_onnx::wire::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, attribute_proto::AttributeType,
    tensor_proto::DataLocation, tensor_shape_proto, type_proto,
};
use prost::Message;

/// Sizes of a decoder, and where its weights are.
#[derive(Clone, Copy)]
pub struct Decoder {
    pub layers: usize,
    pub width: i64,
    pub inner: i64,
    pub vocabulary: i64,
    pub heads: i64,
    pub length: i64,
    pub weights: Weights,
}

/// Where the weights are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Weights {
    /// In a file beside the model, which need not exist.
    External,
    /// In the model.
    Inline,
}

impl Decoder {
    /// 80 layers, 6.5 billion parameters, 13 GB.
    pub const LARGE: Self = Self {
        layers: 80,
        width: 2560,
        inner: 6912,
        vocabulary: 32_000,
        heads: 20,
        length: 128,
        weights: Weights::External,
    };

    /// Narrow layers, whose weights take little room.
    pub fn narrow(layers: usize) -> Self {
        let weights = Weights::Inline;
        Self { layers, width: 16, inner: 32, vocabulary: 64, heads: 2, length: 8, weights }
    }

    /// The model's file.
    pub fn file(self) -> Vec<u8> {
        let mut writer =
            Writer { decoder: self, graph: GraphProto::default(), offset: 0, prefix: String::new() };
        writer.write();
        ModelProto {
            ir_version: Some(8),
            producer_name: Some("generator".to_owned()),
            opset_import: vec![OperatorSetIdProto { domain: None, version: Some(17) }],
            graph: Some(writer.graph),
            ..ModelProto::default()
        }
        .encode_to_vec()
    }
}

struct Writer {
    decoder: Decoder,
    graph: GraphProto,
    offset: u64,
    prefix: String,
}

impl Writer {
    fn write(&mut self) {
        let Decoder { width, vocabulary, length, layers, .. } = self.decoder;
        self.graph.name = Some("decoder".to_owned());
        self.graph.input.push(info("x", &[1, length, width]));
        let mut x = "x".to_owned();
        for layer in 0..layers {
            self.prefix = format!("/layers.{layer}");
            x = self.layer(&x);
        }
        self.prefix = String::new();
        let head = self.weight("head", &[width, vocabulary]);
        let y = self.op("MatMul", &[&x, &head]);
        self.graph.output.push(info(&y, &[1, length, vocabulary]));
    }

    fn op(&mut self, op: &str, inputs: &[&str]) -> String {
        self.op_with(op, inputs, Vec::new())
    }

    fn op_with(&mut self, op: &str, inputs: &[&str], attribute: Vec<AttributeProto>) -> String {
        let output = format!("{}/{op}_{}_output_0", self.prefix, self.graph.node.len());
        self.graph.node.push(NodeProto {
            name: Some(format!("{}/{op}_{}", self.prefix, self.graph.node.len())),
            op_type: Some(op.to_owned()),
            input: inputs.iter().map(|s| (*s).to_owned()).collect(),
            output: vec![output.clone()],
            attribute,
            ..NodeProto::default()
        });
        output
    }

    fn weight(&mut self, name: &str, dims: &[i64]) -> String {
        let name = format!("{}.{name}", self.prefix.trim_start_matches('/'));
        let count: i64 = dims.iter().product();
        let mut tensor = TensorProto {
            name: Some(name.clone()),
            dims: dims.to_vec(),
            data_type: Some(1),
            ..TensorProto::default()
        };
        match self.decoder.weights {
            Weights::Inline => tensor.raw_data = Some(vec![0; 4 * count as usize].into()),
            Weights::External => {
                // Half precision.
                tensor.data_type = Some(10);
                let length = 2 * count as u64;
                let entry = |key: &str, value: String| StringStringEntryProto {
                    key: Some(key.to_owned()),
                    value: Some(value),
                };
                tensor.data_location = Some(DataLocation::External.into());
                tensor.external_data = vec![
                    entry("location", "model.onnx_data".to_owned()),
                    entry("offset", self.offset.to_string()),
                    entry("length", length.to_string()),
                ];
                self.offset += length;
            }
        }
        self.graph.initializer.push(tensor);
        name
    }

    fn ints(&mut self, ints: &[i64]) -> String {
        let tensor = TensorProto {
            dims: vec![ints.len() as i64],
            data_type: Some(7),
            raw_data: Some(ints.iter().flat_map(|i| i.to_le_bytes()).collect::<Vec<u8>>().into()),
            ..TensorProto::default()
        };
        self.constant(tensor)
    }

    fn number(&mut self, number: f32) -> String {
        let raw_data = Some(number.to_le_bytes().to_vec().into());
        self.constant(TensorProto { data_type: Some(1), raw_data, ..TensorProto::default() })
    }

    fn constant(&mut self, tensor: TensorProto) -> String {
        let value = AttributeProto { t: Some(tensor), ..attribute("value", AttributeType::Tensor) };
        self.op_with("Constant", &[], vec![value])
    }

    fn normalized(&mut self, name: &str, x: &str) -> String {
        let scale = self.weight(name, &[self.decoder.width]);
        let square = self.op("Mul", &[x, x]);
        let axes = AttributeProto { ints: vec![-1], ..attribute("axes", AttributeType::Ints) };
        let mean = self.op_with("ReduceMean", &[&square], vec![axes]);
        let epsilon = self.number(1e-5);
        let mean = self.op("Add", &[&mean, &epsilon]);
        let root = self.op("Sqrt", &[&mean]);
        let unit = self.op("Div", &[x, &root]);
        self.op("Mul", &[&unit, &scale])
    }

    fn heads(&mut self, name: &str, x: &str, perm: &[i64]) -> String {
        let Decoder { width, heads, length, .. } = self.decoder;
        let weight = self.weight(name, &[width, width]);
        let y = self.op("MatMul", &[x, &weight]);
        let shape = self.ints(&[1, length, heads, width / heads]);
        let y = self.op("Reshape", &[&y, &shape]);
        let perm = AttributeProto { ints: perm.to_vec(), ..attribute("perm", AttributeType::Ints) };
        self.op_with("Transpose", &[&y], vec![perm])
    }

    fn layer(&mut self, x: &str) -> String {
        let Decoder { width, inner, heads, length, .. } = self.decoder;
        let normal = self.normalized("input_norm", x);
        let q = self.heads("q", &normal, &[0, 2, 1, 3]);
        let k = self.heads("k", &normal, &[0, 2, 3, 1]);
        let v = self.heads("v", &normal, &[0, 2, 1, 3]);
        let scores = self.op("MatMul", &[&q, &k]);
        let root = self.number(((width / heads) as f32).sqrt());
        let scores = self.op("Div", &[&scores, &root]);
        let axis = AttributeProto { i: Some(-1), ..attribute("axis", AttributeType::Int) };
        let weights = self.op_with("Softmax", &[&scores], vec![axis]);
        let y = self.op("MatMul", &[&weights, &v]);
        let perm = AttributeProto { ints: vec![0, 2, 1, 3], ..attribute("perm", AttributeType::Ints) };
        let y = self.op_with("Transpose", &[&y], vec![perm]);
        let shape = self.ints(&[1, length, width]);
        let y = self.op("Reshape", &[&y, &shape]);
        let o = self.weight("o", &[width, width]);
        let y = self.op("MatMul", &[&y, &o]);
        let x = self.op("Add", &[x, &y]);
        let normal = self.normalized("output_norm", &x);
        let [gate, up] = ["gate", "up"].map(|name| {
            let weight = self.weight(name, &[width, inner]);
            self.op("MatMul", &[&normal, &weight])
        });
        let open = self.op("Sigmoid", &[&gate]);
        let gate = self.op("Mul", &[&gate, &open]);
        let both = self.op("Mul", &[&gate, &up]);
        let down = self.weight("down", &[inner, width]);
        let y = self.op("MatMul", &[&both, &down]);
        self.op("Add", &[&x, &y])
    }
}

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: Some(name.to_owned()), r#type: Some(kind.into()), ..AttributeProto::default() }
}

fn info(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dim = |size: &i64| tensor_shape_proto::Dimension {
        value: Some(tensor_shape_proto::dimension::Value::DimValue(*size)),
    };
    let shape = TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let tensor = type_proto::Tensor { elem_type: Some(1), shape: Some(shape) };
    let r#type = Some(TypeProto { tensor_type: Some(tensor), ..TypeProto::default() });
    ValueInfoProto { name: Some(name.to_owned()), r#type }
}
