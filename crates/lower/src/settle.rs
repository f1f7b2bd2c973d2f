//! Charging what has state, in program order.

use std::hash::Hash;

use hashbrown::{HashMap, HashSet};
use hawkeye_cost::{Call, CallId, Calls, Cost, Data, Deferral, Item, Overflow, Scope, Share, State, Symbol};
use hawkeye_graph::{Diagnostic, Failure, Place};

use crate::distinct::{DistinctCalls, MOST_CALLS};
use crate::groups::{DeferredWeights, Group, share_groups};
use crate::obstacles::error_at;
use crate::{Demand, Lowering, LoweringError, Operation, OperationKind, Program};

/// Stateful items that one program may expand to: each is kept, so that they bound memory as well.
const MOST_STEPS: u64 = 2_000_000;

/// Values that the state of a resource may have: every state of it is kept.
const LARGEST_STATE: usize = 1000;

/// Calls that are kept for other programs.
const MOST_KNOWN: usize = 200_000;

/// How deep calls may nest: deeper than a sheet's call stack may be.
const DEEPEST: usize = 512;

/// How deep draws may nest in draws.
const DEEPEST_DRAWS: usize = 8;

/// A program whose costs depend on nothing but itself: its calls have no state left.
#[derive(Clone, Debug, Default)]
pub struct Settled {
    /// The calls.
    pub calls: Calls<Share>,
    /// Operations in execution order; their calls are in the arena beside them.
    pub operations: Vec<Operation>,
    /// How often the program runs: once, or as many times as there are steps of training.
    pub runs: u64,
    /// Warnings.
    pub diagnostics: Vec<Diagnostic>,
    /// What the first calls of the arena cost, if that was told before.
    pub costs: Vec<Cost>,
    /// Recorded calls without state, as they are in the arena.
    stateless: HashMap<CallId, CallId>,
}

/// Calls of programs that came before. Most have no state, so that they are the same wherever they are made.
#[derive(Debug, Default)]
pub struct Known {
    calls: Calls<Share>,
    costs: Vec<Cost>,
    stateless: HashMap<CallId, CallId>,
    /// Whether a program deferred to a group, so that its calls are of no use to another.
    defers: bool,
}

impl Known {
    /// Takes back what a program was settled with, and what it added; says whether that is kept.
    pub fn keep(&mut self, program: Settled) -> bool {
        let kept = !self.defers && program.calls.iter().len() <= MOST_KNOWN;
        if kept {
            let Settled { calls, costs, stateless, .. } = program;
            *self = Self { calls, costs, stateless, defers: false };
        }
        kept
    }

    /// Whether the program that was settled last deferred to a group, so that it has an arena of its own.
    #[must_use]
    pub fn defers(&self) -> bool {
        self.defers
    }

    /// For a program whose calls shall be in an arena of their own.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self { defers: self.defers, ..Self::default() }
    }
}

/// A program, run a number of times in sequence.
#[derive(Clone, Debug)]
pub struct Runs {
    /// The program.
    pub program: Program,
    /// How often it runs.
    pub times: u64,
}

