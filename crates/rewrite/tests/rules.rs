//! Every rule, wherever it fires on any of the examples, computes what was computed before.
#![allow(missing_docs, reason = "tests")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{fixtures, graph};
use hawkeye_graph::{Attribute, DType, Graph, GraphBuilder, Tensor};
use hawkeye_rewrite::{Promise, Proof, RULES, Spelling, Weights, apply, prove};

/// Rules without a condition.
const UNCONDITIONAL: &[&str] = &[
    "leakyrelu-as-relu",
    "prelu-as-relu",
    "abs-as-relu",
    "sigmoid-as-tanh",
    "tanh-as-sigmoid",
    "relu-square",
    "relu-quadratic",
    "sigmoid-hard",
    "sigmoid-cubic",
    "tanh-hard",
];

#[test]
fn rules_keep_the_function_wherever_they_fire() {
    let files: BTreeSet<_> = std::fs::read_dir(fixtures().join("rewrites"))
        .expect("it is there")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "onnx"))
        .collect();
    let (mut fired, mut held): (BTreeMap<&str, usize>, BTreeMap<&str, usize>) = <_>::default();
    let mut wrong = Vec::new();
    for path in &files {
        let original = graph(path);
        let weights = Weights::new(Some(path), &original);
        for rule in RULES {
            if !original.nodes.iter().any(|node| rule.anchors.contains(&node.op.as_str())) {
                continue;
            }
            for spelling in [Spelling::Slice, Spelling::Split] {
                let applied = apply(&original, rule, spelling, &weights).expect("no rule is a user's");
                let Some(mut rewritten) = applied else {
                    *held.entry(rule.name).or_default() += 1;
                    continue;
                };
                *fired.entry(rule.name).or_default() += 1;
                if rule.promise != Promise::Exact {
                    continue;
                }
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let proof = rewritten.complete(&weights).and_then(|()| prove(&original, &rewritten, path));
                match proof {
                    Ok(Proof::Ran { .. } | Proof::NotRun { .. }) => {}
                    Err(failure) => wrong.push(format!("{}: {name}: {}", rule.name, failure.0[0].message)),
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "{} wrong", wrong.len());
    let all = || RULES.iter().map(|rule| rule.name);
    let never: Vec<&str> = all().filter(|name| !fired.contains_key(name)).collect();
    assert_eq!(never, Vec::<&str>::new(), "no example is made for them");
    let always: Vec<&str> = all().filter(|name| !held.contains_key(name)).collect();
    assert_eq!(always, UNCONDITIONAL, "they fire at every example with their operator");
}

/// Other spellings and ranks of what a rule is about.
#[test]
fn rules_hold_for_all_of_a_kind() {
    let fires = |file: &str, name: &str| {
        let path = fixtures().join("rewrites").join(file);
        let original = graph(&path);
        let rule = RULES.iter().find(|rule| rule.name == name).expect("it is there");
        let weights = Weights::new(Some(&path), &original);
        apply(&original, rule, Spelling::Slice, &weights).expect("no rule is a user's").is_some()
    };
    for (file, name) in [
        ("maxpool_1d.onnx", "maxpool-as-relu-tree"),
        ("maxpool_3d.onnx", "maxpool-as-relu-tree"),
        ("reducemax_of_sigmoid.onnx", "relu-maxpool-swap"),
        ("reducemin_of_clip_opset18.onnx", "relu-maxpool-swap"),
        ("threshold_of_tanh.onnx", "threshold-of-sigmoid"),
        ("threshold_of_relu.onnx", "threshold-of-sigmoid"),
        ("gemms_of_one_weight.onnx", "factor-shared-weight"),
        ("convs_of_one_weight.onnx", "factor-shared-weight"),
        ("batchnorm_flatten_gemm.onnx", "affine-before-linear"),
        ("batchnorm_reshape_matmul.onnx", "affine-before-linear"),
        ("gather_of_layernorm.onnx", "slice-first"),
        ("gathers_of_softmax.onnx", "slice-first"),
        ("globalmaxpool.onnx", "reducemax-as-relu-tree"),
        ("reducemin_of_all.onnx", "reducemax-as-relu-tree"),
        ("reducemax_of_two_axes.onnx", "reducemax-as-relu-tree"),
        ("pow_of_eleven.onnx", "pow-as-squares"),
        ("quotient_of_exponentials.onnx", "product-of-exponentials"),
        ("max_minus_min.onnx", "sum-of-max-and-min"),
    ] {
        assert!(fires(file, name), "{name} does not hold for {file}");
    }
    for (file, name) in [
        ("maxpool_1d_dilated.unfit.onnx", "maxpool-as-relu-tree"),
        ("reducemax_of_falling_leakyrelu.unfit.onnx", "relu-maxpool-swap"),
        ("threshold_of_relu_at_zero.unfit.onnx", "threshold-of-sigmoid"),
        ("gemms_of_other_weights.unfit.onnx", "factor-shared-weight"),
        ("batchnorm_flatten_of_batch.unfit.onnx", "affine-before-linear"),
        ("gather_of_normalised_axis.unfit.onnx", "slice-first"),
        ("reducemax_of_integers.unfit.onnx", "reducemax-as-relu-tree"),
        ("conv1x1_with_bias_then_padded.unfit.onnx", "merge-conv1x1-conv"),
    ] {
        assert!(!fires(file, name), "{name} holds for {file}");
    }
}

/// One node of images, and what a layer would have as its weight.
fn of_images(op: &str, attributes: &[(&str, Attribute)]) -> Graph {
    let mut builder = GraphBuilder::default();
    builder.set_opset("", 18);
    let x = builder.tensor_input("x", DType::Float32, &[1, 4, 8, 8]);
    let weight = Tensor { dtype: DType::Float32, dims: vec![4, 4, 3, 3], elements: None };
    let inputs = if op == "Conv" { vec![x, builder.initializer("w", weight)] } else { vec![x] };
    let y = builder.op_with(op, &inputs, attributes);
    builder.set_outputs(vec![y]);
    builder.finish().expect("there is no circle")
}

/// Rules take lists of attributes to be as long as they must, and sizes to be sizes.
#[test]
fn no_rule_looks_at_what_does_not_fit_together() {
    let ints = |name, ints: &[i64]| (name, Attribute::Ints(ints.to_vec()));
    let kernel = || ints("kernel_shape", &[2, 2]);
    for (graph, message) in [
        (of_images("Conv", &[("group", Attribute::Int(0))]), "group"),
        (of_images("MaxPool", &[kernel(), ints("strides", &[1])]), "strides has 1 numbers"),
        (of_images("MaxPool", &[kernel(), ints("pads", &[0; 3])]), "pads has 3 numbers"),
        (of_images("MaxPool", &[ints("kernel_shape", &[2, 1 << 40])]), "does not fit axis 3"),
        (of_images("Transpose", &[ints("perm", &[0, 3, 1, 1 << 40])]), "perm"),
    ] {
        for rule in RULES {
            let failure = apply(&graph, rule, Spelling::Slice, &Weights::new(None, &graph)).err();
            let said = failure.map(|failure| failure.to_string()).unwrap_or_default();
            assert!(said.contains(message), "{}: {message}: {said}", rule.name);
        }
    }
}

/// What a rule would write has as many nodes as a window has places, which a file says in a few bytes.
#[test]
fn rules_leave_endless_windows_alone() {
    let ints = |name, ints: &[i64]| (name, Attribute::Ints(ints.to_vec()));
    let long = 1 << 30;
    let graph = of_images(
        "MaxPool",
        &[
            ints("kernel_shape", &[1, long]),
            ints("pads", &[0, long - 1, 0, long - 1]),
            ints("strides", &[1, long]),
        ],
    );
    for rule in RULES {
        let applied = apply(&graph, rule, Spelling::Slice, &Weights::new(None, &graph));
        let made = applied.expect("it fits together").map_or(0, |rewritten| rewritten.graph.nodes.len());
        assert!(made < 8, "{} makes {made} nodes", rule.name);
    }
}
