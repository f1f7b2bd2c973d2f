//! Every gradient against central differences.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests fail by panicking")]
#![allow(clippy::print_stdout, reason = "a test that fails says which case it was at")]

mod common;

use common::Net;
use hawkeye_grad::Loss;
use hawkeye_graph::Attribute::{self, Float, Int, Ints};
use hawkeye_graph::{DType, Elements, ValueId};

fn text(text: &str) -> Attribute {
    Attribute::String(text.to_owned())
}

/// Checks a function of one operand with elements from an interval.
fn unary(op: &str, low: f32, high: f32, attributes: &[(&str, Attribute)]) {
    println!("{op}");
    let mut net = Net::new(22);
    let x = net.within(&[2, 7], low, high);
    let y = net.op(op, &[x], attributes);
    net.check(y);
}

#[test]
fn functions() {
    for op in [
        "Identity", "Neg", "Exp", "Erf", "Sin", "Cos", "Tan", "Sinh", "Cosh", "Tanh", "Sigmoid", "Atan",
        "Asinh",
    ] {
        unary(op, -1.0, 1.0, &[]);
    }
    for op in ["Abs", "Softsign", "Softplus", "HardSwish", "Mish"] {
        unary(op, -4.0, 4.0, &[]);
    }
    for op in ["Log", "Sqrt", "Reciprocal"] {
        unary(op, 0.5, 2.0, &[]);
    }
    for op in ["Asin", "Acos", "Atanh"] {
        unary(op, -0.8, 0.8, &[]);
    }
    unary("Acosh", 1.5, 3.0, &[]);
}

#[test]
fn activations() {
    unary("Relu", -2.0, 2.0, &[]);
    unary("LeakyRelu", -2.0, 2.0, &[("alpha", Float(0.3))]);
    unary("Elu", -2.0, 2.0, &[("alpha", Float(0.7))]);
    unary("Selu", -2.0, 2.0, &[]);
    unary("Selu", -2.0, 2.0, &[("alpha", Float(1.2)), ("gamma", Float(0.8))]);
    unary("Celu", -2.0, 2.0, &[]);
    unary("ThresholdedRelu", -2.0, 2.0, &[("alpha", Float(0.25))]);
    unary("HardSigmoid", -4.0, 4.0, &[("alpha", Float(0.3)), ("beta", Float(0.4))]);
    unary("Gelu", -3.0, 3.0, &[]);
    unary("Gelu", -3.0, 3.0, &[("approximate", text("tanh"))]);
}

#[test]
fn swish() {
    let mut net = Net::new(24);
    let x = net.within(&[2, 5], -3.0, 3.0);
    let y = net.op("Swish", &[x], &[]);
    net.check(y);
}

#[test]
fn clip() {
    let mut net = Net::new(18);
    let x = net.within(&[3, 5], -2.0, 2.0);
    let (low, high) = (net.float(-0.5), net.float(1.2));
    let y = net.op("Clip", &[x, low, high], &[]);
    net.check(y);
}

#[test]
fn dropout_at_rest_and_in_training() {
    let mut net = Net::new(18);
    let x = net.input(&[3, 5]);
    let y = net.op("Dropout", &[x], &[]);
    net.check(y);
}

#[test]
fn arithmetic_broadcasts() {
    for op in ["Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Sum", "Mean"] {
        for (left, right) in
            [(&[2u64, 3, 4][..], &[3u64, 1][..]), (&[4], &[2, 3, 4]), (&[1, 3, 1], &[2, 1, 4])]
        {
            if op == "Mean" && left.len() != right.len() {
                continue; // tract wants operands of one rank
            }
            println!("{op} {left:?} {right:?}");
            let mut net = Net::new(18);
            let a = net.within(left, 0.5, 2.0);
            let b = net.within(right, 0.6, 1.9);
            let y = net.op(op, &[a, b], &[]);
            net.check(y);
        }
    }
}

#[test]
fn sums_of_many() {
    for op in ["Max", "Min", "Sum", "Mean"] {
        let mut net = Net::new(18);
        let inputs = [net.input(&[3, 4]), net.input(&[3, 1]), net.within(&[1, 4], -0.5, 0.6)];
        let y = net.op(op, &inputs, &[]);
        net.check(y);
    }
}

#[test]
fn constant_powers() {
    for exponent in [2.0, 3.0, 0.5, -1.0] {
        let mut net = Net::new(18);
        let a = net.within(&[2, 3], 0.5, 2.0);
        let e = net.float(exponent);
        let y = net.op("Pow", &[a, e], &[]);
        net.check(y);
    }
}

