//! Optimizers and their settings.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The rule by which parameters follow their gradients; PyTorch's `torch.optim` is the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the variants are the optimizers' names")]
pub enum Algorithm {
    Sgd,
    Adam,
    AdamW,
    RmsProp,
    Adagrad,
}

/// A setting as the user wrote it. Frameworks may treat `1` and `1.0` differently.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the variants are the settings' types")]
pub enum Setting {
    Bool(bool),
    Int(i64),
    Float(f64),
}

use Setting::{Bool, Float, Int};

impl Setting {
    /// This as a number; truth values are 0 and 1.
    #[must_use]
    pub fn number(self) -> f64 {
        match self {
            Bool(b) => f64::from(u8::from(b)),
            Int(i) => i as f64,
            Float(f) => f,
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bool(b) => write!(f, "{b}"),
            Int(i) => write!(f, "{i}"),
            Float(x) => write!(f, "{x:?}"),
        }
    }
}

impl Algorithm {
    /// Every optimizer.
    pub const ALL: [Self; 5] = [Self::Sgd, Self::Adam, Self::AdamW, Self::RmsProp, Self::Adagrad];

    /// Its name on the command line and in sheets.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sgd => "sgd",
            Self::Adam => "adam",
            Self::AdamW => "adamw",
            Self::RmsProp => "rmsprop",
            Self::Adagrad => "adagrad",
        }
    }

    /// Names and defaults of its settings, which are PyTorch's but for `grad_threshold`: elements of a gradient
    /// that are not smaller count as zero; 0 for none.
    #[must_use]
    pub fn settings(self) -> &'static [(&'static str, Setting)] {
        match self {
            Self::Sgd => &[
                ("lr", Float(0.01)),
                ("momentum", Int(0)),
                ("dampening", Int(0)),
                ("weight_decay", Int(0)),
                ("nesterov", Bool(false)),
                ("grad_threshold", Int(0)),
            ],
            Self::Adam => &[
                ("lr", Float(0.001)),
                ("beta1", Float(0.9)),
                ("beta2", Float(0.999)),
                ("eps", Float(1e-8)),
                ("weight_decay", Int(0)),
            ],
            Self::AdamW => &[
                ("lr", Float(0.001)),
                ("beta1", Float(0.9)),
                ("beta2", Float(0.999)),
                ("eps", Float(1e-8)),
                ("weight_decay", Float(0.01)),
            ],
            Self::RmsProp => &[
                ("lr", Float(0.01)),
                ("alpha", Float(0.99)),
                ("eps", Float(1e-8)),
                ("weight_decay", Int(0)),
                ("momentum", Int(0)),
                ("centered", Bool(false)),
            ],
            Self::Adagrad => {
                &[("lr", Float(0.01)), ("lr_decay", Int(0)), ("weight_decay", Int(0)), ("eps", Float(1e-10))]
            }
        }
    }
}

/// An optimizer with its settings, spelt `sgd:lr=0.01,momentum=0.9`.
///
/// ```
/// let optimizer: hawkeye_grad::Optimizer = "sgd:lr=0.1,momentum=0.9".parse()?;
/// assert_eq!(optimizer.number("momentum"), 0.9);
/// assert_eq!(optimizer.number("dampening"), 0.0);
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Optimizer {
    /// The rule.
    pub algorithm: Algorithm,
    /// Every setting of it, by name.
    pub settings: BTreeMap<&'static str, Setting>,
}

impl Optimizer {
    /// A setting as a number; 0 if the algorithm has none of that name.
    #[must_use]
    pub fn number(&self, name: &str) -> f64 {
        self.settings.get(name).map_or(0.0, |setting| setting.number())
    }
}

impl Default for Optimizer {
    /// Plain gradient descent.
    fn default() -> Self {
        let algorithm = Algorithm::Sgd;
        Self { algorithm, settings: algorithm.settings().iter().copied().collect() }
    }
}

