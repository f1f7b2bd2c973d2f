//! Nodes that match a pattern.

use std::collections::BTreeMap;

use hawkeye_cost::Data;
use hawkeye_graph::{Attribute, Node, ValueId};
use hawkeye_sheets::{Application, Term};

use crate::rule::{Site, is};

/// Values by the names that a pattern gives them; nothing for operands that are left out.
pub(super) type Bound<'p> = BTreeMap<&'p str, Option<ValueId>>;

/// Operators whose two operands may be swapped.
const COMMUTATIVE: &[&str] = &["Add", "And", "Equal", "Max", "Mean", "Min", "Mul", "Or", "Sum", "Xor"];

/// What a pattern names, if it matches the node at hand.
pub(super) fn matches<'p>(site: &Site<'_>, pattern: &'p Application) -> Option<Bound<'p>> {
    let mut bound = Bound::new();
    node(site, site.node, pattern, &mut bound).then_some(bound)
}

fn node<'p>(site: &Site<'_>, node: &Node, pattern: &'p Application, bound: &mut Bound<'p>) -> bool {
    let Some(output) = node.outputs.first().copied().flatten() else { return false };
    let unread = |value: ValueId| site.readers(value).is_empty() && !site.graph.outputs.contains(&value);
    let alone = node.outputs[1..].iter().flatten().all(|value| unread(*value));
    let same = |(name, wanted): &(String, Data)| {
        node.attributes.get(name).is_some_and(|is| attribute(wanted).is_some_and(|wanted| equal(is, &wanted)))
    };
    if !(is(node, &pattern.op) && alone && pattern.attributes.iter().all(same)) {
        return false;
    }
    if let Some(name) = &pattern.bind
        && !bind(site, name, Some(output), bound)
    {
        return false;
    }
    let before = bound.clone();
    let inputs: Vec<Option<ValueId>> = node.inputs.clone();
    if operands(site, &inputs, &pattern.operands, bound) {
        return true;
    }
    let swapped = COMMUTATIVE.contains(&pattern.op.as_str()) && inputs.len() == 2;
    *bound = before;
    swapped && operands(site, &[inputs[1], inputs[0]], &pattern.operands, bound)
}

fn operands<'p>(
    site: &Site<'_>,
    inputs: &[Option<ValueId>],
    patterns: &'p [Term],
    bound: &mut Bound<'p>,
) -> bool {
    let given = inputs.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    given <= patterns.len()
        && patterns
            .iter()
            .enumerate()
            .all(|(index, pattern)| operand(site, inputs.get(index).copied().flatten(), pattern, bound))
}

fn operand<'p>(site: &Site<'_>, value: Option<ValueId>, pattern: &'p Term, bound: &mut Bound<'p>) -> bool {
    match (pattern, value) {
        (Term::Name(name), value) => match name.strip_suffix('?') {
            Some(name) => bind(site, name, value, bound),
            None => value.is_some() && bind(site, name, value, bound),
        },
        (Term::Absent, value) => value.is_none(),
        (Term::Number(number), Some(value)) => {
            site.number(value).is_some_and(|found| found as f32 == *number as f32)
        }
        (Term::Ints(ints), Some(value)) => site.is_constant(value) && site.ints(value).as_ref() == Some(ints),
        (Term::Applied(pattern), Some(value)) => {
            let Some(producer) = site.producer(value) else { return false };
            let first = producer.outputs.first() == Some(&Some(value));
            first && (pattern.shared || site.is_private(value)) && node(site, producer, pattern, bound)
        }
        (Term::Number(_) | Term::Ints(_) | Term::Applied(_), None) => false,
    }
}

/// Gives a value a name; a name that has one already must stand for the same.
fn bind<'p>(site: &Site<'_>, name: &'p str, value: Option<ValueId>, bound: &mut Bound<'p>) -> bool {
    match (bound.get(name).copied(), value) {
        (None, value) => {
            bound.insert(name, value);
            true
        }
        (Some(Some(known)), Some(value)) => site.is_same(known, value),
        (Some(known), value) => known == value,
    }
}

fn equal(found: &Attribute, wanted: &Attribute) -> bool {
    match (found, wanted) {
        // An integer is written for a number, too.
        (Attribute::Float(found), Attribute::Int(wanted)) => *found == *wanted as f32,
        (found, wanted) => found == wanted,
    }
}

/// An attribute as a rule writes it; `None` if ONNX has none such.
pub(super) fn attribute(data: &Data) -> Option<Attribute> {
    Some(match data {
        Data::Bool(b) => Attribute::Int((*b).into()),
        Data::Int(i) => Attribute::Int(*i),
        Data::Float(bits) => Attribute::Float(f64::from_bits(*bits) as f32),
        Data::Text(text) => Attribute::String(text.clone()),
        Data::List(items) => {
            let all = |attribute: fn(&Data) -> bool| items.iter().all(attribute);
            let items: Vec<Attribute> = items.iter().map(attribute).collect::<Option<_>>()?;
            if all(|item| matches!(item, Data::Int(_) | Data::Bool(_))) {
                let int = |item| if let Attribute::Int(i) = item { Some(i) } else { None };
                Attribute::Ints(items.into_iter().filter_map(int).collect())
            } else if all(|item| matches!(item, Data::Text(_))) {
                let text = |item| if let Attribute::String(text) = item { Some(text) } else { None };
                Attribute::Strings(items.into_iter().filter_map(text).collect())
            } else if all(|item| matches!(item, Data::Int(_) | Data::Float(_))) {
                let number = |item| match item {
                    Attribute::Int(i) => Some(i as f32),
                    Attribute::Float(x) => Some(x),
                    _ => None,
                };
                Attribute::Floats(items.into_iter().filter_map(number).collect())
            } else {
                return None;
            }
        }
        Data::None | Data::Tuple(_) | Data::Dict(_) | Data::Struct(_) => return None,
    })
}
