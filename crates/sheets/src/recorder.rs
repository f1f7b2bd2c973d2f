//! Recording what sheets do.
#![allow(unsafe_code, reason = "Starlark's derive implements a marker trait for the recorder")]

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use hawkeye_cost::{Call, CallId, Calls, Data, Item, Phase, Symbol};
use hawkeye_lower::Note;
use starlark::any::ProvidesStaticType;
use starlark::eval::Evaluator;

/// Items that one call may have.
pub(crate) const MOST_ITEMS: usize = 200_000;

/// A protocol call that is under way.
struct Open {
    call: Call,
    /// Which function it is, if it is one.
    function: Option<usize>,
    notes: Vec<Note>,
}

/// A finished sequence of items.
pub(crate) struct Closed {
    pub(crate) call: Call,
    pub(crate) notes: Vec<Note>,
}

/// What identifies a protocol call: equal keys expand equally.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) function: usize,
    pub(crate) phase: Phase,
    pub(crate) arguments: Vec<Data>,
    pub(crate) named: Vec<(String, Data)>,
}

/// What a protocol call expanded to.
#[derive(Clone, Debug)]
pub(crate) struct Expanded {
    pub(crate) result: Data,
    pub(crate) call: Option<CallId>,
    pub(crate) notes: Vec<Note>,
}

struct State {
    calls: Calls,
    open: Vec<Open>,
    phase: Phase,
    known: HashMap<Key, Expanded>,
    /// Who called whom.
    edges: HashSet<(Option<usize>, usize)>,
}

/// How many parties there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parties {
    /// Those of the protocol.
    pub(crate) protocol: u16,
    /// Those and the extra ones.
    pub(crate) all: u16,
}

/// Collects protocol calls while a sheet runs; reached through the evaluator's `extra` field.
#[derive(ProvidesStaticType)]
pub(crate) struct Recorder {
    state: RefCell<State>,
    parties: Parties,
}

impl Recorder {
    pub(crate) fn new(parties: Parties) -> Self {
        let state = State {
            calls: Calls::default(),
            open: Vec::new(),
            phase: Phase::Online,
            known: HashMap::new(),
            edges: HashSet::new(),
        };
        Self { state: RefCell::new(state), parties }
    }

    pub(crate) fn parties(&self) -> Parties {
        self.parties
    }

    /// The recorder of a running evaluation; `None` while sheets are loaded.
    pub(crate) fn of<'a>(eval: &Evaluator<'_, 'a, '_>) -> Option<&'a Self> {
        eval.extra.and_then(|extra| extra.downcast_ref::<Self>())
    }

    /// Lends the arena to the recorder while `f` runs.
    pub(crate) fn with_calls<T>(&self, calls: &mut Calls, f: impl FnOnce() -> T) -> T {
        std::mem::swap(&mut self.state.borrow_mut().calls, calls);
        let result = f();
        let mut state = self.state.borrow_mut();
        std::mem::swap(&mut state.calls, calls);
        state.open.clear();
        state.phase = Phase::Online;
        result
    }

    pub(crate) fn symbol(&self, name: &str) -> Symbol {
        self.state.borrow_mut().calls.symbol(name)
    }

    pub(crate) fn begin(&self, name: &str, function: Option<usize>) {
        let mut state = self.state.borrow_mut();
        let name = state.calls.symbol(name);
        state.open.push(Open { call: Call { name, items: Vec::new() }, function, notes: Vec::new() });
    }

    /// Notes that the function that is under way calls another.
    pub(crate) fn called(&self, callee: usize) {
        let mut state = self.state.borrow_mut();
        let caller = state.open.iter().rev().find_map(|open| open.function);
        state.edges.insert((caller, callee));
    }

    /// Who called whom.
    pub(crate) fn edges(&self) -> HashSet<(Option<usize>, usize)> {
        self.state.borrow().edges.clone()
    }

    /// Ends what the matching [`Recorder::begin`] began.
    pub(crate) fn end(&self) -> Closed {
        let open = self.state.borrow_mut().open.pop().expect("begin and end are paired");
        Closed { call: open.call, notes: open.notes }
    }

    /// Stores a finished call; `None` if it does nothing.
    pub(crate) fn store(&self, call: Call) -> Option<CallId> {
        (!call.items.is_empty()).then(|| self.state.borrow_mut().calls.add(call))
    }

    /// Whether the call that is under way has as many items as it may.
    pub(crate) fn full(&self) -> bool {
        self.state.borrow().open.last().is_some_and(|open| open.call.items.len() >= MOST_ITEMS)
    }

    /// Appends to the call that is under way.
    pub(crate) fn push(&self, item: Item) {
        if let Some(open) = self.state.borrow_mut().open.last_mut() {
            open.call.push(item);
        }
    }

    pub(crate) fn note(&self, note: Note) {
        if let Some(open) = self.state.borrow_mut().open.last_mut()
            && !open.notes.contains(&note)
        {
            open.notes.push(note);
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.state.borrow().phase
    }

    /// Sets the default phase; returns the one before.
    pub(crate) fn set_phase(&self, phase: Phase) -> Phase {
        std::mem::replace(&mut self.state.borrow_mut().phase, phase)
    }

    pub(crate) fn known(&self, key: &Key) -> Option<Expanded> {
        self.state.borrow().known.get(key).cloned()
    }

    pub(crate) fn remember(&self, key: Key, expanded: Expanded) {
        self.state.borrow_mut().known.insert(key, expanded);
    }
}
