//! A training step beyond its forward nodes.

use std::ops::Range;

use hawkeye_cost::Data;
use hawkeye_grad::{Activity, Loss, Optimizer, Part, Setting};
use hawkeye_graph::{Graph, ValueId};

use crate::Visibility;

/// A training step beyond its forward nodes.
#[derive(Clone, Copy, Debug)]
pub struct Training<'a> {
    /// The loss.
    pub loss: Loss,
    /// The optimizer.
    pub optimizer: &'a Optimizer,
    /// Which step it is, from 1 on: optimizers with state do less in the first.
    pub step: u64,
    /// The output of the model that the loss looks at.
    pub output: ValueId,
    /// Who knows the target.
    pub target: Visibility,
    /// Which values have gradients.
    pub activity: &'a Activity,
    /// The parts, in the order in which they run.
    pub parts: &'a [Part],
    /// Where the graph is that of the whole step: the nodes of each part, in the same order.
    pub nodes: Option<&'a [(Part, Range<usize>)]>,
}

impl Training<'_> {
    /// Domain and name of what a part belongs to: an operator, the loss or the optimizer.
    #[must_use]
    pub fn operator<'g>(&self, graph: &'g Graph, part: Part) -> (&'g str, &'g str) {
        match part {
            Part::Gradient(id) => {
                let node = graph.node(id);
                (&node.domain, &node.op)
            }
            Part::Loss | Part::LossGradient => ("", self.loss.name()),
            Part::Update(_) => ("", self.optimizer.algorithm.name()),
        }
    }

    /// How many nodes the model has, at the beginning of the graph.
    pub(crate) fn forward(&self, graph: &Graph) -> usize {
        let first = self.nodes.and_then(|nodes| nodes.first());
        first.map_or(graph.nodes.len(), |(_, range)| range.start)
    }

    /// The record that sheets see.
    pub(crate) fn data(&self, graph: &Graph) -> Data {
        let updated = self.parts.iter().filter_map(|part| match part {
            Part::Update(id) => Some(Data::Text(graph.value(*id).name.clone())),
            Part::Loss | Part::LossGradient | Part::Gradient(_) => None,
        });
        let fields = [
            ("loss".into(), self.loss.name().into()),
            ("optimizer".into(), self.optimizer.algorithm.name().into()),
            ("settings".into(), Data::Dict(self.settings())),
            ("output".into(), Data::Text(graph.value(self.output).name.clone())),
            ("target".into(), self.target.data()),
            ("updated".into(), Data::List(updated.collect())),
        ];
        Data::Struct(fields.into())
    }

    /// The optimizer's settings and the number of the step.
    pub(crate) fn settings(&self) -> Vec<(Data, Data)> {
        let step = ("step", Data::Int(i64::try_from(self.step).unwrap_or(i64::MAX)));
        let settings = self.optimizer.settings.iter().map(|(name, value)| (*name, setting(*value)));
        settings.chain([step]).map(|(name, value)| (name.into(), value)).collect()
    }
}

fn setting(setting: Setting) -> Data {
    match setting {
        Setting::Bool(b) => Data::Bool(b),
        Setting::Int(i) => Data::Int(i),
        Setting::Float(x) => x.into(),
    }
}
