//! What passes tell the user.

use std::fmt;

use crate::{Node, printable};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The result stands, but the user should know.
    Warning,
    /// There is no result.
    Error,
}

/// What a diagnostic is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The model as a whole.
    Model,
    /// A node of the model's graph.
    Node {
        /// Position in the file's node list; `None` if it belongs to no node of the file.
        index: Option<usize>,
        /// Name; empty if the exporter gave none.
        name: Box<str>,
        /// Operator with its domain.
        op: String,
        /// Operator set version.
        opset: i64,
    },
    /// A value of the model's graph, by name.
    Value(String),
    /// What the caller asked for, by the name of the option.
    Option(&'static str),
    /// A position in a sheet, manifest or other text file.
    File {
        /// Path as the user knows it.
        path: String,
        /// 1-based line and column, if known.
        position: Option<(usize, usize)>,
    },
}

impl Place {
    /// The place of a node.
    #[must_use]
    pub fn node(node: &Node) -> Self {
        let op =
            if node.domain.is_empty() { node.op.clone() } else { format!("{}.{}", node.domain, node.op) };
        Self::Node { index: node.provenance.node, name: node.name.as_str().into(), op, opset: node.opset }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model => f.write_str("the model"),
            Self::Node { index, name, op, opset } => {
                f.write_str("node")?;
                if let Some(index) = index {
                    write!(f, " {index}")?;
                }
                if !name.is_empty() {
                    write!(f, " \"{}\"", printable(name))?;
                }
                write!(f, " ({}, opset {opset})", printable(op))
            }
            Self::Value(name) => write!(f, "value \"{}\"", printable(name)),
            Self::Option(name) => f.write_str(name),
            Self::File { path, position: Some((line, column)) } => {
                write!(f, "{}:{line}:{column}", printable(path))
            }
            Self::File { path, position: None } => f.write_str(&printable(path)),
        }
    }
}

/// A message with its place and what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub place: Place,
    /// One sentence.
    pub message: String,
    /// What to do next.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error without help.
    #[must_use]
    pub fn error(place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, place, message: message.into(), help: None }
    }

    /// A warning without help.
    #[must_use]
    pub fn warning(place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, place, message: message.into(), help: None }
    }

    /// The same with help.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Why a pass gave no result: everything it found wrong, at least one error among it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub Vec<Diagnostic>);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}
