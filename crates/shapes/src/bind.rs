//! Binding the symbolic dimensions of the inputs.

use std::collections::{BTreeMap, BTreeSet};

use hawkeye_graph::{DeclaredType, Diagnostic, Dim, Failure, Graph, Kind, Origin, Place, ValueId, nearest};

/// What the user fixes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bindings {
    /// Sizes of the model's own symbols.
    pub dims: BTreeMap<String, u64>,
    /// Size of the leading dimension of the inputs.
    pub batch: Option<u64>,
    /// Whole shapes of inputs by name.
    pub shapes: BTreeMap<String, Vec<u64>>,
    /// Values of inputs that hold one number, by name, as the user wrote them ([`crate::with_values`]).
    pub values: BTreeMap<String, String>,
}

/// The shape of every graph input that is a tensor.
///
/// A size for a symbol that the model does not have is no error: the same flags serve many models.
///
/// # Errors
/// Symbols without a size, all at once with the flags that would give them one; inputs that the
/// model does not have; sizes that contradict the model.
pub fn bind(graph: &Graph, bindings: &Bindings) -> Result<BTreeMap<ValueId, Vec<u64>>, Failure> {
    let mut binder =
        Binder { bindings, sizes: bindings.dims.clone(), errors: Vec::new(), unbound: BTreeSet::new() };
    let inputs: Vec<(ValueId, &str, &DeclaredType)> = graph
        .inputs
        .iter()
        .filter_map(|id| match &graph.value(*id).origin {
            Origin::Input(declared) => Some((*id, graph.value(*id).name.as_str(), declared)),
            _ => None,
        })
        .collect();
    binder.check_names(&inputs);
    // What may be absent, or is no tensor, needs no shape.
    let given = |name: &str, declared: &DeclaredType| {
        declared.kind == Kind::Tensor || bindings.shapes.contains_key(name)
    };
    let inputs: Vec<_> = inputs.into_iter().filter(|(_, name, declared)| given(name, declared)).collect();
    for (_, name, declared) in &inputs {
        binder.batch(name, declared);
    }
    let shapes = inputs.iter().map(|(id, name, declared)| (*id, binder.shape(name, declared))).collect();
    binder.report_unbound();
    if binder.errors.is_empty() { Ok(shapes) } else { Err(Failure(binder.errors)) }
}

/// Whether the model has every symbol that a size is given for. Those who give the sizes of many models at
/// once need not ask.
///
/// # Errors
/// The symbols that no input of it has, each with the one that may be meant.
pub fn check_dims(graph: &Graph, dims: &BTreeMap<String, u64>) -> Result<(), Failure> {
    let declared = graph.inputs.iter().filter_map(|id| match &graph.value(*id).origin {
        Origin::Input(declared) => declared.dims.as_ref(),
        _ => None,
    });
    let symbols: BTreeSet<&str> = declared
        .flatten()
        .filter_map(|dim| match dim {
            Dim::Symbol(symbol) => Some(symbol.as_str()),
            Dim::Fixed(_) => None,
        })
        .collect();
    let unknown = dims.keys().filter(|name| !symbols.contains(name.as_str()));
    let errors: Vec<Diagnostic> = unknown
        .map(|name| {
            let known = format!("its dimensions without a size: {}", list(symbols.iter().copied()));
            let help = match nearest(name, symbols.iter().copied()) {
                Some(near) => format!("did you mean \"{near}\"? {known}"),
                None => known,
            };
            Diagnostic::error(Place::Model, format!("the model has no dimension named \"{name}\"")).help(help)
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(Failure(errors)) }
}

struct Binder<'a> {
    bindings: &'a Bindings,
    sizes: BTreeMap<String, u64>,
    errors: Vec<Diagnostic>,
    unbound: BTreeSet<String>,
}

impl Binder<'_> {
    fn check_names(&mut self, inputs: &[(ValueId, &str, &DeclaredType)]) {
        for name in self.bindings.shapes.keys().filter(|n| inputs.iter().all(|(_, input, _)| input != n)) {
            let known = list(inputs.iter().map(|(_, name, _)| *name));
            self.errors.push(
                Diagnostic::error(Place::Model, format!("the model has no input named \"{name}\""))
                    .help(format!("its inputs: {known}")),
            );
        }
    }

    /// Applies `--batch` to the leading dimension of an input.
    fn batch(&mut self, name: &str, declared: &DeclaredType) {
        let Some(batch) = self.bindings.batch else { return };
        if self.bindings.shapes.contains_key(name) {
            return;
        }
        match declared.dims.as_ref().and_then(|d| d.first()) {
            Some(Dim::Symbol(symbol)) => {
                self.sizes.entry(symbol.clone()).or_insert(batch);
            }
            Some(Dim::Fixed(fixed)) if *fixed != batch => {
                let message = format!(
                    "the model fixes its leading dimension at {fixed}, so --batch {batch} does not apply"
                );
                let size = |dim: &Dim| match dim {
                    Dim::Fixed(size) => size.to_string(),
                    Dim::Symbol(symbol) => symbol.clone(),
                };
                let others = declared.dims.iter().flatten().skip(1).map(size);
                let shape: Vec<String> = std::iter::once(batch.to_string()).chain(others).collect();
                self.errors.push(Diagnostic::error(Place::Value(name.to_owned()), message).help(format!(
                    "export the model with a dynamic batch, or try the whole shape: --shape \"{name}={}\"",
                    shape.join("x")
                )));
            }
            Some(Dim::Fixed(_)) | None => {}
        }
    }

    fn shape(&mut self, name: &str, declared: &DeclaredType) -> Vec<u64> {
        if let Some(shape) = self.bindings.shapes.get(name) {
            if let Some(dims) = &declared.dims
                && dims.len() != shape.len()
            {
                let message = format!("has {} dimensions, but --shape gives {}", dims.len(), shape.len());
                self.errors.push(Diagnostic::error(Place::Value(name.to_owned()), message));
            }
            return shape.clone();
        }
        let Some(dims) = &declared.dims else {
            self.errors.push(
                Diagnostic::error(Place::Value(name.to_owned()), "the model does not declare its shape")
                    .help(format!("add --shape \"{name}=...\", e.g. --shape \"{name}=1x3x224x224\"")),
            );
            return Vec::new();
        };
        let size = |dim: &Dim| match dim {
            Dim::Fixed(size) => Some(*size),
            Dim::Symbol(symbol) => self.sizes.get(symbol).copied(),
        };
        let sizes: Vec<Option<u64>> = dims.iter().map(size).collect();
        for (dim, size) in dims.iter().zip(&sizes) {
            if let (Dim::Symbol(symbol), None) = (dim, size) {
                self.unbound.insert(symbol.clone());
            }
        }
        sizes.into_iter().map(Option::unwrap_or_default).collect()
    }

    fn report_unbound(&mut self) {
        if self.unbound.is_empty() {
            return;
        }
        let flags: Vec<String> = self.unbound.iter().map(|s| format!("--dim \"{s}=N\"")).collect();
        let message = format!(
            "the model has dimensions without a size: {}",
            list(self.unbound.iter().map(String::as_str))
        );
        let help = format!("add {}; --batch N sets the leading dimension of the inputs", flags.join(" "));
        self.errors.push(Diagnostic::error(Place::Model, message).help(help));
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|n| format!("\"{n}\"")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
