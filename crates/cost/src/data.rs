//! Plain data that crosses the border between sheets and the tool.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// An immutable value without functions in it: what protocol calls may depend on.
///
/// Two equal arguments give the same expansion, so floats compare by their bits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Data {
    /// Nothing.
    #[default]
    None,
    /// Truth value.
    Bool(bool),
    /// Integer.
    Int(i64),
    /// Double, by its bits.
    Float(u64),
    /// Text.
    Text(String),
    /// List.
    List(Vec<Data>),
    /// Tuple.
    Tuple(Vec<Data>),
    /// Dictionary, in insertion order.
    Dict(Vec<(Data, Data)>),
    /// Record, in insertion order; shared by its copies.
    Struct(Arc<[(Cow<'static, str>, Data)]>),
}

impl Data {
    /// The field of that name, if this is a record that has it.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Struct(fields) => fields.iter().find(|(n, _)| n == name).map(|(_, v)| v),
            _ => None,
        }
    }
}

impl Data {
    /// Values in it, itself included.
    #[must_use]
    pub fn size(&self) -> usize {
        let within: usize = match self {
            Self::List(items) | Self::Tuple(items) => items.iter().map(Self::size).sum(),
            Self::Dict(entries) => entries.iter().map(|(key, value)| key.size() + value.size()).sum(),
            Self::Struct(fields) => fields.iter().map(|(_, value)| value.size()).sum(),
            Self::None | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::Text(_) => 0,
        };
        1 + within
    }
}

impl From<&str> for Data {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<f64> for Data {
    fn from(number: f64) -> Self {
        Self::Float(number.to_bits())
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn list(f: &mut fmt::Formatter<'_>, open: &str, items: &[Data], close: &str) -> fmt::Result {
            f.write_str(open)?;
            for (i, item) in items.iter().enumerate() {
                write!(f, "{}{item}", if i > 0 { ", " } else { "" })?;
            }
            f.write_str(close)
        }
        match self {
            Self::None => f.write_str("None"),
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Int(i) => i.fmt(f),
            Self::Float(bits) => f64::from_bits(*bits).fmt(f),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::List(items) => list(f, "[", items, "]"),
            Self::Tuple(items) => list(f, "(", items, ")"),
            Self::Dict(entries) => {
                f.write_str("{")?;
                for (i, (key, value)) in entries.iter().enumerate() {
                    write!(f, "{}{key}: {value}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("}")
            }
            Self::Struct(fields) => {
                f.write_str("struct(")?;
                for (i, (name, value)) in fields.iter().enumerate() {
                    write!(f, "{}{name} = {value}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str(")")
            }
        }
    }
}
