//! Model-local functions, expanded in place.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use hawkeye_graph::{Derivation, Diagnostic, Failure, Place, Provenance};
use prost::Message;

use crate::scope::scope;
use crate::wire::{AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto};

/// Functions may call functions, and bodies hold bodies, to this depth.
pub(crate) const DEEPEST: usize = 64;
/// Nodes that a model may have, those of bodies and those that its functions make included.
pub(crate) const MOST_NODES: usize = 100_000;
/// Nodes that functions may make in any model, whatever its size.
const MANY_NODES: usize = 50_000;
/// Nodes that they may make besides for each node of the file, their own included.
const NODES_PER_NODE: usize = 10;
/// Bytes of names and attributes that a node may have, and how many more count as another node.
const SMALL_NODE: usize = 4096;

/// Bytes of a name that what is made of its node begins with.
const LONGEST_LABEL: usize = 256;

/// Opset versions by domain; ONNX's own domain is the empty string.
pub(crate) type Opsets = BTreeMap<String, i64>;

/// A node of the expanded model.
pub(crate) struct FlatNode<'a> {
    /// The node, with the names and attributes of the call it was expanded from.
    pub(crate) proto: Cow<'a, NodeProto>,
    /// Which node of the file it stands for.
    pub(crate) provenance: Provenance,
    /// Opset version of the node's domain.
    pub(crate) opset: i64,
    /// Opset versions around the node, which are those of its bodies.
    pub(crate) opsets: &'a Opsets,
    /// Module path.
    pub(crate) scope: Arc<[String]>,
}

/// Domain, name and overload, as one text.
fn key(of: &str, name: &str, overload: &str) -> String {
    format!("{}\0{name}\0{overload}", domain(of))
}

/// The functions of a model.
#[derive(Default)]
pub(crate) struct Functions<'a> {
    functions: HashMap<String, (&'a FunctionProto, Opsets)>,
    calls: Cell<usize>,
    nodes: Cell<usize>,
    /// Nodes and calls that were copied out of functions.
    copies: Cell<usize>,
    most_copies: usize,
}

impl<'a> Functions<'a> {
    pub(crate) fn new(model: &'a ModelProto) -> Self {
        let mut functions: HashMap<String, (&'a FunctionProto, Opsets)> = HashMap::new();
        for function in &model.functions {
            let key = key(function.domain(), function.name(), function.overload());
            functions.insert(key, (function, imports(&function.opset_import)));
        }
        let own = model.graph.as_ref().map_or(0, |graph| graph.node.len());
        let in_functions: usize = model.functions.iter().map(|function| function.node.len()).sum();
        let most_copies = (own + in_functions).saturating_mul(NODES_PER_NODE).saturating_add(MANY_NODES);
        Self { functions, most_copies, ..Self::default() }
    }

    /// Counts a node, or a call of a function; of the copies that are made of a function's nodes also how large they are.
    fn count(&self, copy: Option<&NodeProto>) -> Result<(), String> {
        self.nodes.update(|nodes| nodes + 1);
        if self.nodes.get() > MOST_NODES {
            return Err(format!("there are more than {MOST_NODES} nodes"));
        }
        if let Some(node) = copy {
            self.copies.update(|copies| copies.saturating_add(1 + bulk(node) / SMALL_NODE));
        }
        match self.most_copies {
            most if self.copies.get() > most => {
                Err(format!("its functions make more than {most} nodes, too many for so small a file"))
            }
            _ => Ok(()),
        }
    }

    /// The function that a node calls, if it is no operator, and the opsets of its body.
    fn called(&self, node: &NodeProto) -> Option<&(&'a FunctionProto, Opsets)> {
        if self.functions.is_empty() {
            return None;
        }
        self.functions.get(&key(node.domain(), node.op_type(), node.overload()))
    }

    /// The nodes of the model's graph, function calls expanded.
    ///
    /// # Errors
    /// If functions call each other without end.
    pub(crate) fn inline<'n>(
        &'n self,
        nodes: &'n [NodeProto],
        opsets: &'n Opsets,
    ) -> Result<Vec<FlatNode<'n>>, Failure> {
        let mut expansion = Inlining { functions: self, flat: Vec::with_capacity(nodes.len()) };
        for (file_index, node) in nodes.iter().enumerate() {
            let provenance = Provenance::of_file(file_index);
            let context = CallSite { provenance, scope: scope(node).into(), opsets, depth: 0 };
            expansion.node(Cow::Borrowed(node), &context)?;
        }
        Ok(expansion.flat)
    }

    /// The nodes of a body of `owner`, function calls expanded.
    ///
    /// # Errors
    /// If functions call each other without end.
    pub(crate) fn expand_body<'n>(
        &'n self,
        body: &'n [NodeProto],
        owner: &FlatNode<'n>,
    ) -> Result<Vec<FlatNode<'n>>, Failure> {
        let mut expansion = Inlining { functions: self, flat: Vec::with_capacity(body.len()) };
        for node in body {
            let provenance = owner.provenance.derive(Derivation::ControlFlowInlining, label(node));
            let scope = Arc::clone(&owner.scope);
            let context = CallSite { provenance, scope, opsets: owner.opsets, depth: 0 };
            expansion.node(Cow::Borrowed(node), &context)?;
        }
        Ok(expansion.flat)
    }
}

/// The opsets that a model or function imports.
pub(crate) fn imports(imports: &[OperatorSetIdProto]) -> Opsets {
    imports.iter().map(|i| (domain(i.domain()).to_owned(), i.version())).collect()
}

