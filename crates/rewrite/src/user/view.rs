//! What a user's rule sees of the values that its pattern names.

use std::borrow::Cow;

use hawkeye_cost::Data;
use hawkeye_graph::{Attribute, DType, Elements, ValueId};

use super::matching::Bound;
use crate::rule::Site;

/// A record with a view for each name; `None` for an operand that is left out.
pub(super) fn views(site: &Site<'_>, bound: &Bound<'_>) -> Data {
    let view = |value: &Option<ValueId>| value.map_or(Data::None, |value| view(site, value));
    record(bound.iter().map(|(name, value)| (Cow::Owned((*name).to_owned()), view(value))))
}

fn record(fields: impl Iterator<Item = (Cow<'static, str>, Data)>) -> Data {
    Data::Struct(fields.collect())
}

fn view(site: &Site<'_>, value: ValueId) -> Data {
    let fact = site.fact(value);
    let text = |text: &str| Data::Text(text.to_owned());
    let sizes = site.shape(value).map(|sizes| Data::List(sizes.into_iter().map(Data::Int).collect()));
    let producer = site.producer(value);
    let attributes = producer.map(|node| {
        let known = |(name, value)| Some((text(name), attribute(value)?));
        node.attributes.iter().filter_map(known).collect()
    });
    let elements =
        fact.elements.as_ref().filter(|_| site.is_constant(value)).map(|elements| match elements {
            Elements::Floats(list) => Data::List(list.iter().map(|x| Data::from(*x)).collect()),
            Elements::Ints(list) => Data::List(list.iter().map(|i| Data::Int(*i)).collect()),
            Elements::Strings(list) => Data::List(list.iter().map(|s| text(s)).collect()),
        });
    let fields = [
        ("shape", sizes.unwrap_or_default()),
        ("dtype", fact.dtype.map_or(Data::None, |dtype: DType| text(dtype.name()))),
        ("constant", Data::Bool(site.is_constant(value))),
        ("weight", Data::Bool(site.is_weight(value))),
        ("elements", elements.unwrap_or_default()),
        ("op", producer.map_or(Data::None, |node| text(&node.op))),
        ("attributes", Data::Dict(attributes.unwrap_or_default())),
        ("consumers", Data::List(site.consumers(value).iter().map(|node| text(&node.op)).collect())),
        ("output", Data::Bool(site.graph.outputs.contains(&value))),
    ];
    record(fields.into_iter().map(|(name, data)| (Cow::Borrowed(name), data)))
}

/// An attribute as rules see it; `None` for tensors and bodies.
fn attribute(value: &Attribute) -> Option<Data> {
    Some(match value {
        Attribute::Int(i) => Data::Int(*i),
        Attribute::Float(x) => Data::from(f64::from(*x)),
        Attribute::String(text) => Data::Text(text.clone()),
        Attribute::Ints(list) => Data::List(list.iter().map(|i| Data::Int(*i)).collect()),
        Attribute::Floats(list) => Data::List(list.iter().map(|x| Data::from(f64::from(*x))).collect()),
        Attribute::Strings(list) => Data::List(list.iter().map(|s| Data::Text(s.clone())).collect()),
        Attribute::Tensor(_) | Attribute::Graph(_) | Attribute::Other => return None,
    })
}