#[test]
fn prelu() {
    let mut net = Net::new(18);
    let x = net.within(&[2, 3, 4], -2.0, 2.0);
    let slope = net.input(&[3, 1]);
    let y = net.op("PRelu", &[x, slope], &[]);
    net.check(y);
}

#[test]
fn choice() {
    let mut net = Net::new(18);
    let condition = net.constant(DType::Bool, &[2, 1], Elements::Ints(vec![1, 0]));
    let (a, b) = (net.input(&[3]), net.input(&[2, 3]));
    let y = net.op("Where", &[condition, a, b], &[]);
    net.check(y);
}

#[test]
fn gemm() {
    for (trans_a, trans_b) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let mut net = Net::new(18);
        let a = net.input(if trans_a == 0 { &[2, 3] } else { &[3, 2] });
        let b = net.input(if trans_b == 0 { &[3, 4] } else { &[4, 3] });
        let c = net.input(&[4]);
        let attributes =
            [("transA", Int(trans_a)), ("transB", Int(trans_b)), ("alpha", Float(0.5)), ("beta", Float(2.0))];
        let y = net.op("Gemm", &[a, b, c], &attributes);
        net.check(y);
    }
}

#[test]
fn matmul() {
    let shapes: [(&[u64], &[u64]); 8] = [
        (&[2, 3], &[3, 4]),
        (&[5, 2, 3], &[3, 4]),
        (&[2, 3], &[5, 3, 4]),
        (&[2, 1, 2, 3], &[3, 3, 4]),
        (&[3], &[3, 4]),
        (&[2, 3], &[3]),
        (&[5, 2, 3], &[3]),
        (&[3], &[5, 3, 4]),
    ];
    for (left, right) in shapes {
        println!("{left:?} {right:?}");
        let mut net = Net::new(18);
        let (a, b) = (net.input(left), net.input(right));
        let y = net.op("MatMul", &[a, b], &[]);
        net.check(y);
    }
}

#[test]
fn einsum() {
    let equations: [(&str, &[u64], &[u64]); 5] = [
        ("bij,bjk->bik", &[2, 3, 4], &[2, 4, 3]),
        ("ij,kj->ik", &[2, 3], &[4, 3]),
        ("bhid,bhjd->bhij", &[1, 2, 3, 2], &[1, 2, 4, 2]),
        ("ij,jk", &[2, 3], &[3, 4]),
        ("ij,j->j", &[2, 3], &[3]),
    ];
    for (equation, left, right) in equations {
        println!("{equation}");
        let mut net = Net::new(18);
        let (a, b) = (net.input(left), net.input(right));
        let y = net.op("Einsum", &[a, b], &[("equation", text(equation))]);
        net.check(y);
    }
}

fn conv(op: &str, x: &[u64], w: &[u64], bias: u64, attributes: &[(&str, Attribute)]) {
    println!("{op} {x:?} {w:?} {attributes:?}");
    let mut net = Net::new(18);
    let inputs = [net.input(x), net.input(w), net.input(&[bias])];
    let y = net.op(op, &inputs, attributes);
    net.check(y);
}

#[test]
fn convolutions() {
    conv("Conv", &[2, 3, 5, 6], &[4, 3, 3, 2], 4, &[]);
    conv("Conv", &[2, 2, 7], &[3, 2, 3], 3, &[("strides", Ints(vec![2])), ("pads", Ints(vec![1, 0]))]);
    let odd = [
        ("group", Int(2)),
        ("strides", Ints(vec![2, 1])),
        ("dilations", Ints(vec![1, 2])),
        ("pads", Ints(vec![1, 0, 2, 1])),
    ];
    conv("Conv", &[2, 4, 6, 5], &[6, 2, 3, 2], 6, &odd);
    let depthwise = [("group", Int(3)), ("pads", Ints(vec![1; 4])), ("strides", Ints(vec![2, 2]))];
    conv("Conv", &[1, 3, 6, 6], &[3, 1, 3, 3], 3, &depthwise);
    conv("Conv", &[1, 2, 4, 3, 3], &[2, 2, 2, 2, 1], 2, &[("strides", Ints(vec![2, 1, 1]))]);
    for auto in ["SAME_UPPER", "SAME_LOWER", "VALID"] {
        let attributes = [("auto_pad", text(auto)), ("strides", Ints(vec![2, 2]))];
        conv("Conv", &[1, 2, 6, 5], &[2, 2, 3, 2], 2, &attributes);
    }
}

