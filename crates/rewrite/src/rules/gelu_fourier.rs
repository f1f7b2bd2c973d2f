//! GELU by a Fourier series.

use hawkeye_graph::ValueId;

use crate::edit::Edit;
use crate::rule::{Promise, Rule};

use super::gelu;

/// Coefficients of sin(k pi z / 10), k from 1: of Erf continued with period 20, `1/10` of the integral of
/// Erf(z) sin(k pi z / 10) from -10 to 10.
const COEFFICIENTS: [f64; 7] =
    [1.257_724, -0.029_915, 0.382_155, -0.051_912, 0.196_033, -0.062_456, 0.118_092];
/// Where the series ends and Erf counts as one.
const END: f64 = 1.7;

pub(super) const RULE: Rule = Rule {
    name: "gelu-fourier",
    what: "GELU -> x (1 + e) / 2, e a Fourier series of seven sines of z = x / sqrt 2, -1 below -1.7, 1 above 1.7",
    why: "two comparisons and sines in place of an error function",
    source: "SecFormer, Luo et al., Findings of ACL 2024, its Fourier series of GELU",
    promise: Promise::Approximate { error: "0.02", training: false },
    rewrite: &|site, edit| gelu::gelu(site, edit, series),
    ..gelu::RELU
};

fn series(edit: &mut Edit, x: ValueId) -> ValueId {
    let [scale, one, half, end, below] =
        [std::f64::consts::FRAC_1_SQRT_2, 1.0, 0.5, END, -END].map(|number| edit.number(number));
    let z = edit.op("Mul", &[x, scale]);
    let mut sum = edit.number(0.0);
    for (k, coefficient) in (1u8..).zip(COEFFICIENTS) {
        let frequency = edit.number(f64::from(k) * std::f64::consts::PI / 10.0);
        let angle = edit.op("Mul", &[z, frequency]);
        let sine = edit.op("Sin", &[angle]);
        let coefficient = edit.number(coefficient);
        let term = edit.op("Mul", &[sine, coefficient]);
        sum = edit.op("Add", &[sum, term]);
    }
    let minus = edit.number(-1.0);
    let is_above = edit.op("Greater", &[z, end]);
    let is_inside = edit.op("Greater", &[z, below]);
    let erf = edit.op("Where", &[is_above, one, sum]);
    let erf = edit.op("Where", &[is_inside, erf, minus]);
    let gate = edit.op("Add", &[erf, one]);
    let product = edit.op("Mul", &[x, gate]);
    edit.op("Mul", &[product, half])
}
