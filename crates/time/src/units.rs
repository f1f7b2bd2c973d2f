//! Numbers with units, as people write them.

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
    const UNITS: [(&str, f64); 12] = [
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
    match scaled(text, "bandwidth", "100Mbit/s", &UNITS)? {
        0.0 => Err("a bandwidth of zero sends nothing".to_owned()),
        bits => Ok(bits),
    }
}

/// A duration in seconds.
///
/// # Errors
/// What is wrong with the text.
pub fn duration(text: &str) -> Result<f64, String> {
    scaled(text, "time", "40ms", &[("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("µs", 1e-6)])
}

/// A size in bytes.
///
/// # Errors
/// What is wrong with the text.
pub fn size(text: &str) -> Result<f64, String> {
    const UNITS: [(&str, f64); 5] =
        [("B", 1.0), ("kB", 1e3), ("MB", 1e6), ("KiB", 1024.0), ("MiB", 1048576.0)];
    scaled(text, "size", "16KiB", &UNITS)
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
