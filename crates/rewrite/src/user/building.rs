//! The nodes that a replacement asks for.

use hawkeye_graph::{Attribute, ValueId};
use hawkeye_sheets::{Application, Term};

use super::matching::{Bound, attribute};
use crate::edit::Edit;

/// Makes the nodes of a replacement; equal parts once.
///
/// # Errors
/// If it names what the pattern does not, or its attributes are none of ONNX's.
pub(super) fn build(edit: &mut Edit, term: &Term, bound: &Bound<'_>) -> Result<ValueId, String> {
    let mut builder = TermBuilder { edit, bound, made: Vec::new() };
    builder.value(term)?.ok_or_else(|| "it gives no value".to_owned())
}

struct TermBuilder<'a, 'p> {
    edit: &'a mut Edit,
    bound: &'a Bound<'p>,
    made: Vec<(&'a Term, ValueId)>,
}

impl<'a> TermBuilder<'a, '_> {
    fn value(&mut self, term: &'a Term) -> Result<Option<ValueId>, String> {
        if let Some((_, value)) = self.made.iter().find(|(made, _)| *made == term) {
            return Ok(Some(*value));
        }
        let value = match term {
            Term::Absent => return Ok(None),
            Term::Name(name) => {
                let known = || self.bound.keys().copied().collect::<Vec<_>>().join(", ");
                let value = self.bound.get(name.trim_end_matches('?'));
                return value.copied().ok_or_else(|| {
                    format!(
                        "the replacement names \"{name}\", which the pattern does not; it names {}",
                        known()
                    )
                });
            }
            Term::Number(number) => self.edit.number(*number),
            Term::Ints(ints) => self.edit.ints(ints),
            Term::Applied(applied) => self.node(applied)?,
        };
        self.made.push((term, value));
        Ok(Some(value))
    }

    fn node(&mut self, applied: &'a Application) -> Result<ValueId, String> {
        let mut inputs: Vec<Option<ValueId>> =
            applied.operands.iter().map(|operand| self.value(operand)).collect::<Result<_, _>>()?;
        while inputs.last() == Some(&None) {
            inputs.pop();
        }
        let attributes = applied.attributes.iter().map(|(name, data)| {
            let value = attribute(data);
            value
                .map(|value| (name.as_str(), value))
                .ok_or_else(|| format!("attribute {name} of {} mixes numbers and texts", applied.op))
        });
        let attributes: Vec<(&str, Attribute)> = attributes.collect::<Result<_, _>>()?;
        Ok(self.edit.node(&applied.op, &inputs, &attributes, 1)[0])
    }
}