#[test]
fn transposed_convolutions() {
    conv("ConvTranspose", &[2, 3, 3, 4], &[3, 2, 3, 2], 2, &[]);
    let odd = [
        ("strides", Ints(vec![2, 3])),
        ("pads", Ints(vec![1, 0, 0, 1])),
        ("output_padding", Ints(vec![1, 2])),
    ];
    conv("ConvTranspose", &[1, 2, 3, 3], &[2, 2, 3, 3], 2, &odd);
    conv(
        "ConvTranspose",
        &[1, 4, 3, 3],
        &[4, 1, 2, 2],
        2,
        &[("group", Int(2)), ("strides", Ints(vec![2, 2]))],
    );
    conv(
        "ConvTranspose",
        &[1, 2, 5],
        &[2, 3, 2],
        3,
        &[("dilations", Ints(vec![2])), ("strides", Ints(vec![2]))],
    );
}

fn pool(op: &str, x: &[u64], kernel: &[i64], attributes: &[(&str, Attribute)]) {
    println!("{op} {x:?} {kernel:?} {attributes:?}");
    let mut net = Net::new(19);
    let x = net.input(x);
    let attributes = [attributes, &[("kernel_shape", Ints(kernel.to_vec()))]].concat();
    let y = net.op(op, &[x], &attributes);
    net.check(y);
}

#[test]
fn max_pooling() {
    pool("MaxPool", &[2, 2, 4, 4], &[2, 2], &[("strides", Ints(vec![2, 2]))]);
    pool("MaxPool", &[2, 2, 5, 5], &[3, 3], &[("strides", Ints(vec![2, 2])), ("pads", Ints(vec![1; 4]))]);
    pool("MaxPool", &[1, 2, 6], &[3], &[]);
    pool("MaxPool", &[1, 1, 5, 5], &[2, 2], &[("strides", Ints(vec![2, 2])), ("ceil_mode", Int(1))]);
}

#[test]
fn average_pooling() {
    let strides = ("strides", Ints(vec![2, 2]));
    let pads = ("pads", Ints(vec![1, 0, 1, 1]));
    pool("AveragePool", &[2, 2, 4, 4], &[2, 2], std::slice::from_ref(&strides));
    pool("AveragePool", &[1, 2, 5, 6], &[3, 2], &[strides.clone(), pads.clone()]);
    pool("AveragePool", &[1, 2, 5, 6], &[3, 2], &[strides.clone(), pads, ("count_include_pad", Int(1))]);
    pool("AveragePool", &[1, 2, 5, 5], &[2, 2], &[strides.clone(), ("ceil_mode", Int(1))]);
    // What a window sees beyond the padding is not counted, the padding is.
    let counted = [("pads", Ints(vec![1, 1, 1, 1])), ("ceil_mode", Int(1)), ("count_include_pad", Int(1))];
    pool("AveragePool", &[1, 2, 4, 4], &[3, 3], &[&[strides][..], &counted].concat());
    pool("AveragePool", &[1, 2, 6], &[3], &[("auto_pad", text("SAME_UPPER"))]);
}

#[test]
fn global_pooling() {
    for op in ["GlobalAveragePool", "GlobalMaxPool"] {
        let mut net = Net::new(18);
        let x = net.input(&[2, 3, 4, 2]);
        let y = net.op(op, &[x], &[]);
        net.check(y);
    }
}

/// A normalization with scale and offset.
fn normalization(opset: i64, op: &str, x: &[u64], scale: &[u64], attributes: &[(&str, Attribute)]) {
    println!("{op} {x:?} {scale:?}");
    let mut net = Net::new(opset);
    let x = net.within(x, -2.0, 2.0);
    let mut inputs = vec![x, net.within(scale, 0.5, 1.5)];
    if op != "RMSNormalization" {
        inputs.push(net.input(scale));
    }
    let y = net.op(op, &inputs, attributes);
    net.check_within(y, 3e-2);
}

#[test]
fn normalizations() {
    normalization(18, "InstanceNormalization", &[2, 3, 4], &[3], &[]);
    normalization(18, "LayerNormalization", &[2, 3, 4], &[4], &[("epsilon", Float(1e-3))]);
    normalization(18, "LayerNormalization", &[2, 3, 4], &[3, 4], &[("axis", Int(1))]);
    normalization(23, "RMSNormalization", &[2, 3, 4], &[4], &[]);
    normalization(21, "GroupNormalization", &[2, 4, 3], &[4], &[("num_groups", Int(2))]);
}

