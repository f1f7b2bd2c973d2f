//! The report's structure, schema `hawkeye/1`. Keys may be added, but none renamed or removed.

use crate::time::{SpentInfo, TimeInfo};
use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize};

/// Name and version of the schema.
pub const SCHEMA: &str = "hawkeye/1";

/// Name of the child that stands for the messages a call sends itself, beside what its callees
/// send.
pub const OWN: &str = "(messages)";

/// Name of the node whose children run side by side: they send in the same rounds.
pub const PARALLEL: &str = "parallel";

/// Name of a side of such a node that has no function of its own.
pub const SIDE: &str = "branch";

/// What a model costs under a framework.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// The model.
    pub model: ModelInfo,
    /// The framework.
    pub framework: FrameworkInfo,
    /// What was profiled.
    pub run: RunInfo,
    /// What was taken as `secret`, as `public`, or as known to a party: the inputs and the weights, with
    /// the number of their elements.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub visibility: IndexMap<String, IndexMap<String, Option<u64>>>,
    /// Costs of the whole program.
    pub totals: Phases,
    /// How long it takes, if a network was given: a prediction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeInfo>,
    /// In training, costs of each pass; they add up to the totals.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub passes: IndexMap<String, PassCost>,
    /// Who sends how much to whom.
    pub links: Vec<LinkTraffic>,
    /// The framework's own statistics, as it would print them.
    pub counters: IndexMap<String, u64>,
    /// Costs per operator in execution order; they add up to the totals.
    pub operators: Vec<Operator>,
    /// The prefix tree of calls, cut at the depth asked for.
    pub calls: Vec<CallNode>,
    /// What the user should know.
    pub diagnostics: Vec<DiagnosticInfo>,
}

/// The model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// File name as given.
    pub file: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// What was hashed, where that is not the whole file: `file without weights`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256_of: Option<String>,
    /// Program that wrote the file.
    pub producer: String,
    /// Version of the ONNX operators.
    pub opset: i64,
    /// Nodes in the file.
    pub nodes: usize,
    /// Elements of all initializers of real numbers.
    pub parameters: u64,
}

/// The framework.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrameworkInfo {
    /// Name.
    pub name: String,
    /// The version that is modelled.
    pub version: String,
    /// Number of parties.
    pub parties: u16,
    /// Names of parties that have one, by number; a dealer of its own is a party too.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub party_names: IndexMap<u16, String>,
    /// What its numbers rest on: `measured` or `modelled`.
    pub evidence: String,
    /// Runs of the framework that reports were compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<MeasuredRuns>,
    /// Against whom it protects: how many parties may collude, whether they follow the protocol, and whom
    /// all have to trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security: Option<String>,
    /// Every parameter with its value.
    pub parameters: IndexMap<String, Scalar>,
}

/// Runs of a framework, whatever the model, that its reports were compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasuredRuns {
    /// How many there are.
    pub runs: u64,
    /// Of how many the report is exact in every number.
    pub exact: u64,
    /// Of how many others every number is within the band that the report states.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub within: u64,
}

/// What the framework's own front end makes of the model's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loads {
    /// The function or program that reads ONNX for the framework.
    pub front_end: String,
    /// Nodes of the model that it does not load.
    pub refused: u64,
}

/// A parameter's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// Truth value.
    Bool(bool),
    /// Integer.
    Int(i64),
    /// Real number.
    Float(f64),
    /// Text.
    Text(String),
}

/// What was profiled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// `inference` or `training`.
    pub phase: String,
    /// What is trained, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingInfo>,
    /// Leading dimension of the first input; 1 if it has none.
    pub batch: u64,
    /// Sizes of the model's symbolic dimensions.
    pub dims: IndexMap<String, u64>,
    /// Who knows the weights: `secret`, `public`, or `party N`.
    pub weights: String,
    /// Whether the framework's own front end loads the model; left out where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loads: Option<Loads>,
}

/// A training run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingInfo {
    /// The loss.
    pub loss: String,
    /// The optimizer with all its settings.
    pub optimizer: String,
    /// The first step that is priced, from 1 on.
    pub first_step: u64,
    /// How many steps are priced, one after the other.
    pub steps: u64,
    /// Trained parameters that a gradient reaches, in elements.
    pub trained: u64,
}

