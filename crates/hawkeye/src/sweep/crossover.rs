//! Where along a network's bandwidth or round trip time something else takes over: another part of the time, or
//! another framework that is the fastest.

use hawkeye_report::SpentInfo;
use hawkeye_time::units::{bandwidth, duration, show_bandwidth, show_duration};
use serde::Serialize;

use super::statement::{fixed, series};
use super::{Point, Sweep, Variable};

/// What is largest, or fastest, along an axis of networks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Crossover {
    /// The axis: `bandwidth` or `rtt`.
    pub variable: String,
    /// Values of the other axes, as NAME=VALUE.
    pub fixed: Vec<String>,
    /// What there is in turn, from the axis's least value on.
    pub names: Vec<String>,
    /// Where one gives way to the next, in bits per second or seconds.
    pub limits: Vec<f64>,
    /// The same in words.
    pub text: String,
}

/// A curve: its name, and its seconds at every point of the axis.
type Curve = (String, Vec<f64>);

/// What takes over along every axis of bandwidths or round trip times that has several values: of the parts of the
/// time for all values of the other axes, of the frameworks for all values of the rest.
#[must_use]
pub fn crossovers(sweep: &Sweep) -> Vec<Crossover> {
    let mut found = Vec::new();
    for (axis, of) in sweep.axes.iter().enumerate() {
        let Some(places) = places(&of.variable, &of.values) else { continue };
        let all = series(sweep, axis);
        for points in &all {
            let Some(parts) = parts(points) else { continue };
            let fixed = points.first().map(|point| fixed(sweep, axis, point)).unwrap_or_default();
            // The largest comes first.
            let negative = |(name, seconds): Curve| (name, seconds.into_iter().map(|s| -s).collect());
            let curves: Vec<Curve> = parts.into_iter().map(negative).collect();
            found.push(crossover(&of.variable, fixed, &places, &curves, "the largest part of the time"));
        }
        for (fixed, curves) in frameworks(sweep, axis, &all) {
            found.push(crossover(&of.variable, fixed, &places, &curves, "the fastest"));
        }
    }
    found
}

/// Where the points of an axis lie on a scale on which time is a line (but for a token bucket and the floor of a
/// call): a round trip time as it is, a bandwidth's inverse. `None` of other axes, or of one point.
fn places(variable: &Variable, values: &[String]) -> Option<Vec<f64>> {
    let read = |value: &String| match variable {
        Variable::Bandwidth => bandwidth(value).ok().map(|bits| -1.0 / bits),
        Variable::Rtt => duration(value).ok(),
        Variable::Framework
        | Variable::Network
        | Variable::Parties
        | Variable::Batch
        | Variable::Dim(_)
        | Variable::Setting(_) => None,
    };
    let places: Vec<f64> = values.iter().map(read).collect::<Option<_>>()?;
    (places.len() > 1 && places.is_sorted_by(|a, b| a < b)).then_some(places)
}

fn parts(points: &[&Point]) -> Option<Vec<Curve>> {
    let spent: Vec<SpentInfo> =
        points.iter().map(|point| Some(point.time.as_ref()?.spent)).collect::<Option<_>>()?;
    let part = |name: &str, of: fn(&SpentInfo) -> f64| (name.to_owned(), spent.iter().map(of).collect());
    Some(vec![
        part("transfer", |spent| spent.transfer),
        part("latency", |spent| spent.latency),
        part("local work", |spent| spent.work),
        part("waiting", |spent| spent.wait),
    ])
}

/// The curves of frameworks, where there are several, for all values of the other axes.
fn frameworks(sweep: &Sweep, axis: usize, all: &[Vec<&Point>]) -> Vec<(Vec<String>, Vec<Curve>)> {
    let Some(of) = sweep.axes.iter().position(|axis| axis.variable == Variable::Framework) else {
        return Vec::new();
    };
    let mut found: Vec<(Vec<String>, Vec<Curve>)> = Vec::new();
    for points in all {
        let (Some(first), Some(seconds)) = (
            points.first(),
            points.iter().map(|point| Some(point.time.as_ref()?.seconds)).collect::<Option<Vec<f64>>>(),
        ) else {
            continue;
        };
        let name = format!("{}={}", sweep.axes[of].variable.name(), first.values[of]);
        let others: Vec<String> =
            fixed(sweep, axis, first).into_iter().filter(|setting| *setting != name).collect();
        let curve = (first.values[of].clone(), seconds);
        match found.iter_mut().find(|(fixed, _)| *fixed == others) {
            Some((_, curves)) => curves.push(curve),
            None => found.push((others, vec![curve])),
        }
    }
    found.into_iter().filter(|(_, curves)| curves.len() > 1).collect()
}

