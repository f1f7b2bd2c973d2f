//! The pipeline: every pass in order.

use std::collections::{BTreeMap, BTreeSet};

use hawkeye_cost::{Calls, Communication, Fold};
use hawkeye_graph::{Diagnostic, Failure, Graph, Origin, Place, Shapes, Table, ValueId, counted, verify};
use hawkeye_lower::{
    Ability, Conventions, Lowering, Pass, Program, Runs, Settled, Training, Visibility, constant_weights,
    lower, real_division, reinterpret, secrecy, settle,
};
use hawkeye_onnx::Model;
use hawkeye_report::{ModelInfo, Report, RunInfo};
use hawkeye_shapes::{Bindings, Expanded, bind, expand, infer, with_values};
use hawkeye_sheets::{Definitions, Framework, Manifest, OVERLAY, Overlay};

use crate::conventions::conventions;
use crate::memory::Memory;
use crate::report::{ReportHeader, TimeOptions, Timing, located, report};
use crate::session::{Configuration, Session};
use crate::training::{TrainingOptions, train};
use crate::widths::Widths;

/// What the user fixes.
#[derive(Clone, Debug)]
pub struct Options {
    /// Sizes of symbolic dimensions.
    pub bindings: Bindings,
    /// Number of parties; the framework's default if not given.
    pub parties: Option<u16>,
    /// Parameters of the framework by name, as the user wrote them.
    pub settings: BTreeMap<String, String>,
    /// What takes the place of functions of the framework, wherever this opens one by its name: see
    /// [`Framework::overlaid`] for those that are opened already.
    pub overlays: Vec<Overlay>,
    /// Who knows the weights; the framework's convention if not given.
    pub weights: Option<Visibility>,
    /// Who knows particular inputs or initializers, by name.
    pub visibility: BTreeMap<String, Visibility>,
    /// The party that knows the weights, by the name that the framework has for it, in place of `weights`.
    pub weights_known_to: Option<String>,
    /// Parties that know particular inputs or initializers, by the names that the framework has for them.
    pub known_to: BTreeMap<String, String>,
    /// What to train, and how; inference if not given.
    pub training: Option<TrainingOptions>,
    /// What time is predicted for; no time is if not given.
    pub time: Option<TimeOptions>,
    /// Widths of single layers, for frameworks with parameters `weight_bits` and `activation_bits`.
    pub widths: Option<Widths>,
    /// Levels of the report's call tree.
    pub depth: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bindings: Bindings::default(),
            parties: None,
            settings: BTreeMap::new(),
            overlays: Vec::new(),
            weights: None,
            visibility: BTreeMap::new(),
            weights_known_to: None,
            known_to: BTreeMap::new(),
            training: None,
            time: None,
            widths: None,
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
    Session::new(framework, options.parties, &options.settings)?.analyse(model, file, options)
}

/// The same, and where the functions in the report's call tree are defined.
///
/// # Errors
/// Everything that a pass found wrong.
pub fn analyse_with_definitions(
    model: &Model,
    file: &str,
    framework: Framework,
    options: &Options,
) -> Result<(Report, Definitions), Failure> {
    let framework = framework.instantiate(options.parties, &options.settings)?;
    let (configuration, mut sheets) = Configuration::of(framework);
    let subject = Subject::file(model, file);
    let report = profile(subject, &configuration, &mut sheets, &mut Memory::default(), options)?;
    Ok((report, sheets.definitions()))
}

/// Checks what a pass made of the model.
///
/// # Errors
/// What does not hold of every graph; the pass is at fault then.
pub(crate) fn sound(graph: &Graph) -> Result<(), Failure> {
    let reported = |diagnostic: Diagnostic| diagnostic.help("this is a fault of HawkEye's: please report it");
    verify(graph).map_err(|failure| Failure(failure.0.into_iter().map(reported).collect()))
}

/// Checks that operands fit together.
fn fitting(shapes: &Shapes) -> Result<(), Failure> {
    if shapes.misfits().next().is_none() { Ok(()) } else { Err(Failure(shapes.diagnostics.clone())) }
}

/// What is profiled.
pub(crate) struct Subject<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) info: ModelInfo,
    /// What import found.
    pub(crate) diagnostics: &'a [Diagnostic],
}

impl<'a> Subject<'a> {
    pub(crate) fn file(model: &'a Model, file: &str) -> Self {
        Self { graph: &model.graph, info: model_info(model, file), diagnostics: &model.diagnostics }
    }
}

