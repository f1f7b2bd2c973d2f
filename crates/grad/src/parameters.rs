//! Which constants of a model are trained.

use hawkeye_graph::{Diagnostic, Failure, Graph, Origin, Place, ValueId};

/// The trained parameters: initializers of real numbers with at least one dimension, except the
/// running mean and variance of `BatchNormalization`, which are statistics, and those named in
/// `frozen`.
///
/// # Errors
/// Names that no initializer has, all of them.
pub fn parameters(graph: &Graph, frozen: &[String]) -> Result<Vec<ValueId>, Failure> {
    let weight = |id: &ValueId| match &graph.value(*id).origin {
        Origin::Initializer(tensor) => tensor.dtype.is_float() && !tensor.dims.is_empty(),
        Origin::Input(_) | Origin::Node(_) | Origin::Outer(_) => false,
    };
    let named = |name: &String| {
        graph.values.iter().any(|value| value.name == *name && matches!(value.origin, Origin::Initializer(_)))
    };
    let unknown: Vec<Diagnostic> = frozen
        .iter()
        .filter(|name| !named(name))
        .map(|name| Diagnostic::error(Place::Model, format!("the model has no parameter named \"{name}\"")))
        .collect();
    if !unknown.is_empty() {
        return Err(Failure(unknown));
    }
    let mut fixed = vec![false; graph.values.len()];
    for node in graph.nodes.iter().filter(|n| n.domain.is_empty() && n.op == "BatchNormalization") {
        for statistic in node.inputs.iter().skip(3).flatten() {
            fixed[statistic.index()] = true;
        }
    }
    let trained = |id: &ValueId| weight(id) && !fixed[id.index()] && !frozen.contains(&graph.value(*id).name);
    Ok(graph.value_ids().filter(trained).collect())
}
