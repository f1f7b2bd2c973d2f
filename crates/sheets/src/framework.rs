//! Opening a framework and fixing its parameters.

use std::collections::BTreeMap;

use hawkeye_cost::{Data, Party, RoundRule};
use hawkeye_graph::{Diagnostic, Failure, Place, nearest};
use hawkeye_lower::Visibility;

use crate::Sheets;
use crate::folder::Folder;
use crate::library::Library;
use crate::loader::Loader;
use crate::manifest::{Manifest, Parties, Rounds, Visible};
use crate::recorder;

/// A framework: its manifest and where its sheets are.
#[derive(Clone, Debug)]
pub struct Framework {
    /// What it says about itself.
    pub manifest: Manifest,
    folder: Folder,
}

/// A framework with its parties and parameters fixed.
#[derive(Debug)]
pub struct Instance {
    /// The manifest.
    pub manifest: Manifest,
    /// Number of parties of the protocol.
    pub parties: u16,
    /// Every parameter with its value, in the manifest's order.
    pub parameters: Vec<(String, Data)>,
    /// How rounds are counted.
    pub round_rule: RoundRule,
    /// The lowering.
    pub sheets: Sheets,
}

/// Why a framework can't be used.
pub type FrameworkError = Failure;

/// Names of the frameworks that come with the tool, sorted.
#[must_use]
pub fn builtin_names() -> Vec<String> {
    Folder::builtin()
}

fn error(place: &str, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Place::File { path: place.to_owned(), position: None }, message)
}

impl Framework {
    /// Opens a built-in framework by name, or one on disk by a path (which holds a `/` or begins
    /// with a `.`).
    ///
    /// # Errors
    /// If there is no such framework, or its manifest is wrong.
    pub fn open(name: &str) -> Result<Self, FrameworkError> {
        let Some(folder) = Folder::named(name) else {
            let names = builtin_names();
            let near = nearest(name, names.iter().map(String::as_str));
            let hint = near.map(|n| format!("did you mean {n}? ")).unwrap_or_default();
            return Err(error(name, "there is no such framework")
                .help(format!("{hint}built in: {}; or give a path, e.g. ./{name}", names.join(", ")))
                .into());
        };
        let file = folder.file("framework.yaml").map_err(|e| error(name, e))?;
        let place = file.display();
        let text = file.read().map_err(|e| error(&place, format!("can't be read: {e}")))?;
        let manifest: Manifest = serde_yaml::from_str(&text).map_err(|e| {
            let position = e.location().map(|l| (l.line(), l.column()));
            Diagnostic::error(Place::File { path: place.clone(), position }, e.to_string())
        })?;
        let problems = manifest.problems();
        if !problems.is_empty() {
            return Err(Failure(problems.into_iter().map(|p| error(&place, p)).collect()));
        }
        Ok(Self { manifest, folder })
    }

    /// Fixes the number of parties and the parameters, and loads the sheets.
    ///
    /// # Errors
    /// Everything that is wrong with the settings, or the first problem of the sheets.
    pub fn instantiate(
        self,
        parties: Option<u16>,
        settings: &BTreeMap<String, String>,
    ) -> Result<Instance, FrameworkError> {
        let mut errors = Vec::new();
        let name = &self.manifest.name;
        let parties = self.party_count(parties).unwrap_or_else(|message| {
            errors.push(error(name, message));
            2
        });
        let parameters = self.parameters(settings, &mut errors);
        if !errors.is_empty() {
            return Err(Failure(errors));
        }
        let extra = u16::try_from(self.manifest.extra_parties.len()).unwrap_or(u16::MAX);
        let numbers = recorder::Parties { protocol: parties, all: parties.saturating_add(extra) };
        let library = Loader::new(&self.folder, &self.manifest.modules, &parameters, numbers)
            .and_then(|loader| Library::new(&self.folder, &self.manifest.sheets, loader))
            .map_err(|message| error(name, format!("its sheets can't be loaded: {message}")))?;
        let round_rule = match &self.manifest.rounds {
            Rounds::Sheet => RoundRule::Stated,
            Rounds::Flights => RoundRule::Flights,
            Rounds::DirectionChanges { direction_changes } => RoundRule::DirectionChanges {
                channel: direction_changes.channel.as_str().into(),
                last: (Party(direction_changes.last[0]), Party(direction_changes.last[1])),
            },
        };
        let help = format!("add lower_<Operator> to {}", self.sheet_path());
        Ok(Instance {
            parties,
            parameters,
            round_rule,
            sheets: Sheets::new(library, numbers, help),
            manifest: self.manifest,
        })
    }

    fn sheet_path(&self) -> String {
        let first = self.manifest.sheets.first().and_then(|sheet| self.folder.file(sheet).ok());
        first.map(|file| file.display()).unwrap_or_default()
    }

    fn party_count(&self, wanted: Option<u16>) -> Result<u16, String> {
        match &self.manifest.parties {
            Parties::Named { names } => {
                let count = u16::try_from(names.len())
                    .map_err(|_| "the manifest names too many parties".to_owned())?;
                match wanted {
                    Some(wanted) if wanted != count => Err(format!(
                        "the protocol runs between {count} parties ({}), not {wanted}",
                        names.join(", ")
                    )),
                    _ => Ok(count),
                }
            }
            Parties::Range { default, min, max } => match wanted.unwrap_or(*default) {
                count if (*min..=*max).contains(&count) => Ok(count),
                count => Err(format!("the protocol runs between {min} and {max} parties, not {count}")),
            },
        }
    }

    fn parameters(
        &self,
        settings: &BTreeMap<String, String>,
        errors: &mut Vec<Diagnostic>,
    ) -> Vec<(String, Data)> {
        let known = &self.manifest.parameters;
        for name in settings.keys().filter(|name| !known.contains_key(*name)) {
            let near = nearest(name, known.keys().map(String::as_str));
            let hint = near.map(|n| format!("did you mean {n}? "));
            let all: Vec<&str> = known.keys().map(String::as_str).collect();
            errors.push(
                error(&self.manifest.name, format!("there is no parameter \"{name}\"")).help(format!(
                    "{}parameters: {}",
                    hint.unwrap_or_default(),
                    all.join(", ")
                )),
            );
        }
        let value = |(name, parameter): (&String, &crate::Parameter)| {
            let value = match settings.get(name) {
                Some(text) => parameter.parse(text),
                None => parameter.value(&parameter.default),
            };
            let value = value.unwrap_or_else(|problem| {
                errors.push(
                    error(&self.manifest.name, format!("parameter {name}: {problem}"))
                        .help(parameter.doc.clone()),
                );
                Data::None
            });
            (name.clone(), value)
        };
        known.iter().map(value).collect()
    }
}

impl From<Visible> for Visibility {
    fn from(visible: Visible) -> Self {
        match visible {
            Visible::Secret => Self::Secret,
            Visible::Public => Self::Public,
            Visible::Known { party } => Self::Known(Party(party)),
        }
    }
}