/// Runs every pass.
pub(crate) fn profile(
    model: Subject<'_>,
    framework: &Configuration,
    lowering: &mut dyn Lowering,
    memory: &mut Memory,
    options: &Options,
) -> Result<Report, Failure> {
    let front_end = framework.manifest.loads.as_ref().map(|front_end| (front_end, model.graph));
    let given = with_values(model.graph, &options.bindings)?;
    let model = Subject { graph: given.as_ref(), ..model };
    let inputs = bind(model.graph, &options.bindings)?;
    let conventions = conventions(model.graph, framework, options)?;
    let widths = options.widths.as_ref().map(|w| w.applied(model.graph, &framework.manifest)).transpose()?;
    let file = widths.as_ref().unwrap_or(model.graph);
    let has = |domain: &str, op: &str| {
        let can = |ability| lowering.supports(ability, domain, op).is_ok();
        can(Ability::Lower(Pass::Forward)) && (options.training.is_none() || can(Ability::Train))
    };
    let Expanded { graph, shapes, diagnostics: expanded, lacking } = expand(file, &inputs, &has);
    let graph = graph.as_ref();
    sound(graph)?;
    let visibility = secrecy(graph, &conventions);
    let batch = batch(graph, &inputs);
    let mut passes = LoweringPasses {
        graph,
        conventions: &conventions,
        visibility: &visibility,
        manifest: &framework.manifest,
        lowering,
        calls: &mut memory.calls,
    };
    let (lowered, info) = match &options.training {
        None => passes.inference(shapes, &inputs).map(|lowered| (lowered, None)),
        Some(training) => {
            train(&mut passes, training, shapes, &inputs, batch).map(|(lowered, info)| (lowered, Some(info)))
        }
    }
    .map_err(|failure| add_missing_operators(failure, &lacking))?;
    let mut kept = memory.take(options.time.as_ref());
    let mut program = settle(lowered.runs, &mut memory.calls, lowering, &mut kept.known)?;
    let found = [model.diagnostics, &expanded, &lowered.diagnostics, &program.diagnostics].concat();
    let refused = front_end.and_then(|(front_end, file)| front_end.warning(file));
    let mut diagnostics: Vec<Diagnostic> =
        refused.into_iter().chain(clear_weights(graph, &conventions)).chain(found).collect();
    diagnostics.extend(unused(&options.overlays, &program));
    let timing = match &options.time {
        Some(time) => {
            let (timing, warnings) = Timing::new(
                time,
                &framework.manifest,
                framework.parties,
                &program,
                std::mem::take(&mut kept.clock),
            )?;
            diagnostics.extend(warnings);
            Some(timing)
        }
        None => None,
    };
    let header = ReportHeader {
        model: model.info,
        framework: framework.info(),
        run: RunInfo {
            phase: if info.is_some() { "training" } else { "inference" }.to_owned(),
            training: info,
            batch,
            dims: options.bindings.dims.iter().map(|(name, size)| (name.clone(), *size)).collect(),
            weights: conventions.weights.to_string(),
            loads: front_end.map(|(front_end, file)| front_end.info(file)),
        },
        visibility: tensors(model.graph, &conventions),
        counters: framework.manifest.counters.clone(),
        diagnostics,
    };
    let rule = &framework.round_rule;
    let costs = std::mem::take(&mut program.costs);
    let costs = Fold::resumed(&program.calls, Communication(rule), costs);
    let reported = costs.and_then(|costs| {
        let report =
            report(header, graph, &lowered.shapes, &program, &costs, timing.as_ref(), options.depth)?;
        Ok((report, costs.into_values()))
    });
    let (report, costs) = reported.map_err(|overflow| located(overflow, graph, &program, rule, lowering))?;
    program.costs = costs;
    kept.clock = timing.map(Timing::into_values).unwrap_or_default();
    memory.keep(kept, program, options.time.as_ref());
    Ok(report)
}

/// Leading dimension of the first input; 1 if it has none.
fn batch(graph: &Graph, inputs: &BTreeMap<ValueId, Vec<u64>>) -> u64 {
    let first = graph.inputs.first().and_then(|id| inputs.get(id));
    first.and_then(|shape| shape.first()).copied().unwrap_or(1)
}

/// The passes from shapes to lowering, which training runs more than once.
pub(crate) struct LoweringPasses<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) conventions: &'a Conventions,
    pub(crate) visibility: &'a Table<ValueId, Visibility>,
    pub(crate) manifest: &'a Manifest,
    pub(crate) lowering: &'a mut dyn Lowering,
    pub(crate) calls: &'a mut Calls,
}

/// What they give.
pub(crate) struct LoweredModel {
    pub(crate) shapes: Shapes,
    pub(crate) runs: Vec<Runs>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl LoweringPasses<'_> {
    fn inference(
        &mut self,
        shapes: Shapes,
        inputs: &BTreeMap<ValueId, Vec<u64>>,
    ) -> Result<LoweredModel, Failure> {
        let (shapes, diagnostics) = self.reinterpret(shapes, inputs)?;
        let program = self.lower(&shapes, None)?;
        Ok(LoweredModel { shapes, runs: vec![Runs { program, times: 1 }], diagnostics })
    }