impl fmt::Display for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.algorithm.name())?;
        for (i, (name, value)) in self.settings.iter().enumerate() {
            write!(f, "{}{name}={value}", if i == 0 { ':' } else { ',' })?;
        }
        Ok(())
    }
}

impl FromStr for Optimizer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let algorithm = Algorithm::ALL.into_iter().find(|a| a.name() == name).ok_or_else(|| {
            let names = Algorithm::ALL.map(Algorithm::name).join(", ");
            format!("there is no optimizer \"{name}\"; known are {names}")
        })?;
        let mut settings: BTreeMap<_, _> = algorithm.settings().iter().copied().collect();
        for pair in rest.split(',').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or_else(|| format!("\"{pair}\" is not NAME=VALUE"))?;
            let (key, default) = known(algorithm, key)?;
            settings.insert(key, parse(key, default, value)?);
        }
        let optimizer = Self { algorithm, settings };
        optimizer.validate()?;
        Ok(optimizer)
    }
}

fn known(algorithm: Algorithm, key: &str) -> Result<(&'static str, Setting), String> {
    let settings = algorithm.settings();
    settings.iter().copied().find(|(name, _)| *name == key).ok_or_else(|| {
        let close = settings
            .iter()
            .map(|(name, _)| *name)
            .max_by(|a, b| strsim::jaro_winkler(a, key).total_cmp(&strsim::jaro_winkler(b, key)));
        let hint = close.map(|name| format!("; did you mean \"{name}\"?")).unwrap_or_default();
        format!("{} has no setting \"{key}\"{hint}", algorithm.name())
    })
}

fn parse(key: &str, default: Setting, value: &str) -> Result<Setting, String> {
    if let Bool(_) = default {
        return value.parse().map(Bool).map_err(|_| format!("{key} is true or false, not \"{value}\""));
    }
    if let Ok(int) = value.parse() {
        return Ok(Int(int));
    }
    match value.parse::<f64>() {
        Ok(float) if float.is_finite() => Ok(Float(float)),
        _ => Err(format!("{key} is a number, not \"{value}\"")),
    }
}

impl Optimizer {
    /// The conditions that PyTorch sets (`torch/optim/sgd.py`, `adam.py`, ...).
    fn validate(&self) -> Result<(), String> {
        for (name, value) in &self.settings {
            if value.number() < 0.0 {
                return Err(format!("{name} must not be negative, but is {value}"));
            }
        }
        for beta in ["beta1", "beta2"] {
            if self.number(beta) >= 1.0 {
                return Err(format!("{beta} must be less than 1"));
            }
        }
        let nesterov = self.settings.get("nesterov") == Some(&Bool(true));
        if nesterov && (self.number("momentum") == 0.0 || self.number("dampening") != 0.0) {
            return Err("nesterov needs a momentum and no dampening".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_back() {
        for text in ["sgd", "sgd:lr=1,momentum=0.9,nesterov=true", "adam:beta1=0.8", "rmsprop:centered=true"]
        {
            let optimizer: Optimizer = text.parse().unwrap();
            assert_eq!(optimizer.to_string().parse(), Ok(optimizer));
        }
    }

    #[test]
    fn integers_stay_integers() {
        let setting = |text: &str| text.parse::<Optimizer>().unwrap().settings["lr"];
        assert_eq!((setting("sgd:lr=1"), setting("sgd:lr=1.0")), (Int(1), Float(1.0)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = |text: &str| text.parse::<Optimizer>().unwrap_err();
        assert_eq!(
            error("sdg"),
            "there is no optimizer \"sdg\"; known are sgd, adam, adamw, rmsprop, adagrad"
        );
        assert_eq!(error("sgd:momentun=1"), "sgd has no setting \"momentun\"; did you mean \"momentum\"?");
        assert_eq!(error("sgd:lr"), "\"lr\" is not NAME=VALUE");
        assert_eq!(error("sgd:lr=fast"), "lr is a number, not \"fast\"");
        assert_eq!(error("sgd:nesterov=true"), "nesterov needs a momentum and no dampening");
        assert_eq!(error("adam:beta1=1"), "beta1 must be less than 1");
    }
}
