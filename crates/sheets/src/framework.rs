//! Opening a framework and fixing its parameters.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use hawkeye_cost::{Data, Party, RoundRule};
use hawkeye_graph::{Diagnostic, Failure, Place, nearest};
use hawkeye_lower::Visibility;

use crate::Sheets;
use crate::folder::{FilePath, Folder};
use crate::inspect::at_key;
use crate::language;
use crate::library::Library;
use crate::loader::Loader;
use crate::manifest::{Manifest, Parties, Rounds, Visible};
use crate::recorder;
use crate::remedy::Author;

/// A framework: its manifest and where its sheets are.
#[derive(Clone, Debug)]
pub struct Framework {
    /// What it says about itself.
    pub manifest: Manifest,
    pub(crate) folder: Folder,
    /// Sheets whose functions take the place of its own, and their names.
    pub(crate) overlays: Vec<(FilePath, Vec<String>)>,
    /// Whether what the sheets lack is free.
    lenient: bool,
    /// Whether it is run whatever its manifest says.
    looked_over: bool,
}

/// A framework with its parties and parameters fixed.
#[derive(Debug)]
pub struct ConfiguredFramework {
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
            let near = nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
            let here = Path::new(name).join("framework.yaml").is_file().then(|| format!("./{name}"));
            let hint = here.or(near).map(|n| format!("did you mean {n}? ")).unwrap_or_default();
            return Err(error(name, "there is no such framework")
                .help(format!("{hint}built in: {}; or give a path, e.g. ./{name}", names.join(", ")))
                .into());
        };
        let file = folder.file("framework.yaml").map_err(|e| error(name, e))?;
        let place = file.display();
        let text = file.read().map_err(|e| error(&place, format!("can't be read: {e}")))?;
        let manifest = Manifest::parse(&text, &place)?;
        if manifest.sheets.is_empty() {
            return Err(error(&place, "there are no sheets").help("add sheets: [NAME.star]").into());
        }
        Ok(Self { manifest, folder, overlays: Vec::new(), lenient: false, looked_over: false })
    }

    /// The framework with whatever its sheets lack for free, so that what they have is reached: for trying them,
    /// not for prices.
    #[must_use]
    pub fn lenient(self) -> Self {
        Self { lenient: true, ..self }
    }

    /// The framework to be looked over: what its manifest says that can't be keeps nothing from being tried.
    #[must_use]
    pub fn looked_over(self) -> Self {
        Self { looked_over: true, ..self }
    }

    /// Fixes the number of parties and the parameters, and loads the sheets.
    ///
    /// # Errors
    /// Everything that is wrong with the settings, or the first problem of the sheets.
    pub fn instantiate(
        self,
        parties: Option<u16>,
        settings: &BTreeMap<String, String>,
    ) -> Result<ConfiguredFramework, FrameworkError> {
        let impossible = if self.looked_over { Vec::new() } else { self.impossible() };
        if !impossible.is_empty() {
            return Err(Failure(impossible));
        }
        let name = &self.manifest.name;
        let (parties, parameters) = match (self.manifest.party_count(parties), self.manifest.values(settings))
        {
            (Ok(parties), Ok(parameters)) => (parties, parameters),
            (parties, parameters) => {
                let errors = [parties.err(), parameters.err()].into_iter().flatten();
                return Err(Failure(errors.flat_map(|failure| failure.0).collect()));
            }
        };
        let extra = u16::try_from(self.manifest.extra_parties.len()).unwrap_or(u16::MAX);
        let numbers = recorder::PartyCounts { protocol: parties, all: parties.saturating_add(extra) };
        let library =
            Loader::new(&self.folder, &self.manifest.modules, language::globals(&parameters, numbers))
                .and_then(|loader| loader.overlaid(&self.overlays))
                .and_then(|loader| Library::new(&self.folder, &self.manifest.sheets, &self.overlays, loader))
                .map_err(|message| error(name, format!("its sheets can't be loaded: {message}")))?;
        let author = self.author();
        let free = (!self.lenient).then(|| self.manifest.free.clone().into());
        Ok(ConfiguredFramework {
            parties,
            parameters,
            round_rule: self.manifest.round_rule(),
            sheets: Sheets::new(Arc::new(library), numbers, free, author),
            manifest: self.manifest,
        })
    }

    fn author(&self) -> Author {
        match &self.folder {
            Folder::Builtin(_) if !self.looked_over => Author::HawkEye,
            Folder::Builtin(_) | Folder::Disk(_) => {
                let sheets = self.manifest.sheets.iter().filter_map(|sheet| self.folder.file(sheet).ok());
                Author::User { sheets: sheets.collect() }
            }
        }
    }
}

