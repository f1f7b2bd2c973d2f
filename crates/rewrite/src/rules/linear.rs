//! Linear layers as rules see them: an operand, a weight, perhaps a bias.

use hawkeye_graph::{Attribute, Node, ValueId};

use crate::edit::Edit;
use crate::rule::{Site, explicit_padding, float, int, is, list};

/// A layer `x * weight + bias`.
pub(super) struct Linear<'a> {
    /// The node of the product.
    pub(super) node: &'a Node,
    pub(super) x: ValueId,
    pub(super) weight: ValueId,
    pub(super) bias: Option<ValueId>,
    pub(super) output: ValueId,
    /// Shape of the weight.
    pub(super) dims: Vec<i64>,
    kind: LayerKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LayerKind {
    Conv,
    ConvTranspose,
    /// The weight is (out, in).
    GemmTransposed,
    /// The weight is (in, out).
    Gemm,
    MatMul,
}

impl<'a> Linear<'a> {
    /// The layer that makes a value.
    pub(super) fn of(site: &Site<'a>, value: ValueId) -> Option<Self> {
        let node = site.producer(value)?;
        if is(node, "Add") {
            return Self::biased(site, node, value);
        }
        let [x, weight] = [node.inputs.first().copied().flatten()?, node.inputs.get(1).copied().flatten()?];
        if !site.is_weight(weight) {
            return None;
        }
        let bias = node.inputs.get(2).copied().flatten();
        if bias.is_some_and(|bias| !site.is_weight(bias)) {
            return None;
        }
        let dims = site.shape(weight)?;
        // A node that ONNX refuses is not priced either; rules may take its weight to have as many dimensions as it must.
        let group = int(node, "group", 1);
        let kind = match node.op.as_str() {
            "Conv" if dims.len() > 2 && group > 0 => LayerKind::Conv,
            "ConvTranspose" if dims.len() > 2 && group == 1 => LayerKind::ConvTranspose,
            "Gemm" if dims.len() == 2 && int(node, "transA", 0) == 0 && plain(node) => {
                // A bias that differs between rows is none of the layer's outputs.
                let vector = |bias| site.shape(bias).is_some_and(|shape| shape.len() == 1);
                if !bias.is_none_or(vector) {
                    return None;
                }
                if int(node, "transB", 0) == 1 { LayerKind::GemmTransposed } else { LayerKind::Gemm }
            }
            "MatMul" if dims.len() == 2 => LayerKind::MatMul,
            _ => return None,
        };
        Some(Self { node, x, weight, bias, output: value, dims, kind })
    }

    /// A product of matrices, and a vector that is added to it.
    fn biased(site: &Site<'a>, add: &'a Node, value: ValueId) -> Option<Self> {
        let [a, b] = [add.inputs.first().copied().flatten()?, add.inputs.get(1).copied().flatten()?];
        let (product, bias) = if site.is_weight(b) { (a, b) } else { (b, a) };
        let linear = Self::of(site, product)?;
        let shape = site.shape(bias)?;
        let fits = site.is_weight(bias) && linear.bias.is_none() && shape == [linear.outputs()];
        (fits && linear.kind == LayerKind::MatMul && site.is_private(product)).then_some(Self {
            bias: Some(bias),
            output: value,
            ..linear
        })
    }

    /// The layer that reads a value as its operand.
    pub(super) fn reading(site: &Site<'a>, node: &'a Node, value: ValueId) -> Option<Self> {
        let output = node.outputs.first().copied().flatten()?;
        let linear = if is(node, "Add") { None } else { Self::of(site, output) }?;
        (linear.x == value && linear.weight != value).then_some(linear)
    }

    /// Outputs: channels or columns.
    pub(super) fn outputs(&self) -> i64 {
        match self.kind {
            LayerKind::Conv | LayerKind::GemmTransposed => self.dims[0],
            LayerKind::ConvTranspose | LayerKind::Gemm | LayerKind::MatMul => self.dims[1],
        }
    }

