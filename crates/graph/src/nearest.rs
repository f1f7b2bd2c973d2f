//! What the user may have meant.

/// The name most like the one that was given, whatever their case, if any is like it.
#[must_use]
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let alike = |other: &str| {
        let other = other.to_lowercase();
        // Two letters in the wrong order are much of a short name.
        let slip = name.len() > 2 && strsim::osa_distance(&other, &name) == 1;
        strsim::jaro_winkler(&other, &name).max(if slip { 0.9 } else { 0.0 })
    };
    let rated = names.into_iter().map(|other| (alike(other), other));
    rated.filter(|(alike, _)| *alike > 0.8).max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, other)| other)
}
