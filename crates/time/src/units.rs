//! Numbers with units, as people write them.

const BANDWIDTHS: [(&str, f64); 12] = [
    ("bit/s", 1.0),
    ("kbit/s", 1e3),
    ("Mbit/s", 1e6),
    ("Gbit/s", 1e9),
    ("bps", 1.0),
    ("kbps", 1e3),
    ("Mbps", 1e6),
    ("Gbps", 1e9),
    ("B/s", 8.0),
    ("kB/s", 8e3),
    ("MB/s", 8e6),
    ("GB/s", 8e9),
];
const DURATIONS: [(&str, f64); 4] = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("µs", 1e-6)];

/// A number and what follows it.
fn split(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| c.is_ascii_alphabetic() || c == 'µ').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.trim().parse().ok().filter(|n: &f64| n.is_finite())?, unit.trim()))
}

fn scaled(text: &str, what: &str, example: &str, units: &[(&str, f64)]) -> Result<f64, String> {
    let names = || units.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let (number, unit) =
        split(text).ok_or_else(|| format!("\"{text}\" is no {what}; write it like {example}"))?;
    let scale = units.iter().find(|(name, _)| *name == unit).map(|(_, scale)| scale);
    match scale {
        _ if number < 0.0 => Err(format!("the {what} \"{text}\" is negative")),
        Some(scale) => Ok(number * scale),
        None if unit.is_empty() => Err(format!("the {what} \"{text}\" has no unit; write it like {example}")),
        None => Err(format!("\"{unit}\" is no unit of a {what}; units are {}", names())),
    }
}

/// A bandwidth in bits per second.
///
/// # Errors
/// What is wrong with the text; zero is.
pub fn bandwidth(text: &str) -> Result<f64, String> {
    match scaled(text, "bandwidth", "100Mbit/s", &BANDWIDTHS)? {
        0.0 => Err("a bandwidth of zero sends nothing".to_owned()),
        bits => Ok(bits),
    }
}

/// A duration in seconds.
///
/// # Errors
/// What is wrong with the text.
pub fn duration(text: &str) -> Result<f64, String> {
    scaled(text, "time", "40ms", &DURATIONS)
}

/// A size in bytes.
///
/// # Errors
/// What is wrong with the text.
pub fn size(text: &str) -> Result<f64, String> {
    const UNITS: [(&str, f64); 9] = [
        ("B", 1.0),
        ("kB", 1e3),
        ("MB", 1e6),
        ("GB", 1e9),
        ("TB", 1e12),
        ("KiB", 1024.0),
        ("MiB", 1_048_576.0),
        ("GiB", 1_073_741_824.0),
        ("TiB", 1_099_511_627_776.0),
    ];
    scaled(text, "size", "16KiB", &UNITS)
}

/// Requests a second.
///
/// # Errors
/// What is wrong with the text; none at all is.
pub fn arrivals(text: &str) -> Result<f64, String> {
    const UNITS: [(&str, f64); 3] = [("/s", 1.0), ("/min", 1.0 / 60.0), ("/h", 1.0 / 3600.0)];
    // A slash begins a unit here, which is no letter.
    let (number, unit) = text.split_at(text.find('/').unwrap_or(text.len()));
    let scale = UNITS.iter().find(|(name, _)| *name == unit.trim()).map(|(_, scale)| scale);
    match (number.trim().parse::<f64>(), scale) {
        (Ok(number), Some(scale)) if number.is_finite() && number > 0.0 => Ok(number * scale),
        _ => Err(format!("\"{text}\" is no rate of requests; write it like 2/s, 30/min or 100/h")),
    }
}

/// A bandwidth in bits per second, to three digits.
#[must_use]
pub fn show_bandwidth(bits: f64) -> String {
    show(bits, &BANDWIDTHS[..4])
}

/// A duration in seconds, to three digits.
#[must_use]
pub fn show_duration(seconds: f64) -> String {
    show(seconds, &DURATIONS[..3])
}

/// A number in the largest of growing units of which it has one at least.
fn show(number: f64, units: &[(&str, f64)]) -> String {
    let fitting = units.iter().rev().find(|(_, scale)| number >= *scale).or(units.first());
    let (unit, scale) = fitting.copied().unwrap_or(("", 1.0));
    let number = number / scale;
    let decimals = [100.0, 10.0, 1.0].iter().take_while(|limit| number < **limit).count().min(2);
    let text = format!("{number:.decimals$}");
    let text = if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} {unit}")
}

/// The values 1, 2 and 5 of every decade from one number to another, and these two.
#[must_use]
pub fn ladder(from: f64, to: f64) -> Vec<f64> {
    let mut rungs = vec![from];
    let mut decade = 10_f64.powf(from.log10().floor());
    while decade < to {
        let between = [decade, 2.0 * decade, 5.0 * decade].into_iter().filter(|rung| {
            // Powers of ten are not exact.
            *rung > from * (1.0 + 1e-9) && *rung < to * (1.0 - 1e-9)
        });
        rungs.extend(between);
        decade *= 10.0;
    }
    if to > from {
        rungs.push(to);
    }
    rungs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_scale() {
        assert_eq!(bandwidth("100Mbit/s"), Ok(1e8));
        assert_eq!(bandwidth("9 MB/s"), Ok(7.2e7));
        assert_eq!(duration("40ms"), Ok(0.04));
        assert_eq!(duration("0ms"), Ok(0.0));
        assert_eq!(size("16KiB"), Ok(16384.0));
    }

    #[test]
    fn numbers_are_written_in_the_unit_that_fits() {
        let bandwidths =
            [(1e6, "1 Mbit/s"), (2.1e8, "210 Mbit/s"), (2.5e9, "2.5 Gbit/s"), (9.4e5, "940 kbit/s")];
        for (bits, text) in bandwidths {
            assert_eq!(show_bandwidth(bits), text);
        }
        let durations = [(0.04, "40 ms"), (5e-5, "50 us"), (1.234, "1.23 s"), (0.0, "0 us")];
        for (seconds, text) in durations {
            assert_eq!(show_duration(seconds), text);
        }
    }

    #[test]
    fn ladders_have_three_rungs_a_decade() {
        let shown = |from, to| ladder(from, to).into_iter().map(show_bandwidth).collect::<Vec<_>>();
        assert_eq!(shown(1e6, 1e7), ["1 Mbit/s", "2 Mbit/s", "5 Mbit/s", "10 Mbit/s"]);
        assert_eq!(shown(3e6, 3e7), ["3 Mbit/s", "5 Mbit/s", "10 Mbit/s", "20 Mbit/s", "30 Mbit/s"]);
        assert_eq!(ladder(1e6, 1e10).len(), 13);
        assert_eq!(ladder(5e6, 5e6).len(), 1);
    }

    #[test]
    fn rates_of_requests_are_read() {
        assert_eq!(arrivals("2/s"), Ok(2.0));
        assert_eq!(arrivals("30 /min"), Ok(0.5));
        for text in ["2", "0/s", "-1/h", "/s", "1/day", "NaN/s"] {
            assert!(arrivals(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        let wrong =
            ["", "fast", "100", "0Mbit/s", "-1Mbit/s", "NaNMbit/s", "infMbit/s", "1Mbit", "1e999Gbit/s"];
        for text in wrong {
            assert!(bandwidth(text).is_err(), "{text}");
        }
        for text in ["40", "-1ms", "NaN ms", "1 h", "ms"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