#[test]
fn lrn() {
    for size in [3, 1, 5] {
        let mut net = Net::new(18);
        let x = net.input(&[2, 5, 2, 3]);
        let y = net.op("LRN", &[x], &[("size", Int(size)), ("alpha", Float(0.9)), ("bias", Float(1.5))]);
        net.check(y);
    }
}

#[test]
fn lp_normalization() {
    for p in [1, 2] {
        let mut net = Net::new(18);
        let x = net.within(&[2, 3, 4], 0.2, 1.0);
        let y = net.op("LpNormalization", &[x], &[("axis", Int(1)), ("p", Int(p))]);
        net.check(y);
    }
}

#[test]
fn softmax() {
    for op in ["Softmax", "LogSoftmax"] {
        for axis in [-1, 1] {
            let mut net = Net::new(18);
            let x = net.within(&[2, 3, 4], -2.0, 2.0);
            let y = net.op(op, &[x], &[("axis", Int(axis))]);
            net.check(y);
        }
    }
}

#[test]
fn reductions() {
    let ops = ["Sum", "Mean", "Max", "Min", "L1", "L2", "LogSum", "LogSumExp", "SumSquare", "Prod"];
    for op in ops {
        for (axes, keep) in [(Some(vec![1]), 1), (Some(vec![0, -1]), 0), (None, 0)] {
            println!("Reduce{op} {axes:?} {keep}");
            let mut net = Net::new(18);
            let mut inputs = vec![net.within(&[2, 3, 4], 0.5, 1.5)];
            if let Some(axes) = axes {
                inputs.push(net.ints(&axes));
            }
            let y = net.op(&format!("Reduce{op}"), &inputs, &[("keepdims", Int(keep))]);
            net.check(y);
        }
    }
}

#[test]
fn a_product_with_zeros() {
    let mut net = Net::new(18);
    let x = net.given(&[2, 3], vec![0.0, 0.5, -0.7, 1.0, 0.25, 2.0]);
    let axes = net.ints(&[1]);
    let y = net.op("ReduceProd", &[x, axes], &[("keepdims", Int(0))]);
    net.check(y);
}

#[test]
fn running_sums() {
    for (exclusive, reverse) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
        let mut net = Net::new(18);
        let x = net.input(&[2, 4]);
        let axis = net.int(1);
        let y = net.op("CumSum", &[x, axis], &[("exclusive", Int(exclusive)), ("reverse", Int(reverse))]);
        net.check(y);
    }
}

/// Checks an operator on one operand that takes integers besides it.
fn moved(op: &str, shape: &[u64], lists: &[&[i64]], attributes: &[(&str, Attribute)]) {
    println!("{op} {lists:?} {attributes:?}");
    let mut net = Net::new(18);
    let mut inputs = vec![net.input(shape)];
    inputs.extend(lists.iter().map(|list| net.ints(list)).collect::<Vec<ValueId>>());
    let y = net.op(op, &inputs, attributes);
    net.check(y);
}

#[test]
fn layouts() {
    moved("Reshape", &[2, 6], &[&[3, -1]], &[]);
    moved("Flatten", &[2, 3, 2], &[], &[]);
    moved("Squeeze", &[2, 1, 3], &[&[1]], &[]);
    moved("Unsqueeze", &[2, 3], &[&[0, 2]], &[]);
    moved("Transpose", &[2, 3, 4], &[], &[("perm", Ints(vec![2, 0, 1]))]);
    moved("Transpose", &[2, 3, 4], &[], &[]);
    moved("Expand", &[3, 1], &[&[2, 3, 4]], &[]);
    moved("Tile", &[2, 3], &[&[2, 3]], &[]);
    moved("DepthToSpace", &[1, 8, 2, 3], &[], &[("blocksize", Int(2))]);
    moved("DepthToSpace", &[1, 8, 2, 3], &[], &[("blocksize", Int(2)), ("mode", text("CRD"))]);
    moved("SpaceToDepth", &[1, 2, 4, 6], &[], &[("blocksize", Int(2))]);
    moved("Trilu", &[3, 4], &[], &[("upper", Int(0))]);
}

#[test]
fn slices() {
    moved("Slice", &[4, 5], &[&[1, -4], &[3, i64::MAX], &[0, 1]], &[]);
    moved("Slice", &[4, 7], &[&[0, 1], &[3, 6], &[0, 1], &[1, 2]], &[]);
    moved("Slice", &[2, 7], &[&[-1], &[i64::MIN], &[1], &[-2]], &[]);
}

