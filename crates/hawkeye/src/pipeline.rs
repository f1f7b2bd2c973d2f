//! The pipeline: every pass in order.

use std::collections::{BTreeMap, BTreeSet};

use hawkeye_cost::{Calls, Data};
use hawkeye_graph::{Diagnostic, Failure, Graph, Place, Shapes, Table, ValueId, nearest};
use hawkeye_lower::{
    Conventions, Lowering, Program, Runs, Training, Visibility, lower, read, secrecy, settle,
};
use hawkeye_onnx::Model;
use hawkeye_report::{FrameworkInfo, ModelInfo, Report, RunInfo, Scalar};
use hawkeye_shapes::{Bindings, Expanded, bind, expand, infer};
use hawkeye_sheets::{Definitions, Framework, Instance, Parties};

use crate::report::{Subjects, report};
use crate::training::{TrainingOptions, train};

/// What the user fixes.
#[derive(Clone, Debug)]
pub struct Options {
    /// Sizes of symbolic dimensions.
    pub bindings: Bindings,
    /// Number of parties; the framework's default if not given.
    pub parties: Option<u16>,
    /// Parameters of the framework by name, as the user wrote them.
    pub settings: BTreeMap<String, String>,
    /// Who knows the weights; the framework's convention if not given.
    pub weights: Option<Visibility>,
    /// Who knows particular inputs or initializers, by name.
    pub visibility: BTreeMap<String, Visibility>,
    /// What to train, and how; inference if not given.
    pub training: Option<TrainingOptions>,
    /// Levels of the report's call tree.
    pub depth: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bindings: Bindings::default(),
            parties: None,
            settings: BTreeMap::new(),
            weights: None,
            visibility: BTreeMap::new(),
            training: None,
            depth: 3,
        }
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
    analyse_traced(model, file, framework, options).map(|(report, _)| report)
}

/// The same, and where the functions in the report's call tree are defined.
///
/// # Errors
/// Everything that a pass found wrong.
pub fn analyse_traced(
    model: &Model,
    file: &str,
    framework: Framework,
    options: &Options,
) -> Result<(Report, Definitions), Failure> {
    let mut framework = framework.instantiate(options.parties, &options.settings)?;
    let inputs = bind(&model.graph, &options.bindings)?;
    let conventions = conventions(&model.graph, &framework, options)?;
    let has = |domain: &str, op: &str| {
        framework.sheets.lowers(domain, op).is_ok()
            && (options.training.is_none() || framework.sheets.trains(domain, op))
    };
    let Expanded { graph, shapes, diagnostics: expanded, lacking } = expand(&model.graph, &inputs, &has);
    let graph = graph.as_ref();
    let visibility = secrecy(graph, &conventions);
    let mut calls = Calls::default();
    let batch = batch(graph, &inputs);
    let mut stages = Stages {
        graph,
        conventions: &conventions,
        visibility: &visibility,
        framework: &mut framework,
        calls: &mut calls,
    };
    let (stage, info) = match &options.training {
        None => stages.inference(shapes, &inputs).map(|stage| (stage, None)),
        Some(training) => {
            train(&mut stages, training, shapes, &inputs, batch).map(|(stage, info)| (stage, Some(info)))
        }
    }
    .map_err(|failure| explain(failure, &lacking))?;
    let program = settle(stage.runs, &mut calls, &mut framework.sheets)?;
    let diagnostics =
        [model.diagnostics.as_slice(), &expanded, &stage.diagnostics, &program.diagnostics].concat();
    let subjects = Subjects {
        model: model_info(model, file),
        framework: framework_info(&framework),
        run: RunInfo {
            phase: if info.is_some() { "training" } else { "inference" }.to_owned(),
            training: info,
            batch,
            dims: options.bindings.dims.iter().map(|(name, size)| (name.clone(), *size)).collect(),
            weights: conventions.weights.to_string(),
        },
        counters: framework.manifest.counters.clone(),
        diagnostics,
    };
    let definitions = framework.sheets.definitions();
    report(subjects, graph, &stage.shapes, &program, &framework.round_rule, options.depth)
        .map(|report| (report, definitions))
        .map_err(|overflow| Diagnostic::error(Place::Model, overflow.to_string()).into())
}

/// Leading dimension of the first input; 1 if it has none.
fn batch(graph: &Graph, inputs: &BTreeMap<ValueId, Vec<u64>>) -> u64 {
    let first = graph.inputs.first().and_then(|id| inputs.get(id));
    first.and_then(|shape| shape.first()).copied().unwrap_or(1)
}

/// The passes from shapes to lowering, which training runs more than once.
pub(crate) struct Stages<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) conventions: &'a Conventions,
    pub(crate) visibility: &'a Table<ValueId, Visibility>,
    pub(crate) framework: &'a mut Instance,
    pub(crate) calls: &'a mut Calls,
}