/// Replaces every call with state by what it costs at its place in the program: keys are sent by
/// the first call that needs them, buffers refill where they run dry, and what a group costs for
/// the whole program is shared out to the operations that deferred to it.
///
/// Programs that are run one after the other have the same operations, which are put together: a
/// training run of a million steps is as small as one step. What the framework does before the first
/// node it does before the first run alone.
///
/// What `known` has is taken from it, for the program to have beside its own.
///
/// # Errors
/// If the framework's description is wrong, or costs exceed 64 bits.
pub fn settle(
    runs: Vec<Runs>,
    calls: &mut Calls,
    lowering: &mut dyn Lowering,
    known: &mut Known,
) -> Result<Settled, Failure> {
    let total = runs.iter().try_fold(0u64, |sum, runs| sum.checked_add(runs.times));
    let total = total.ok_or_else(|| overflow(Overflow))?;
    let mut settled = None;
    if !known.defers {
        let Known { calls: arena, costs, stateless, .. } = std::mem::take(known);
        let mut settlement = Settlement::new(calls, lowering, arena, stateless, |_| None);
        let own = settlement.sequences(&runs)?;
        let Settlement { settled: arena, stateless, deferred, .. } = settlement;
        known.defers = deferred;
        settled = (!deferred).then_some((arena, costs, stateless, own));
    }
    let (mut arena, costs, stateless, own) = match settled {
        Some(settled) => settled,
        None => {
            let (arena, own) = shared_out(&runs, calls, lowering)?;
            (arena, Vec::new(), HashMap::new(), own)
        }
    };
    arena.take_names_of(calls);
    let Some(Runs { program, .. }) = runs.into_iter().next() else { return Ok(Settled::default()) };
    let operation = |(Operation { kind, evidence, .. }, call)| Operation { kind, call, evidence };
    let operations = program.operations.into_iter().zip(own).map(operation).collect();
    let diagnostics = program.diagnostics;
    Ok(Settled { calls: arena, operations, runs: total, diagnostics, costs, stateless })
}

/// Settles programs that defer to groups; gives the operations' calls, too.
fn shared_out(
    runs: &[Runs],
    calls: &mut Calls,
    lowering: &mut dyn Lowering,
) -> Result<(Calls<Share>, Vec<Option<CallId>>), Failure> {
    let mut settlement = Settlement::new(calls, lowering, Calls::default(), HashMap::new(), Some);
    let own = settlement.sequences(runs)?;
    let groups = settlement.groups(&own)?;
    let Settlement { mut settled, calls, .. } = settlement;
    settled.take_names_of(calls);
    if groups.is_empty() {
        return Ok((settled.map(|_| None), own));
    }
    share_groups(&settled, &own, &groups).map_err(overflow)
}

fn overflow(error: Overflow) -> Failure {
    Diagnostic::error(Place::Model, error.to_string()).into()
}

fn refuse<T>(message: String) -> Result<T, Failure> {
    Err(Diagnostic::error(Place::Model, message).into())
}

struct Settlement<'a, E> {
    calls: &'a mut Calls,
    settled: Calls<E>,
    /// What the settled arena has of what was deferred; `None` if it can't have it.
    own: fn(Deferral) -> Option<E>,
    /// Whether something was deferred that it can't have.
    deferred: bool,
    lowering: &'a mut dyn Lowering,
    /// Calls without state, as they are in the settled arena.
    stateless: HashMap<CallId, CallId>,
    reached: HashSet<Data>,
    reached_in_run: HashSet<Data>,
    states: HashMap<Symbol, Data>,
    /// Resources that are being drawn from.
    drawing: Vec<Symbol>,
    /// What was drawn.
    drawn: DistinctCalls,
    /// How often what no later state undoes happened: a key was reached, or a call deferred to a group.
    changes: u64,
    /// How often it happened in a way that outlasts the run.
    lasting: u64,
    steps: u64,
}

impl<'a, E: Clone + Eq + Hash> Settlement<'a, E> {
    fn new(
        calls: &'a mut Calls,
        lowering: &'a mut dyn Lowering,
        mut settled: Calls<E>,
        stateless: HashMap<CallId, CallId>,
        own: fn(Deferral) -> Option<E>,
    ) -> Self {
        settled.take_names_of(calls);
        Self {
            calls,
            settled,
            own,
            deferred: false,
            lowering,
            stateless,
            reached: HashSet::new(),
            reached_in_run: HashSet::new(),
            states: HashMap::new(),
            drawing: Vec::new(),
            drawn: DistinctCalls::default(),
            changes: 0,
            lasting: 0,
            steps: 0,
        }
    }