#[test]
fn pads() {
    for mode in ["constant", "edge", "reflect"] {
        println!("{mode}");
        let mut net = Net::new(19);
        let x = net.input(&[3, 4]);
        let pads = net.ints(&[1, 2, 0, 1]);
        let y = net.op("Pad", &[x, pads], &[("mode", text(mode))]);
        net.check(y);
    }
}

#[test]
fn concatenation_and_splitting() {
    let mut net = Net::new(18);
    let inputs = [net.input(&[2, 3]), net.input(&[2, 1]), net.input(&[2, 2])];
    let joined = net.op("Concat", &inputs, &[("axis", Int(-1))]);
    let sizes = net.ints(&[1, 3, 2]);
    let parts = net.node("Split", &[Some(joined), Some(sizes)], &[("axis", Int(1))], 3);
    let square = net.op("Mul", &[parts[1], parts[1]], &[]);
    let y = net.op("Concat", &[parts[0], square], &[("axis", Int(1))]);
    let z = net.op("Tanh", &[joined], &[]);
    let y = net.op("Concat", &[y, z], &[("axis", Int(1))]);
    net.check(y);
}

#[test]
fn gathering() {
    let cases: [(i64, &[u64], &[i64]); 4] =
        [(0, &[2, 2], &[0, 2, 2, 1]), (1, &[3], &[1, 0, 1]), (2, &[1], &[1]), (1, &[], &[-2])];
    for (axis, dims, indices) in cases {
        println!("{axis} {dims:?} {indices:?}");
        let mut net = Net::new(18);
        let x = net.input(&[3, 4, 2]);
        let indices = net.constant(DType::Int64, dims, Elements::Ints(indices.to_vec()));
        let y = net.op("Gather", &[x, indices], &[("axis", Int(axis))]);
        net.check(y);
    }
}

#[test]
fn gathering_elements_and_slices() {
    let mut net = Net::new(18);
    let x = net.input(&[3, 3]);
    let indices = net.constant(DType::Int64, &[2, 3], Elements::Ints(vec![0, 1, 2, 0, 2, 1]));
    let y = net.op("GatherElements", &[x, indices], &[("axis", Int(0))]);
    net.check(y);
    for batch in [0, 1] {
        let mut net = Net::new(18);
        let x = net.input(&[2, 3, 2]);
        let indices = net.constant(DType::Int64, &[2, 1], Elements::Ints(vec![1, 0]));
        let y = net.op("GatherND", &[x, indices], &[("batch_dims", Int(batch))]);
        net.check(y);
    }
}

#[test]
fn scattering() {
    for reduction in ["none", "add"] {
        let mut net = Net::new(18);
        let (x, updates) = (net.input(&[4, 2]), net.input(&[2, 2]));
        let indices = net.constant(DType::Int64, &[2, 1], Elements::Ints(vec![3, 1]));
        let y = net.op("ScatterND", &[x, indices, updates], &[("reduction", text(reduction))]);
        net.check(y);
        let mut net = Net::new(18);
        let (x, updates) = (net.input(&[3, 2]), net.input(&[2, 2]));
        let indices = net.constant(DType::Int64, &[2, 2], Elements::Ints(vec![2, 0, 1, 2]));
        let y = net.op("ScatterElements", &[x, indices, updates], &[("reduction", text(reduction))]);
        net.check(y);
    }
}

#[test]
fn largest_elements() {
    let mut net = Net::new(18);
    let x = net.input(&[3, 6]);
    let k = net.ints(&[2]);
    let y = net.node("TopK", &[Some(x), Some(k)], &[("axis", Int(-1))], 2)[0];
    net.check(y);
}

#[test]
fn resizing() {
    let modes = [
        ("nearest", "asymmetric", "floor"),
        ("nearest", "half_pixel", "round_prefer_floor"),
        ("linear", "half_pixel", ""),
        ("linear", "asymmetric", ""),
        ("linear", "align_corners", ""),
    ];
    for (mode, transformation, nearest) in modes {
        println!("{mode} {transformation} {nearest}");
        let mut net = Net::new(18);
        let x = net.input(&[1, 2, 3, 4]);
        let scales = net.constant(DType::Float32, &[4], Elements::Floats(vec![1.0, 1.0, 2.0, 2.0]));
        let mut attributes =
            vec![("mode", text(mode)), ("coordinate_transformation_mode", text(transformation))];
        if !nearest.is_empty() {
            attributes.push(("nearest_mode", text(nearest)));
        }
        let y = net.node("Resize", &[Some(x), None, Some(scales)], &attributes, 1)[0];
        net.check(y);
    }
}

