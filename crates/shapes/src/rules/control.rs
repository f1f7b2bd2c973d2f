//! Control flow: bodies are analysed on what is handed to them.

use std::cell::Cell;
use std::collections::HashMap;

use tract_onnx::model::{OnnxOpRegister, ParsingContext};
use tract_onnx::pb::{GraphProto, NodeProto};
use tract_onnx::tract_hir::internal::*;

/// Analyses of bodies in one analysis of a model: loops in loops would take any number of them.
const MOST_RUNS: usize = 4096;

/// Iterations of a loop that are looked at one by one, where they do not all have the same shapes.
const MOST_ITERATIONS: i64 = 64;

thread_local! {
    static RUNS: Cell<usize> = const { Cell::new(0) };
}

/// Starts the analysis of a model.
pub(crate) fn start() {
    RUNS.set(0);
}

/// Operators with bodies.
pub(crate) const OPERATORS: &[&str] = &["If", "Loop", "Scan"];

/// Adds them to tract's operators.
pub(crate) fn register(operators: &mut OnnxOpRegister) {
    for op in OPERATORS {
        operators.insert(op, build);
    }
}

fn build(context: &ParsingContext<'_>, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let mut bodies = HashMap::new();
    let mut captured: Vec<String> = Vec::new();
    for attribute in &node.attribute {
        let Some(graph) = &attribute.g else { continue };
        let body = Body::parse(context, graph)?;
        for (name, _) in &body.captured {
            if !captured.contains(name) {
                captured.push(name.clone());
            }
        }
        bodies.insert(attribute.name.clone(), body);
    }
    let opset = context.onnx_operator_set_version;
    let control = Control { node: node.clone(), opset, bodies, captured: captured.clone() };
    Ok((Box::new(control), captured))
}

/// A body and where its inputs go in.
#[derive(Clone, Debug)]
struct Body {
    model: InferenceModel,
    formals: Vec<OutletId>,
    captured: Vec<(String, OutletId)>,
}

impl Body {
    fn parse(context: &ParsingContext<'_>, graph: &GraphProto) -> TractResult<Self> {
        let mut parsed = context.parse_graph(graph)?;
        let mut formals = Vec::new();
        for info in &graph.value_info {
            let outlet = match parsed.outlets_by_name.get(&info.name) {
                Some(outlet) => *outlet,
                None => parsed.model.add_source(info.name.clone(), InferenceFact::default())?,
            };
            formals.push(outlet);
        }
        let formal = |name: &String| graph.value_info.iter().any(|info| info.name == *name);
        let names = parsed.unresolved_inputs.iter().filter(|name| !formal(name));
        let captured = names.map(|name| (name.clone(), parsed.outlets_by_name[name])).collect();
        Ok(Self { model: parsed.model, formals, captured })
    }

    /// What is known of the outputs, given what goes in.
    fn run(
        &self,
        formals: &[InferenceFact],
        around: &HashMap<&str, &InferenceFact>,
    ) -> Option<Vec<InferenceFact>> {
        RUNS.set(RUNS.get() + 1);
        if RUNS.get() > MOST_RUNS || formals.len() != self.formals.len() {
            return None;
        }
        let mut model = self.model.clone();
        for (outlet, fact) in self.formals.iter().zip(formals) {
            model.set_outlet_fact(*outlet, fact.clone()).ok()?;
        }
        for (name, outlet) in &self.captured {
            model.set_outlet_fact(*outlet, (*around.get(name.as_str())?).clone()).ok()?;
        }
        // What can't be found out of the body stays unknown.
        let _ = model.analyse(true);
        let outputs = model.output_outlets().ok()?;
        outputs.iter().map(|outlet| model.outlet_fact(*outlet).ok().cloned()).collect()
    }
}

#[derive(Clone, Debug)]
struct Control {
    node: NodeProto,
    opset: i64,
    bodies: HashMap<String, Body>,
    captured: Vec<String>,
}

impl PartialEq for Control {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

impl Eq for Control {}

impl Op for Control {
    fn name(&self) -> StaticName {
        "Control".into()
    }

    not_a_typed_op!();
}

impl EvalOp for Control {
    fn eval_out_of_plan(&self, _inputs: TVec<TValue>) -> TractResult<Option<TVec<TValue>>> {
        Ok(None)
    }
}

impl InferenceOp for Control {
    fn infer_facts(
        &mut self,
        inputs: TVec<&InferenceFact>,
        outputs: TVec<&InferenceFact>,
        observed: TVec<&InferenceFact>,
    ) -> TractResult<(TVec<InferenceFact>, TVec<InferenceFact>, TVec<InferenceFact>)> {
        let first = inputs.len().saturating_sub(self.captured.len());
        let around = self.captured.iter().map(String::as_str).zip(inputs[first..].iter().copied()).collect();
        let mut present = inputs[..first].iter().copied();
        let all: Vec<Option<&InferenceFact>> =
            self.node.input.iter().map(|n| if n.is_empty() { None } else { present.next() }).collect();
        let found = match self.node.op_type.as_str() {
            "If" => self.choose(&all, &around),
            "Loop" => self.repeat(&all, &around),
            _ => self.scan(&all, &around),
        };
        let found = found.unwrap_or_default();
        let named = self.node.output.iter().enumerate().filter(|(_, name)| !name.is_empty());
        let found =
            named.take(outputs.len()).map(|(i, _)| found.get(i).cloned().unwrap_or_default()).collect();
        let own = |facts: TVec<&InferenceFact>| facts.into_iter().cloned().collect();
        Ok((own(inputs), found, own(observed)))
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(self.node.output.iter().filter(|name| !name.is_empty()).count())
    }

