//! What a model's activation layers cost, and what the model costs with fewer of them.

use hawkeye_graph::{Attributes, Diagnostic, Failure, NodeId, Place};
use hawkeye_onnx::Model;
use hawkeye_report::{Operator, Report};
use serde::Serialize;

use crate::{Framework, Options, Session};

/// Operators that training for private inference removes or replaces layer by layer.
const ACTIVATIONS: [&str; 14] = [
    "Celu",
    "Clip",
    "Elu",
    "Gelu",
    "HardSigmoid",
    "HardSwish",
    "LeakyRelu",
    "Mish",
    "PRelu",
    "Relu",
    "Selu",
    "Sigmoid",
    "Softplus",
    "Tanh",
];

/// What takes an activation's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Replacement {
    /// Its input, as SNL, SENet and DeepReShape leave it.
    Identity,
    /// Its input's square, as Delphi's planner leaves it.
    Square,
}

/// What a model or a layer costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ActivationPrice {
    /// Bytes of all phases.
    pub bytes: u64,
    /// Those of the online phase.
    pub online_bytes: u64,
    /// Rounds of the online phase.
    pub rounds: u64,
    /// Seconds, if a network was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// An activation layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ActivationLayer {
    /// The node's name in reports.
    pub name: String,
    /// The operator.
    pub op: String,
    /// Elements that it is applied to.
    pub elements: u64,
    /// What its own row of the report says.
    pub own: ActivationPrice,
    /// The whole model with this layer replaced; `None` if the framework does not run that.
    pub without: Option<ActivationPrice>,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// The whole model after one more layer was replaced.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FrontPoint {
    /// The layer; those of the points before stay replaced.
    pub replaced: String,
    /// Elements that activations are still applied to.
    pub elements: u64,
    /// The price of the model.
    #[serde(flatten)]
    pub price: ActivationPrice,
}

/// Prices of activation layers under a framework.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ActivationBudget {
    /// What takes their place.
    pub replacement: Replacement,
    /// The model as it is.
    pub price: ActivationPrice,
    /// Elements that activations are applied to.
    pub elements: u64,
    /// The layers, in execution order.
    pub layers: Vec<ActivationLayer>,
    /// The model with more and more of them replaced: first what saves the most bytes per element by itself.
    /// Every point is priced as a whole.
    pub front: Vec<FrontPoint>,
}

/// Prices every activation layer by itself, and the model without more and more of them.
///
/// # Errors
/// Everything that keeps the model as it is from being priced, and names in `replaced` that no activation
/// layer has.
pub fn activation_budget(
    model: &Model,
    file: &str,
    framework: &str,
    options: &Options,
    replacement: Replacement,
    replaced: &[String],
) -> Result<ActivationBudget, Failure> {
    let session = Session::new(
        Framework::open(framework)?.overlaid(&options.overlays)?,
        options.parties,
        &options.settings,
    )?;
    let report_of = |model: &Model| session.analyse(model, file, options);
    let original = report_of(model)?;
    let gone = ids(model, &original, replaced)?;
    let start = without(model, &gone, replacement);
    let report = report_of(&start)?;
    let price_without = |ids: &[NodeId]| report_of(&without(&start, ids, replacement)).map(|r| price(&r));

    let mut found: Vec<(NodeId, ActivationLayer)> = Vec::new();
    for (id, operator) in activations(&start, &report) {
        let (without, refused) = match price_without(&[id]) {
            Ok(price) => (Some(price), None),
            Err(failure) => (None, failure.0.first().map(|diagnostic| diagnostic.message.clone())),
        };
        let layer = ActivationLayer {
            name: operator.name.clone(),
            op: operator.op.clone(),
            elements: elements(operator),
            own: own(operator),
            without,
            refused,
        };
        found.push((id, layer));
    }
    let price = price(&report);
    let front = front(&found, price, &price_without);
    let elements = found.iter().map(|(_, layer)| layer.elements).sum();
    let layers = found.into_iter().map(|(_, layer)| layer).collect();
    Ok(ActivationBudget { replacement, price, elements, layers, front })
}