#[test]
fn gradients_of_a_value_used_twice_add_up() {
    let mut net = Net::new(18);
    let x = net.input(&[2, 3]);
    let w = net.input(&[3, 3]);
    let a = net.op("MatMul", &[x, w], &[]);
    let b = net.op("Tanh", &[a], &[]);
    let c = net.op("Mul", &[a, b], &[]);
    let d = net.op("MatMul", &[c, w], &[]);
    let y = net.op("Add", &[d, x], &[]);
    net.check(y);
}

/// x̂·scale + offset, with the given mean and variance or those over the axes.
fn normalized(net: &mut Net, x: ValueId, axes: &[i64], given: Option<[ValueId; 2]>) -> ValueId {
    let axes = net.ints(axes);
    let mean = given.map_or_else(|| net.op("ReduceMean", &[x, axes], &[]), |[mean, _]| mean);
    let middle = net.op("Sub", &[x, mean], &[]);
    let square = net.op("Mul", &[middle, middle], &[]);
    let variance = given.map_or_else(|| net.op("ReduceMean", &[square, axes], &[]), |[_, variance]| variance);
    let epsilon = net.float(0.01);
    let shifted = net.op("Add", &[variance, epsilon], &[]);
    let root = net.op("Sqrt", &[shifted], &[]);
    net.op("Div", &[middle, root], &[])
}

/// tract has no training form of the operator, and wants constant parameters otherwise.
#[test]
fn batch_normalization() {
    for training in [false, true] {
        let mut net = Net::new(18);
        let mut inputs = vec![net.within(&[3, 2, 3], -2.0, 2.0), net.within(&[2], 0.5, 1.5), net.input(&[2])];
        if training {
            let statistics = || Elements::Floats(vec![1.0; 2]);
            inputs.extend([(); 2].map(|()| net.constant(DType::Float32, &[2], statistics())));
        } else {
            inputs.extend([net.input(&[2]), net.within(&[2], 0.5, 2.0)]);
        }
        let operands: Vec<_> = inputs.iter().copied().map(Some).collect();
        let attributes = [("training_mode", Int(training.into())), ("epsilon", Float(0.01))];
        let y = net.node("BatchNormalization", &operands, &attributes, if training { 3 } else { 1 })[0];
        net.check_as(y, |net| {
            let shape = net.ints(&[1, 2, 1]);
            let mut wide = |index: usize| net.op("Reshape", &[inputs[index], shape], &[]);
            let (scale, offset, given) = (wide(1), wide(2), [wide(3), wide(4)]);
            let hat = normalized(net, inputs[0], &[0, 2], (!training).then_some(given));
            let scaled = net.op("Mul", &[hat, scale], &[]);
            let y = net.op("Add", &[scaled, offset], &[]);
            if training { vec![y, inputs[3], inputs[4]] } else { vec![y] }
        });
    }
}

#[test]
fn mean_variance_normalization() {
    let mut net = Net::new(18);
    let x = net.within(&[2, 2, 2, 3], -2.0, 2.0);
    let y = net.op("MeanVarianceNormalization", &[x], &[("axes", Ints(vec![0, 2, 3]))]);
    net.check_as(y, |net| vec![normalized(net, x, &[0, 2, 3], None)]);
}

#[test]
fn scaled_activations() {
    let mut net = Net::new(24);
    let x = net.within(&[2, 5], -3.0, 3.0);
    let y = net.op("Swish", &[x], &[("alpha", Float(1.5))]);
    net.check_as(y, |net| {
        let alpha = net.float(1.5);
        let scaled = net.op("Mul", &[x, alpha], &[]);
        let sigmoid = net.op("Sigmoid", &[scaled], &[]);
        vec![net.op("Mul", &[x, sigmoid], &[])]
    });
    let mut net = Net::new(18);
    let x = net.within(&[2, 5], -2.0, 2.0);
    let y = net.op("Celu", &[x], &[("alpha", Float(0.6))]);
    net.check_as(y, |net| {
        let (zero, one, alpha) = (net.float(0.0), net.float(1.0), net.float(0.6));
        let scaled = net.op("Div", &[x, alpha], &[]);
        let exponential = net.op("Exp", &[scaled], &[]);
        let less = net.op("Sub", &[exponential, one], &[]);
        let less = net.op("Mul", &[less, alpha], &[]);
        let (below, above) = (net.op("Min", &[less, zero], &[]), net.op("Max", &[x, zero], &[]));
        vec![net.op("Add", &[below, above], &[])]
    });
}

