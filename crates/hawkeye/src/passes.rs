//! The passes from shapes to lowering, which inference and training share.

use std::collections::BTreeMap;

use hawkeye_cost::Calls;
use hawkeye_graph::{Diagnostic, Failure, Graph, Place, Shapes, Table, ValueId, verify};
use hawkeye_lower::{
    Conventions, Lowering, Program, Runs, Training, Visibility, lower, real_division, reinterpret,
};
use hawkeye_shapes::infer;
use hawkeye_sheets::Manifest;

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
    pub(crate) fn inference(
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

/// The shapes as the framework reads the model, unless that reading does not fit together.
fn as_read(shapes: Shapes, read: Option<Shapes>) -> (Shapes, Vec<Diagnostic>) {
    // What a reading puts in place of operands is known, but no value of the model.
    let values = shapes.facts.iter().len();
    let known =
        |shapes: &Shapes| shapes.facts.iter().take(values).filter(|fact| fact.shape().is_some()).count();
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
