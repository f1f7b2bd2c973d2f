//! What the user may have meant.

/// The name most like the one that was given, whatever their case, if any is like it.
#[must_use]
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let alike = |other: &str| strsim::jaro_winkler(&other.to_lowercase(), &name);
    let rated = names.into_iter().map(|other| (alike(other), other));
    rated.filter(|(alike, _)| *alike > 0.8).max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, other)| other)
}