/// (Σ|x|³)^(1/3), given what sums.
fn cubic_norm(net: &mut Net, x: ValueId, sum: impl Fn(&mut Net, ValueId) -> ValueId) -> ValueId {
    let (three, third) = (net.float(3.0), net.float(1.0 / 3.0));
    let size = net.op("Abs", &[x], &[]);
    let cube = net.op("Pow", &[size, three], &[]);
    let sum = sum(net, cube);
    net.op("Pow", &[sum, third], &[])
}

#[test]
fn pooling_by_norm() {
    let mut net = Net::new(18);
    let x = net.within(&[1, 2, 4, 5], -1.0, 1.0);
    let attributes = [("p", Int(3)), ("kernel_shape", Ints(vec![2, 3])), ("strides", Ints(vec![2, 1]))];
    let y = net.op("LpPool", &[x], &attributes);
    net.check_as(y, |net| {
        let sum = |net: &mut Net, cube| {
            let mean = net.op("AveragePool", &[cube], &attributes[1..]);
            let count = net.float(6.0);
            net.op("Mul", &[mean, count], &[])
        };
        vec![cubic_norm(net, x, sum)]
    });
    let mut net = Net::new(18);
    let x = net.within(&[1, 2, 3, 2], -1.0, 1.0);
    let y = net.op("GlobalLpPool", &[x], &[("p", Int(3))]);
    net.check_as(y, |net| {
        let axes = net.ints(&[2, 3]);
        vec![cubic_norm(net, x, |net, cube| net.op("ReduceSum", &[cube, axes], &[]))]
    });
}

/// tract does not run the operator. It undoes itself, so its gradient is itself, of the gradient.
#[test]
fn reversed_sequences() {
    let mut net = Net::new(18);
    let x = net.input(&[3, 2, 2]);
    let lengths = net.ints(&[2, 3, 1]);
    let attributes = [("batch_axis", Int(0)), ("time_axis", Int(1))];
    let y = net.op("ReverseSequence", &[x, lengths], &attributes);
    let step = net.step(y, Loss::Nll, "sgd", 1);
    let gradient = step.gradients[x].unwrap();
    let node = step.graph.nodes.iter().find(|node| node.outputs == [Some(gradient)]).unwrap();
    assert_eq!(
        (node.op.as_str(), &node.inputs),
        ("ReverseSequence", &vec![step.gradients[y], Some(lengths)])
    );
    assert_eq!(node.attributes, step.graph.nodes[0].attributes);
}

#[test]
fn wrapped_pads() {
    let mut net = Net::new(19);
    let x = net.input(&[2, 4]);
    let pads = net.ints(&[0, 2, 0, 1]);
    let y = net.op("Pad", &[x, pads], &[("mode", text("wrap"))]);
    net.check_as(y, |net| {
        let indices = net.ints(&[2, 3, 0, 1, 2, 3, 0]);
        vec![net.op("Gather", &[x, indices], &[("axis", Int(1))])]
    });
}

#[test]
fn product_of_vectors() {
    let mut net = Net::new(18);
    let (a, b) = (net.input(&[3]), net.input(&[3]));
    let y = net.op("MatMul", &[a, b], &[]);
    net.check_as(y, |net| {
        let product = net.op("Mul", &[a, b], &[]);
        vec![net.op("ReduceSum", &[product], &[("keepdims", Int(0))])]
    });
}

#[test]
fn dropout_in_training() {
    let mut net = Net::new(18);
    let x = net.input(&[2, 3]);
    let ratio = net.float(0.25);
    let training = net.constant(DType::Bool, &[], Elements::Ints(vec![1]));
    let y = net.op("Dropout", &[x, ratio, training], &[]);
    net.check_as(y, |net| {
        let mask = net.constant(DType::Bool, &[2, 3], Elements::Ints(vec![1, 0, 1, 1, 1, 0]));
        let (zero, kept) = (net.float(0.0), net.float(0.75));
        let scaled = net.op("Div", &[x, kept], &[]);
        vec![net.op("Where", &[mask, scaled, zero], &[]), mask]
    });
}

