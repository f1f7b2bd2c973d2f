//! A report cut into rows that add up to its totals.

use indexmap::IndexMap;

use hawkeye_graph::printable;

use super::cells::{Cells, Row};
use super::fold::folded;
use super::protocols::protocols;
use crate::{Axis, PHASES, PhaseCost, Quantity, Report};

/// How to cut a report into rows.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// What the rows are.
    pub axis: Axis,
    /// By what they are sorted, largest first; as in the report if not given.
    pub sort: Option<Quantity>,
    /// How many are shown before one row that holds the rest; all if not given.
    pub top: Option<usize>,
    /// Levels of modules, and of protocol calls.
    pub depth: usize,
    /// Whether operators that repeat, at the same cost in places alike, share a row.
    pub fold: bool,
}

impl View {
    /// With what people expect where nothing is asked for: the largest first, and not too many.
    pub(crate) fn for_people(self) -> Self {
        Self { sort: self.sort.or(Some(Quantity::Bytes)), top: self.top.or(Some(15)), ..self }
    }
}

/// The rows of a view.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    pub(crate) rows: Vec<Row>,
    /// How many rows are not shown, and what they sum up to.
    pub(crate) rest: Option<(usize, Cells)>,
    pub(crate) total: Cells,
}

impl Rows {
    pub(crate) fn new(report: &Report, view: View) -> Self {
        let mut rows = cut(report, view.axis, view.depth);
        if view.fold && view.axis == Axis::Operator {
            rows = folded(rows);
        }
        for row in &mut rows {
            row.name = printable(&row.name).into_owned();
            row.detail = printable(&row.detail).into_owned();
        }
        if let Some(quantity) = view.sort {
            rows.sort_by_key(|row| std::cmp::Reverse(row.cells.sum(quantity)));
        }
        let mut total = Cells::default();
        rows.iter().for_each(|row| total += row.cells);
        // A row that says "and 1 more" takes the place of the one it hides.
        let shown = view.top.filter(|top| top + 1 < rows.len()).unwrap_or(rows.len());
        let hidden = rows.split_off(shown);
        let mut rest = Cells::default();
        hidden.iter().for_each(|row| rest += row.cells);
        Self { rows, rest: (!hidden.is_empty()).then_some((hidden.len(), rest)), total }
    }

    /// Every row with its name, the rest among them.
    pub(crate) fn with_rest(&self) -> Vec<Row> {
        let rest = self.rest.map(|(count, cells)| Row {
            times: 1,
            name: format!("and {count} more"),
            detail: String::new(),
            operator: None,
            cells,
        });
        self.rows.iter().cloned().chain(rest).collect()
    }
}

/// The title of the detail column, where the axis has one.
pub(crate) fn detail(axis: Axis) -> Option<&'static str> {
    match axis {
        Axis::Operator => Some("op"),
        Axis::OpType | Axis::Module | Axis::Pass => Some("operators"),
        Axis::Protocol => Some("calls"),
        Axis::Phase | Axis::Link => None,
    }
}

/// The rows of an axis as the report has them.
pub(crate) fn cut(report: &Report, axis: Axis, depth: usize) -> Vec<Row> {
    let operators = report.operators.iter();
    match axis {
        Axis::Operator => operators
            .map(|o| Row {
                times: 1,
                name: o.name.clone(),
                detail: o.kind(),
                operator: Some(o.index),
                cells: (&o.phases).into(),
            })
            .collect(),
        Axis::OpType => grouped(operators.map(|o| (o.kind(), 1, (&o.phases).into()))),
        Axis::Module => grouped(operators.map(|o| {
            let scope = &o.scope[..depth.min(o.scope.len())];
            let name = if scope.is_empty() { "(no module)".to_owned() } else { scope.join("/") };
            (name, 1, (&o.phases).into())
        })),
        Axis::Protocol => protocols(report, depth),
        Axis::Pass => grouped(operators.map(|o| (o.pass.clone(), 1, (&o.phases).into()))),
        Axis::Phase => {
            let row = |(phase, cost): (usize, &PhaseCost)| {
                let mut cells = Cells::default();
                cells.set(phase, cost);
                Row { times: 1, name: PHASES[phase].to_owned(), detail: String::new(), operator: None, cells }
            };
            report.totals.each().into_iter().enumerate().map(row).collect()
        }
        Axis::Link => links(report),
    }
}

/// One row per name, in order of first appearance.
fn grouped(parts: impl Iterator<Item = (String, u64, Cells)>) -> Vec<Row> {
    let mut groups: IndexMap<String, (u128, Cells)> = IndexMap::new();
    for (name, count, cells) in parts {
        let group = groups.entry(name).or_default();
        group.0 += u128::from(count);
        group.1 += cells;
    }
    let row = |(name, (count, cells)): (String, (u128, Cells))| Row {
        times: 1,
        name,
        detail: count.to_string(),
        operator: None,
        cells,
    };
    groups.into_iter().map(row).collect()
}

fn links(report: &Report) -> Vec<Row> {
    let party = |number: u16| match report.framework.party_names.get(&number) {
        Some(name) => format!("{number} {name}"),
        None => number.to_string(),
    };
    let mut rows: IndexMap<String, Cells> = IndexMap::new();
    for link in &report.links {
        let mut name = format!("{} to {}", party(link.from), party(link.to));
        if !link.channel.is_empty() {
            name.push_str(&format!(" over {}", link.channel));
        }
        let phase = PHASES.iter().position(|phase| *phase == link.phase).unwrap_or(PHASES.len() - 1);
        let mut cells = Cells::default();
        cells.set(phase, &PhaseCost { bytes: link.bytes, messages: link.messages, ..PhaseCost::default() });
        *rows.entry(name).or_default() += cells;
    }
    let row = |(name, cells)| Row { times: 1, name, detail: String::new(), operator: None, cells };
    rows.into_iter().map(row).collect()
}
