//! The analysis of a graph, node by node in execution order. Equal nodes on equal inputs are looked at
//! once, so that a network of a thousand equal layers takes little more than one layer, and the next of a
//! thousand networks that are alike takes less.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use hashbrown::HashMap;
use hawkeye_graph::{Attribute, Elements, Graph, Node, Origin, Tensor, ValueId};
use tract_onnx::prelude::InferenceFact;

use crate::fit::{FitView, fit};
use crate::known::KnownValue;
use crate::proto::large_constant;
use crate::rules::{self, Context, UnknownReason};

/// Facts of a node's outputs, as many as are wanted.
pub(crate) struct NodeFacts {
    outputs: Vec<Rc<KnownValue>>,
    reason: Option<UnknownReason>,
}

/// Bodies analysed in one model: loops in loops would take any number of them.
const MOST_BODIES: usize = 4096;

/// Outcomes that a thread remembers; it then begins anew, so that its memory has a bound.
const MOST_SEEN: usize = 8192;

thread_local! {
    /// What came of nodes on inputs, by all that it depends on: it is the same in whatever model.
    static SEEN: RefCell<HashMap<Vec<u8>, Rc<NodeFacts>>> = RefCell::default();
}

pub(crate) struct Analysis {
    opset: i64,
    nothing: Rc<KnownValue>,
    bodies: usize,
    /// Why nodes of the model's graph have no answer, by position.
    pub(crate) reasons: BTreeMap<usize, UnknownReason>,
}

impl Analysis {
    /// Starts the analysis of a model of this opset.
    pub(crate) fn new(opset: i64) -> Self {
        let nothing = KnownValue::new(InferenceFact::default());
        Self { opset, nothing, bodies: 0, reasons: BTreeMap::new() }
    }

    /// What is known of every value of the model's graph; `given` says it of its inputs.
    pub(crate) fn graph(
        &mut self,
        graph: &Graph,
        given: impl Fn(ValueId, &Origin) -> Option<Rc<KnownValue>>,
    ) -> Vec<Rc<KnownValue>> {
        let mut reasons = BTreeMap::new();
        let known = self.run(graph, given, &mut reasons);
        self.reasons = reasons;
        known
    }

    fn run(
        &mut self,
        graph: &Graph,
        given: impl Fn(ValueId, &Origin) -> Option<Rc<KnownValue>>,
        reasons: &mut BTreeMap<usize, UnknownReason>,
    ) -> Vec<Rc<KnownValue>> {
        let mut known: Vec<Rc<KnownValue>> = Vec::with_capacity(graph.values.len());
        for (index, value) in graph.values.iter().enumerate() {
            known.push(match &value.origin {
                Origin::Initializer(tensor) => KnownValue::constant(tensor),
                origin => given(ValueId::new(index), origin).unwrap_or_else(|| Rc::clone(&self.nothing)),
            });
        }
        for (position, node) in graph.nodes.iter().enumerate() {
            let outcome = self.node(node, &known);
            for (output, fact) in node.present_outputs().zip(&outcome.outputs) {
                known[output.index()] = Rc::clone(fact);
            }
            if let Some(reason) = &outcome.reason {
                reasons.insert(position, reason.clone());
            }
        }
        known
    }

    fn node(&mut self, node: &Node, known: &[Rc<KnownValue>]) -> Rc<NodeFacts> {
        if let Some((_, tensor)) = large_constant(node) {
            return Rc::new(NodeFacts { outputs: vec![KnownValue::constant(tensor)], reason: None });
        }
        let inputs: Vec<Option<&Rc<KnownValue>>> =
            node.inputs.iter().map(|id| id.and_then(|id| known.get(id.index()))).collect();
        if node.is_control_flow() {
            return Rc::new(self.control(node, &inputs, known));
        }
        let key = self.key(node, &inputs);
        let known = key.as_ref().and_then(|key| SEEN.with_borrow(|seen| seen.get(key).map(Rc::clone)));
        known.unwrap_or_else(|| {
            let outcome = Rc::new(self.look_at(node, &inputs));
            if let Some(key) = key {
                SEEN.with_borrow_mut(|seen| {
                    if seen.len() == MOST_SEEN {
                        seen.clear();
                    }
                    seen.insert(key, Rc::clone(&outcome));
                });
            }
            outcome
        })
    }

    fn look_at(&self, node: &Node, inputs: &[Option<&Rc<KnownValue>>]) -> NodeFacts {
        let context = Context { opset: self.opset_of(node), wanted: node.present_outputs().count() };
        let facts: Vec<&InferenceFact> = inputs.iter().flatten().map(|known| &known.inference).collect();
        let ours = inputs.iter().map(|known| known.map(|known| &known.fact)).collect();
        let misfit = fit(&FitView::new(node, context.opset, ours)).is_err();
        let (found, reason) = rules::outputs(node, &context, &facts, misfit);
        let mut outputs: Vec<Rc<KnownValue>> = found.into_iter().map(KnownValue::new).collect();
        let open = outputs.first().is_none_or(|output| output.fact.shape().is_none());
        if open && let Some(fact) = rules::mixed_type_fallback(node, inputs) {
            outputs = vec![fact];
        }
        NodeFacts { outputs, reason }
    }

