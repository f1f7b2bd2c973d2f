//! Operator attributes.

use std::sync::Arc;

use crate::{Graph, Origin, Tensor, Value, ValueId};

/// Value of an operator attribute.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the variants are ONNX's attribute types")]
pub enum Attribute {
    Int(i64),
    Float(f32),
    String(String),
    Tensor(Tensor),
    Ints(Vec<i64>),
    Floats(Vec<f32>),
    Strings(Vec<String>),
    /// A body (`If`, `Loop`, `Scan`). What it takes from around it are values of its own, of
    /// [`crate::Origin::Outer`].
    Graph(Arc<Graph>),
    /// A kind that no supported operator reads (sparse tensors, types, lists of tensors or graphs).
    Other,
}

/// The attributes of a node, sorted by name. Copies of a node share them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Arc<Vec<(String, Attribute)>>);

impl Attributes {
    /// The attribute of that name, if the node has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Attribute> {
        self.0.binary_search_by(|(n, _)| n.as_str().cmp(name)).ok().map(|i| &self.0[i].1)
    }

    /// The integer attribute of that name, if the node has it and it is one.
    #[must_use]
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Attribute::Int(i)) => Some(*i),
            _ => None,
        }
    }

    /// The list of integers of that name, if the node has it and it is one.
    #[must_use]
    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.get(name) {
            Some(Attribute::Ints(v)) => Some(v),
            _ => None,
        }
    }

    /// The bodies among the attributes, by name.
    pub fn bodies(&self) -> impl Iterator<Item = (&str, &Graph)> {
        self.iter().filter_map(|(name, value)| match value {
            Attribute::Graph(body) => Some((name, &**body)),
            _ => None,
        })
    }

    /// Nodes and values of the bodies, and of the bodies within them.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bodies().map(|(_, body)| body.size()).sum()
    }

    /// Elements of lists, and characters of texts.
    pub(crate) fn elements(&self) -> usize {
        let elements = |attribute: &Attribute| match attribute {
            // Few elements of tensors are kept.
            Attribute::Int(_)
            | Attribute::Float(_)
            | Attribute::Tensor(_)
            | Attribute::Graph(_)
            | Attribute::Other => 1,
            Attribute::String(text) => text.len(),
            Attribute::Ints(list) => list.len(),
            Attribute::Floats(list) => list.len(),
            Attribute::Strings(list) => list.iter().map(|text| 1 + text.len()).sum(),
        };
        self.iter().map(|(_, attribute)| elements(attribute)).sum()
    }

    /// Renames what the bodies take from around them.
    pub fn rename_captured(&mut self, name: &dyn Fn(ValueId) -> ValueId) {
        // Copies of a node share its bodies as long as these are the same.
        let renamed = |value: &Value| matches!(value.origin, Origin::Outer(id) if name(id) != id);
        let changes = |attribute: &Attribute| matches!(attribute, Attribute::Graph(body) if body.values.iter().any(renamed));
        if !self.0.iter().any(|(_, attribute)| changes(attribute)) {
            return;
        }
        for (_, attribute) in Arc::make_mut(&mut self.0) {
            let Attribute::Graph(body) = attribute else { continue };
            for value in &mut Arc::make_mut(body).values {
                if let Origin::Outer(id) = &mut value.origin {
                    *id = name(*id);
                }
            }
        }
    }

    /// Sets or replaces an attribute.
    pub fn set(&mut self, name: &str, value: Attribute) {
        match self.0.binary_search_by(|(n, _)| n.as_str().cmp(name)) {
            Ok(i) => Arc::make_mut(&mut self.0)[i].1 = value,
            Err(i) => Arc::make_mut(&mut self.0).insert(i, (name.to_owned(), value)),
        }
    }

    /// Removes an attribute if the node has it.
    pub fn remove(&mut self, name: &str) {
        if let Ok(i) = self.0.binary_search_by(|(n, _)| n.as_str().cmp(name)) {
            Arc::make_mut(&mut self.0).remove(i);
        }
    }

    /// Names and values in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Attribute)> {
        self.0.iter().map(|(n, a)| (n.as_str(), a))
    }
}

impl<'a> FromIterator<(&'a str, Attribute)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (&'a str, Attribute)>>(attributes: I) -> Self {
        let mut all = Self::default();
        attributes.into_iter().for_each(|(name, value)| all.set(name, value));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_share_attributes_until_one_is_changed() {
        let attributes =
            Attributes::from_iter([("perm", Attribute::Ints(vec![1, 0])), ("axis", Attribute::Int(1))]);
        let mut copy = attributes.clone();
        let shared = |copy: &Attributes| {
            attributes.ints("perm").map(<[i64]>::as_ptr) == copy.ints("perm").map(<[i64]>::as_ptr)
        };
        copy.rename_captured(&|id| id);
        assert!(shared(&copy));
        copy.set("axis", Attribute::Int(2));
        assert!(!shared(&copy));
        assert_eq!((attributes.int("axis"), copy.int("axis")), (Some(1), Some(2)));
        copy.remove("axis");
        assert_eq!(attributes.iter().count() - copy.iter().count(), 1);
    }
}
