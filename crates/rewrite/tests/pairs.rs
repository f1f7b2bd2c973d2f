//! Graphs before a rewrite get as cheap as those after it, and never dearer.
#![allow(missing_docs, reason = "tests")]

mod common;

use common::{Priced, exact, fixtures, graph};

/// Other functions, or another output.
const INEXACT: &[&str] = &[
    "attention_scale",
    "gelu_hard",
    "gelu_puma",
    "gelu_quad",
    "gelu_relu",
    "gelu_sigmoid",
    "gelu_smu",
    "gelu_tanh",
    "layernorm_affine_only",
    "maxpool_avgpool",
    "output_softmax",
    "relu6_relu",
    "relu_square",
    "silu_relu",
    "softmax_2quad",
    "softmax_clipped",
    "softmax_no_max",
    "softmax_relu.",
    "softmax_relu_reciprocal",
    "softmax_scale",
    "sum_as_mean",
    "tanh_hardtanh",
];

fn reaches_the_rewritten_cost(setting: &str) {
    let priced = Priced::new(setting);
    let mut compared = 0;
    let mut names: Vec<_> = std::fs::read_dir(fixtures().join("rewrites"))
        .expect("it is there")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".before.onnx") && !INEXACT.iter().any(|start| name.starts_with(start)))
        .collect();
    names.sort();
    let mut missed = Vec::new();
    for name in names {
        let before = fixtures().join("rewrites").join(&name);
        let after = fixtures().join("rewrites").join(name.replace(".before.", ".after."));
        let cost = |path| priced.price(&graph(path)).ok();
        let (first, wanted) = (cost(&before), cost(&after));
        let Some(wanted) = wanted.filter(|wanted| first.is_none_or(|first| wanted.bytes < first.bytes))
        else {
            continue;
        };
        compared += 1;
        let found = priced.optimized(&before, exact(), true);
        let steps: Vec<_> = found.applied.iter().map(|step| step.rule.name).collect();
        let found = found.after.expect("it runs");
        assert!(first.is_none_or(|first| found.bytes <= first.bytes), "{name} got dearer");
        if found.bytes > wanted.bytes {
            missed.push(format!(
                "{name} {} {} {} {steps:?}",
                first.unwrap_or_default().bytes,
                found.bytes,
                wanted.bytes
            ));
        }
    }
    assert_eq!(missed, Vec::<String>::new(), "{} of {compared} under {setting}", missed.len());
    assert!(compared > 30, "{compared} pairs were compared");
}

#[test]
fn pairs_under_crypten() {
    reaches_the_rewritten_cost("crypten");
    reaches_the_rewritten_cost("crypten parties=3");
}

#[test]
fn pairs_under_spu() {
    reaches_the_rewritten_cost("spu-semi2k");
    reaches_the_rewritten_cost("spu-aby3");
}

#[test]
fn pairs_under_cryptflow2() {
    reaches_the_rewritten_cost("cryptflow2");
    reaches_the_rewritten_cost("cryptflow2 training_flag=false");
}

#[test]
fn pairs_under_cheetah() {
    reaches_the_rewritten_cost("cheetah");
}

#[test]
fn approximations_are_applied_by_name_only() {
    let priced = Priced::new("spu-semi2k");
    for (pair, name) in [
        ("gelu_quad_mpcformer", "gelu-quad"),
        ("layernorm_affine_only", "layernorm-affine"),
        ("gelu_relu", "gelu-relu"),
        ("gelu_sigmoid", "gelu-sigmoid"),
        ("sum_as_mean_scaled_2quad", "softmax-2quad"),
        ("relu6_relu", "relu6-relu"),
        ("relu_square_delphi", "relu-square"),
        ("maxpool_avgpool", "maxpool-avgpool"),
    ] {
        let [before, after] =
            ["before", "after"].map(|side| fixtures().join(format!("rewrites/{pair}.{side}.onnx")));
        let rule = hawkeye_rewrite::RULES.iter().find(|rule| rule.name == name).expect("it is listed");
        assert!(exact().iter().all(|exact| exact.name != name), "{name} is no exact rule");
        let found = priced.optimized(&before, vec![rule], true).after.expect("it runs");
        let wanted = priced.price(&graph(&after)).expect("it runs");
        assert!(found.bytes <= wanted.bytes, "{pair}: {found:?} in place of {wanted:?}");
    }
}
