//! Loss functions.

use std::fmt;
use std::str::FromStr;

/// What is minimised. `z` is the model's output, `y` a target of the same shape, N its first
/// dimension; means are over all elements unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Loss {
    /// −Σ y·log softmax(z) / N with one-hot (or soft) targets.
    #[default]
    CrossEntropy,
    /// −Σ y·z / N, z being logarithms of probabilities.
    Nll,
    /// Mean of (z − y)².
    Mse,
    /// Mean of |z − y|.
    L1,
    /// Mean of −y·log z − (1 − y)·log(1 − z).
    Bce,
    /// The same of sigmoid(z).
    BceWithLogits,
    /// Σ y·(log y − z) / N, z being logarithms of probabilities.
    KlDiv,
}

impl Loss {
    /// Every loss.
    pub const ALL: [Self; 7] =
        [Self::CrossEntropy, Self::Nll, Self::Mse, Self::L1, Self::Bce, Self::BceWithLogits, Self::KlDiv];

    /// Its name on the command line and in sheets.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CrossEntropy => "cross_entropy",
            Self::Nll => "nll",
            Self::Mse => "mse",
            Self::L1 => "l1",
            Self::Bce => "bce",
            Self::BceWithLogits => "bce_with_logits",
            Self::KlDiv => "kl_div",
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Loss {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|loss| loss.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("there is no loss \"{text}\"; known are {names}")
        })
    }
}