    /// Settles programs that are run one after the other; gives the call of each operation.
    fn sequences(&mut self, runs: &[Runs]) -> Result<Vec<Option<CallId>>, Failure> {
        let operations = runs.first().map_or(0, |first| first.program.operations.len());
        let mut sequences = vec![Call { name: self.calls.symbol(""), items: Vec::new() }; operations];
        for (nth, Runs { program, times }) in runs.iter().enumerate() {
            self.runs(program, *times, nth == 0, &mut sequences)?;
        }
        let together = |call: Call<E>| match call.items.as_slice() {
            [] => None,
            [Item::Call { call, times: 1 }] => Some(*call),
            _ => Some(self.settled.add(call)),
        };
        Ok(sequences.into_iter().map(together).collect())
    }

    /// Settles a program that runs a number of times, and appends each operation to its sequence. Runs
    /// are told apart only as long as they change the state.
    fn runs(
        &mut self,
        program: &Program,
        times: u64,
        mut first: bool,
        sequences: &mut [Call<E>],
    ) -> Result<(), Failure> {
        let mut left = times;
        while left > 0 {
            let before = (self.lasting, self.states.clone());
            self.reached_in_run.clear();
            let mut settled = Vec::with_capacity(program.operations.len());
            for operation in &program.operations {
                let call = operation.call.filter(|_| first || operation.kind != OperationKind::Begin);
                if call.is_some_and(|call| operation.kind == OperationKind::Begin && self.calls.has_own(call))
                {
                    // The runs that follow begin in another state.
                    self.lasting += 1;
                }
                settled.push(call.map(|call| self.call(call)).transpose()?);
            }
            // A run that leaves keys and buffers as they were costs what all that follow it do.
            let same = if (self.lasting, &self.states) == (before.0, &before.1) { left } else { 1 };
            for ((operation, sequence), call) in program.operations.iter().zip(&mut *sequences).zip(settled) {
                let times = if operation.kind == OperationKind::Begin { 1 } else { same };
                call.into_iter().for_each(|call| sequence.push(Item::Call { call, times }));
            }
            left -= same;
            first = false;
        }
        Ok(())
    }

    fn call(&mut self, id: CallId) -> Result<CallId, Failure> {
        if let Some(settled) = self.stateless.get(&id) {
            return Ok(*settled);
        }
        let call = self.calls.call(id).clone();
        if self.calls.height(id) > DEEPEST {
            let name = self.calls.name(call.name);
            return refuse(format!("calls below \"{name}\" nest more than {DEEPEST} deep"));
        }
        let stateful = self.calls.has_own(id);
        // What has state costs something else at each place: it is settled anew, and that is counted.
        if stateful {
            self.steps += 1;
            if self.steps > MOST_STEPS {
                return refuse(format!(
                    "the program draws on stateful resources more than {MOST_STEPS} times"
                ));
            }
        }
        let mut settled = Call { name: call.name, items: Vec::with_capacity(call.items.len()) };
        for item in call.items {
            self.item(item, &mut settled)?;
        }
        if stateful {
            return Ok(self.settled.add(settled));
        }
        let settled = self.settled.add_new(settled);
        self.stateless.insert(id, settled);
        Ok(settled)
    }

    fn item(&mut self, item: Item, settled: &mut Call<E>) -> Result<(), Failure> {
        match item {
            Item::Call { call, times } => self.repeat(call, times, settled)?,
            Item::Parallel(calls) => {
                let calls = calls.into_iter().map(|call| self.call(call)).collect::<Result<_, _>>()?;
                settled.push(Item::Parallel(calls));
            }
            Item::Own(State::Once { key, scope, call }) => {
                if self.reaches(key, scope) {
                    let call = self.call(call)?;
                    settled.push(Item::Call { call, times: 1 });
                }
            }
            Item::Own(State::Draw { resource, request }) => {
                let drawn = self.draw(resource, &request)?;
                settled.items.extend(drawn.map(|call| Item::Call { call, times: 1 }));
            }
            Item::Own(State::Defer(deferral)) => {
                // Shares differ from one repetition, and from one run, to the next.
                self.changes += 1;
                self.lasting += 1;
                match (self.own)(deferral) {
                    Some(own) => settled.push(Item::Own(own)),
                    None => self.deferred = true,
                }
            }
            Item::Step(step) => settled.push(Item::Step(step)),
            Item::Work { phase, kind, amount } => settled.push(Item::Work { phase, kind, amount }),
            Item::Count { counter, amount } => settled.push(Item::Count { counter, amount }),
        }
        Ok(())
    }