    /// Shapes as the framework reads the model.
    pub(crate) fn reinterpret(
        &mut self,
        shapes: Shapes,
        inputs: &BTreeMap<ValueId, Vec<u64>>,
    ) -> Result<(Shapes, Vec<Diagnostic>), Failure> {
        let readings =
            if self.manifest.real_division { real_division(self.graph, &shapes) } else { Vec::new() };
        let reading = reinterpret(self.graph, &shapes, self.visibility, readings, self.lowering)
            .map_err(|failure| fitting(&shapes).err().unwrap_or(failure))?;
        reading.as_ref().map_or(Ok(()), sound)?;
        let (shapes, diagnostics) = as_read(shapes, reading.map(|graph| infer(&graph, inputs)));
        fitting(&shapes)?;
        Ok((shapes, diagnostics))
    }

    pub(crate) fn lower(
        &mut self,
        shapes: &Shapes,
        training: Option<Training<'_>>,
    ) -> Result<Program, Failure> {
        lower(self.graph, shapes, self.visibility, training, self.calls, self.lowering)
    }
}

/// Says of operators without a lowering why their definition does not help.
fn add_missing_operators(failure: Failure, lacking: &[(Place, BTreeSet<String>)]) -> Failure {
    let add = |error: Diagnostic| match lacking.iter().find(|(place, _)| *place == error.place) {
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
    Failure(failure.0.into_iter().map(add).collect())
}

/// The shapes as the framework reads the model, unless that reading does not fit together.
fn as_read(shapes: Shapes, read: Option<Shapes>) -> (Shapes, Vec<Diagnostic>) {
    let known = |shapes: &Shapes| shapes.facts.iter().filter(|fact| fact.shape().is_some()).count();
    match read {
        None => (shapes, Vec::new()),
        Some(read) if known(&read) >= known(&shapes) => {
            // What does not fit as ONNX means it may fit as the framework reads it, and the other way round.
            let fits = read.misfits().next().is_none();
            let diagnostics = if fits { read.diagnostics } else { shapes.diagnostics };
            (Shapes { diagnostics, ..read }, Vec::new())
        }
        Some(_) => {
            let message = "read as the framework reads its operators, the shapes do not fit together, so the \
                           framework itself can't run it; costs are those of what ONNX means";
            (shapes, vec![Diagnostic::warning(Place::Model, message)])
        }
    }
}

/// What goes into the model as it is in the file, and who knows it: inputs, and weights wherever they are.
fn tensors(graph: &Graph, conventions: &Conventions) -> Vec<(ValueId, Visibility)> {
    let visibility = secrecy(graph, conventions);
    let weight = |id: &ValueId| match &graph.value(*id).origin {
        Origin::Initializer(tensor) => tensor.dtype.is_float(),
        Origin::Input(_) | Origin::Node(_) | Origin::Outer(_) => false,
    };
    let inputs = graph.inputs.iter().copied();
    let all = inputs.chain(graph.value_ids().filter(weight)).chain(constant_weights(graph));
    all.map(|id| (id, visibility[id])).collect()
}

/// A warning about weights that are in the clear since they are nodes.
fn clear_weights(graph: &Graph, conventions: &Conventions) -> Option<Diagnostic> {
    let named = |id: &ValueId| conventions.named.contains_key(&graph.value(*id).name);
    let clear: Vec<ValueId> = constant_weights(graph).into_iter().filter(|id| !named(id)).collect();
    if conventions.weights == Visibility::Public || conventions.constants != Visibility::Public {
        return None;
    }
    let first = &graph.value(*clear.first()?).name;
    let message = format!(
        "weights in the clear: {} (the first is \"{first}\"), which the framework takes as public",
        counted(clear.len(), "Constant node")
    );
    Some(Diagnostic::warning(Place::Model, message).help(
        "--weights secret or --input NAME=secret takes them as secret where the framework can; \
         initializers instead of Constant nodes are secret as the other weights are",
    ))
}

/// A warning about functions of the user's that nothing called.
fn unused(overlays: &[Overlay], program: &Settled) -> Option<Diagnostic> {
    let used = program.operations.iter().any(|operation| operation.evidence.contains(OVERLAY));
    (!overlays.is_empty() && !used).then(|| {
        let message = "no operator of the model came to a function that was replaced; the costs are the framework's own";
        let help = "hawkeye explain MODEL NODE lists the functions that an operator calls";
        Diagnostic::warning(Place::Model, message).help(help)
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
