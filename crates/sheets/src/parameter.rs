//! Parameters of a framework, as its manifest declares them and its users set them.

use serde::{Deserialize, Serialize};

/// A parameter of the framework, in its own spelling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are documented in docs/FRAMEWORKS.md")]
pub struct Parameter {
    #[serde(rename = "type")]
    pub kind: ParameterKind,
    pub default: serde_yaml::Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<String>>,
    /// What another value needs, if any value keeps the function, so that `optimize --tune` may set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tune: Option<String>,
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub effect: bool,
    pub doc: String,
}

fn yes() -> bool {
    true
}

/// Type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterKind {
    /// An integer between `min` and `max`.
    Int,
    /// `true` or `false`.
    Bool,
    /// A real number.
    Float,
    /// One of `choices`, whatever the case of its letters; any number is the choice `number`.
    Choice,
}

impl Parameter {
    /// Whether it has one value alone: it says what is modelled.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        match self.kind {
            ParameterKind::Choice => self.choices.as_ref().is_none_or(|choices| choices.len() <= 1),
            ParameterKind::Int => self.min.is_some() && self.min == self.max,
            ParameterKind::Bool | ParameterKind::Float => false,
        }
    }

    /// The values that it may take, if they are few.
    #[must_use]
    pub fn values(&self) -> Vec<String> {
        match self.kind {
            ParameterKind::Bool => vec!["false".to_owned(), "true".to_owned()],
            ParameterKind::Choice => self.choices.clone().unwrap_or_default(),
            ParameterKind::Int | ParameterKind::Float => Vec::new(),
        }
    }

    /// Whether there is a value that it may take.
    ///
    /// # Errors
    /// Says why not.
    pub(crate) fn possible(&self) -> Result<(), String> {
        match (self.kind, self.min, self.max) {
            (ParameterKind::Choice, ..) if self.choices.is_none() => {
                Err("type: choice needs choices: [...]".to_owned())
            }
            (_, Some(min), Some(max)) if min > max => Err(format!("min {min} is more than max {max}")),
            _ => Ok(()),
        }
    }

    /// The value as sheets see it.
    ///
    /// # Errors
    /// Says why it is not one for this parameter.
    pub fn value(&self, value: &serde_yaml::Value) -> Result<hawkeye_cost::Data, String> {
        use hawkeye_cost::Data;
        use serde_yaml::Value;
        match (self.kind, value) {
            (ParameterKind::Int, Value::Number(n)) => {
                let int = n.as_i64().ok_or_else(|| format!("{n} is no integer of 64 bits"))?;
                match (self.min, self.max) {
                    (Some(min), _) if int < min => Err(format!("{int} is less than {min}")),
                    (_, Some(max)) if int > max => Err(format!("{int} is more than {max}")),
                    _ => Ok(Data::Int(int)),
                }
            }
            (ParameterKind::Bool, Value::Bool(b)) => Ok(Data::Bool(*b)),
            (ParameterKind::Float, Value::Number(n)) => {
                n.as_f64().map(Data::from).ok_or_else(|| format!("{n} is no number"))
            }
            (ParameterKind::Choice, Value::String(s)) => {
                let choices = self.choices.as_deref().unwrap_or_default();
                let is_number = s.parse::<f64>().is_ok();
                let chosen = choices
                    .iter()
                    .find(|choice| choice.eq_ignore_ascii_case(s))
                    .or_else(|| choices.iter().find(|choice| is_number && *choice == "number"));
                chosen
                    .map(|choice| Data::Text(choice.clone()))
                    .ok_or_else(|| format!("\"{s}\" is none of {}", choices.join(", ")))
            }
            (kind, _) => Err(format!("is no {}", kind.name())),
        }
    }

    /// Reads a value that the user wrote.
    ///
    /// # Errors
    /// Says why it is not one for this parameter.
    pub fn parse(&self, text: &str) -> Result<hawkeye_cost::Data, String> {
        let value = match self.kind {
            ParameterKind::Choice => serde_yaml::Value::String(text.to_owned()),
            ParameterKind::Int | ParameterKind::Bool | ParameterKind::Float => {
                serde_yaml::from_str(text).map_err(|_| format!("\"{text}\" is no {}", self.kind.name()))?
            }
        };
        self.value(&value).map_err(|problem| {
            if problem.starts_with("is no") { format!("\"{text}\" {problem}") } else { problem }
        })
    }
}

impl ParameterKind {
    /// Its name in manifests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Bool => "bool",
            Self::Float => "float",
            Self::Choice => "choice",
        }
    }
}
