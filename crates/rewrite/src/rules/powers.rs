//! Powers, exponentials and logarithms.

use hawkeye_graph::ValueId;

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site, is};

use super::softmax::operand;

pub(super) const EVEN: Rule = Rule {
    name: "pow-as-squares",
    family: Family::Division,
    what: "Pow(x, 4) -> Pow(Pow(x, 2), 2), Pow(x, 5) -> Pow(Pow(x, 2), 2) x, and so on",
    when: "the exponent is a whole number from 4 to 64",
    why: "SPU takes a logarithm and an exponential for exponents but 0, 1, 2, 3, -1",
    source: "SPU 0.9.5, f_pow",
    promise: Promise::Exact,
    anchors: &["Pow"],
    rewrite: &even,
};

fn even(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let power = site.number(site.input(1)?)?;
    if !(4.0..=64.0).contains(&power) || power.fract() != 0.0 {
        return None;
    }
    let (mut left, mut square) = (power as u32, site.input(0)?);
    let mut product: Option<ValueId> = None;
    while left > 0 {
        if left % 2 == 1 {
            product = Some(product.map_or(square, |product| edit.op("Mul", &[product, square])));
        }
        left /= 2;
        if left > 0 {
            let two = edit.number(2.0);
            square = edit.op("Pow", &[square, two]);
        }
    }
    edit.replace(site.output()?, product?);
    Some(())
}

pub(super) const ROOT: Rule = Rule {
    name: "pow-as-root",
    what: "Pow(x, 0.5) -> Sqrt(x); Pow(x, -0.5) -> Reciprocal(Sqrt(x)); Pow(x, -1) -> Reciprocal(x)",
    when: "x >= 0, where the power is defined",
    why: "a root is one function, a power a logarithm and an exponential",
    rewrite: &root,
    ..EVEN
};

fn root(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (x, power) = (site.input(0)?, site.number(site.input(1)?)?);
    let value = if power == -1.0 { x } else { edit.op("Sqrt", &[x]) };
    let value = match power {
        0.5 => value,
        -0.5 | -1.0 => edit.op("Reciprocal", &[value]),
        _ => return None,
    };
    edit.replace(site.output()?, value);
    Some(())
}

pub(super) const SQUARE: Rule = Rule {
    name: "mul-as-square",
    what: "Mul(x, x) -> Pow(x, 2)",
    when: "always",
    why: "CrypTen's square opens one operand, and its converter cannot run a node on one input twice",
    source: "CrypTen 0.4.1, crypten/mpc/primitives/beaver.py, square",
    anchors: &["Mul"],
    rewrite: &square,
    ..EVEN
};

fn square(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let x = site.input(0)?;
    if site.input(1) != Some(x) {
        return None;
    }
    let two = edit.number(2.0);
    let value = edit.op("Pow", &[x, two]);
    edit.replace(site.output()?, value);
    Some(())
}

pub(super) const EXPONENTIALS: Rule = Rule {
    name: "product-of-exponentials",
    family: Family::Cleaning,
    what: "Exp(a) Exp(b) -> Exp(a + b); Exp(a) / Exp(b) -> Exp(a - b); 1 / Exp(a) -> Exp(-a)",
    when: "operands of one shape that nothing else reads; the sum stays within the fixed-point range",
    why: "one exponential in place of two and a product or a quotient",
    source: "functional equation",
    anchors: &["Mul", "Div", "Reciprocal"],
    rewrite: &exponentials,
    ..EVEN
};

fn exponentials(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let inner = |value| site.made_by(value, "Exp").filter(|_| site.is_private(value))?.inputs[0];
    let first = site.input(0)?;
    let exponent = match site.input(1) {
        None => edit.op("Neg", &[inner(first)?]),
        Some(second) if is(site.node, "Div") && site.number(first) == Some(1.0) => {
            edit.op("Neg", &[inner(second)?])
        }
        Some(second) => {
            let (a, b) = (inner(first)?, inner(second)?);
            if site.shape(a)? != site.shape(b)? {
                return None;
            }
            edit.op(if is(site.node, "Div") { "Sub" } else { "Add" }, &[a, b])
        }
    };
    let value = edit.op("Exp", &[exponent]);
    edit.replace(site.output()?, value);
    Some(())
}

pub(super) const FUSE_LOG: Rule = Rule {
    name: "log-of-softmax",
    what: "Log(Softmax(x)) -> LogSoftmax(x)",
    when: "nothing else reads the Softmax",
    why: "the logarithm of a quotient is a difference; more precise, too",
    source: "definition of LogSoftmax",
    anchors: &["Log"],
    rewrite: &fuse_log,
    ..EVEN
};

