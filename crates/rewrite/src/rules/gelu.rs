//! GELU by other functions: only on request.

use hawkeye_graph::ValueId;

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, is};

use super::activations::clip;

pub(super) const RELU: Rule = Rule {
    name: "gelu-relu",
    family: Family::Activation,
    what: "GELU -> Relu(x)",
    when: "the model is trained for it",
    why: "one comparison in place of an error function",
    source: "THE-X, Chen et al., Findings of ACL 2022",
    promise: Promise::Approximate { error: "0.17, at x = -0.75", training: true },
    anchors: &["Mul", "Gelu"],
    rewrite: &|site, edit| gelu(site, edit, |edit, x| edit.op("Relu", &[x])),
};

pub(super) const QUAD: Rule = Rule {
    name: "gelu-quad",
    what: "GELU -> ((x + 1)^2 + 3) / 8, which is x^2 / 8 + x / 4 + 1/2",
    why: "one square in place of an error function",
    source: "MPCFormer, Li et al., ICLR 2023",
    promise: Promise::Approximate { error: "0.88 on [-3, 3], at x = -3; not bounded beyond", training: true },
    rewrite: &|site, edit| {
        gelu(site, edit, |edit, x| {
            let [one, two, eighth, rest] = [1.0, 2.0, 0.125, 0.375].map(|x| edit.number(x));
            let sum = edit.op("Add", &[x, one]);
            let square = edit.op("Pow", &[sum, two]);
            let scaled = edit.op("Mul", &[square, eighth]);
            edit.op("Add", &[scaled, rest])
        })
    },
    ..RELU
};

pub(super) const SIGMOID: Rule = Rule {
    name: "gelu-sigmoid",
    what: "GELU -> x Sigmoid(1.702 x)",
    why: "a sigmoid in place of an error function",
    source: "Hendrycks and Gimpel, arXiv 1606.08415",
    promise: Promise::Approximate { error: "0.021", training: false },
    rewrite: &|site, edit| {
        gelu(site, edit, |edit, x| {
            let slope = edit.number(1.702);
            let inner = edit.op("Mul", &[x, slope]);
            let gate = edit.op("Sigmoid", &[inner]);
            edit.op("Mul", &[x, gate])
        })
    },
    ..RELU
};

pub(super) const TANH: Rule = Rule {
    name: "gelu-tanh",
    what: "GELU -> x (1 + Tanh(0.79788 (x + 0.044715 x^3))) / 2",
    why: "a tanh in place of an error function, where it is a polynomial",
    source: "Hendrycks and Gimpel, arXiv 1606.08415",
    promise: Promise::Approximate { error: "0.0005", training: false },
    rewrite: &|site, edit| {
        gelu(site, edit, |edit, x| {
            let [cubic, slope, one, half, three] =
                [0.044_715, (2.0 / std::f64::consts::PI).sqrt(), 1.0, 0.5, 3.0].map(|x| edit.number(x));
            let cube = edit.op("Pow", &[x, three]);
            let cube = edit.op("Mul", &[cube, cubic]);
            let sum = edit.op("Add", &[x, cube]);
            let sum = edit.op("Mul", &[sum, slope]);
            let tanh = edit.op("Tanh", &[sum]);
            let gate = edit.op("Add", &[tanh, one]);
            let gated = edit.op("Mul", &[x, gate]);
            edit.op("Mul", &[gated, half])
        })
    },
    ..RELU
};

pub(super) const SMU: Rule = Rule {
    name: "gelu-smu",
    what: "GELU -> (x + Sqrt(x^2 + 1/2)) / 2",
    why: "an inverse square root in place of an error function",
    source: "Comet, arXiv 2405.17485: SMU with alpha 0, mu 1 / sqrt(2)",
    promise: Promise::Approximate { error: "0.36, at x = 0", training: true },
    rewrite: &|site, edit| {
        gelu(site, edit, |edit, x| {
            let [two, half] = [2.0, 0.5].map(|x| edit.number(x));
            let square = edit.op("Pow", &[x, two]);
            let inner = edit.op("Add", &[square, half]);
            let root = edit.op("Sqrt", &[inner]);
            let sum = edit.op("Add", &[x, root]);
            edit.op("Mul", &[sum, half])
        })
    },
    ..RELU
};

