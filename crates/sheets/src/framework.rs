//! Opening a framework and fixing its parameters.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use hawkeye_cost::{Data, RoundRule};
use hawkeye_grad::Pass;
use hawkeye_graph::{Diagnostic, Failure, nearest};
use hawkeye_lower::{Ability, Lowering};

use crate::Sheets;
use crate::folder::{FilePath, Folder};
use crate::keys::{about, at_key};
use crate::language;
use crate::library::Library;
use crate::loader::Loader;
use crate::manifest::Manifest;
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
            return Err(about(name, "there is no such framework")
                .help(format!("{hint}built in: {}; or give a path, e.g. ./{name}", names.join(", ")))
                .into());
        };
        let file = folder.file("framework.yaml").map_err(|e| about(name, e))?;
        let place = file.display();
        let text = file.read().map_err(|e| about(&place, format!("can't be read: {e}")))?;
        let manifest = Manifest::parse(&text, &place)?;
        if manifest.sheets.is_empty() {
            return Err(about(&place, "there are no sheets").help("add sheets: [NAME.star]").into());
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
                .map_err(|message| about(name, format!("its sheets can't be loaded: {message}")))?;
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

    /// The manifest's path and text.
    pub(crate) fn manifest_file(&self) -> (String, String) {
        let file = self.folder.file("framework.yaml");
        file.map(|file| (file.display(), file.read().unwrap_or_default().into_owned())).unwrap_or_default()
    }

    /// What the manifest says that no framework can be, by which its reports would be wrong.
    pub(crate) fn impossible(&self) -> Vec<Diagnostic> {
        self.at_keys(self.manifest.impossible())
    }

    pub(crate) fn at_keys(&self, found: Vec<(&str, String)>) -> Vec<Diagnostic> {
        if found.is_empty() {
            return Vec::new();
        }
        let file = self.manifest_file();
        found.into_iter().map(|(key, message)| at_key(&file, key, Diagnostic::error, message)).collect()
    }

    fn author(&self) -> Author {
        match &self.folder {
            Folder::Builtin(_) if !self.looked_over => Author::HawkEye { having },
            Folder::Builtin(_) | Folder::Disk(_) => {
                let sheets = self.manifest.sheets.iter().filter_map(|sheet| self.folder.file(sheet).ok());
                Author::User { sheets: sheets.collect() }
            }
        }
    }
}

/// Built-in frameworks that have an operator, or a part of a training step, of their own.
fn having(pass: Pass, domain: &str, op: &str) -> Vec<String> {
    let has = |(_, instance): &&(String, ConfiguredFramework)| match pass {
        Pass::Forward => {
            instance.sheets.supports(Ability::Lower(pass), domain, op).is_ok()
                && !instance.sheets.only_refuses(pass, domain, op)
        }
        Pass::Loss | Pass::Backward | Pass::Optimizer => {
            let able = |ability| instance.sheets.supports(ability, domain, op).is_ok();
            instance.manifest.training.refused.is_none()
                && (able(Ability::Lower(pass)) || able(Ability::Train))
        }
    };
    let instances = TO_CHOOSE_FROM.lock().unwrap_or_else(PoisonError::into_inner);
    instances.iter().filter(has).map(|(name, _)| name.clone()).collect()
}

/// The built-in frameworks. Their sheets are evaluated once in a process: a model may lack many operators, and many
/// models may be refused. Published formulas are none to choose.
static TO_CHOOSE_FROM: LazyLock<Mutex<Vec<(String, ConfiguredFramework)>>> = LazyLock::new(|| {
    let instance = |name: String| {
        let framework = Framework::open(&name).ok().filter(|f| f.manifest.evidence != "formula")?;
        Some((name, framework.instantiate(None, &BTreeMap::new()).ok()?))
    };
    Mutex::new(builtin_names().into_iter().filter_map(instance).collect())
});
