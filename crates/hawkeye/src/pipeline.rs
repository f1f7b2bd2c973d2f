//! The pipeline: every pass in order.

use std::collections::{BTreeMap, BTreeSet};

use hawkeye_cost::{Calls, Data};
use hawkeye_graph::{Diagnostic, Failure, Graph, Place, ValueId};
use hawkeye_lower::{Conventions, Lowering, Visibility, lower, read, secrecy, settle};
use hawkeye_onnx::Model;
use hawkeye_report::{FrameworkInfo, ModelInfo, Report, RunInfo, Scalar, Subjects, report};
use hawkeye_shapes::{Bindings, Expanded, Shapes, bind, expand, infer};
use hawkeye_sheets::{Framework, Instance, Parties};

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
    let mut framework = framework.instantiate(options.parties, &options.settings)?;
    let graph = &model.graph;
    let inputs = bind(graph, &options.bindings)?;
    let conventions = conventions(graph, &framework, options)?;
    let has = |domain: &str, op: &str| framework.sheets.lowers(domain, op).is_ok();
    let Expanded { graph, shapes, diagnostics: expanded, lacking } = expand(graph, &inputs, &has);
    let graph = graph.as_ref();
    let visibility = secrecy(graph, &conventions);
    let reading = read(graph, &shapes, &visibility, &mut framework.sheets)?;
    let (shapes, misfit) = as_read(shapes, reading.map(|graph| infer(&graph, &inputs)));
    let mut calls = Calls::default();
    let program = lower(graph, &shapes, &visibility, &mut calls, &mut framework.sheets)
        .map_err(|failure| explain(failure, &lacking))?;
    let program = settle(program, &mut calls, &framework.round_rule, &mut framework.sheets)?;
    let diagnostics = [model.diagnostics.as_slice(), &expanded, &misfit, &program.diagnostics].concat();
    let subjects = Subjects {
        model: model_info(model, file),
        framework: framework_info(&framework),
        run: run_info(graph, &inputs, &conventions, options),
        counters: framework.manifest.counters.clone(),
        diagnostics,
    };
    report(subjects, graph, &shapes, &program, &calls, &framework.round_rule, options.depth)
        .map_err(|overflow| Diagnostic::error(Place::Model, overflow.to_string()).into())
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
            Diagnostic::error(Place::Model, format!("the model has no input or initializer named \"{name}\""))
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
        parameters: framework.parameters.iter().map(|(name, value)| (name.clone(), scalar(value))).collect(),
    }
}

fn run_info(
    graph: &Graph,
    inputs: &BTreeMap<ValueId, Vec<u64>>,
    conventions: &Conventions,
    options: &Options,
) -> RunInfo {
    let first = graph.inputs.first().and_then(|id| inputs.get(id));
    RunInfo {
        phase: "inference".to_owned(),
        batch: first.and_then(|shape| shape.first()).copied().unwrap_or(1),
        dims: options.bindings.dims.iter().map(|(name, size)| (name.clone(), *size)).collect(),
        weights: conventions.weights.to_string(),
    }
}