/// Costs of one phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PhaseCost {
    /// Payload bytes sent by all parties.
    pub bytes: u64,
    /// Messages sent by all parties.
    pub messages: u64,
    /// Rounds as the framework counts them.
    pub rounds: u64,
    /// Sequential message flights, counted alike for all frameworks; left out if there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub flights: u64,
    /// Where sizes vary from run to run: by how much.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncertainty: Option<Uncertainty>,
    /// Seconds on the network that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// The band in which a measurement may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uncertainty {
    /// Plus or minus this many bytes.
    pub bytes: u64,
}

/// Costs by phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Phases {
    /// Once per session.
    pub setup: PhaseCost,
    /// Before the inputs are known.
    pub offline: PhaseCost,
    /// On the inputs.
    pub online: PhaseCost,
}

/// Costs of a pass of a training step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PassCost {
    /// Costs by phase.
    #[serde(flatten)]
    pub phases: Phases,
    /// Its part of the framework's own statistics.
    pub counters: IndexMap<String, u64>,
}

/// What is sent over a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkTraffic {
    /// Phase.
    pub phase: String,
    /// Sender.
    pub from: u16,
    /// Receiver.
    pub to: u16,
    /// Channel, where the framework has several.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub channel: String,
    /// Payload bytes.
    pub bytes: u64,
    /// Messages.
    pub messages: u64,
}

/// Costs of an operator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Operator {
    /// Position in this list.
    pub index: usize,
    /// Position of its node in the file's list of nodes; null for what belongs to none: setup, output,
    /// loss, updates.
    #[serde(default)]
    pub node: Option<usize>,
    /// The node's name; what the framework does before and after the model is named `(setup)` and
    /// `(output)`.
    pub name: String,
    /// The operator; `Setup` and `Output` for those.
    pub op: String,
    /// Module path of the exporting framework.
    pub scope: Vec<String>,
    /// `forward`, `loss`, `backward` or `optimizer`.
    pub pass: String,
    /// Outside the forward pass, the name of the forward operator that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Its outputs.
    pub outputs: Vec<OutputInfo>,
    /// Costs by phase.
    #[serde(flatten)]
    pub phases: Phases,
    /// Seconds of the phases that count, on the network that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// What they are spent on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<SpentInfo>,
    /// Its part of the framework's own statistics.
    pub counters: IndexMap<String, u64>,
    /// What its numbers rest on, where that differs from the framework's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

impl Operator {
    /// Whether it sends anything.
    pub(crate) fn sends(&self) -> bool {
        self.phases.each().into_iter().any(|cost| cost.messages > 0 || cost.bytes > 0)
    }

    /// The operator, and outside the forward pass the pass: `Conv`, `Conv backward`, `adam optimizer`.
    #[must_use]
    pub fn kind(&self) -> String {
        if self.pass == "forward" { self.op.clone() } else { format!("{} {}", self.op, self.pass) }
    }
}

/// An output of an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputInfo {
    /// Name of the value.
    pub name: String,
    /// Elements per dimension; an unknown one is null.
    pub shape: Option<Vec<Option<u64>>>,
}

/// A node of the prefix tree: a module, an operator or a protocol call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CallNode {
    /// Name of the module, node or protocol function.
    pub name: String,
    /// The operator, if this is a node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
    /// Position in the file's list of nodes, if this is a node of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<usize>,
    /// How often it runs under its parent.
    pub times: u64,
    /// Seconds of the phases that count, on the network that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Costs by phase; phases without any are left out.
    #[serde(flatten, deserialize_with = "phases_alone")]
    pub costs: IndexMap<String, PhaseCost>,
    /// What it calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<CallNode>,
}

/// The phases of a [`CallNode`]. Its other keys are not costs, whatever later versions add.
#[derive(Deserialize)]
struct PhasesOfCall {
    /// Once per session.
    setup: Option<PhaseCost>,
    /// Before the inputs are known.
    offline: Option<PhaseCost>,
    /// On the inputs.
    online: Option<PhaseCost>,
}

fn phases_alone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IndexMap<String, PhaseCost>, D::Error> {
    let PhasesOfCall { setup, offline, online } = PhasesOfCall::deserialize(deserializer)?;
    let phases = [("setup", setup), ("offline", offline), ("online", online)];
    Ok(phases.into_iter().filter_map(|(name, cost)| Some((name.to_owned(), cost?))).collect())
}

/// A diagnostic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiagnosticInfo {
    /// `warning`.
    pub severity: String,
    /// What it is about.
    pub place: String,
    /// One sentence.
    pub message: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Phases {
    /// The costs in the order of the phases.
    pub(crate) fn each(&self) -> [&PhaseCost; 3] {
        [&self.setup, &self.offline, &self.online]
    }
}
