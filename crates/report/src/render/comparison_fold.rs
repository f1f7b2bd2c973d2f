//! Rows of a comparison that repeat: a layer's in each of twelve layers is one row, twelve times.

use indexmap::IndexMap;

use hawkeye_graph::printable;

use super::cells::Cells;
use super::fold::{pattern, words};
use super::wrap::shortened;
use crate::compare::{Change, Columns, OperatorChange};
use crate::{Phases, Quantity};

/// Operators that became the same at the same costs, in places alike.
pub(super) struct Folded {
    times: usize,
    /// Their common name and the sums of their costs.
    pub(super) sum: OperatorChange,
}

impl Folded {
    /// The name in at most that many characters, after how often the row counts.
    pub(super) fn title(&self, width: usize) -> String {
        let count = if self.times == 1 { String::new() } else { format!("{} x ", self.times) };
        let name = shortened(&printable(&self.sum.name), width.saturating_sub(count.len()));
        format!("{count}{name}")
    }
}

/// What rows that are put together have in common: the operator, what became of it, its costs on every side,
/// and the name but for its numbers.
type ChangeLikeness = (String, Change, Vec<Option<Cells>>, Vec<String>);

/// Rows of which those alike are one, the largest change of a quantity first.
pub(super) fn folded(operators: &[OperatorChange], quantity: Quantity) -> Vec<Folded> {
    let mut alike: IndexMap<ChangeLikeness, Vec<&OperatorChange>> = IndexMap::new();
    for operator in operators {
        let costs = operator.columns.costs.iter().map(|cost| cost.as_ref().map(Cells::from)).collect();
        let likeness = (operator.op.clone(), operator.change, costs, words(&operator.name));
        alike.entry(likeness).or_default().push(operator);
    }
    let mut rows: Vec<Folded> = alike
        .into_iter()
        .map(|((op, change, costs, _), members)| {
            let sum = |cost: Option<Cells>| -> Option<Phases> {
                let cost = cost?;
                let mut sum = Cells::default();
                members.iter().for_each(|_| sum += cost);
                Some(sum.phases())
            };
            let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
            let columns = Columns::new(costs.into_iter().map(sum).collect());
            Folded {
                times: members.len(),
                sum: OperatorChange { name: pattern(&names), op, change, columns },
            }
        })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.sum.columns.change(quantity)));
    rows
}

#[cfg(test)]
mod tests {
    use super::folded;
    use crate::compare::{Change, Columns, OperatorChange};
    use crate::{PhaseCost, Phases, Quantity};

    fn operator(name: &str, first: u64, second: u64) -> OperatorChange {
        let cost = |bytes| {
            let online = PhaseCost { bytes, ..PhaseCost::default() };
            Some(Phases { online, ..Phases::default() })
        };
        let columns = Columns::new(vec![cost(first), cost(second)]);
        OperatorChange { name: name.to_owned(), op: "Erf".to_owned(), change: Change::Changed, columns }
    }

    #[test]
    fn what_changes_alike_is_one_row_with_the_sum() {
        let operators =
            [operator("/pooler/Erf", 1, 12), operator("/layer.0/Erf", 2, 8), operator("/layer.1/Erf", 2, 8)];
        let rows = folded(&operators, Quantity::Bytes);
        let titles: Vec<String> = rows.iter().map(|row| row.title(20)).collect();
        assert_eq!(titles, ["2 x /layer.*/Erf", "/pooler/Erf"]);
        assert_eq!(rows[0].title(9), "2 x …/Erf");
        assert_eq!(rows[0].sum.columns.differences[0].online.bytes, 12);
    }
}