fn fuse_log(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let inner = site.input(0)?;
    let softmax = site.made_by(inner, "Softmax").filter(|_| site.is_private(inner))?;
    let attributes: Vec<_> = softmax.attributes.iter().map(|(name, value)| (name, value.clone())).collect();
    let value = edit.with("LogSoftmax", &[softmax.inputs[0]?], &attributes);
    edit.replace(site.output()?, value);
    Some(())
}

pub(super) const LOG_PARTS: Rule = Rule {
    name: "logsoftmax-in-parts",
    what: "LogSoftmax(x) -> z - Log(ReduceSum(Exp(z))), z = x - ReduceMax(x)",
    when: "always",
    why: "one logarithm per row; SPU takes one of every element",
    source: "jaxonnxruntime, logsoftmax",
    anchors: &["LogSoftmax"],
    rewrite: &log_parts,
    ..EVEN
};

fn log_parts(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (x, axis, _) = operand(site)?;
    let maximum = edit.reduce("ReduceMax", x, &[axis]);
    let below = edit.op("Sub", &[x, maximum]);
    let e = edit.op("Exp", &[below]);
    let sum = edit.reduce("ReduceSum", e, &[axis]);
    let log = edit.op("Log", &[sum]);
    let value = edit.op("Sub", &[below, log]);
    edit.replace(site.output()?, value);
    Some(())
}

pub(super) const DENOMINATOR: Rule = Rule {
    name: "common-denominator",
    family: Family::Cleaning,
    what: "a / b + c / b -> (a + c) / b; (a / b) / c -> a / (b c)",
    when: "nothing else reads the quotients; b c stays within the fixed-point range",
    why: "one division in place of two",
    source: "arithmetic",
    anchors: &["Add", "Sub", "Div"],
    rewrite: &denominator,
    ..EVEN
};

fn denominator(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let quotient = |value| site.made_by(value, "Div").filter(|_| site.is_private(value));
    let (left, right) = (site.input(0)?, site.input(1)?);
    let first = quotient(left)?;
    let (a, b) = (first.inputs[0]?, first.inputs[1]?);
    let value = if site.node.op == "Div" {
        if site.is_constant(b) || site.is_constant(right) || site.shape(b)? != site.shape(right)? {
            return None;
        }
        let product = edit.op("Mul", &[b, right]);
        edit.op("Div", &[a, product])
    } else {
        let second = quotient(right).filter(|second| second.inputs[1] == Some(b))?;
        let sum = edit.like(site.node, &[a, second.inputs[0]?]);
        edit.op("Div", &[sum, b])
    };
    edit.replace(site.output()?, value);
    Some(())
}

pub(super) const DROP_SOFTMAX: Rule = Rule {
    name: "output-softmax-drop",
    family: Family::Cleaning,
    what: "Softmax, Sigmoid or LogSoftmax as the last node -> nothing; who learns the output applies it in the clear",
    when: "reveals logits in place of probabilities",
    why: "the function is not computed on secrets",
    source: "CrypTen's and Delphi's examples",
    promise: Promise::Output,
    anchors: &["Softmax", "Sigmoid", "LogSoftmax"],
    rewrite: &drop_softmax,
};

fn drop_softmax(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let output = site.output()?;
    if !site.graph.outputs.contains(&output) || !site.consumers(output).is_empty() {
        return None;
    }
    edit.replace(output, site.input(0)?);
    Some(())
}

pub(super) const INTEGER: Rule = Rule {
    name: "mul-as-add",
    what: "Mul(x, 2) -> Add(x, x), and other whole numbers up to 16 alike",
    when: "a public constant",
    why: "a sum has no truncation, and is no product with a weight",
    source: "arithmetic",
    anchors: &["Mul"],
    rewrite: &integer,
    ..EVEN
};

fn integer(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    let (a, b) = (site.input(0)?, site.input(1)?);
    let (x, constant) = if site.number(b).is_some() { (a, b) } else { (b, a) };
    let number = site.number(constant)?;
    let times = (2..=16).find(|times| f64::from(*times) == number)?;
    if site.shape(x)? != site.shape(site.output()?)? {
        return None;
    }
    let value = multiple(edit, x, times);
    edit.replace(site.output()?, value);
    Some(())
}

/// A value added to itself, by doubling.
fn multiple(edit: &mut Edit, x: ValueId, times: u32) -> ValueId {
    if times == 1 {
        return x;
    }
    let half = multiple(edit, x, times / 2);
    let double = edit.op("Add", &[half, half]);
    if times.is_multiple_of(2) { double } else { edit.op("Add", &[double, x]) }
}
