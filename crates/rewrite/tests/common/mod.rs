//! Rewriting a model under a framework, as the command line does.

use std::path::{Path, PathBuf};

use hawkeye::{Bindings, Framework, Model, Options, analyse, load};
use hawkeye_graph::{Graph, Node};
use hawkeye_rewrite::{Price, Promise, RULES, Rewritten, Rule, Weights, fixed, rewrite};

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// All rules that keep the function.
pub(crate) fn exact() -> Vec<&'static Rule> {
    RULES.iter().filter(|rule| rule.promise == Promise::Exact).collect()
}

/// The graph of a model file with its inputs' shapes fixed.
pub(crate) fn graph(path: &Path) -> Graph {
    let bindings = Bindings { batch: Some(1), dims: [("seq".to_owned(), 128)].into(), ..Bindings::default() };
    let model = load(path).expect("it loads");
    fixed(&model.graph, &bindings)
        .or_else(|_| fixed(&model.graph, &Bindings::default()))
        .expect("sizes are known")
}

/// What a graph costs under a framework.
pub(crate) fn price(model: &Model, graph: &Graph, framework: &Framework) -> Result<Price, hawkeye::Failure> {
    let model = Model { graph: graph.clone(), ..model.clone() };
    let report = analyse(&model, "", framework.clone(), &Options { depth: 0, ..Options::default() })?;
    let (offline, online) = (&report.totals.offline, &report.totals.online);
    Ok(Price { bytes: offline.bytes + online.bytes, rounds: offline.rounds + online.rounds })
}

/// A model rewritten by these rules for a framework.
pub(crate) fn optimized(
    path: &Path,
    framework: &str,
    rules: Vec<&'static Rule>,
    as_priced: bool,
) -> Rewritten {
    let framework = Framework::open(framework).expect("it is built in");
    let (model, original) = (load(path).expect("it loads"), graph(path));
    let weights = Weights::new(Some(path), &original);
    let mut pricing = |graph: &Graph| price(&model, graph, &framework);
    let loads = |node: &Node| framework.manifest.loads(&node.domain, &node.op, node.opset);
    let options = hawkeye_rewrite::Options {
        rules,
        objective: hawkeye_rewrite::Objective::Bytes,
        loads: (!as_priced).then_some(&loads),
    };
    rewrite(&original, &options, &weights, &mut pricing).expect("it has a price")
}
