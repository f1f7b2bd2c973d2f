//! What can be said of a sweep: laws, and where they break.

use hawkeye_report::Phases;
use hawkeye_report::Quantity;
use serde::Serialize;

use super::law::{Piece, law, pieces};
use super::{Point, Sweep};

/// Pieces that a statement lists.
const MOST_PIECES: usize = 6;
/// Operators that a break names.
const MOST_CAUSES: usize = 3;

/// A law of one quantity along one axis, verified at every point it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// Phase of the quantity.
    pub phase: &'static str,
    /// The quantity.
    pub quantity: &'static str,
    /// The axis.
    pub variable: String,
    /// Values of the other axes, as NAME=VALUE.
    pub fixed: Vec<String>,
    /// Points that were computed.
    pub points: usize,
    /// One law for all of them.
    pub law: Option<String>,
    /// The same in words, with the breaks where there are several laws.
    pub text: String,
}

/// What holds along every axis of numbers, the others being fixed, for everything that is not
/// always zero.
#[must_use]
pub fn statements(sweep: &Sweep) -> Vec<Statement> {
    let mut statements = Vec::new();
    for (phase, name) in ["setup", "offline", "online"].into_iter().enumerate() {
        for quantity in Quantity::ALL {
            for (axis, of) in sweep.axes.iter().enumerate() {
                let Some(numbers) = of.numbers() else { continue };
                for series in series(sweep, axis) {
                    if series.iter().all(|point| amount(&point.totals, phase, quantity) == 0) {
                        continue;
                    }
                    statements.push(state(sweep, axis, &numbers, &series, (phase, name), quantity));
                }
            }
        }
    }
    statements
}

/// The amount of a quantity in a phase.
#[must_use]
pub fn amount(phases: &Phases, phase: usize, quantity: Quantity) -> u64 {
    quantity.of(&[phases.setup, phases.offline, phases.online][phase])
}

/// The points along one axis, for each combination of the others.
#[must_use]
pub fn series(sweep: &Sweep, axis: usize) -> Vec<Vec<&Point>> {
    let mut found: Vec<(Vec<&String>, Vec<&Point>)> = Vec::new();
    for point in &sweep.points {
        let others: Vec<&String> =
            point.values.iter().enumerate().filter(|(i, _)| *i != axis).map(|(_, value)| value).collect();
        match found.iter_mut().find(|(key, _)| *key == others) {
            Some((_, points)) => points.push(point),
            None => found.push((others, vec![point])),
        }
    }
    found.into_iter().map(|(_, points)| points).collect()
}

/// Values of the axes beside one, where there are several.
#[must_use]
pub fn fixed(sweep: &Sweep, axis: usize, point: &Point) -> Vec<String> {
    let others = sweep.axes.iter().zip(&point.values).enumerate();
    others
        .filter(|(i, (other, _))| *i != axis && other.values.len() > 1)
        .map(|(_, (other, value))| format!("{}={value}", other.variable.name()))
        .collect()
}

fn state(
    sweep: &Sweep,
    axis: usize,
    numbers: &[i128],
    series: &[&Point],
    (phase, name): (usize, &'static str),
    quantity: Quantity,
) -> Statement {
    let variable = sweep.axes[axis].variable.name().to_owned();
    let of = |point: &Point| i128::from(amount(&point.totals, phase, quantity));
    let points: Vec<(i128, i128)> = numbers.iter().copied().zip(series.iter().map(|p| of(p))).collect();
    let pieces = pieces(&points);
    let what = format!("{name} {}", quantity.name());
    let one = match pieces.as_slice() {
        [Piece { law: Some(law), .. }] => Some(law.text(&variable)),
        _ => None,
    };
    let text = match &one {
        Some(law) => format!("{what} = {law} at all {} points", points.len()),
        None if pieces.iter().all(|piece| piece.law.is_none()) => {
            let few = if points.len() < 3 { "too few points to tell" } else { "no law of degree 3 or less" };
            format!("{what}: {few} at {} points", points.len())
        }
        None => {
            let mut parts: Vec<String> = Vec::new();
            for (position, piece) in pieces.iter().take(MOST_PIECES).enumerate() {
                let from = points[piece.first].0;
                let range = range(&points[piece.first..=piece.last], &variable);
                let law = piece.law.as_ref().map_or("no law".to_owned(), |law| law.text(&variable));
                let causes = if position > 0 {
                    causes(sweep, series, &points, &pieces[position - 1], phase, quantity)
                } else {
                    Vec::new()
                };
                let why = if causes.is_empty() {
                    String::new()
                } else {
                    format!(" (breaks at {variable} {from}: {})", causes.join(", "))
                };
                parts.push(format!("{law} {range}{why}"));
            }
            if pieces.len() > MOST_PIECES {
                parts.push(format!("and {} more pieces", pieces.len() - MOST_PIECES));
            }
            format!("{what} = {}", parts.join("; "))
        }
    };
    Statement {
        phase: name,
        quantity: quantity.name(),
        variable,
        fixed: series.first().map(|point| fixed(sweep, axis, point)).unwrap_or_default(),
        points: points.len(),
        law: one,
        text,
    }
}

/// Where a piece holds. Between points nothing was computed, so nothing is said of it.
fn range(points: &[(i128, i128)], variable: &str) -> String {
    match points {
        [(x, _)] => format!("for {variable} {x}"),
        [(from, _), .., (to, _)] if points.windows(2).all(|pair| pair[1].0 - pair[0].0 == 1) => {
            format!("for {variable} {from} to {to}")
        }
        [(from, _), .., (to, _)] => {
            format!("at the {} points from {variable} {from} to {to}", points.len())
        }
        [] => String::new(),
    }
}

/// Operators that leave their own law where a piece ends, the largest departure first.
fn causes(
    sweep: &Sweep,
    series: &[&Point],
    points: &[(i128, i128)],
    piece: &Piece,
    phase: usize,
    quantity: Quantity,
) -> Vec<String> {
    let Some(names) = &sweep.operators else { return Vec::new() };
    let end = piece.last + 1;
    let mut departures: Vec<(u128, &String)> = Vec::new();
    for (operator, name) in names.iter().enumerate() {
        let own = |i: usize| {
            let cost = series.get(i)?.operators.get(operator)?;
            Some((points.get(i)?.0, i128::from(amount(cost, phase, quantity))))
        };
        let before: Vec<(i128, i128)> = (piece.first..end).filter_map(own).collect();
        let (Some(law), Some((x, y))) = (law(&before), own(end)) else { continue };
        let departure = law.at(x).map_or(u128::MAX, |expected| y.abs_diff(expected));
        if departure > 0 {
            departures.push((departure, name));
        }
    }
    departures.sort_by_key(|(departure, _)| std::cmp::Reverse(*departure));
    let more = departures.len().saturating_sub(MOST_CAUSES);
    let mut causes: Vec<String> =
        departures.into_iter().take(MOST_CAUSES).map(|(_, name)| name.clone()).collect();
    if more > 0 {
        causes.push(format!("and {more} more"));
    }
    causes
}
