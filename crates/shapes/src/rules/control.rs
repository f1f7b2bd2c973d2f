//! Control flow: bodies are analysed on what is handed to them.

use hawkeye_graph::{Attribute, Graph, Node};
use tract_onnx::tract_hir::internal::*;

/// Iterations of a loop that are looked at one by one, where they do not all have the same shapes.
const MOST_ITERATIONS: i64 = 64;

/// Analyses a body on what goes in.
type AnalyseBody<'r> = dyn FnMut(&Graph, &[InferenceFact]) -> Option<Vec<InferenceFact>> + 'r;

/// What is known of the outputs of a node with bodies.
pub(crate) fn control(
    node: &Node,
    opset: i64,
    inputs: &[Option<InferenceFact>],
    run: &mut AnalyseBody<'_>,
) -> Option<Vec<InferenceFact>> {
    let inputs: Vec<Option<&InferenceFact>> = inputs.iter().map(Option::as_ref).collect();
    let mut control = Control { node, opset, run };
    match node.op.as_str() {
        "If" => control.choose(&inputs),
        "Loop" => control.repeat(&inputs),
        "Scan" => control.scan(&inputs),
        _ => None,
    }
}

struct Control<'n, 'r> {
    node: &'n Node,
    opset: i64,
    run: &'n mut AnalyseBody<'r>,
}

impl<'n> Control<'n, '_> {
    fn body(&self, name: &str) -> Option<&'n Graph> {
        match self.node.attributes.get(name)? {
            Attribute::Graph(body) => Some(body),
            _ => None,
        }
    }

    fn ints(&self, name: &str, length: usize) -> Vec<i64> {
        let given = self.node.attributes.ints(name).filter(|ints| ints.len() == length);
        given.map_or(vec![0; length], <[i64]>::to_vec)
    }

    /// `If`: of the branch that is taken, or what both have in common.
    fn choose(&mut self, inputs: &[Option<&InferenceFact>]) -> Option<Vec<InferenceFact>> {
        let (yes, no) = (self.body("then_branch")?, self.body("else_branch")?);
        match constant(inputs.first().copied().flatten()?) {
            Some(0) => (self.run)(no, &[]),
            Some(_) => (self.run)(yes, &[]),
            None => {
                let (yes, no) = ((self.run)(yes, &[])?, (self.run)(no, &[])?);
                Some(yes.iter().zip(&no).map(|(a, b)| common(a, b)).collect())
            }
        }
    }

    /// `Loop`: the states at the end, and what each iteration gives, stacked.
    fn repeat(&mut self, inputs: &[Option<&InferenceFact>]) -> Option<Vec<InferenceFact>> {
        let body = self.body("body")?;
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
        let mut going = |iteration: InferenceFact, states: &[InferenceFact]| {
            let truth = tensor0(true).into_arc_tensor().try_into().unwrap_or_else(|_| flag());
            (self.run)(body, &[&[iteration, truth], states].concat())
        };
        // An iteration about which nothing is known but that it is run: what it gives is so in each.
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
        // Shapes that change from one iteration to the next are followed through all of them, if it is known how many there are.
        if !(stable && known && trips.is_some())
            && condition.is_some()
            && let Some(bound) = most
            && let Some(found) = follow(bound, states, elements.len(), &mut going)
        {
            return Some(found);
        }
        // What all iterations have in common is all that can be said.
        if !stable {
            let states = shapes.iter().zip(&any[1..=count]).map(|(a, b)| common(a, b));
            return Some(states.chain(elements.iter().map(|_| InferenceFact::default())).collect());
        }
        let ends = any[1..=count].iter().map(|s| s.clone().without_value());
        Some(ends.chain(elements.iter().map(|e| stacked(e, 0, trips))).collect())
    }

    /// `Scan`: the states at the end, and what each slice gives, stacked. Before opset 9 all had a
    /// leading batch dimension, and the first input said how long each sequence is.
    fn scan(&mut self, inputs: &[Option<&InferenceFact>]) -> Option<Vec<InferenceFact>> {
        let body = self.body("body")?;
        let old = self.opset < 9;
        let inputs = if old { inputs.get(1..)? } else { inputs };
        let scanned = usize::try_from(self.node.attributes.int("num_scan_inputs")?).ok()?;
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
        let after = (self.run)(body, &formals)?;
        let elements = after.get(count..)?;
        let axes = self.ints("scan_output_axes", elements.len());
        let states = after[..count].iter().zip(&formals).map(|(after, before)| {
            let mut state = if trips == Some(0) { before.clone() } else { after.clone().without_value() };
            // The state after many trips is not that after the first.
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

/// Analyses an iteration, given its number and the states before it.
type Iteration<'i> = dyn FnMut(InferenceFact, &[InferenceFact]) -> Option<Vec<InferenceFact>> + 'i;

/// A loop of at most `bound` iterations, one by one.
fn follow(
    bound: Option<i64>,
    mut states: Vec<InferenceFact>,
    elements: usize,
    going: &mut Iteration<'_>,
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
    match super::context::axis(axis, dims.len() + 1) {
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
    let size = dims.remove(super::context::axis(axis, dims.len())?);
    fact.shape = ShapeFactoid::closed(dims);
    Some(size)
}