/// ONNX's own domain has two spellings.
pub(crate) fn domain(domain: &str) -> &str {
    if domain == "ai.onnx" { "" } else { domain }
}

/// What a node is called: its operator, if it has no name. It stands in whatever is made of the node, so that a long name
/// is cut.
fn label(node: &NodeProto) -> &str {
    let name = if node.name().is_empty() { node.op_type() } else { node.name() };
    &name[..name.floor_char_boundary(LONGEST_LABEL)]
}

struct Inlining<'n, 'a> {
    functions: &'n Functions<'a>,
    flat: Vec<FlatNode<'n>>,
}

/// What is to be known of a node before it is looked at.
struct CallSite<'n> {
    provenance: Provenance,
    scope: Arc<[String]>,
    opsets: &'n Opsets,
    depth: usize,
}

impl<'n> Inlining<'n, '_> {
    fn node(&mut self, node: Cow<'n, NodeProto>, context: &CallSite<'n>) -> Result<(), Failure> {
        let opset = context.opsets.get(domain(node.domain())).copied().unwrap_or(0);
        let copy = if let Cow::Owned(node) = &node { Some(node) } else { None };
        self.functions.count(copy).map_err(|message| refuse(&node, context, opset, message))?;
        let Some((function, opsets)) = self.functions.called(&node) else {
            let CallSite { provenance, scope, opsets, .. } = context;
            let (provenance, scope) = (provenance.clone(), Arc::clone(scope));
            self.flat.push(FlatNode { proto: node, provenance, opset, opsets, scope });
            return Ok(());
        };
        if context.depth == DEEPEST {
            let message = format!("function calls nest deeper than {DEEPEST}; do they call themselves?");
            return Err(refuse(&node, context, opset, message));
        }
        self.functions.calls.update(|n| n + 1);
        let names = self.names(&node, function);
        for body in &function.node {
            let provenance = context.provenance.derive(Derivation::FunctionInlining, label(body));
            let scope = Arc::clone(&context.scope);
            let inner = CallSite { provenance, scope, opsets, depth: context.depth + 1 };
            self.node(Cow::Owned(instantiate(body, &node, function, &names, 0)), &inner)?;
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
        let call_number = self.functions.calls.get();
        let label = label(call);
        for inner in function.node.iter().flat_map(|n| &n.output).filter(|n| !n.is_empty()) {
            names.entry(inner.clone()).or_insert_with(|| format!("{label}@{call_number}/{inner}"));
        }
        names
    }
}

/// Bytes of a node that its copies do not share.
fn bulk(node: &NodeProto) -> usize {
    let names: usize =
        node.input.iter().chain(&node.output).map(|name| size_of::<String>() + name.len()).sum();
    let attribute = |attribute: &AttributeProto| {
        let texts: usize = attribute.strings.iter().map(|text| text.len()).sum();
        let tensor = attribute.t.as_ref().map_or(0, |t| {
            8 * (t.dims.len() + t.int64_data.len() + t.double_data.len() + t.uint64_data.len())
                + 4 * (t.float_data.len() + t.int32_data.len())
        });
        let body = attribute.g.as_ref().map_or(0, Bytes::len);
        size_of::<AttributeProto>()
            + 8 * attribute.ints.len()
            + 4 * attribute.floats.len()
            + texts
            + tensor
            + body
    };
    names + node.name().len() + node.attribute.iter().map(attribute).sum::<usize>()
}

/// A node of a function's body with the names and attributes of a call; `depth` bodies lie around it.
fn instantiate(
    body: &NodeProto,
    call: &NodeProto,
    function: &FunctionProto,
    names: &HashMap<String, String>,
    depth: usize,
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
                *attribute = AttributeProto { name: attribute.name.take(), ..given.clone() };
                true
            }
            None => false,
        }
    });
    for body in node.attribute.iter_mut().filter_map(|a| a.g.as_mut()).filter(|_| depth < DEEPEST) {
        // A body that can't be read is refused when it is imported.
        let Ok(graph) = GraphProto::decode(body.clone()) else { continue };
        *body = Bytes::from(instantiate_body(graph, call, function, names, depth + 1).encode_to_vec());
    }
    node
}

/// A body within a function's body with the names and attributes of a call.
fn instantiate_body(
    mut body: GraphProto,
    call: &NodeProto,
    function: &FunctionProto,
    names: &HashMap<String, String>,
    depth: usize,
) -> GraphProto {
    let inputs = body.input.iter().map(|i| i.name());
    let constants = body.initializer.iter().map(|t| t.name());
    let results = body.node.iter().flat_map(|n| n.output.iter().map(String::as_str));
    let own: HashSet<&str> = inputs.chain(constants).chain(results).collect();
    let outer = names.iter().filter(|(name, _)| !own.contains(name.as_str()));
    let outer: HashMap<String, String> = outer.map(|(name, actual)| (name.clone(), actual.clone())).collect();
    for node in &mut body.node {
        *node = instantiate(node, call, function, &outer, depth);
    }
    for output in &mut body.output {
        if let Some(actual) = outer.get(output.name()) {
            output.name = Some(actual.clone());
        }
    }
    body
}

fn refuse(node: &NodeProto, context: &CallSite<'_>, opset: i64, message: String) -> Failure {
    let place = Place::Node {
        index: context.provenance.node,
        name: node.name().into(),
        op: node.op_type().to_owned(),
        opset,
    };
    Diagnostic::error(place, message).into()
}