/// Losses over classes with weights, one of three labels being ignored.
#[test]
fn losses_over_classes() {
    let weights = [0.5, 2.0, 1.5];
    for op in ["NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"] {
        for (reduction, ignored, weighted) in
            [("mean", None, false), ("mean", Some(0), true), ("sum", None, true), ("none", Some(2), false)]
        {
            println!("{op} {reduction} {ignored:?} {weighted}");
            let mut net = Net::new(18);
            let x = net.input(&[3, 3]);
            let labels = [2, 0, 1];
            let mut inputs = vec![x, net.ints(&labels)];
            if weighted {
                inputs.push(net.constant(DType::Float32, &[3], Elements::Floats(weights.to_vec())));
            }
            let mut attributes = vec![("reduction", text(reduction))];
            attributes.extend(ignored.map(|label| ("ignore_index", Int(label))));
            let y = net.op(op, &inputs, &attributes);
            net.check_as(y, |net| {
                let mut chosen = vec![0.0; 9];
                for (row, label) in labels.iter().enumerate().filter(|(_, label)| ignored != Some(**label)) {
                    chosen[row * 3 + *label as usize] = if weighted { weights[*label as usize] } else { 1.0 };
                }
                let total = if reduction == "mean" { chosen.iter().sum() } else { 1.0 };
                let chosen = chosen.into_iter().map(|weight: f64| -weight / total).collect();
                let chosen = net.constant(DType::Float32, &[3, 3], Elements::Floats(chosen));
                let logs =
                    if op.starts_with('S') { net.op("LogSoftmax", &[x], &[("axis", Int(1))]) } else { x };
                let product = net.op("Mul", &[logs, chosen], &[]);
                let axes = if reduction == "none" { net.ints(&[1]) } else { net.ints(&[0, 1]) };
                vec![net.op("ReduceSum", &[product, axes], &[("keepdims", Int(0))])]
            });
        }
    }
}

/// A cast is there and back; what is cast to integers has no gradient.
#[test]
fn casts() {
    let mut net = Net::new(18);
    let x = net.input(&[2, 3]);
    let wide = net.op("Cast", &[x], &[("to", Int(DType::Float64.to_onnx().into()))]);
    let tanh = net.op("Tanh", &[wide], &[]);
    let y = net.op("Cast", &[tanh], &[("to", Int(DType::Float32.to_onnx().into()))]);
    net.check(y);
}

/// Attributes of old opsets become inputs.
#[test]
fn old_opsets() {
    let old = |op: &str, shape: &[u64], attributes: &[(&str, Attribute)]| {
        println!("{op}");
        let mut net = Net::new(if op == "Upsample" { 7 } else { 9 });
        let x = net.input(shape);
        let y = net.op(op, &[x], attributes);
        assert_eq!(net.step(y, Loss::Nll, "sgd", 1).graph.opset(), 18);
        net.check(y);
    };
    old("Squeeze", &[2, 1, 3], &[("axes", Ints(vec![1]))]);
    old("Unsqueeze", &[2, 3], &[("axes", Ints(vec![0]))]);
    old("ReduceSum", &[2, 3], &[("axes", Ints(vec![1]))]);
    old("ReduceMean", &[2, 3], &[("axes", Ints(vec![0])), ("keepdims", Int(0))]);
    let slice = [("starts", Ints(vec![1])), ("ends", Ints(vec![3])), ("axes", Ints(vec![1]))];
    old("Slice", &[4, 5], &slice);
    old("Clip", &[3, 4], &[("min", Float(-0.5)), ("max", Float(0.6))]);
    old("Dropout", &[3, 4], &[("ratio", Float(0.4))]);
    old("Pad", &[2, 3], &[("pads", Ints(vec![1, 0, 0, 2])), ("value", Float(0.5))]);
    old("Softmax", &[2, 3, 1], &[("axis", Int(1))]);
    old("Upsample", &[1, 2, 2, 3], &[("scales", Attribute::Floats(vec![1.0, 1.0, 2.0, 2.0]))]);
}

#[test]
fn nodes_that_have_no_gradient_are_named() {
    let mut net = Net::new(9);
    let x = net.input(&[2, 3, 4]);
    let y = net.op("Softmax", &[x], &[("axis", Int(1))]);
    let z = net.op("Det", &[y], &[]);
    let errors = net.refused(z);
    let said: Vec<String> = errors.0.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "node 0 \"Softmax0\" (Softmax, opset 9): takes axes 1 to 2 together, so it can't be brought to opset 18",
            "node 1 \"Det1\" (Det, opset 9): has no gradient",
        ]
    );
}
