//! Scales and shifts per channel, however the model writes them.

use hawkeye_graph::{Node, ValueId};

use crate::edit::Edit;
use crate::rule::{Site, float, int, is};

/// `x * scale + shift`, by vectors over channels.
pub(super) struct Affine {
    pub(super) x: ValueId,
    pub(super) scale: Option<Scale>,
    pub(super) shift: Option<Shift>,
    /// Positive wherever the scale is: a weight to ask about its sign.
    pub(super) sign: Option<ValueId>,
}

pub(super) enum Scale {
    Times(ValueId),
    Over(ValueId),
    /// `gamma / sqrt(variance + epsilon)`.
    Norm {
        gamma: ValueId,
        variance: ValueId,
        epsilon: f32,
    },
}

pub(super) enum Shift {
    Plus(ValueId),
    Minus(ValueId),
    /// `beta - mean * scale`.
    Norm {
        beta: ValueId,
        mean: ValueId,
    },
}

impl Affine {
    /// What a node does to each channel, with a product right before its sum.
    pub(super) fn chain(site: &Site<'_>, node: &Node, axis: usize) -> Option<Self> {
        let outer = Self::of(site, node, axis)?;
        let inner = match outer {
            Self { scale: None, x, .. } if site.is_private(x) => {
                site.producer(x).and_then(|product| Self::of(site, product, axis))
            }
            _ => None,
        };
        Some(match inner {
            Some(Self { x, scale: Some(scale), shift: None, sign }) => {
                Self { x, scale: Some(scale), shift: outer.shift, sign }
            }
            _ => outer,
        })
    }

    /// What a node does to each channel; the channels are at `axis` of the output.
    pub(super) fn of(site: &Site<'_>, node: &Node, axis: usize) -> Option<Self> {
        let input = |index: usize| node.inputs.get(index).copied().flatten();
        if is(node, "BatchNormalization") {
            let trained = int(node, "training_mode", 0) == 1 || node.outputs.len() > 1;
            let list: Vec<ValueId> = (1..5).filter_map(input).collect();
            let [gamma, beta, mean, variance] = list.try_into().ok()?;
            let weights = [gamma, beta, mean, variance].iter().all(|v| site.is_weight(*v));
            let epsilon = float(node, "epsilon", 1e-5);
            return (!trained && weights && axis == 1).then_some(Self {
                x: input(0)?,
                scale: Some(Scale::Norm { gamma, variance, epsilon }),
                shift: Some(Shift::Norm { beta, mean }),
                sign: Some(gamma),
            });
        }
        let [a, b] = [input(0)?, input(1)?];
        let swaps = matches!(node.op.as_str(), "Mul" | "Add");
        let (x, vector) = if site.is_weight(b) || !swaps { (a, b) } else { (b, a) };
        let output = node.outputs.first().copied().flatten()?;
        if !site.is_weight(vector) || !per_channel(site, vector, output, axis)? {
            return None;
        }
        let (scale, shift) = match node.op.as_str() {
            "Mul" => (Some(Scale::Times(vector)), None),
            "Div" => (Some(Scale::Over(vector)), None),
            "Add" => (None, Some(Shift::Plus(vector))),
            "Sub" => (None, Some(Shift::Minus(vector))),
            _ => return None,
        };
        let sign = scale.is_some().then_some(vector);
        Some(Self { x, scale, shift, sign })
    }

    /// Scale and shift as vectors.
    pub(super) fn vectors(&self, edit: &mut Edit) -> (Option<ValueId>, Option<ValueId>) {
        let scale = self.scale.as_ref().map(|scale| match scale {
            Scale::Times(vector) => edit.reshape(*vector, &[-1]),
            Scale::Over(vector) => {
                let vector = edit.reshape(*vector, &[-1]);
                let one = edit.number(1.0);
                edit.op("Div", &[one, vector])
            }
            Scale::Norm { gamma, variance, epsilon } => {
                let epsilon = edit.number(f64::from(*epsilon));
                let variance = edit.op("Add", &[*variance, epsilon]);
                let deviation = edit.op("Sqrt", &[variance]);
                edit.op("Div", &[*gamma, deviation])
            }
        });
        let shift = self.shift.as_ref().map(|shift| match (shift, scale) {
            (Shift::Plus(vector), _) => edit.reshape(*vector, &[-1]),
            (Shift::Minus(vector), _) => {
                let vector = edit.reshape(*vector, &[-1]);
                edit.op("Neg", &[vector])
            }
            (Shift::Norm { beta, mean }, Some(scale)) => {
                let moved = edit.op("Mul", &[*mean, scale]);
                edit.op("Sub", &[*beta, moved])
            }
            (Shift::Norm { beta, .. }, None) => *beta,
        });
        (scale, shift)
    }
}

/// Whether a constant varies along one axis of a tensor only, and covers it.
fn per_channel(site: &Site<'_>, vector: ValueId, output: ValueId, axis: usize) -> Option<bool> {
    let (shape, full) = (site.shape(vector)?, site.shape(output)?);
    let offset = full.len().checked_sub(shape.len())?;
    let at = axis.checked_sub(offset)?;
    let alone = shape.iter().enumerate().all(|(i, size)| i == at || *size == 1);
    Some(alone && *shape.get(at)? == full[axis])
}