    /// Whether the key is reached for the first time.
    fn reaches(&mut self, key: Data, scope: Scope) -> bool {
        let first = match scope {
            Scope::Run => self.reached_in_run.insert(key),
            Scope::Session => self.reached.insert(key),
        };
        self.changes += u64::from(first);
        self.lasting += u64::from(first && scope == Scope::Session);
        first
    }

    fn draw(&mut self, resource: Symbol, request: &Data) -> Result<Option<CallId>, Failure> {
        let name = self.calls.name(resource).clone();
        if self.drawing.contains(&resource) {
            let message = format!("draw_{name} draws from \"{name}\" itself");
            return refuse(LoweringError::Broken(message).to_string());
        }
        if self.drawing.len() == DEEPEST_DRAWS {
            let message = format!("draw_{name} is one of more than {DEEPEST_DRAWS} draws within draws");
            return refuse(LoweringError::Broken(message).to_string());
        }
        let state = self.states.get(&resource).cloned().unwrap_or_default();
        let demand = Demand::Draw { resource: &name, state: &state, request };
        let drawn = self.lowering.meet(self.calls, demand);
        let (next, call) = drawn.map_err(|e| error_at(Place::Model, e))?;
        if next.size() > LARGEST_STATE {
            return refuse(format!("draw_{name} keeps a state of more than {LARGEST_STATE} values"));
        }
        if call.is_some_and(|call| !self.drawn.add(self.calls, call)) {
            return refuse(format!("the program draws more than {MOST_CALLS} different calls"));
        }
        if next != state {
            self.states.insert(resource, next);
        }
        // What the draw itself calls may draw from other resources.
        self.drawing.push(resource);
        let call = call.map(|call| self.call(call)).transpose();
        self.drawing.pop();
        call
    }

    /// A repetition unrolls only until the state at its end is that at its beginning.
    fn repeat(&mut self, call: CallId, times: u64, settled: &mut Call<E>) -> Result<(), Failure> {
        let mut left = times;
        while left > 0 {
            let before = self.calls.has_own(call).then(|| (self.changes, self.states.clone()));
            let once = self.call(call)?;
            let is_now = |(changes, states): (u64, _)| changes == self.changes && states == self.states;
            let same = if before.is_none_or(is_now) { left } else { 1 };
            settled.push(Item::Call { call: once, times: same });
            left -= same;
        }
        Ok(())
    }
}

impl Settlement<'_, Deferral> {
    /// The groups that operations defer to, each with its settled calls: they run after everything else.
    fn groups(&mut self, operations: &[Option<CallId>]) -> Result<Vec<Group>, Failure> {
        let mut weights = DeferredWeights::default();
        for call in operations.iter().flatten() {
            weights.add(&self.settled, *call, 1).map_err(overflow)?;
        }
        let mut groups = Vec::new();
        for (group, total) in weights.into_sorted() {
            let name = self.calls.name(group).clone();
            let met = self.lowering.meet(self.calls, Demand::Group { group: &name, weight: total });
            let (_, call) = met.map_err(|e| error_at(Place::Model, e))?;
            let call = call.map(|call| self.call(call)).transpose()?;
            if call.is_some_and(|call| self.settled.has_own(call)) {
                return refuse(format!("the group \"{name}\" itself defers to a group"));
            }
            groups.push(Group { name: group, total, call });
        }
        Ok(groups)
    }
}
