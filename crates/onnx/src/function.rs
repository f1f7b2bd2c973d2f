//! Model-local functions, expanded in place.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use hawkeye_graph::{Diagnostic, Failure, Place};

use crate::scope::scope;
use crate::wire::{FunctionProto, ModelProto, NodeProto, OperatorSetIdProto};

/// Functions may call functions to this depth.
const DEEPEST: usize = 64;
/// Nodes after expansion.
const MOST_NODES: usize = 4_000_000;

/// Opset versions by domain; ONNX's own domain is the empty string.
pub(crate) type Opsets = BTreeMap<String, i64>;

/// A node of the expanded model.
pub(crate) struct FlatNode<'a> {
    /// The node, with the names and attributes of the call it was expanded from.
    pub(crate) proto: Cow<'a, NodeProto>,
    /// Position in the file of the outermost call.
    pub(crate) file_index: usize,
    /// Opset version of the node's domain.
    pub(crate) opset: i64,
    /// Module path.
    pub(crate) scope: Vec<String>,
}

type Key<'a> = (&'a str, &'a str, &'a str);

/// All nodes of the model, function calls expanded.
///
/// # Errors
/// If functions call each other without end.
pub(crate) fn expand<'a>(model: &'a ModelProto, opsets: &Opsets) -> Result<Vec<FlatNode<'a>>, Failure> {
    let mut functions: HashMap<Key<'a>, (&'a FunctionProto, Opsets)> = HashMap::new();
    for function in &model.functions {
        let key = (domain(function.domain()), function.name(), function.overload());
        functions.insert(key, (function, imports(&function.opset_import)));
    }
    let nodes = model.graph.as_ref().map(|g| g.node.as_slice()).unwrap_or_default();
    let mut expansion = Expansion { functions, flat: Vec::with_capacity(nodes.len()), calls: 0 };
    for (file_index, node) in nodes.iter().enumerate() {
        let context = Context { file_index, scope: &[], opsets, depth: 0 };
        expansion.node(Cow::Borrowed(node), &context)?;
    }
    Ok(expansion.flat)
}

/// The opsets that a model or function imports.
pub(crate) fn imports(imports: &[OperatorSetIdProto]) -> Opsets {
    imports.iter().map(|i| (domain(i.domain()).to_owned(), i.version())).collect()
}

/// ONNX's own domain has two spellings.
pub(crate) fn domain(domain: &str) -> &str {
    if domain == "ai.onnx" { "" } else { domain }
}

struct Expansion<'a> {
    functions: HashMap<Key<'a>, (&'a FunctionProto, Opsets)>,
    flat: Vec<FlatNode<'a>>,
    calls: usize,
}

struct Context<'c> {
    file_index: usize,
    scope: &'c [String],
    opsets: &'c Opsets,
    depth: usize,
}

impl<'a> Expansion<'a> {
    fn node(&mut self, node: Cow<'a, NodeProto>, context: &Context<'_>) -> Result<(), Failure> {
        let opset = context.opsets.get(domain(node.domain())).copied().unwrap_or(0);
        let key = (domain(node.domain()), node.op_type(), node.overload());
        let function = self.functions.get(&key).map(|(f, o)| (*f, o.clone()));
        let Some((function, opsets)) = function else {
            if self.flat.len() == MOST_NODES {
                return Err(refuse(&node, context, opset, format!("more than {MOST_NODES} nodes")));
            }
            let scope = [context.scope, &scope(&node)].concat();
            self.flat.push(FlatNode { proto: node, file_index: context.file_index, opset, scope });
            return Ok(());
        };
        if context.depth == DEEPEST {
            let message = format!("function calls nest deeper than {DEEPEST}; do they call themselves?");
            return Err(refuse(&node, context, opset, message));
        }
        self.calls += 1;
        let own = scope(&node);
        let module = if own.is_empty() { vec![node.op_type().to_owned()] } else { own };
        let scope = [context.scope, &module].concat();
        let inner = Context {
            file_index: context.file_index,
            scope: &scope,
            opsets: &opsets,
            depth: context.depth + 1,
        };
        let names = self.names(&node, function);
        for body in &function.node {
            self.node(Cow::Owned(instantiate(body, &node, function, &names)), &inner)?;
        }
        Ok(())
    }

    /// What the function's value names become at this call.
    fn names(&self, call: &NodeProto, function: &FunctionProto) -> HashMap<String, String> {
        let mut names = HashMap::new();
        for (formal, actual) in
            function.input.iter().zip(call.input.iter().map(String::as_str).chain(std::iter::repeat("")))
        {
            names.insert(formal.clone(), actual.to_owned());
        }
        for (formal, actual) in function.output.iter().zip(&call.output) {
            names.insert(formal.clone(), actual.clone());
        }
        let label = if call.name().is_empty() { call.op_type() } else { call.name() };
        for inner in function.node.iter().flat_map(|n| &n.output).filter(|n| !n.is_empty()) {
            names.entry(inner.clone()).or_insert_with(|| format!("{label}@{}/{inner}", self.calls));
        }
        names
    }
}

/// A node of a function's body with the names and attributes of a call.
fn instantiate(
    body: &NodeProto,
    call: &NodeProto,
    function: &FunctionProto,
    names: &HashMap<String, String>,
) -> NodeProto {
    let mut node = body.clone();
    for name in node.input.iter_mut().chain(&mut node.output) {
        if let Some(actual) = names.get(name) {
            name.clone_from(actual);
        }
    }
    node.attribute.retain_mut(|attribute| {
        let Some(formal) = attribute.ref_attr_name.take().filter(|n| !n.is_empty()) else { return true };
        let given = call.attribute.iter().chain(&function.attribute_proto).find(|a| a.name() == formal);
        match given {
            Some(given) => {
                *attribute = crate::wire::AttributeProto { name: attribute.name.take(), ..given.clone() };
                true
            }
            None => false,
        }
    });
    node
}

fn refuse(node: &NodeProto, context: &Context<'_>, opset: i64, message: String) -> Failure {
    let place = Place::Node {
        index: context.file_index,
        name: node.name().to_owned(),
        op: node.op_type().to_owned(),
        opset,
    };
    Diagnostic::error(place, message).into()
}
