//! Which constants of a model are trained.

use hawkeye_graph::{Diagnostic, Failure, Graph, Origin, Place, ValueId};
use serde::{Deserialize, Serialize};

use crate::activity::differentiated;

/// Which initializers of real numbers count as parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trainable {
    /// Those with at least one dimension, except the running mean and variance of
    /// `BatchNormalization`, which are statistics.
    #[default]
    Learnable,
    /// All.
    All,
    /// All but the running statistics of `BatchNormalization`.
    AllButStatistics,
}

/// The trained parameters in the order of the file: the trainable ones but those named in `frozen`. What only says how nodes compute,
/// such as the scales of a `Resize`, is no parameter, and neither is what no node takes.
///
/// # Errors
/// Names that no initializer has, all of them.
pub fn parameters(graph: &Graph, which: Trainable, frozen: &[String]) -> Result<Vec<ValueId>, Failure> {
    let (single, running) = match which {
        Trainable::Learnable => (false, false),
        Trainable::All => (true, true),
        Trainable::AllButStatistics => (true, false),
    };
    let weight = |id: &ValueId| match &graph.value(*id).origin {
        Origin::Initializer(tensor) => tensor.dtype.is_float() && (single || !tensor.dims.is_empty()),
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
    let norms = graph.nodes.iter().filter(|n| n.domain.is_empty() && n.op == "BatchNormalization");
    for node in norms.filter(|_| !running) {
        // Mean and variance, which training updates by itself.
        for statistic in node.inputs.iter().skip(3).flatten() {
            fixed[statistic.index()] = true;
        }
    }
    let mut taken = vec![false; graph.values.len()];
    for id in graph.nodes.iter().flat_map(|node| differentiated(node).chain(node.captured())) {
        taken[id.index()] = true;
    }
    let trained = |id: &ValueId| {
        weight(id) && taken[id.index()] && !fixed[id.index()] && !frozen.contains(&graph.value(*id).name)
    };
    Ok(graph.value_ids().filter(trained).collect())
}

#[cfg(test)]
mod tests {
    use hawkeye_graph::{DType, GraphBuilder, Tensor};

    use super::*;

    #[test]
    fn scales_and_what_nothing_takes_are_no_parameters() {
        let mut builder = GraphBuilder::default();
        let x = builder.tensor_input("x", DType::Float32, &[1, 4]);
        let reals = |dims: &[u64]| Tensor { dtype: DType::Float32, dims: dims.to_vec(), elements: None };
        let weight = builder.initializer("weight", reals(&[4, 4]));
        let scales = builder.initializer("scales", reals(&[2]));
        builder.initializer("unused", reals(&[3]));
        let y = builder.op("MatMul", &[x, weight]);
        builder.op("Upsample", &[y, scales]);
        let graph = builder.finish().expect("no cycle");
        assert_eq!(parameters(&graph, Trainable::All, &[]).expect("none is frozen"), [weight]);
    }
}
