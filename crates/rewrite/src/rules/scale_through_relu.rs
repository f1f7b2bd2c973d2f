//! A positive scale before a Relu, moved behind it into the linear layers that follow.

use hawkeye_graph::ValueId;

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, is};

use super::affine::{Affine, Scale};
use super::linear::Linear;

pub(super) const RULE: Rule = Rule {
    name: "scale-through-relu",
    family: Family::Folding,
    what: "Relu(k x + t), then linear layers -> Relu(x + t/k), the layers with weights times k; BatchNormalization \
           or Mul and Div by constants",
    when: "every k > 0, since Relu(k x) = k Relu(x) only then; all that reads the Relu is linear. Padding does not \
           matter: it is zero on both sides",
    why: "a product per element is gone where no linear layer stands before it",
    source: "positive homogeneity of Relu; DenseNet's pre-activation",
    promise: Promise::Exact,
    anchors: &["Relu"],
    rewrite: &rewrite,
};

fn rewrite(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (inner, output) = (site.input(0)?, site.output()?);
    let rank = site.shape(output)?.len();
    let consumers = site.consumers(output);
    if site.graph.outputs.contains(&output) || !site.is_private(inner) {
        return None;
    }
    let layers: Vec<Linear<'_>> =
        consumers.iter().map(|node| Linear::reading(site, node, output)).collect::<Option<_>>()?;
    let axis = layers.first()?.axis(rank);
    let affine = Affine::of(site, site.producer(inner)?, axis)?;
    let sign = affine.sign?;
    let same = layers.iter().all(|layer| layer.axis(rank) == axis);
    if !same || !site.every(sign, "positive", |x| x > 0.0) {
        return None;
    }
    let (scale, shift) = affine.vectors(edit);
    let scale = scale?;
    let mut moved = affine.x;
    if let Some(shift) = shift {
        // Where a model without weights has zeros for scales, the quotient is to stay a number.
        let least = edit.number(1e-30);
        let divisor = edit.op("Max", &[scale, least]);
        let shift = edit.op("Div", &[shift, divisor]);
        let mut shape = vec![1; rank];
        shape[axis] = -1;
        let shift = edit.reshape(shift, &shape);
        moved = edit.op("Add", &[moved, shift]);
    }
    let relu = edit.like(site.node, &[moved]);
    for layer in &layers {
        let weight: ValueId = layer.scale_inputs(edit, scale)?;
        let folded = layer.build(edit, relu, weight, layer.bias);
        edit.replace(layer.output, folded);
    }
    debug_assert!(
        is(site.node, "Relu")
            && matches!(affine.scale, Some(Scale::Times(_) | Scale::Over(_) | Scale::Norm { .. }))
    );
    Some(())
}
