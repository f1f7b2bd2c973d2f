//! Original and result are run on the same numbers, and a wrong rule is named.
#![allow(missing_docs, reason = "tests")]

mod common;

use common::{exact, fixtures, graph, optimized};
use hawkeye_rewrite::{Edit, Family, Promise, Proof, RULES, Rule, Site, Weights, prove};

/// Drops the Relu, which changes the function.
fn wrong(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    edit.replace(site.output()?, site.input(0)?);
    Some(())
}

static WRONG: Rule<'static> = Rule {
    name: "wrong",
    family: Family::Activation,
    what: "Relu(x) -> x",
    when: "never",
    why: "it does not compare",
    source: "none",
    promise: Promise::Exact,
    anchors: &["Relu"],
    rewrite: &wrong,
};

#[test]
fn a_wrong_rule_among_others_is_named() {
    let path = fixtures().join("rewrites/bn_relu_conv_scale_push.before.onnx");
    let original = graph(&path);
    let mut rules = exact();
    rules.push(&WRONG);
    let mut rewritten = optimized(&path, "spu-semi2k", rules, false);
    rewritten.complete(&Weights::new(Some(&path), &original)).expect("its weights are there");
    assert!(rewritten.applied.len() > 1, "other rules apply, too");
    let failure = prove(&original, &rewritten, &path).expect_err("it computes something else");
    assert!(failure.0[0].message.contains("rule wrong is to blame"), "{}", failure.0[0].message);
}

#[test]
fn a_rule_that_changes_the_function_hides_no_wrong_one() {
    let path = fixtures().join("rewrites/relu_maxpool_swap_2x2.before.onnx");
    let original = graph(&path);
    let approximate = RULES.iter().find(|rule| rule.name == "maxpool-avgpool").expect("it is there");
    let proved = |rules| {
        let mut rewritten = optimized(&path, "crypten", rules, false);
        rewritten.complete(&Weights::new(Some(&path), &original)).expect("its weights are there");
        prove(&original, &rewritten, &path)
    };
    let proof = proved(vec![approximate]).expect("it says that it changes the function");
    assert!(
        matches!(proof, Proof::Ran { approximate: true, difference, .. } if difference > 1e-3),
        "{proof}"
    );
    let failure = proved(vec![approximate, &WRONG]).expect_err("one rule is wrong");
    assert!(failure.0[0].message.contains("rule wrong is to blame"), "{}", failure.0[0].message);
}

#[test]
fn right_rules_are_proved() {
    for name in ["bn_relu_conv_scale_push", "bn_before_conv_padded_map", "bn_fold_convtranspose", "qkv_merge"]
    {
        let path = fixtures().join(format!("rewrites/{name}.before.onnx"));
        let original = graph(&path);
        let mut rewritten = optimized(&path, "crypten", exact(), true);
        assert!(!rewritten.applied.is_empty(), "{name}");
        rewritten.complete(&Weights::new(Some(&path), &original)).expect("its weights are there");
        let proof = prove(&original, &rewritten, &path).expect("it is right");
        assert!(matches!(proof, Proof::Ran { .. }), "{name}: {proof}");
    }
}

#[test]
fn weights_of_one_rule_at_work_twice_stay_apart() {
    let path = fixtures().join("rewrites/batchnorms_in_a_row.onnx");
    let original = graph(&path);
    let mut rewritten = optimized(&path, "crypten", exact(), true);
    let steps: Vec<&str> = rewritten.applied.iter().map(|step| step.rule.name).collect();
    assert_eq!(steps, ["batchnorm-as-affine", "batchnorm-as-affine"]);
    rewritten.complete(&Weights::new(Some(&path), &original)).expect("its weights are there");
    let proof = prove(&original, &rewritten, &path).expect("it is right");
    assert!(matches!(proof, Proof::Ran { .. }), "{proof}");
}

#[test]
fn a_sigmoid_on_either_side_is_compared_without_it() {
    let path = fixtures().join("rewrites/threshold_of_sigmoid_on_the_right.onnx");
    let original = graph(&path);
    let mut rewritten = optimized(&path, "crypten", exact(), true);
    assert!(rewritten.graph.nodes.iter().all(|node| node.op != "Sigmoid"));
    rewritten.complete(&Weights::new(Some(&path), &original)).expect("its weights are there");
    prove(&original, &rewritten, &path).expect("it is right");
}

#[test]
fn without_weights_nothing_is_written_but_what_to_do_is_said() {
    let path = fixtures().join("rewrites/bn_relu_conv_scale_push.before.onnx");
    let mut rewritten = optimized(&path, "spu-semi2k", exact(), false);
    let failure =
        rewritten.complete(&Weights::new(None, &rewritten.graph)).expect_err("there are no weights");
    let error = &failure.0[0];
    assert!(error.message.starts_with("weights that rules change can't be computed"), "{}", error.message);
    let help = error.help.as_deref().unwrap_or_default();
    assert!(help.starts_with("give the model with its weights"), "{help}");
}