/// What they give.
pub(crate) struct Stage {
    pub(crate) shapes: Shapes,
    pub(crate) runs: Vec<Runs>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Stages<'_> {
    fn inference(&mut self, shapes: Shapes, inputs: &BTreeMap<ValueId, Vec<u64>>) -> Result<Stage, Failure> {
        let (shapes, diagnostics) = self.read(shapes, inputs)?;
        let program = self.lower(&shapes, None)?;
        Ok(Stage { shapes, runs: vec![Runs { program, times: 1 }], diagnostics })
    }

    /// Shapes as the framework reads the model.
    pub(crate) fn read(
        &mut self,
        shapes: Shapes,
        inputs: &BTreeMap<ValueId, Vec<u64>>,
    ) -> Result<(Shapes, Vec<Diagnostic>), Failure> {
        let reading = read(self.graph, &shapes, self.visibility, &mut self.framework.sheets)?;
        Ok(as_read(shapes, reading.map(|graph| infer(&graph, inputs))))
    }

    pub(crate) fn lower(
        &mut self,
        shapes: &Shapes,
        training: Option<Training<'_>>,
    ) -> Result<Program, Failure> {
        lower(self.graph, shapes, self.visibility, training, self.calls, &mut self.framework.sheets)
    }
}

/// Says of operators without a lowering why their definition does not help.
fn explain(failure: Failure, lacking: &[(Place, BTreeSet<String>)]) -> Failure {
    let explain = |error: Diagnostic| match lacking.iter().find(|(place, _)| *place == error.place) {
        Some((_, missing)) if error.help.is_some() => {
            let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
            let message = format!(
                "{}, nor for {}, which its definition in other operators needs",
                error.message,
                missing.join(", ")
            );
            Diagnostic { message, ..error }
        }
        _ => error,
    };
    Failure(failure.0.into_iter().map(explain).collect())
}

/// The shapes as the framework reads the model, unless that reading does not fit together.
fn as_read(shapes: Shapes, read: Option<Shapes>) -> (Shapes, Vec<Diagnostic>) {
    let known = |shapes: &Shapes| shapes.facts.iter().filter(|fact| fact.shape().is_some()).count();
    match read {
        None => (shapes, Vec::new()),
        Some(read) if known(&read) >= known(&shapes) => (read, Vec::new()),
        Some(_) => {
            let message = "read as the framework reads its operators, the shapes do not fit together, so the \
                           framework itself can't run it; costs are those of what ONNX means";
            (shapes, vec![Diagnostic::warning(Place::Model, message)])
        }
    }
}

fn conventions(graph: &Graph, framework: &Instance, options: &Options) -> Result<Conventions, Failure> {
    let unknown = |name: &&String| graph.values.iter().all(|value| value.name != **name);
    let errors: Vec<Diagnostic> = options
        .visibility
        .keys()
        .filter(unknown)
        .map(|name| {
            let message = format!("the model has no input or initializer named \"{name}\"");
            let error = Diagnostic::error(Place::Model, message);
            match nearest(name, graph.values.iter().map(|value| value.name.as_str())) {
                Some(near) => error.help(format!("did you mean {near}?")),
                None => error,
            }
        })
        .collect();
    if !errors.is_empty() {
        return Err(Failure(errors));
    }
    let rule = &framework.manifest.visibility;
    Ok(Conventions {
        inputs: rule.inputs.into(),
        weights: options.weights.unwrap_or(rule.weights.into()),
        named: options.visibility.clone(),
    })
}

fn model_info(model: &Model, file: &str) -> ModelInfo {
    ModelInfo {
        file: file.to_owned(),
        sha256: model.digest.sha256.clone(),
        sha256_of: model.digest.without_weights.then(|| "file without weights".to_owned()),
        producer: model.producer.clone(),
        opset: model.graph.opset(),
        nodes: model.file_nodes,
        parameters: model.parameters,
    }
}

fn framework_info(framework: &Instance) -> FrameworkInfo {
    let scalar = |data: &Data| match data {
        Data::Bool(b) => Scalar::Bool(*b),
        Data::Int(i) => Scalar::Int(*i),
        Data::Float(bits) => Scalar::Float(f64::from_bits(*bits)),
        other => Scalar::Text(if let Data::Text(text) = other { text.clone() } else { other.to_string() }),
    };
    let own: &[String] = match &framework.manifest.parties {
        Parties::Named { names } => names,
        Parties::Range { .. } => &[],
    };
    let extra = (framework.parties..).zip(framework.manifest.extra_parties.iter().cloned());
    let party_names = (0..).zip(own.iter().cloned()).chain(extra).collect();
    FrameworkInfo {
        name: framework.manifest.name.clone(),
        version: framework.manifest.version.clone(),
        parties: framework.parties,
        party_names,
        evidence: framework.manifest.evidence.clone(),
        measured: framework.manifest.measured,
        security: framework.manifest.security.clone(),
        parameters: framework.parameters.iter().map(|(name, value)| (name.clone(), scalar(value))).collect(),
    }
}
