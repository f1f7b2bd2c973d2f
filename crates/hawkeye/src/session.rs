//! A framework that serves many models.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use hawkeye_graph::{Failure, Graph};
use hawkeye_lower::Lowering;
use hawkeye_onnx::Model;
use hawkeye_report::{ModelInfo, Report};
use hawkeye_sheets::{Framework, Manifest};

use crate::configuration::Configuration;
use crate::memory::Memory;
use crate::options::Options;
use crate::pipeline::{Subject, profile};

/// Nodes, and calls, after which a worker forgets what it has seen, so that its memory has a bound.
const MOST_NODES: usize = 1_000_000;
/// See [`MOST_NODES`].
const MOST_CALLS: usize = 200_000;

/// A framework with its parties and parameters fixed, whose sheets are run once. Threads may share it:
/// each takes a worker of its own, which remembers how nodes that it has seen were lowered. The reports
/// are those of [`analyse`](crate::analyse), whatever came before.
pub struct Session {
    configuration: Configuration,
    make: Box<dyn Fn() -> Box<dyn Lowering + Send> + Send + Sync>,
    idle: Mutex<Vec<Worker>>,
}

/// A lowering and what is remembered with it.
struct Worker {
    lowering: Box<dyn Lowering + Send>,
    memory: Memory,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("configuration", &self.configuration).finish_non_exhaustive()
    }
}

impl Session {
    /// Fixes parties (the framework's default if not given) and parameters.
    ///
    /// # Errors
    /// Everything that is wrong with them, or what is wrong with the sheets.
    pub fn new(
        framework: Framework,
        parties: Option<u16>,
        settings: &BTreeMap<String, String>,
    ) -> Result<Self, Failure> {
        let (configuration, sheets) = Configuration::of(framework.instantiate(parties, settings)?);
        let fresh = sheets.factory();
        Ok(Self { configuration, make: Box::new(move || Box::new(fresh())), idle: Mutex::default() })
    }

    /// A framework that is not written as sheets. The manifest tells what reports say about it and who
    /// knows what; `make` is asked for a lowering whenever one more thread needs one.
    ///
    /// # Errors
    /// Everything that is wrong with parties and parameters.
    pub fn native<L: Lowering + Send + 'static>(
        manifest: Manifest,
        parties: Option<u16>,
        settings: &BTreeMap<String, String>,
        make: impl Fn() -> L + Send + Sync + 'static,
    ) -> Result<Self, Failure> {
        let configuration = Configuration::new(manifest, parties, settings)?;
        Ok(Self { configuration, make: Box::new(move || Box::new(make())), idle: Mutex::default() })
    }

    /// Profiles a model; `file` names it in the report. Parties and settings are the session's,
    /// whatever the options say.
    ///
    /// # Errors
    /// Everything that a pass found wrong.
    pub fn analyse(&self, model: &Model, file: &str, options: &Options) -> Result<Report, Failure> {
        self.profile(Subject::file(model, file), options)
    }

    /// Profiles a graph that is in no file, such as a candidate of an optimiser: its report has no
    /// digest, and no call tree.
    ///
    /// # Errors
    /// Everything that a pass found wrong.
    pub fn price(&self, graph: &Graph, options: &Options) -> Result<Report, Failure> {
        let info = ModelInfo {
            file: String::new(),
            sha256: String::new(),
            sha256_of: None,
            producer: String::new(),
            opset: graph.opset(),
            nodes: graph.nodes.len(),
            parameters: 0,
        };
        let options = Options { depth: 0, ..options.clone() };
        self.profile(Subject { graph, info, diagnostics: &[] }, &options)
    }

    fn profile(&self, subject: Subject<'_>, options: &Options) -> Result<Report, Failure> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Worker { lowering: (self.make)(), memory: Memory::default() };
        let known = idle().pop();
        let mut worker = known.unwrap_or_else(fresh);
        let Worker { lowering, memory } = &mut worker;
        let report = profile(subject, &self.configuration, lowering.as_mut(), memory, options);
        if memory.nodes <= MOST_NODES && memory.calls.iter().len() <= MOST_CALLS {
            idle().push(worker);
        }
        report
    }
}

/// Profiles a model under a framework; `file` names it in the report.
///
/// # Errors
/// Everything that a pass found wrong.
pub fn analyse(
    model: &Model,
    file: &str,
    framework: Framework,
    options: &Options,
) -> Result<Report, Failure> {
    Session::new(framework, options.parties, &options.settings)?.analyse(model, file, options)
}

/// A session for each framework with its settings, by its name: those that are asked for twice are made once.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<HashMap<String, Arc<Session>>>);

impl Sessions {
    /// The session of a framework with the parties and settings of the options.
    ///
    /// # Errors
    /// If there is no such framework, or [`Session::new`] fails.
    pub fn get(&self, framework: &str, options: &Options) -> Result<Arc<Session>, Failure> {
        let key = format!("{framework} {:?} {:?} {:?}", options.parties, options.settings, options.overlays);
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = known().get(&key) {
            return Ok(session.clone());
        }
        let framework = Framework::open(framework)?.overlaid(&options.overlays)?;
        let session = Arc::new(Session::new(framework, options.parties, &options.settings)?);
        known().insert(key, session.clone());
        Ok(session)
    }
}
