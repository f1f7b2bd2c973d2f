//! Models of one operator, to call a framework's functions with.

use std::fmt;

use crate::operator::{Operand, Single};
use crate::{Failure, Model};

/// The table; its head explains it.
const TABLE: &str = include_str!("samples.txt");
/// The newest opset in wide use.
const OPSET: i64 = 17;

/// A node that a model may have.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    /// The operator, its domain before it unless it is ONNX's own.
    pub(super) op: &'static str,
    /// The rest, as the table has it.
    text: &'static str,
    pub(super) operands: Vec<Operand>,
    attributes: Vec<(String, String)>,
    outputs: usize,
    opset: i64,
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.op, self.text)
    }
}

fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(':').unwrap_or((line, "")))
}

/// Every operator that ONNX defines, and those of other domains that there are samples of.
#[must_use]
pub fn operators() -> Vec<&'static str> {
    lines().flat_map(|(operators, _)| operators.split_whitespace()).collect()
}

/// The samples of all operators.
pub(super) fn all() -> Vec<Sample> {
    let of_line = |(operators, samples): (&'static str, &'static str)| {
        let texts = samples.split(';').map(str::trim).filter(|text| !text.is_empty());
        let texts: Vec<&str> = texts.collect();
        operators
            .split_whitespace()
            .flat_map(move |op| texts.clone().into_iter().map(move |text| sample(op, text)))
    };
    lines().flat_map(of_line).collect()
}

fn sample(op: &'static str, text: &'static str) -> Sample {
    let mut sample =
        Sample { op, text, operands: Vec::new(), attributes: Vec::new(), outputs: 1, opset: OPSET };
    for word in text.split_whitespace() {
        if let Some((name, value)) = word.split_once('=') {
            sample.attributes.push((name.to_owned(), value.to_owned()));
            continue;
        }
        let (kind, rest) = word.split_at(1);
        let dims = || rest.split('x').filter_map(|dim| dim.parse().ok()).collect();
        match kind {
            "x" => sample.operands.push(Operand::Input(dims())),
            "w" => sample.operands.push(Operand::Weight(dims())),
            "n" => sample.operands.push(Operand::Integers(dims())),
            "b" => sample.operands.push(Operand::Truths(dims())),
            "i" => sample
                .operands
                .push(Operand::Constant(rest.split(',').filter_map(|i| i.parse().ok()).collect())),
            "s" => sample.operands.extend(rest.parse().ok().map(Operand::Number)),
            "-" => sample.operands.push(Operand::Absent),
            ">" => sample.outputs = rest.parse().unwrap_or(1),
            _ => sample.opset = rest.parse().unwrap_or(OPSET),
        }
    }
    sample
}

impl Sample {
    /// Whether an operand is a weight.
    pub(super) fn has_weights(&self) -> bool {
        self.operands.iter().any(|operand| matches!(operand, Operand::Weight(_)))
    }

    /// Its model. One that is to be trained adds a parameter to each of its inputs, so that gradients flow
    /// through the operator to all of them.
    ///
    /// # Errors
    /// If import refuses it.
    pub(super) fn model(&self, trained: bool) -> Result<Model, Failure> {
        let (domain, op) = self.op.rsplit_once('.').unwrap_or(("", self.op));
        let single = Single {
            name: &self.to_string(),
            op,
            domain,
            opset: self.opset,
            operands: &self.operands,
            attributes: &self.attributes,
            outputs: self.outputs,
            trained,
        };
        single.model()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{Bindings, bind, infer};

    #[test]
    fn every_sample_is_a_model_whose_shapes_can_be_found_out() {
        let samples = all();
        assert!(samples.len() > 200, "{}", samples.len());
        let mut wrong = Vec::new();
        for (sample, trained) in samples.iter().flat_map(|sample| [(sample, false), (sample, true)]) {
            let shape = sample.model(trained).and_then(|model| {
                let inputs = bind(&model.graph, &Bindings::default())?;
                let shapes = infer(&model.graph, &inputs);
                let output =
                    model.graph.nodes.last().and_then(|node| node.outputs[0]).expect("it has an output");
                shapes.facts[output].shape().ok_or(Failure(shapes.diagnostics))
            });
            wrong.extend(shape.err().map(|failure| format!("{sample}: {failure}")));
        }
        assert_eq!(wrong, Vec::<String>::new());
    }

    #[test]
    fn no_operator_is_there_twice() {
        let mut seen = BTreeMap::new();
        for op in operators() {
            *seen.entry(op).or_insert(0) += 1;
        }
        seen.retain(|_, times| *times > 1);
        assert_eq!(seen, BTreeMap::new());
    }
}
