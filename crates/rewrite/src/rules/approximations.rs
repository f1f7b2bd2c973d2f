//! Functions in place of others: only on request.

use hawkeye_graph::ValueId;

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site};

use super::gelu::polynomial;
use super::signs::clip;
use super::softmax::operand;

pub(super) const SOFTMAX_2QUAD: Rule = Rule {
    name: "softmax-2quad",
    family: Family::Activation,
    what: "Softmax -> q / ReduceMean(q) / L, q = (x + 5)^2",
    why: "no maximum and no exponential",
    when: "the model is trained for it",
    source: "MPCFormer, Li et al., ICLR 2023",
    promise: Promise::Approximate { error: "not bounded", training: true },
    anchors: &["Softmax"],
    rewrite: &|site, edit| {
        shares(site, edit, |edit, x| {
            let (five, two) = (edit.number(5.0), edit.number(2.0));
            let sum = edit.op("Add", &[x, five]);
            edit.op("Pow", &[sum, two])
        })
    },
};

pub(super) const SOFTMAX_RELU: Rule = Rule {
    name: "softmax-relu",
    what: "Softmax -> r / ReduceMean(r) / L, r = Relu(x) + 0.001",
    why: "no maximum and no exponential",
    source: "SecureML, Mohassel and Zhang, S&P 2017; Comet, arXiv 2405.17485",
    promise: Promise::Approximate { error: "0.06", training: true },
    anchors: &["Softmax"],
    rewrite: &|site, edit| {
        shares(site, edit, |edit, x| {
            let least = edit.number(0.001);
            let relu = edit.op("Relu", &[x]);
            edit.op("Add", &[relu, least])
        })
    },
    ..SOFTMAX_2QUAD
};

pub(super) const SOFTMAX_NO_MAX: Rule = Rule {
    name: "softmax-no-max",
    what: "Softmax -> e / ReduceMean(e) / L, e = Exp(x)",
    when: "scores within about 10 of zero: larger ones leave the fixed-point range",
    why: "no maximum",
    source: "definition of Softmax without its usual shift",
    promise: Promise::Approximate { error: "0 within the range; overflows beyond", training: false },
    rewrite: &|site, edit| shares(site, edit, |edit, x| edit.op("Exp", &[x])),
    ..SOFTMAX_2QUAD
};

pub(super) const SOFTMAX_SCALE: Rule = Rule {
    name: "softmax-scale",
    what: "Softmax(x) -> x / L",
    why: "no maximum, no exponential, no division; the products around it re-associate",
    source: "MPCViT's ScaleAttn, Zeng et al., ICCV 2023",
    rewrite: &|site, edit| {
        let (x, _, size) = operand(site)?;
        let share = edit.number(1.0 / size as f64);
        let value = edit.op("Mul", &[x, share]);
        edit.replace(site.output()?, value);
        Some(())
    },
    ..SOFTMAX_2QUAD
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
    rewrite: &|site, edit| {
        if clip(site, site.node)? != (Some(0.0), Some(6.0)) {
            return None;
        }
        let relu = edit.op("Relu", &[site.input(0)?]);
        edit.replace(site.output()?, relu);
        Some(())
    },
    ..SOFTMAX_2QUAD
};

pub(super) const RELU_SQUARE: Rule = Rule {
    name: "relu-square",
    what: "Relu(x) -> x^2",
    why: "one square in place of a comparison",
    source: "Delphi, Mishra et al., USENIX Security 2020",
    promise: Promise::Approximate { error: "not bounded", training: true },
    anchors: &["Relu"],
    rewrite: &|site, edit| {
        let two = edit.number(2.0);
        let square = edit.op("Pow", &[site.input(0)?, two]);
        edit.replace(site.output()?, square);
        Some(())
    },
    ..SOFTMAX_2QUAD
};