impl Manifest {
    /// Reads a manifest; `file` names it in errors.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str, file: &str) -> Result<Self, Failure> {
        let manifest: Self = serde_yaml::from_str(text).map_err(|e| {
            let position = e.location().map(|l| (l.line(), l.column()));
            // The place and the line are said apart.
            let said = e.to_string();
            let message = said.rsplit_once(" at line ").map_or(said.as_str(), |(message, _)| message);
            let line = position.and_then(|(line, _)| Some((line, text.lines().nth(line.checked_sub(1)?)?)));
            let shown = line.map(|(line, source)| format!("\n  {line} | {source}")).unwrap_or_default();
            Diagnostic::error(Place::File { path: file.to_owned(), position }, format!("{message}{shown}"))
        })?;
        let written = (file.to_owned(), text.to_owned());
        let problems = manifest.problems().into_iter();
        let problems: Vec<Diagnostic> =
            problems.map(|(key, problem)| at_key(&written, key, Diagnostic::error, problem)).collect();
        if problems.is_empty() { Ok(manifest) } else { Err(Failure(problems)) }
    }

    /// How rounds are counted.
    #[must_use]
    pub fn round_rule(&self) -> RoundRule {
        match &self.rounds {
            Rounds::Sheet => RoundRule::Stated,
            Rounds::Flights => RoundRule::Flights,
            Rounds::DirectionChanges { direction_changes } => RoundRule::DirectionChanges {
                channel: direction_changes.channel.as_str().into(),
                last: (Party(direction_changes.last[0]), Party(direction_changes.last[1])),
            },
        }
    }

    /// The number of parties, if the protocol runs between so many; its default if none is wanted.
    ///
    /// # Errors
    /// Says between how many it runs.
    pub fn party_count(&self, wanted: Option<u16>) -> Result<u16, Failure> {
        self.count(wanted).map_err(|message| error(&self.name, message).into())
    }

    fn count(&self, wanted: Option<u16>) -> Result<u16, String> {
        match &self.parties {
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

    /// The parameter of a name, or of the name that the framework itself has for it, with which its documentation
    /// begins.
    fn parameter<'a>(&'a self, name: &'a str) -> &'a str {
        let own =
            |parameter: &crate::Parameter| parameter.doc.split_once(':').is_some_and(|(own, _)| own == name);
        self.parameters.iter().find(|(_, parameter)| own(parameter)).map_or(name, |(known, _)| known)
    }

    /// Every parameter with its value, in the manifest's order.
    ///
    /// # Errors
    /// Everything that is wrong with the settings.
    pub fn values(&self, settings: &BTreeMap<String, String>) -> Result<Vec<(String, Data)>, Failure> {
        let mut errors = Vec::new();
        let known = &self.parameters;
        let given = settings;
        let settings: BTreeMap<&str, &String> =
            given.iter().map(|(name, text)| (self.parameter(name), text)).collect();
        if settings.len() < given.len() {
            errors.push(error(&self.name, "a parameter is given under both of its names".to_owned()));
        }
        for name in settings.keys().filter(|name| !known.contains_key(**name)) {
            let near = nearest(name, known.keys().map(String::as_str));
            let hint = near.map(|n| format!("did you mean {n}? "));
            let all: Vec<&str> = known.keys().map(String::as_str).collect();
            errors.push(error(&self.name, format!("there is no parameter \"{name}\"")).help(format!(
                "{}parameters: {}",
                hint.unwrap_or_default(),
                all.join(", ")
            )));
        }
        let value = |(name, parameter): (&String, &crate::Parameter)| {
            let value = match settings.get(name.as_str()) {
                Some(text) => parameter.parse(text),
                None => parameter.value(&parameter.default),
            };
            let value = value.unwrap_or_else(|problem| {
                errors.push(
                    error(&self.name, format!("parameter {name}: {problem}")).help(parameter.doc.clone()),
                );
                Data::None
            });
            (name.clone(), value)
        };
        let values = known.iter().map(value).collect();
        if errors.is_empty() { Ok(values) } else { Err(Failure(errors)) }
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
