//! Budgets of activations: every price is a profile of the edited model.

use hawkeye::{
    ActivationBudget, ActivationPrice, Bindings, Failure, Options, Replacement, activation_budget, load,
};
use hawkeye_testing::fixtures;

fn budget(
    model: &str,
    framework: &str,
    replacement: Replacement,
    replaced: &[&str],
) -> Result<ActivationBudget, Failure> {
    let model = load(&fixtures().join(model)).expect("it loads");
    let options =
        Options { bindings: Bindings { batch: Some(1), ..Bindings::default() }, ..Options::default() };
    let replaced: Vec<String> = replaced.iter().map(|name| (*name).to_owned()).collect();
    activation_budget(&model, "model.onnx", framework, &options, replacement, &replaced)
}

const LENET: &str = "models/lenet5.onnx";

#[test]
fn layers_that_depend_on_nothing_save_what_they_cost() {
    let budget = budget(LENET, "crypten", Replacement::Identity, &[]).expect("it is priced");
    assert!(!budget.layers.is_empty());
    for layer in &budget.layers {
        let without = layer.without.expect("CrypTen runs it");
        assert_eq!(
            budget.price.online_bytes - without.online_bytes,
            layer.own.online_bytes,
            "{}",
            layer.name
        );
    }
    let sum: u64 = budget.layers.iter().map(|layer| layer.own.online_bytes).sum();
    let last = budget.front.last().expect("a point a layer");
    assert_eq!((last.elements, last.price.online_bytes), (0, budget.price.online_bytes - sum));
}

#[test]
fn a_front_that_goes_on_from_replaced_layers_is_the_rest_of_it() {
    let whole = budget(LENET, "cryptflow2", Replacement::Identity, &[]).expect("it is priced");
    let first = &whole.front[0];
    let rest = budget(LENET, "cryptflow2", Replacement::Identity, &[&first.replaced]).expect("it is priced");
    assert_eq!((rest.price, rest.elements), (first.price, first.elements));
    let prices =
        |budget: &ActivationBudget| budget.front.iter().map(|p| p.price).collect::<Vec<ActivationPrice>>();
    assert_eq!(prices(&rest).last(), prices(&whole).last());
}

#[test]
fn squares_cost_something() {
    let of = |replacement| budget(LENET, "crypten", replacement, &[]).expect("it is priced");
    let (identity, square) = (of(Replacement::Identity), of(Replacement::Square));
    for (gone, squared) in identity.layers.iter().zip(&square.layers) {
        assert!(gone.without.map(|p| p.bytes) < squared.without.map(|p| p.bytes), "{}", gone.name);
    }
}

#[test]
fn unknown_layers_are_named_all_at_once() {
    let failure =
        budget(LENET, "crypten", Replacement::Identity, &["nope", "neither"]).expect_err("no such layers");
    let text = failure.to_string();
    assert!(text.contains("\"nope\"") && text.contains("\"neither\""), "{text}");
}