    as_op!();
}

type Around<'a> = HashMap<&'a str, &'a InferenceFact>;

impl Control {
    fn int(&self, name: &str) -> Option<i64> {
        self.node.attribute.iter().find(|a| a.name == name).map(|a| a.i)
    }

    fn ints(&self, name: &str, length: usize) -> Vec<i64> {
        let given = self.node.attribute.iter().find(|a| a.name == name).map(|a| a.ints.clone());
        given.filter(|ints| ints.len() == length).unwrap_or(vec![0; length])
    }

    /// `If`: of the branch that is taken, or what both have in common.
    fn choose(&self, inputs: &[Option<&InferenceFact>], around: &Around<'_>) -> Option<Vec<InferenceFact>> {
        let (yes, no) = (self.bodies.get("then_branch")?, self.bodies.get("else_branch")?);
        match constant(inputs.first().copied().flatten()?) {
            Some(0) => no.run(&[], around),
            Some(_) => yes.run(&[], around),
            None => {
                let (yes, no) = (yes.run(&[], around)?, no.run(&[], around)?);
                Some(yes.iter().zip(&no).map(|(a, b)| common(a, b)).collect())
            }
        }
    }

    /// `Loop`: the states at the end, and what each iteration gives, stacked.
    fn repeat(&self, inputs: &[Option<&InferenceFact>], around: &Around<'_>) -> Option<Vec<InferenceFact>> {
        let body = self.bodies.get("body")?;
        let most = match inputs.first().copied().flatten() {
            Some(most) => constant(most).map(Some),
            None => Some(None),
        };
        let condition = match inputs.get(1).copied().flatten() {
            Some(condition) => constant(condition),
            None => Some(1),
        };
        let states: Vec<InferenceFact> =
            inputs.get(2..)?.iter().map(|i| i.cloned().unwrap_or_default()).collect();
        let count = states.len();
        let none = condition == Some(0) || most == Some(Some(0)) || matches!(most, Some(Some(m)) if m < 0);
        let flag = || InferenceFact::dt_shape(DatumType::Bool, [0usize; 0]);
        let number = InferenceFact::dt_shape(DatumType::I64, [0usize; 0]);
        let shapes: Vec<InferenceFact> = states.iter().map(|s| s.clone().without_value()).collect();
        let going = |iteration: InferenceFact, states: &[InferenceFact]| {
            let truth = tensor0(true).into_arc_tensor().try_into().unwrap_or_else(|_| flag());
            body.run(&[&[iteration, truth], states].concat(), around)
        };
        let any = going(number, &shapes)?;
        let stable =
            any.get(1..=count)?.iter().zip(&shapes).all(|(after, before)| after.shape == before.shape);
        let kept = any.first().and_then(constant) == Some(1);
        let trips = match (none, most, condition, kept) {
            (true, _, _, _) => Some(0),
            (_, Some(Some(most)), Some(_), true) => Some(most),
            _ => None,
        };
        let elements = any.get(1 + count..)?;
        if trips == Some(0) {
            return Some(states.into_iter().chain(elements.iter().map(|e| stacked(e, 0, Some(0)))).collect());
        }
        let known = elements.iter().all(|e| e.shape.is_concrete());
        if !(stable && known && trips.is_some())
            && condition.is_some()
            && let Some(bound) = most
            && let Some(found) = follow(bound, states, elements.len(), going)
        {
            return Some(found);
        }
        if !stable {
            let states = shapes.iter().zip(&any[1..=count]).map(|(a, b)| common(a, b));
            return Some(states.chain(elements.iter().map(|_| InferenceFact::default())).collect());
        }
        let ends = any[1..=count].iter().map(|s| s.clone().without_value());
        Some(ends.chain(elements.iter().map(|e| stacked(e, 0, trips))).collect())
    }

