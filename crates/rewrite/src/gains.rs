//! What each place saves where a rule is applied to many at once, read off the rows of two reports.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use hawkeye_graph::{Graph, NodeId, Origin};

use crate::draft::AppliedAt;
use crate::price::{Objective, Price, Quote, ReportRow};

/// What each class of places adds to the price by itself.
pub(crate) struct Gains {
    by_class: BTreeMap<u64, f64>,
    /// How much rows changed that no place made or removed: by how much a place may be misjudged.
    elsewhere: f64,
}

impl Gains {
    /// Compares the rows of a graph and its quote before and after a rule; `None` if there are no rows.
    pub(crate) fn new(
        objective: Objective,
        (old, before): (&Graph, &Quote),
        (new, after): (&Graph, &Quote),
        places: &[AppliedAt],
    ) -> Option<Self> {
        if before.rows.is_empty() || after.rows.is_empty() {
            return None;
        }
        let free = Price::default();
        let of = |quote: &Quote, row: &ReportRow| quote.rows.get(row).copied().unwrap_or(free);
        let stays: HashSet<ReportRow> = new.nodes.iter().map(ReportRow::of).collect();
        let mut gains = vec![0.0; places.len()];
        let mut seen = HashSet::new();
        for (index, place) in places.iter().enumerate() {
            for name in &place.made {
                let row = ReportRow::new(None, name);
                gains[index] += objective.excess(of(after, &row), of(before, &row));
                seen.insert(row);
            }
        }
        for (node, index) in removed(old, &stays, places) {
            let row = ReportRow::of(old.node(node));
            if seen.insert(row.clone()) {
                gains[index] -= objective.excess(of(before, &row), free);
            }
        }
        let others = before.rows.keys().chain(after.rows.keys()).filter(|row| !seen.contains(*row));
        let others: BTreeSet<&ReportRow> = others.collect();
        let elsewhere =
            others.iter().map(|row| objective.excess(of(after, row), of(before, row)).abs()).sum();
        let mut by_class = BTreeMap::new();
        for (place, gain) in places.iter().zip(gains) {
            *by_class.entry(place.class).or_insert(0.0) += gain;
        }
        Some(Self { by_class, elsewhere })
    }

    /// Classes that make it dearer even if all that changed elsewhere were owed to them.
    pub(crate) fn losing(&self) -> BTreeSet<u64> {
        self.by_class.iter().filter(|(_, gain)| **gain > self.elsewhere).map(|(class, _)| *class).collect()
    }

    /// Whether every class makes it cheaper even so.
    pub(crate) fn all_save(&self) -> bool {
        self.by_class.values().all(|gain| *gain < -self.elsewhere)
    }
}

/// Nodes of the old graph that do not stay, each with the place nearest to it.
fn removed(old: &Graph, stays: &HashSet<ReportRow>, places: &[AppliedAt]) -> BTreeMap<NodeId, usize> {
    let mut readers: HashMap<_, Vec<NodeId>> = HashMap::new();
    for id in old.node_ids() {
        old.node(id).present_inputs().for_each(|input| readers.entry(input).or_default().push(id));
    }
    let mut nearest = BTreeMap::new();
    let mut open: VecDeque<(NodeId, usize)> =
        places.iter().enumerate().map(|(index, place)| (place.node, index)).collect();
    while let Some((id, place)) = open.pop_front() {
        let node = old.node(id);
        if nearest.contains_key(&id) || stays.contains(&ReportRow::of(node)) {
            continue;
        }
        nearest.insert(id, place);
        for input in node.present_inputs() {
            if let Origin::Node(producer) = old.value(input).origin {
                open.push_back((producer, place));
            }
        }
        let outputs = node.present_outputs().filter_map(|output| readers.get(&output));
        open.extend(outputs.flatten().map(|reader| (*reader, place)));
    }
    nearest
}