pub(super) const HARD: Rule = Rule {
    name: "gelu-hard",
    what: "GELU -> x Clip(x / 4 + 1/2, 0, 1)",
    why: "two comparisons in place of an error function",
    source: "the piecewise gate of MobileNet-V3, Howard et al., arXiv 1905.02244",
    promise: Promise::Approximate { error: "0.10", training: true },
    rewrite: &|site, edit| {
        gelu(site, edit, |edit, x| {
            let [quarter, half] = [0.25, 0.5].map(|x| edit.number(x));
            let slope = edit.op("Mul", &[x, quarter]);
            let line = edit.op("Add", &[slope, half]);
            let gate = clip(edit, line, 0.0, 1.0);
            edit.op("Mul", &[x, gate])
        })
    },
    ..RELU
};

pub(super) const PUMA: Rule = Rule {
    name: "gelu-puma",
    what: "GELU -> 0 below -4, a polynomial of degree 3 below -1.95, one of degree 6 below 3, x above",
    why: "three comparisons and powers in place of an error function",
    source: "PUMA, arXiv 2307.12533, section 4.1",
    promise: Promise::Approximate { error: "0.02", training: false },
    rewrite: &|site, edit| {
        gelu(site, edit, |edit, x| {
            let low = polynomial(edit, x, &[-0.505_403_1, -0.422_265_81, -0.118_076_13, -0.011_034_134]);
            let middle = [0.008_526_321, 0.5, 0.360_329_27, 0.0, -0.037_688_2, 0.0, 0.001_806_746_2];
            let middle = polynomial(edit, x, &middle);
            let zero = edit.number(0.0);
            let [below, between, above] = [-4.0, -1.95, 3.0].map(|bound| {
                let bound = edit.number(bound);
                edit.op("Greater", &[x, bound])
            });
            let value = edit.op("Where", &[above, x, middle]);
            let value = edit.op("Where", &[between, value, low]);
            edit.op("Where", &[below, value, zero])
        })
    },
    ..RELU
};

pub(super) const BOLT: Rule = Rule {
    name: "gelu-bolt",
    what: "GELU -> 0 below -2.7, x / 2 and a polynomial of degree 4 in |x| below 2.7, x above",
    why: "two comparisons and powers in place of an error function",
    source: "BOLT, Pang et al., S&P 2024",
    promise: Promise::Approximate { error: "0.01", training: false },
    rewrite: &|site, edit| {
        gelu(site, edit, |edit, x| {
            let size = edit.op("Abs", &[x]);
            let even = [0.001_620_8, -0.037_981_6, 0.541_055, -0.183_525, 0.020_848_9];
            let even = polynomial(edit, size, &even);
            let [half, zero] = [0.5, 0.0].map(|x| edit.number(x));
            let odd = edit.op("Mul", &[x, half]);
            let middle = edit.op("Add", &[even, odd]);
            let [below, above] = [-2.7, 2.7].map(|bound| {
                let bound = edit.number(bound);
                edit.op("Greater", &[x, bound])
            });
            let value = edit.op("Where", &[above, x, middle]);
            edit.op("Where", &[below, value, zero])
        })
    },
    ..RELU
};

/// A polynomial in x, by powers that are squares and products of lower ones.
pub(super) fn polynomial(edit: &mut Edit, x: ValueId, coefficients: &[f64]) -> ValueId {
    let mut powers: Vec<ValueId> = vec![x];
    for power in 2..coefficients.len() {
        let next = if power % 2 == 0 {
            let two = edit.number(2.0);
            edit.op("Pow", &[powers[power / 2 - 1], two])
        } else {
            edit.op("Mul", &[powers[power - 2], x])
        };
        powers.push(next);
    }
    let mut sum = edit.number(coefficients[0]);
    for (coefficient, power) in coefficients[1..].iter().zip(powers) {
        if *coefficient != 0.0 {
            let factor = edit.number(*coefficient);
            let term = edit.op("Mul", &[power, factor]);
            sum = edit.op("Add", &[term, sum]);
        }
    }
    sum
}

/// Puts a function in the place of x (1 + Erf(x / sqrt 2)) / 2, in the order in which PyTorch writes it, or
/// of Gelu.
pub(super) fn gelu(site: &Site<'_>, edit: &mut Edit, by: fn(&mut Edit, ValueId) -> ValueId) -> Option<()> {
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