    /// `Scan`: the states at the end, and what each slice gives, stacked. Before opset 9 all had a
    /// leading batch dimension, and the first input said how long each sequence is.
    fn scan(&self, inputs: &[Option<&InferenceFact>], around: &Around<'_>) -> Option<Vec<InferenceFact>> {
        let body = self.bodies.get("body")?;
        let old = self.opset < 9;
        let inputs = if old { inputs.get(1..)? } else { inputs };
        let scanned = usize::try_from(self.int("num_scan_inputs")?).ok()?;
        let count = inputs.len().checked_sub(scanned)?;
        let axes = self.ints("scan_input_axes", scanned);
        let mut formals = Vec::new();
        let mut batch = None;
        for state in &inputs[..count] {
            let mut state = state.cloned().unwrap_or_default().without_value();
            if old {
                batch = Some(removed(&mut state, 0)?);
            }
            formals.push(state);
        }
        let mut trips = None;
        for (input, axis) in inputs[count..].iter().zip(&axes) {
            let mut element = (*input)?.clone().without_value();
            if old {
                batch = Some(removed(&mut element, 0)?);
            }
            trips = trips.or(removed(&mut element, *axis)?.concretize().and_then(|d| d.to_i64().ok()));
            formals.push(element);
        }
        let after = body.run(&formals, around)?;
        let elements = after.get(count..)?;
        let axes = self.ints("scan_output_axes", elements.len());
        let states = after[..count].iter().zip(&formals).map(|(after, before)| {
            let mut state = if trips == Some(0) { before.clone() } else { after.clone().without_value() };
            if trips != Some(1) && trips != Some(0) && after.shape != before.shape {
                state = common(before, &state);
            }
            state
        });
        let found = states.chain(elements.iter().zip(&axes).map(|(e, axis)| stacked(e, *axis, trips)));
        let batched = |fact: InferenceFact| match &batch {
            Some(batch) => inserted(fact, 0, batch.clone()),
            None => fact,
        };
        Some(found.map(batched).collect())
    }
}

/// A loop of at most `bound` iterations, one by one.
fn follow(
    bound: Option<i64>,
    mut states: Vec<InferenceFact>,
    elements: usize,
    going: impl Fn(InferenceFact, &[InferenceFact]) -> Option<Vec<InferenceFact>>,
) -> Option<Vec<InferenceFact>> {
    let mut found: Vec<Option<InferenceFact>> = vec![None; elements];
    let mut trips = 0;
    while bound.is_none_or(|bound| trips < bound) {
        if trips == MOST_ITERATIONS {
            return None;
        }
        let after = going(tensor0(trips).into_arc_tensor().try_into().ok()?, &states)?;
        trips += 1;
        for (all, element) in found.iter_mut().zip(after.get(1 + states.len()..)?) {
            let element = element.clone().without_value();
            *all = Some(all.take().map_or(element.clone(), |all| common(&all, &element)));
        }
        states = after.get(1..=states.len())?.to_vec();
        if after.first().and_then(constant)? == 0 {
            break;
        }
    }
    let found = found.into_iter().flatten().map(|e| stacked(&e, 0, Some(trips)));
    Some(states.into_iter().chain(found).collect())
}

/// The one element of a constant.
fn constant(fact: &InferenceFact) -> Option<i64> {
    let tensor = fact.value.concretize()?;
    let tensor = tensor.cast_to::<i64>().ok()?;
    tensor.try_as_plain_ram().ok()?.as_slice::<i64>().ok()?.first().copied()
}

/// What two facts have in common.
fn common(a: &InferenceFact, b: &InferenceFact) -> InferenceFact {
    let datum_type = if a.datum_type == b.datum_type { a.datum_type } else { GenericFactoid::Any };
    let same = |(a, b): (&DimFact, &DimFact)| if a == b { a.clone() } else { DimFact::default() };
    let both_known = !a.shape.is_open() && !b.shape.is_open();
    let shape = if both_known && a.shape.rank() == b.shape.rank() {
        ShapeFactoid::closed(a.shape.dims().zip(b.shape.dims()).map(same).collect())
    } else {
        ShapeFactoid::open(tvec!())
    };
    InferenceFact { datum_type, shape, ..InferenceFact::default() }
}

/// A fact with a dimension more, of `count` elements.
fn stacked(element: &InferenceFact, axis: i64, count: Option<i64>) -> InferenceFact {
    let size = count.map_or(GenericFactoid::Any, |count| GenericFactoid::Only(count.to_dim()));
    inserted(element.clone().without_value(), axis, size)
}

fn inserted(mut fact: InferenceFact, axis: i64, size: DimFact) -> InferenceFact {
    if fact.shape.is_open() {
        return fact;
    }
    let mut dims: TVec<DimFact> = fact.shape.dims().cloned().collect();
    match super::call::axis(axis, dims.len() + 1) {
        Some(axis) => {
            dims.insert(axis, size);
            fact.shape = ShapeFactoid::closed(dims);
        }
        None => fact.shape = ShapeFactoid::open(tvec!()),
    }
    fact
}

/// Takes a dimension away.
fn removed(fact: &mut InferenceFact, axis: i64) -> Option<DimFact> {
    if fact.shape.is_open() {
        return None;
    }
    let mut dims: TVec<DimFact> = fact.shape.dims().cloned().collect();
    let size = dims.remove(super::call::axis(axis, dims.len())?);
    fact.shape = ShapeFactoid::closed(dims);
    Some(size)
}
