//! Costs and shapes as annotations of the model itself.

use std::collections::{BTreeMap, BTreeSet};

use hawkeye_graph::{DType, Dim, Failure, Graph, Origin, ValueId};
use hawkeye_onnx::{Annotations, Model};
use hawkeye_report::Quantity;
use hawkeye_report::{Operator, Phases, Report};
use hawkeye_shapes::{Bindings, bind, infer, with_values};

/// Keys of annotations begin with this.
pub const PREFIX: &str = "hawkeye.";

/// A report and the shapes it rests on, as metadata of the model's nodes and types of its values.
/// Dimensions that follow a symbolic one are left open, so that the model stays as general as it
/// was.
///
/// # Errors
/// If the sizes do not fit the model.
pub fn annotations(model: &Model, report: &Report, bindings: &Bindings) -> Result<Annotations, Failure> {
    let graph = &model.graph;
    let mut sums: BTreeMap<usize, Sum> = BTreeMap::new();
    let mut outside = Sum::default();
    for operator in &report.operators {
        match operator.node {
            Some(node) => sums.entry(node).or_default().add(operator),
            None => {
                outside.add_phases(&operator.phases);
                outside.add_seconds(operator.seconds);
            }
        }
    }
    let framework = &report.framework;
    let mut entries = vec![
        (format!("{PREFIX}framework"), format!("{} {}", framework.name, framework.version)),
        (format!("{PREFIX}parties"), framework.parties.to_string()),
        (format!("{PREFIX}batch"), report.run.batch.to_string()),
        (format!("{PREFIX}weights"), report.run.weights.clone()),
    ];
    entries.extend(report.run.dims.iter().map(|(name, n)| (format!("{PREFIX}dim.{name}"), n.to_string())));
    if let Some(time) = &report.time {
        entries.push((format!("{PREFIX}network"), time.network.clone()));
        entries.push((format!("{PREFIX}machine"), time.machine.clone()));
        entries.push((format!("{PREFIX}total.seconds"), time.seconds.to_string()));
    }
    let mut total = Sum::default();
    total.add_phases(&report.totals);
    entries.extend(total.entries("total."));
    entries.extend(outside.entries("outside."));
    Ok(Annotations {
        model: entries,
        nodes: sums.into_iter().map(|(index, sum)| (index, sum.entries(""))).collect(),
        values: values(graph, bindings)?,
        prefix: PREFIX.to_owned(),
    })
}

/// What nodes cost together.
#[derive(Default)]
struct Sum {
    amounts: [[u128; 3]; 3],
    /// Of the phases that count, where a network was given.
    seconds: Option<f64>,
    evidence: BTreeSet<String>,
}

impl Sum {
    fn add(&mut self, operator: &Operator) {
        self.add_phases(&operator.phases);
        self.add_seconds(operator.seconds);
        self.evidence.extend(operator.evidence.iter().flat_map(|kinds| kinds.split(", ")).map(str::to_owned));
    }

    fn add_seconds(&mut self, seconds: Option<f64>) {
        if let Some(seconds) = seconds {
            *self.seconds.get_or_insert_default() += seconds;
        }
    }

    fn add_phases(&mut self, phases: &Phases) {
        let costs = [phases.setup, phases.offline, phases.online];
        for (amounts, cost) in self.amounts.iter_mut().zip(costs) {
            for (amount, quantity) in amounts.iter_mut().zip(Quantity::ALL) {
                *amount += u128::from(quantity.of(&cost));
            }
        }
    }

    /// What is not zero, and the online bytes in any case.
    fn entries(&self, kind: &str) -> Vec<(String, String)> {
        let mut entries = Vec::new();
        for (phase, amounts) in ["setup", "offline", "online"].iter().zip(self.amounts) {
            for (quantity, amount) in Quantity::ALL.iter().zip(amounts) {
                if amount > 0 || (*phase == "online" && *quantity == Quantity::Bytes) {
                    let key = format!("{PREFIX}{kind}{phase}.{}", quantity.name());
                    entries.push((key, amount.to_string()));
                }
            }
        }
        if let Some(seconds) = self.seconds {
            entries.push((format!("{PREFIX}{kind}seconds"), seconds.to_string()));
        }
        if !self.evidence.is_empty() {
            let kinds: Vec<&str> = self.evidence.iter().map(String::as_str).collect();
            entries.push((format!("{PREFIX}evidence"), kinds.join(", ")));
        }
        entries
    }
}

type Typed = (String, DType, Vec<Option<u64>>);

/// Types of what nodes give. A dimension that changes with the sizes of the inputs is open.
fn values(graph: &Graph, bindings: &Bindings) -> Result<Vec<Typed>, Failure> {
    let given = with_values(graph, bindings)?;
    let graph = given.as_ref();
    let inputs = bind(graph, bindings)?;
    let shapes = infer(graph, &inputs);
    let grown = grown(graph, &inputs);
    let others = (grown != inputs).then(|| infer(graph, &grown));
    let typed = |id: ValueId| {
        let value = graph.value(id);
        let fact = &shapes.facts[id];
        let (Origin::Node(_), Some(dtype), Some(dims)) = (&value.origin, fact.dtype, &fact.dims) else {
            return None;
        };
        let dims = match &others {
            None => dims.clone(),
            Some(others) => {
                let other = others.facts[id].dims.as_ref().filter(|other| other.len() == dims.len())?;
                dims.iter().zip(other).map(|(a, b)| a.filter(|_| a == b)).collect()
            }
        };
        Some((value.name.clone(), dtype, dims))
    };
    Ok(graph.value_ids().filter_map(typed).collect())
}

/// The inputs, one larger in every dimension that the model leaves open.
fn grown(graph: &Graph, inputs: &BTreeMap<ValueId, Vec<u64>>) -> BTreeMap<ValueId, Vec<u64>> {
    let grow = |(id, shape): (&ValueId, &Vec<u64>)| {
        let declared = match &graph.value(*id).origin {
            Origin::Input(declared) => declared.dims.as_deref(),
            Origin::Initializer(_) | Origin::Node(_) | Origin::Outer(_) => None,
        };
        let open = |i: usize| declared.is_none_or(|dims| matches!(dims.get(i), Some(Dim::Symbol(_))));
        let sizes = shape.iter().enumerate().map(|(i, n)| if open(i) { n.saturating_add(1) } else { *n });
        (*id, sizes.collect())
    };
    inputs.iter().map(grow).collect()
}
