//! The pipeline: every pass in order.

use std::collections::{BTreeMap, BTreeSet};

use hawkeye_cost::{Communication, Fold};
use hawkeye_graph::{Diagnostic, Failure, Graph, Origin, Place, ValueId, counted};
use hawkeye_lower::{
    Ability, Conventions, Lowering, Pass, Settled, Visibility, constant_weights, secrecy, settle,
};
use hawkeye_onnx::Model;
use hawkeye_report::{ModelInfo, Report, RunInfo};
use hawkeye_shapes::{Expanded, bind, expand, with_values};
use hawkeye_sheets::{Definitions, Framework, OVERLAY, Overlay};

use crate::configuration::Configuration;
use crate::conventions::conventions;
use crate::memory::Memory;
use crate::options::Options;
use crate::passes::{LoweringPasses, sound};
use crate::report::{Priced, ReportHeader, Timing, located, report};
use crate::training::train;

/// What [`analyse`](crate::analyse) gives, and where the functions in the report's call tree are defined.
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
    let Expanded { graph, shapes, diagnostics: expanded, lacking } = expand(file, &inputs, &has)?;
    let graph = graph.as_ref();
    sound(graph)?;
    memory.nodes = memory.nodes.saturating_add(graph.nodes.len());
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
    if kept.known.defers() {
        // The clock told of the arena that was left.
        kept.clock.clear();
    }
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
        let priced = Priced { program: &program, costs: &costs, timing: timing.as_ref() };
        let report = report(header, graph, &lowered.shapes, priced, options.depth)?;
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