    fn opset_of(&self, node: &Node) -> i64 {
        if node.domain.is_empty() && node.opset > 0 { node.opset } else { self.opset }
    }

    /// A key of all that the outcome depends on; `None` if there is none.
    fn key(&self, node: &Node, inputs: &[Option<&Rc<KnownValue>>]) -> Option<Vec<u8>> {
        let mut key = Vec::with_capacity(128);
        for text in [&node.op, &node.domain] {
            push_text(&mut key, text);
        }
        key.extend(self.opset_of(node).to_le_bytes());
        key.extend(node.outputs.iter().map(|output| u8::from(output.is_some())));
        key.push(b';');
        for input in inputs {
            match input {
                Some(known) => key.extend(known.key.as_ref()?),
                None => key.push(b'-'),
            }
        }
        for (name, attribute) in node.attributes.iter() {
            push_text(&mut key, name);
            push_attribute(&mut key, attribute)?;
        }
        Some(key)
    }

    fn control(
        &mut self,
        node: &Node,
        inputs: &[Option<&Rc<KnownValue>>],
        known: &[Rc<KnownValue>],
    ) -> NodeFacts {
        let facts: Vec<Option<InferenceFact>> =
            inputs.iter().map(|input| input.map(|known| known.inference.clone())).collect();
        let opset = self.opset_of(node);
        let mut run = |body: &Graph, formals: &[InferenceFact]| self.body(body, formals, known);
        let found = rules::control(node, opset, &facts, &mut run).unwrap_or_default();
        let wanted = node.outputs.iter().enumerate().filter(|(_, id)| id.is_some());
        let outputs =
            wanted.map(|(i, _)| KnownValue::new(found.get(i).cloned().unwrap_or_default())).collect();
        NodeFacts { outputs, reason: None }
    }

    /// What is known of a body's outputs, given what goes in and what is known around it.
    fn body(
        &mut self,
        body: &Graph,
        formals: &[InferenceFact],
        around: &[Rc<KnownValue>],
    ) -> Option<Vec<InferenceFact>> {
        self.bodies += 1;
        if self.bodies > MOST_BODIES || formals.len() != body.inputs.len() {
            return None;
        }
        let formals: BTreeMap<ValueId, Rc<KnownValue>> =
            body.inputs.iter().copied().zip(formals.iter().cloned().map(KnownValue::new)).collect();
        let known = self.run(
            body,
            |id, origin| match origin {
                Origin::Outer(outer) => around.get(outer.index()).cloned(),
                _ => formals.get(&id).cloned(),
            },
            &mut BTreeMap::new(),
        );
        body.outputs.iter().map(|id| known.get(id.index()).map(|known| known.inference.clone())).collect()
    }
}

fn push_text(key: &mut Vec<u8>, text: &str) {
    key.extend((text.len() as u64).to_le_bytes());
    key.extend(text.as_bytes());
}

fn push_attribute(key: &mut Vec<u8>, attribute: &Attribute) -> Option<()> {
    match attribute {
        Attribute::Int(i) => {
            key.push(b'i');
            key.extend(i.to_le_bytes());
        }
        Attribute::Float(f) => {
            key.push(b'f');
            key.extend(f.to_le_bytes());
        }
        Attribute::String(s) => {
            key.push(b's');
            push_text(key, s);
        }
        Attribute::Ints(v) => {
            key.push(b'I');
            key.extend((v.len() as u64).to_le_bytes());
            key.extend(v.iter().flat_map(|i| i.to_le_bytes()));
        }
        Attribute::Floats(v) => {
            key.push(b'F');
            key.extend((v.len() as u64).to_le_bytes());
            key.extend(v.iter().flat_map(|f| f.to_le_bytes()));
        }
        Attribute::Strings(v) => {
            key.push(b'S');
            key.extend((v.len() as u64).to_le_bytes());
            v.iter().for_each(|s| push_text(key, s));
        }
        Attribute::Tensor(tensor) => push_tensor(key, tensor)?,
        Attribute::Other => key.push(b'o'),
        Attribute::Graph(_) => return None,
    }
    Some(())
}

fn push_tensor(key: &mut Vec<u8>, tensor: &Tensor) -> Option<()> {
    key.push(b't');
    key.extend(tensor.dtype.to_onnx().to_le_bytes());
    key.extend((tensor.dims.len() as u64).to_le_bytes());
    key.extend(tensor.dims.iter().flat_map(|d| d.to_le_bytes()));
    match &tensor.elements {
        None => key.push(b'-'),
        Some(Elements::Ints(v)) => key.extend(v.iter().flat_map(|i| i.to_le_bytes())),
        Some(Elements::Floats(v)) => key.extend(v.iter().flat_map(|f| f.to_le_bytes())),
        Some(Elements::Strings(_)) => return None,
    }
    Some(())
}