    /// Inputs: channels or rows.
    pub(super) fn inputs(&self) -> i64 {
        match self.kind {
            LayerKind::Conv => self.dims[1] * int(self.node, "group", 1),
            LayerKind::GemmTransposed => self.dims[1],
            LayerKind::ConvTranspose | LayerKind::Gemm | LayerKind::MatMul => self.dims[0],
        }
    }

    pub(super) fn is_conv(&self) -> bool {
        self.kind == LayerKind::Conv
    }

    pub(super) fn is_matrix(&self) -> bool {
        matches!(self.kind, LayerKind::Gemm | LayerKind::GemmTransposed | LayerKind::MatMul)
    }

    /// Whether zeros are added around the operand.
    pub(super) fn is_padded(&self) -> bool {
        !self.is_matrix()
            && (!explicit_padding(self.node)
                || list(self.node, "pads", 4, 0).iter().any(|pad| *pad != 0)
                || self.kind == LayerKind::ConvTranspose)
    }

    /// The axis of the outputs among those of the layer's output.
    pub(super) fn axis(&self, rank: usize) -> usize {
        if self.is_matrix() { rank - 1 } else { 1 }
    }

    /// The weight of a matrix product with its inputs along the rows.
    pub(super) fn by_rows(&self, edit: &mut Edit) -> ValueId {
        if self.kind == LayerKind::GemmTransposed {
            edit.transpose(self.weight, &[1, 0])
        } else {
            self.weight
        }
    }

    /// The weight with its outputs scaled by a vector.
    pub(super) fn scale_outputs(&self, edit: &mut Edit, scale: ValueId) -> ValueId {
        let mut shape = vec![1; self.dims.len()];
        let axis = usize::from(!matches!(self.kind, LayerKind::Conv | LayerKind::GemmTransposed));
        shape[axis] = -1;
        let scale = edit.reshape(scale, &shape);
        edit.op("Mul", &[self.weight, scale])
    }

    /// The weight with its inputs scaled by a vector; `None` for groups of several channels.
    pub(super) fn scale_inputs(&self, edit: &mut Edit, scale: ValueId) -> Option<ValueId> {
        let mut shape = vec![1; self.dims.len()];
        let grouped = self.kind == LayerKind::Conv && int(self.node, "group", 1) != 1;
        let depthwise = grouped && self.dims[1] == 1 && self.dims[0] == int(self.node, "group", 1);
        if grouped && !depthwise {
            return None;
        }
        let first =
            depthwise || matches!(self.kind, LayerKind::ConvTranspose | LayerKind::Gemm | LayerKind::MatMul);
        shape[usize::from(!first)] = -1;
        let scale = edit.reshape(scale, &shape);
        Some(edit.op("Mul", &[self.weight, scale]))
    }

    /// What a vector that is added to the operand adds to the output: a vector, or where the operand
    /// is padded with zeros, which the vector is not added to, a map of the output's shape.
    pub(super) fn shift(&self, site: &Site<'_>, edit: &mut Edit, shift: ValueId) -> Option<ValueId> {
        match self.kind {
            LayerKind::MatMul | LayerKind::Gemm => Some(self.row(edit, shift, self.weight)),
            LayerKind::GemmTransposed => {
                let weight = edit.transpose(self.weight, &[1, 0]);
                Some(self.row(edit, shift, weight))
            }
            LayerKind::Conv if !self.is_padded() && int(self.node, "group", 1) == 1 => {
                let vector = edit.reshape(shift, &[1, -1, 1, 1]);
                let product = edit.op("Mul", &[self.weight, vector]);
                let sum = edit.reduce("ReduceSum", product, &[1, 2, 3]);
                Some(edit.reshape(sum, &[-1]))
            }
            LayerKind::Conv | LayerKind::ConvTranspose => {
                let [_, channels, height, width] = site.image(self.x)?;
                let vector = edit.reshape(shift, &[1, -1, 1, 1]);
                let shape = edit.ints(&[1, channels, height, width]);
                let map = edit.op("Expand", &[vector, shape]);
                Some(edit.like(self.node, &[map, self.weight]))
            }
        }
    }

