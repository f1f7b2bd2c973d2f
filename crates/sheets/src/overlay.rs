//! Functions of a user's that take the place of a framework's own.

use std::collections::BTreeSet;
use std::path::PathBuf;

use hawkeye_graph::{Diagnostic, Failure, nearest};

use crate::entry::is_entry;
use crate::folder::{FilePath, Folder};
use crate::framework::Framework;
use crate::inspect::{Meaning, Sources, whole};
use crate::language;

/// Functions to be put in the place of a framework's own, wherever its sheets call them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// Those that a sheet defines. What it loads are the framework's own, as they were.
    Sheet(PathBuf),
    /// One, by what it sends: a Starlark expression of its parameters that calls `send` and the like, or whose
    /// value is the bytes that every party sends to every other in one round.
    Cost {
        /// The function.
        name: String,
        /// The expression.
        formula: String,
    },
}

impl Framework {
    /// The framework with some of its functions replaced, which its evidence then says.
    ///
    /// # Errors
    /// Every overlay that can't be read, and every name in them that the framework does not define.
    pub fn overlaid(mut self, overlays: &[Overlay]) -> Result<Self, Failure> {
        if overlays.is_empty() {
            return Ok(self);
        }
        let sources = Sources::gather(&self.folder, &self.manifest)?;
        let mut known: BTreeSet<&str> = BTreeSet::new();
        for source in &sources.0 {
            known.extend(source.names().into_keys());
        }
        let mut errors = Vec::new();
        let mut replaced = Vec::new();
        for overlay in overlays {
            match overlay.file(&sources, &known) {
                Ok((file, names)) => {
                    self.overlays.push((file, names.clone()));
                    replaced.extend(names);
                }
                Err(failure) => errors.extend(failure.0),
            }
        }
        if !errors.is_empty() {
            return Err(Failure(errors));
        }
        let names = replaced.join(", ");
        self.manifest.evidence =
            format!("{}, with {names} replaced by the user's own", self.manifest.evidence);
        self.manifest.measured = None;
        Ok(self)
    }
}

impl Overlay {
    /// The overlay as a sheet, and the functions that it replaces.
    fn file(&self, sources: &Sources, known: &BTreeSet<&str>) -> Result<(FilePath, Vec<String>), Failure> {
        let file = match self {
            Self::Sheet(path) => {
                let folder = path.parent().map(PathBuf::from).unwrap_or_default();
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                Folder::Disk(folder)
                    .file(&name)
                    .map_err(|problem| whole(&path.display().to_string(), problem))?
            }
            Self::Cost { name, formula } => {
                let place = format!("--cost {name}");
                let parameters = sources.parameters(name).ok_or_else(|| unknown(&place, name, known))?;
                let text = format!(
                    "def {name}({parameters}):\n    _sent = ({formula})\n    if type(_sent) == \"int\":\n        exchange(_sent)\n"
                );
                FilePath::Given { name: place, text: text.into() }
            }
        };
        let shown = file.display();
        let text = file.read().map_err(|problem| whole(&shown, format!("can't be read: {problem}")))?;
        let ast = language::parse(&shown, &text).map_err(|problem| whole(&shown, problem))?;
        let defined = crate::syntax::definitions(&ast);
        let public: Vec<String> = defined.into_iter().filter(|name| !name.starts_with('_')).collect();
        let unheard = public.iter().filter(|name| !known.contains(name.as_str()) && !is_entry(name));
        let errors: Vec<Diagnostic> = unheard.map(|name| unknown(&shown, name, known)).collect();
        match (errors.is_empty(), public.is_empty()) {
            (true, false) => Ok((file, public)),
            (true, true) => Err(whole(&shown, "defines no function that could replace one").into()),
            _ => Err(Failure(errors)),
        }
    }
}

impl Sources {
    /// The parameters of a function, as they are written.
    fn parameters(&self, name: &str) -> Option<String> {
        let functions = self.0.iter().filter_map(|source| self.meaning(source, name));
        let mut written = functions.filter_map(|meaning| match meaning {
            Meaning::Function { source, parameters, .. } => {
                let texts = parameters.iter().map(|p| source.ast.file_span(p.span).source_span().to_owned());
                Some(texts.collect::<Vec<_>>().join(", "))
            }
            Meaning::Value { .. } => None,
        });
        written.next()
    }
}

fn unknown(place: &str, name: &str, known: &BTreeSet<&str>) -> Diagnostic {
    let error = whole(place, format!("the framework's sheets define no function {name}"));
    let public = known.iter().copied().filter(|name| !name.starts_with('_'));
    match nearest(name, public) {
        Some(near) => error.help(format!("did you mean {near}?")),
        None => error.help(
            "hawkeye explain MODEL NODE -f FRAMEWORK lists the functions that an operator calls; functions of the overlay's own begin with _",
        ),
    }
}