/// The model without more and more of its activations, first what saves the most bytes per element by itself.
fn front(
    found: &[(NodeId, ActivationLayer)],
    price: ActivationPrice,
    price_without: &dyn Fn(&[NodeId]) -> Result<ActivationPrice, Failure>,
) -> Vec<FrontPoint> {
    let mut order: Vec<&(NodeId, ActivationLayer)> =
        found.iter().filter(|(_, l)| l.without.is_some()).collect();
    let saved = |layer: &ActivationLayer| {
        i128::from(price.bytes) - i128::from(layer.without.map_or(price.bytes, |price| price.bytes))
    };
    // Fractions compared by cross products; the sort is stable.
    order.sort_by(|(_, a), (_, b)| {
        (saved(b) * i128::from(a.elements)).cmp(&(saved(a) * i128::from(b.elements)))
    });
    let mut front = Vec::new();
    let mut gone = Vec::new();
    let mut left: u64 = found.iter().map(|(_, layer)| layer.elements).sum();
    for (id, layer) in order {
        gone.push(*id);
        match price_without(&gone) {
            Ok(price) => {
                left -= layer.elements;
                front.push(FrontPoint { replaced: layer.name.clone(), elements: left, price });
            }
            // Not beside those that are gone already.
            Err(_) => drop(gone.pop()),
        }
    }
    front
}

/// Nodes that are activations and cost something, with their rows.
fn activations<'a>(model: &Model, report: &'a Report) -> Vec<(NodeId, &'a Operator)> {
    let graph = &model.graph;
    let row = |id: NodeId| {
        let node = graph.node(id);
        let output = node.present_outputs().next()?;
        let name = &graph.value(output).name;
        let activation = node.domain.is_empty() && ACTIVATIONS.contains(&node.op.as_str());
        let row = report.operators.iter().find(|row| row.outputs.first().is_some_and(|o| o.name == *name))?;
        let own = own(row);
        (activation && (own.bytes > 0 || own.rounds > 0)).then_some((id, row))
    };
    graph.node_ids().filter_map(row).collect()
}

/// The nodes with these names in the report.
fn ids(model: &Model, report: &Report, names: &[String]) -> Result<Vec<NodeId>, Failure> {
    let known = activations(model, report);
    let find = |name: &String| known.iter().find(|(_, row)| row.name == *name).map(|(id, _)| *id);
    let missing: Vec<Diagnostic> = names
        .iter()
        .filter(|name| find(name).is_none())
        .map(|name| {
            let message = format!("the model has no activation layer \"{name}\" that costs anything");
            Diagnostic::error(Place::Model, message).help("the names are those of the report's rows")
        })
        .collect();
    if missing.is_empty() { Ok(names.iter().filter_map(find).collect()) } else { Err(Failure(missing)) }
}

/// The model with these nodes replaced.
fn without(model: &Model, ids: &[NodeId], replacement: Replacement) -> Model {
    let mut model = model.clone();
    for id in ids {
        let node = &mut model.graph.nodes[id.index()];
        let input = node.inputs.first().copied().flatten();
        let (op, inputs) = match replacement {
            Replacement::Identity => ("Identity", vec![input]),
            Replacement::Square => ("Mul", vec![input, input]),
        };
        op.clone_into(&mut node.op);
        node.inputs = inputs;
        node.attributes = Attributes::default();
    }
    model
}

/// Elements of the first output, as far as its dimensions are known.
fn elements(row: &Operator) -> u64 {
    let shape = row.outputs.first().and_then(|output| output.shape.as_ref());
    shape.map_or(1, |dims| dims.iter().flatten().product())
}

fn price(report: &Report) -> ActivationPrice {
    let totals = &report.totals;
    ActivationPrice {
        bytes: totals.setup.bytes + totals.offline.bytes + totals.online.bytes,
        online_bytes: totals.online.bytes,
        rounds: totals.online.rounds,
        seconds: report.time.as_ref().map(|time| time.seconds),
    }
}

fn own(row: &Operator) -> ActivationPrice {
    let phases = &row.phases;
    ActivationPrice {
        bytes: phases.setup.bytes + phases.offline.bytes + phases.online.bytes,
        online_bytes: phases.online.bytes,
        rounds: phases.online.rounds,
        seconds: row.seconds,
    }
}