    fn row(&self, edit: &mut Edit, shift: ValueId, weight: ValueId) -> ValueId {
        let row = edit.reshape(shift, &[1, -1]);
        let product = edit.op("MatMul", &[row, weight]);
        edit.reshape(product, &[-1])
    }

    /// The layer with another operand, weight and bias.
    pub(super) fn build(
        &self,
        edit: &mut Edit,
        x: ValueId,
        weight: ValueId,
        bias: Option<ValueId>,
    ) -> ValueId {
        if self.kind == LayerKind::MatMul {
            let product = edit.like(self.node, &[x, weight]);
            return match bias {
                Some(bias) => edit.op("Add", &[product, bias]),
                None => product,
            };
        }
        let inputs: Vec<ValueId> = [Some(x), Some(weight), bias].into_iter().flatten().collect();
        edit.like(self.node, &inputs)
    }

    /// The output scaled and shifted by vectors, within weight and bias.
    pub(super) fn affine(&self, edit: &mut Edit, scale: Option<ValueId>, shift: Option<ValueId>) -> ValueId {
        let weight = scale.map_or(self.weight, |scale| self.scale_outputs(edit, scale));
        let bias = match (self.bias, scale) {
            (Some(bias), Some(scale)) => Some(edit.op("Mul", &[bias, scale])),
            (bias, _) => bias,
        };
        let bias = match (bias, shift) {
            (Some(bias), Some(shift)) => Some(edit.op("Add", &[bias, shift])),
            (bias, shift) => bias.or(shift),
        };
        self.build(edit, self.x, weight, bias)
    }
}

/// Whether a Gemm multiplies nothing by factors of its own.
fn plain(node: &Node) -> bool {
    float(node, "alpha", 1.0) == 1.0 && float(node, "beta", 1.0) == 1.0
}

/// The largest stride, pad or dilation of a window that rules look at, and the places of its kernel, for each of which they
/// may write a node.
const LARGEST: i64 = 1 << 16;
/// See [`LARGEST`].
const MOST_PLACES: i64 = 4096;

/// Attributes of a Conv.
#[derive(Clone)]
pub(super) struct ConvWindow {
    pub(super) kernel: Vec<i64>,
    pub(super) strides: Vec<i64>,
    pub(super) pads: Vec<i64>,
    pub(super) dilations: Vec<i64>,
    pub(super) group: i64,
}

impl ConvWindow {
    /// The window of a Conv or pool over images.
    pub(super) fn of(node: &Node, kernel: &[i64]) -> Option<Self> {
        if kernel.len() == 2 { Self::over(node, kernel) } else { None }
    }

    /// The window of a Conv or pool over any number of spatial dimensions.
    pub(super) fn over(node: &Node, kernel: &[i64]) -> Option<Self> {
        let dims = kernel.len();
        let window = explicit_padding(node).then(|| Self {
            kernel: kernel.to_vec(),
            strides: list(node, "strides", dims, 1),
            pads: list(node, "pads", 2 * dims, 0),
            dilations: list(node, "dilations", dims, 1),
            group: int(node, "group", 1),
        });
        window.filter(Self::is_small)
    }

    fn is_small(&self) -> bool {
        let lists = [&self.strides, &self.pads, &self.dilations];
        let places = self.kernel.iter().try_fold(1i64, |product, size| product.checked_mul(*size));
        lists.into_iter().flatten().all(|n| *n <= LARGEST)
            && places.is_some_and(|places| places <= MOST_PLACES)
    }

    /// Kernel 1, stride 1, no padding, one group: each pixel on its own.
    pub(super) fn is_pointwise(&self) -> bool {
        let ones = |list: &[i64]| list.iter().all(|i| *i == 1);
        ones(&self.kernel) && ones(&self.strides) && self.pads.iter().all(|p| *p == 0) && self.group == 1
    }

    /// Attributes of a Conv with this window.
    pub(super) fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        let ints = |list: &[i64]| Attribute::Ints(list.to_vec());
        vec![
            ("kernel_shape", ints(&self.kernel)),
            ("strides", ints(&self.strides)),
            ("pads", ints(&self.pads)),
            ("dilations", ints(&self.dilations)),
            ("group", Attribute::Int(self.group)),
        ]
    }
}