fn crossover(
    variable: &Variable,
    fixed: Vec<String>,
    places: &[f64],
    curves: &[Curve],
    what: &str,
) -> Crossover {
    let (names, limits) = lowest(places, curves);
    let limits: Vec<f64> =
        limits.into_iter().map(|u| if *variable == Variable::Bandwidth { -1.0 / u } else { u }).collect();
    let shown = |limit: &f64| match variable {
        Variable::Bandwidth => show_bandwidth(*limit),
        _ => show_duration(*limit),
    };
    let text = match names.as_slice() {
        [name] => format!("{name} is {what} at all {} points", places.len()),
        names => {
            let say = |(i, name): (usize, &String)| match (i, limits.get(i)) {
                (0, Some(limit)) => format!("{name} is {what} below {}", shown(limit)),
                (_, Some(limit)) => format!("{name} from there to {}", shown(limit)),
                (_, None) => format!("{name} above"),
            };
            names.iter().enumerate().map(say).collect::<Vec<_>>().join(", ")
        }
    };
    Crossover { variable: variable.name().to_owned(), fixed, names, limits, text }
}

/// The curve that is lowest, in turn from the first place to the last, and the places where they change; between
/// neighbouring places curves are taken as lines.
fn lowest(places: &[f64], curves: &[Curve]) -> (Vec<String>, Vec<f64>) {
    let mut order = Vec::new();
    let mut limits = Vec::new();
    let at = |place: usize| curves.iter().map(|(_, seconds)| seconds[place]).collect::<Vec<_>>();
    for (i, pair) in places.windows(2).enumerate() {
        let segment = Segment { from: pair[0], to: pair[1], low: at(i), high: at(i + 1) };
        for (limit, curve) in segment.lowest() {
            if order.last() != Some(&curve) {
                limits.extend((!order.is_empty()).then_some(limit));
                order.push(curve);
            }
        }
    }
    (order.into_iter().map(|curve| curves[curve].0.clone()).collect(), limits)
}

/// Curves between two places, as lines.
struct Segment {
    from: f64,
    to: f64,
    low: Vec<f64>,
    high: Vec<f64>,
}

impl Segment {
    /// From where on which curve is the lowest.
    fn lowest(&self) -> Vec<(f64, usize)> {
        let value = |curve: usize, part: f64| self.low[curve] + part * (self.high[curve] - self.low[curve]);
        let slope = |curve: usize| self.high[curve] - self.low[curve];
        let least = |part: f64| {
            (0..self.low.len()).min_by(|a, b| {
                // Of curves that meet here, the one that is lower afterwards.
                value(*a, part).total_cmp(&value(*b, part)).then(slope(*a).total_cmp(&slope(*b)))
            })
        };
        let (mut part, mut found) = (0.0, Vec::new());
        let mut current = least(part);
        while let Some(curve) = current {
            found.push((self.from + part * (self.to - self.from), curve));
            // The next is the first that falls below.
            let meets = |other: usize| {
                let closing = slope(curve) - slope(other);
                let at = (self.low[other] - self.low[curve]) / closing;
                (closing > 0.0 && at > part && at <= 1.0).then_some((at, other))
            };
            let next = (0..self.low.len()).filter_map(meets).min_by(|a, b| a.0.total_cmp(&b.0));
            current = next.map(|(at, other)| {
                part = at;
                other
            });
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_take_over_where_they_cross() {
        let curves = [
            ("steep".to_owned(), vec![0.0, 10.0, 20.0]),
            ("flat".to_owned(), vec![8.0, 8.0, 8.0]),
            ("middle".to_owned(), vec![3.0, 6.0, 9.0]),
        ];
        let (names, limits) = lowest(&[0.0, 1.0, 2.0], &curves);
        assert_eq!(names, ["steep", "middle", "flat"]);
        assert!((limits[0] - 3.0 / 7.0).abs() < 1e-12 && (limits[1] - 5.0 / 3.0).abs() < 1e-12, "{limits:?}");
    }

    #[test]
    fn what_is_lowest_everywhere_has_no_limit() {
        let curves = [("a".to_owned(), vec![1.0, 1.0]), ("b".to_owned(), vec![2.0, 1.5])];
        assert_eq!(lowest(&[0.0, 1.0], &curves), (vec!["a".to_owned()], Vec::new()));
    }

    #[test]
    fn two_points_of_an_axis_are_a_line() {
        let values = |values: &[&str]| -> Vec<String> { values.iter().map(|v| (*v).to_owned()).collect() };
        let found = places(&Variable::Bandwidth, &values(&["100Mbps", "1Gbps"])).expect("a line");
        assert!((found[0] + 1e-8).abs() < 1e-20 && (found[1] + 1e-9).abs() < 1e-20, "{found:?}");
        assert!(places(&Variable::Rtt, &values(&["1ms", "40ms"])).is_some());
        assert!(places(&Variable::Rtt, &values(&["1ms"])).is_none(), "one point is none");
        assert!(places(&Variable::Rtt, &values(&["40ms", "1ms"])).is_none(), "nor are points that fall");
        assert!(places(&Variable::Batch, &values(&["1", "2"])).is_none());
    }
}
