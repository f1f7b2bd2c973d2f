//! Every rule, wherever it fires on any of the examples, computes what was computed before.
#![allow(missing_docs, reason = "tests")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{fixtures, graph};
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
                let Some(mut rewritten) = apply(&original, rule, spelling, &weights) else {
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
