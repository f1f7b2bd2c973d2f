//! What graphs cost.

use std::collections::BTreeMap;

use hawkeye_graph::{Failure, Graph, Node};

/// What a graph costs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Price {
    /// Bytes that all parties send.
    pub bytes: u64,
    /// Rounds.
    pub rounds: u64,
    /// Seconds, if a network was given.
    pub seconds: f64,
}

/// What is to be least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Objective {
    /// Bytes, then rounds.
    #[default]
    Bytes,
    /// Rounds, then bytes.
    Rounds,
    /// Seconds, then bytes.
    Seconds,
}

impl Objective {
    /// Whether one price is less than another.
    #[must_use]
    pub fn is_less(self, a: Price, b: Price) -> bool {
        let (bytes, rounds) = (a.bytes.cmp(&b.bytes), a.rounds.cmp(&b.rounds));
        match self {
            Self::Bytes => bytes.then(rounds).is_lt(),
            Self::Rounds => rounds.then(bytes).is_lt(),
            Self::Seconds => a.seconds.total_cmp(&b.seconds).then(bytes).is_lt(),
        }
    }

    /// By how much a price is more than another in what is to be least.
    pub(crate) fn excess(self, price: Price, than: Price) -> f64 {
        match self {
            Self::Bytes => price.bytes as f64 - than.bytes as f64,
            Self::Rounds => price.rounds as f64 - than.rounds as f64,
            Self::Seconds => price.seconds - than.seconds,
        }
    }
}

/// Which row of a report a node belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportRow {
    /// That of a node of the file, by position.
    File(usize),
    /// That of a node which stands for none, by name.
    Made(String),
}

impl ReportRow {
    /// The row of a node, or of a report's operator, with the position in the file if it has one.
    #[must_use]
    pub fn new(position: Option<usize>, name: &str) -> Self {
        position.map_or_else(|| Self::Made(name.to_owned()), Self::File)
    }

    pub(crate) fn of(node: &Node) -> Self {
        Self::new(node.provenance.node, &node.name)
    }
}

/// What a graph costs, and what of it its rows do.
#[derive(Clone, Debug, Default)]
pub struct Quote {
    /// The whole.
    pub total: Price,
    /// Parts, which add up to the whole.
    pub rows: BTreeMap<ReportRow, Price>,
}

/// Prices a graph.
pub type Pricing<'a> = dyn FnMut(&Graph) -> Result<Quote, Failure> + 'a;
