//! What rules ask of weights.

use hawkeye_cost::Data;

/// A condition on every element of a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Above zero.
    Positive,
    /// Zero or above.
    NonNegative,
    /// Below zero.
    Negative,
    /// Not zero.
    NonZero,
}

impl Sign {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Positive, Self::NonNegative, Self::Negative, Self::NonZero];

    /// As rules name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::NonNegative => "nonnegative",
            Self::Negative => "negative",
            Self::NonZero => "nonzero",
        }
    }
}

/// Reads conditions on weights: a dictionary of names and signs.
///
/// # Errors
/// If it is none.
pub(crate) fn weights(data: &Data) -> Result<Vec<(String, Sign)>, String> {
    let Data::Dict(entries) = data else {
        return if *data == Data::None { Ok(Vec::new()) } else { Err("weights is a dictionary".to_owned()) };
    };
    let sign = |entry: &(Data, Data)| match entry {
        (Data::Text(name), Data::Text(wanted)) => {
            let sign = Sign::ALL.into_iter().find(|sign| sign.name() == wanted)?;
            Some((name.clone(), sign))
        }
        _ => None,
    };
    let known = Sign::ALL.map(Sign::name).join(", ");
    entries
        .iter()
        .map(|entry| sign(entry).ok_or_else(|| format!("weights gives names one of {known}")))
        .collect()
}