pub(super) const MAXPOOL_AVGPOOL: Rule = Rule {
    name: "maxpool-avgpool",
    what: "MaxPool -> AveragePool",
    why: "no comparison",
    source: "CryptoNets, Gilad-Bachrach et al., ICML 2016",
    promise: Promise::Approximate { error: "not bounded", training: true },
    anchors: &["MaxPool"],
    rewrite: &|site, edit| {
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
    ..SOFTMAX_2QUAD
};

pub(super) const RELU_QUADRATIC: Rule = Rule {
    name: "relu-quadratic",
    what: "Relu(x) -> x^2 / 8 + x / 2 + 1/4",
    why: "one square in place of a comparison",
    source: "AESPA, Park et al., arXiv 2201.06699",
    promise: Promise::Approximate { error: "0.25 on [-2, 2], at x = 0; not bounded beyond", training: true },
    anchors: &["Relu"],
    rewrite: &|site, edit| {
        let value = polynomial(edit, site.input(0)?, &[0.25, 0.5, 0.125]);
        edit.replace(site.output()?, value);
        Some(())
    },
    ..SOFTMAX_2QUAD
};

/// What `relu-budget` applies.
pub(super) const RELU_LINEAR: Rule = Rule {
    name: "relu-linear",
    what: "Relu(x) -> x",
    why: "no comparison",
    source: "SNL, Cho et al., ICML 2022; SENet, Kundu et al., ICLR 2023",
    promise: Promise::Approximate { error: "-x below 0", training: true },
    anchors: &["Relu"],
    rewrite: &|site, edit| {
        edit.replace(site.output()?, site.input(0)?);
        Some(())
    },
    ..SOFTMAX_2QUAD
};

pub(super) const SIGMOID_HARD: Rule = Rule {
    name: "sigmoid-hard",
    what: "Sigmoid(x) -> Clip(x / 6 + 1/2, 0, 1)",
    why: "two comparisons in place of an exponential and a reciprocal",
    source: "MobileNet-V3, Howard et al., arXiv 1905.02244; SecureML, S&P 2017, with another slope",
    promise: Promise::Approximate { error: "0.07", training: true },
    anchors: &["Sigmoid"],
    rewrite: &|site, edit| {
        let [slope, half] = [1.0 / 6.0, 0.5].map(|x| edit.number(x));
        let line = edit.op("Mul", &[site.input(0)?, slope]);
        let line = edit.op("Add", &[line, half]);
        let value = super::activations::clip(edit, line, 0.0, 1.0);
        edit.replace(site.output()?, value);
        Some(())
    },
    ..SOFTMAX_2QUAD
};

pub(super) const SIGMOID_CUBIC: Rule = Rule {
    name: "sigmoid-cubic",
    what: "Sigmoid(x) -> 1/2 + 0.197 x - 0.004 x^3",
    why: "two products in place of an exponential and a reciprocal",
    source: "Kim et al., JMIR Medical Informatics 2018: least squares on [-8, 8]",
    promise: Promise::Approximate { error: "0.12 on [-8, 8]; not bounded beyond", training: false },
    anchors: &["Sigmoid"],
    rewrite: &|site, edit| {
        let value = polynomial(edit, site.input(0)?, &[0.5, 0.197, 0.0, -0.004]);
        edit.replace(site.output()?, value);
        Some(())
    },
    ..SOFTMAX_2QUAD
};

pub(super) const TANH_HARD: Rule = Rule {
    name: "tanh-hard",
    what: "Tanh(x) -> Clip(x, -1, 1)",
    why: "two comparisons in place of a polynomial or an exponential",
    source: "Collobert, 2004 (hard tanh)",
    promise: Promise::Approximate { error: "0.24, at x = 1", training: true },
    anchors: &["Tanh"],
    rewrite: &|site, edit| {
        let value = super::activations::clip(edit, site.input(0)?, -1.0, 1.0);
        edit.replace(site.output()?, value);
        Some(())
    },
    ..SOFTMAX_2QUAD
};

/// The operand of x Sigmoid(x).
fn silu(site: &Site<'_>) -> Option<ValueId> {
    let (a, b) = (site.input(0)?, site.input(1)?);
    [(a, b), (b, a)].into_iter().find_map(|(x, gate)| {
        let sigmoid = site.made_by(gate, "Sigmoid")?;
        (sigmoid.inputs[0] == Some(x)).then_some(x)
    })
}

pub(super) const SILU_HARD: Rule = Rule {
    name: "silu-hard",
    what: "x Sigmoid(x) -> x Clip(x / 6 + 1/2, 0, 1)",
    why: "two comparisons in place of an exponential and a reciprocal",
    source: "MobileNet-V3, Howard et al., arXiv 1905.02244",
    promise: Promise::Approximate { error: "0.15", training: true },
    anchors: &["Mul"],
    rewrite: &|site, edit| {
        let x = silu(site)?;
        let [slope, half] = [1.0 / 6.0, 0.5].map(|x| edit.number(x));
        let line = edit.op("Mul", &[x, slope]);
        let line = edit.op("Add", &[line, half]);
        let gate = super::activations::clip(edit, line, 0.0, 1.0);
        let value = edit.op("Mul", &[x, gate]);
        edit.replace(site.output()?, value);
        Some(())
    },
    ..SOFTMAX_2QUAD
};

pub(super) const SILU_RELU: Rule = Rule {
    name: "silu-relu",
    what: "x Sigmoid(x) -> Relu(x)",
    why: "one comparison in place of an exponential and a reciprocal",
    source: "the activation that SiLU refines, Elfwing et al., arXiv 1702.03118",
    promise: Promise::Approximate { error: "0.28, at x = -1.28", training: true },
    anchors: &["Mul"],
    rewrite: &|site, edit| {
        let relu = edit.op("Relu", &[silu(site)?]);
        edit.replace(site.output()?, relu);
        Some(())
    },
    ..SOFTMAX_2QUAD
};
