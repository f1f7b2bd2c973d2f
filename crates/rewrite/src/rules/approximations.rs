//! Functions in place of others: only on request.

use hawkeye_graph::ValueId;

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, is};

use super::signs::clip;
use super::softmax::operand;

pub(super) const GELU_RELU: Rule = Rule {
    name: "gelu-relu",
    family: Family::Activation,
    what: "GELU -> Relu(x)",
    when: "the model is trained for it",
    why: "one comparison in place of an error function",
    source: "THE-X, Chen et al., Findings of ACL 2022",
    promise: Promise::Approximate { error: "0.17", training: true },
    anchors: &["Mul", "Gelu"],
    rewrite: |site, edit| gelu(site, edit, |edit, x| edit.op("Relu", &[x])),
};

pub(super) const GELU_QUAD: Rule = Rule {
    name: "gelu-quad",
    what: "GELU -> x^2 / 8 + x / 4 + 1/2",
    why: "one square in place of an error function",
    source: "MPCFormer, Li et al., ICLR 2023",
    promise: Promise::Approximate { error: "1.0 on normal inputs", training: true },
    rewrite: |site, edit| {
        gelu(site, edit, |edit, x| {
            let (eighth, quarter, half) = (edit.number(0.125), edit.number(0.25), edit.number(0.5));
            let two = edit.number(2.0);
            let square = edit.op("Pow", &[x, two]);
            let square = edit.op("Mul", &[square, eighth]);
            let linear = edit.op("Mul", &[x, quarter]);
            let sum = edit.op("Add", &[square, linear]);
            edit.op("Add", &[sum, half])
        })
    },
    ..GELU_RELU
};

pub(super) const GELU_SIGMOID: Rule = Rule {
    name: "gelu-sigmoid",
    what: "GELU -> x Sigmoid(1.702 x)",
    why: "a sigmoid in place of an error function",
    source: "Hendrycks and Gimpel, arXiv 1606.08415",
    promise: Promise::Approximate { error: "0.02", training: false },
    rewrite: |site, edit| {
        gelu(site, edit, |edit, x| {
            let slope = edit.number(1.702);
            let inner = edit.op("Mul", &[x, slope]);
            let gate = edit.op("Sigmoid", &[inner]);
            edit.op("Mul", &[x, gate])
        })
    },
    ..GELU_RELU
};

/// Puts a function in the place of x (1 + Erf(x / sqrt 2)) / 2, in the order in which PyTorch writes it, or
/// of Gelu.
fn gelu(site: &Site<'_>, edit: &mut Edit, by: fn(&mut Edit, ValueId) -> ValueId) -> Option<()> {
    let x = if is(site.node, "Gelu") {
        site.input(0)?
    } else {
        let half = site.number(site.input(1)?)?;
        let product = site.made_by(site.input(0)?, "Mul")?;
        let (x, gate) = (product.inputs[0]?, product.inputs[1]?);
        let erf = site.made_by(site.made_by(gate, "Add")?.inputs[0]?, "Erf")?;
        let scaled = site.made_by(erf.inputs[0]?, "Div")?;
        let root = site.number(scaled.inputs[1]?)?;
        let fits = half == 0.5 && scaled.inputs[0] == Some(x) && (root * root - 2.0).abs() < 1e-3;
        fits.then_some(x)?
    };
    let value = by(edit, x);
    edit.replace(site.output()?, value);
    Some(())
}

pub(super) const SOFTMAX_2QUAD: Rule = Rule {
    name: "softmax-2quad",
    what: "Softmax -> q / ReduceMean(q) / L, q = (x + 5)^2",
    why: "no maximum and no exponential",
    source: "MPCFormer, Li et al., ICLR 2023",
    promise: Promise::Approximate { error: "not bounded", training: true },
    anchors: &["Softmax"],
    rewrite: |site, edit| {
        shares(site, edit, |edit, x| {
            let (five, two) = (edit.number(5.0), edit.number(2.0));
            let sum = edit.op("Add", &[x, five]);
            edit.op("Pow", &[sum, two])
        })
    },
    ..GELU_RELU
};

pub(super) const SOFTMAX_RELU: Rule = Rule {
    name: "softmax-relu",
    what: "Softmax -> r / ReduceMean(r) / L, r = Relu(x) + 0.001",
    why: "no maximum and no exponential",
    source: "SecureML, Mohassel and Zhang, S&P 2017; Comet, arXiv 2405.17485",
    promise: Promise::Approximate { error: "0.06", training: true },
    anchors: &["Softmax"],
    rewrite: |site, edit| {
        shares(site, edit, |edit, x| {
            let least = edit.number(0.001);
            let relu = edit.op("Relu", &[x]);
            edit.op("Add", &[relu, least])
        })
    },
    ..GELU_RELU
};

/// Shares of a function's values along a Softmax' axis.
fn shares(site: &Site<'_>, edit: &mut Edit, of: fn(&mut Edit, ValueId) -> ValueId) -> Option<()> {
    let (x, axis, size) = operand(site)?;
    let value = of(edit, x);
    let mean = edit.reduce("ReduceMean", value, &[axis]);
    let ratio = edit.op("Div", &[value, mean]);
    let share = edit.number(1.0 / size as f64);
    let value = edit.op("Mul", &[ratio, share]);
    edit.replace(site.output()?, value);
    Some(())
}

pub(super) const RELU6_RELU: Rule = Rule {
    name: "relu6-relu",
    what: "Clip(x, 0, 6) -> Relu(x)",
    why: "one comparison in place of two",
    source: "MobileNet-V2, Sandler et al., arXiv 1801.04381",
    promise: Promise::Approximate { error: "x - 6 above 6", training: true },
    anchors: &["Clip"],
    rewrite: |site, edit| {
        if clip(site, site.node)? != (Some(0.0), Some(6.0)) {
            return None;
        }
        let relu = edit.op("Relu", &[site.input(0)?]);
        edit.replace(site.output()?, relu);
        Some(())
    },
    ..GELU_RELU
};

pub(super) const RELU_SQUARE: Rule = Rule {
    name: "relu-square",
    what: "Relu(x) -> x^2",
    why: "one square in place of a comparison",
    source: "Delphi, Mishra et al., USENIX Security 2020",
    promise: Promise::Approximate { error: "not bounded", training: true },
    anchors: &["Relu"],
    rewrite: |site, edit| {
        let two = edit.number(2.0);
        let square = edit.op("Pow", &[site.input(0)?, two]);
        edit.replace(site.output()?, square);
        Some(())
    },
    ..GELU_RELU
};

pub(super) const MAXPOOL_AVGPOOL: Rule = Rule {
    name: "maxpool-avgpool",
    what: "MaxPool -> AveragePool",
    why: "no comparison",
    source: "CryptoNets, Gilad-Bachrach et al., ICML 2016",
    promise: Promise::Approximate { error: "not bounded", training: true },
    anchors: &["MaxPool"],
    rewrite: |site, edit| {
        if site.node.outputs.len() > 1 {
            return None;
        }
        let known = ["kernel_shape", "strides", "pads", "auto_pad", "ceil_mode"];
        let attributes: Vec<_> = site
            .node
            .attributes
            .iter()
            .filter(|(name, _)| known.contains(name))
            .map(|(name, value)| (name, value.clone()))
            .collect();
        let pool = edit.with("AveragePool", &[site.input(0)?], &attributes);
        edit.replace(site.output()?, pool);
        Some(())
    },
    ..GELU_RELU
};
