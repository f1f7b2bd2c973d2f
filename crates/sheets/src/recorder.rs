//! Recording what sheets do.
#![allow(unsafe_code, reason = "Starlark's derive implements a marker trait for the recorder")]

use std::cell::RefCell;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use hawkeye_cost::{Call, CallId, Calls, Data, Item, Phase, Symbol};
use hawkeye_lower::Note;
use starlark::any::ProvidesStaticType;
use starlark::eval::Evaluator;
use starlark::values::OwnedFrozenValue;

use crate::fault::misuse;
use crate::limits::{MOST_CALLS, MOST_ITEMS, MOST_NOTES, ONE_BY_ONE};

/// A protocol call that is under way.
struct OpenCall {
    call: Call,
    /// Which function it is, if it is one.
    function: Option<usize>,
    notes: Vec<Note>,
    /// Its items, counting messages.
    size: usize,
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
pub(crate) struct Recorded {
    pub(crate) result: Data,
    pub(crate) call: Option<CallId>,
    pub(crate) notes: Vec<Note>,
}

struct RecorderState {
    calls: Calls,
    open: Vec<OpenCall>,
    phase: Phase,
    /// Calls that the evaluation recorded.
    recorded: usize,
    /// By keys that may be long, so that the time of hashing them counts.
    known: HashMap<Key, Recorded>,
    /// Who called whom.
    edges: HashSet<(Option<usize>, usize)>,
}

/// How many parties there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartyCounts {
    /// Those of the protocol.
    pub(crate) protocol: u16,
    /// Those and the extra ones.
    pub(crate) all: u16,
}

/// Collects protocol calls while a sheet runs; reached through the evaluator's `extra` field.
#[derive(ProvidesStaticType)]
pub(crate) struct Recorder {
    state: RefCell<RecorderState>,
    parties: PartyCounts,
    /// Where functions come from that are compiled when they are called.
    late: Arc<LateSource>,
}

/// Gives functions that are compiled when they are called, by their positions.
pub(crate) type LateSource = dyn Fn(usize) -> Result<OwnedFrozenValue, String> + Send + Sync;

impl Recorder {
    pub(crate) fn new(parties: PartyCounts, late: Arc<LateSource>) -> Self {
        let state = RecorderState {
            calls: Calls::default(),
            open: Vec::new(),
            phase: Phase::Online,
            recorded: 0,
            known: HashMap::new(),
            edges: HashSet::new(),
        };
        Self { state: RefCell::new(state), parties, late }
    }

    pub(crate) fn parties(&self) -> PartyCounts {
        self.parties
    }

    /// A function that is called by now.
    ///
    /// # Errors
    /// If its sheet can't be run.
    pub(crate) fn late(&self, position: usize) -> Result<OwnedFrozenValue, String> {
        (self.late)(position)
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
        state.recorded = 0;
        result
    }

    pub(crate) fn symbol(&self, name: &str) -> Symbol {
        self.state.borrow_mut().calls.symbol(name)
    }

    pub(crate) fn begin(&self, name: &str, function: Option<usize>) {
        let mut state = self.state.borrow_mut();
        let name = state.calls.symbol(name);
        state.recorded += 1;
        state.open.push(OpenCall {
            call: Call { name, items: Vec::new() },
            function,
            notes: Vec::new(),
            size: 0,
        });
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

    /// Appends to the call that is under way.
    ///
    /// # Errors
    /// If that has as many items as it may, or there are too many calls.
    pub(crate) fn push(&self, item: Item) -> starlark::Result<()> {
        let mut state = self.state.borrow_mut();
        if state.recorded > MOST_CALLS {
            return Err(misuse(format!(
                "more than {MOST_CALLS} {ONE_BY_ONE}: those of public functions are recorded once"
            )));
        }
        let Some(open) = state.open.last_mut() else { return Ok(()) };
        open.size += match &item {
            Item::Step(step) => 1 + step.messages.len(),
            Item::Parallel(calls) => 1 + calls.len(),
            Item::Call { .. } | Item::Work { .. } | Item::Count { .. } | Item::Own(_) => 1,
        };
        if open.size > MOST_ITEMS {
            let message = format!("one function sends or calls more than {MOST_ITEMS} times; use repeat()");
            return Err(misuse(message));
        }
        open.call.push(item);
        Ok(())
    }

    /// Notes something about the call that is under way, once.
    ///
    /// # Errors
    /// If there are too many notes for anyone to read.
    pub(crate) fn note(&self, note: Note) -> starlark::Result<()> {
        if let Some(open) = self.state.borrow_mut().open.last_mut()
            && !open.notes.contains(&note)
        {
            if open.notes.len() == MOST_NOTES {
                return Err(misuse(format!("one function warns of more than {MOST_NOTES} things")));
            }
            open.notes.push(note);
        }
        Ok(())
    }

    pub(crate) fn phase(&self) -> Phase {
        self.state.borrow().phase
    }

    /// Sets the default phase; returns the one before.
    pub(crate) fn set_phase(&self, phase: Phase) -> Phase {
        std::mem::replace(&mut self.state.borrow_mut().phase, phase)
    }

    pub(crate) fn known(&self, key: &Key) -> Option<Recorded> {
        self.state.borrow().known.get(key).cloned()
    }

    pub(crate) fn remember(&self, key: Key, expanded: Recorded) {
        self.state.borrow_mut().known.insert(key, expanded);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorder() -> Recorder {
        Recorder::new(PartyCounts { protocol: 2, all: 3 }, Arc::new(|_| unreachable!("nothing is late")))
    }

    fn count(recorder: &Recorder, amount: u64) -> Item {
        Item::Count { counter: recorder.symbol("c"), amount }
    }

    #[test]
    fn calls_within_calls_record_their_own_items() {
        let recorder = recorder();
        let mut calls = Calls::default();
        let outer = recorder.with_calls(&mut calls, || {
            recorder.begin("outer", Some(0));
            recorder.push(count(&recorder, 1)).expect("there is room");
            recorder.called(1);
            recorder.begin("inner", Some(1));
            recorder.push(count(&recorder, 2)).expect("there is room");
            recorder.note(Note::Warning("w".to_owned())).expect("there is room");
            recorder.note(Note::Warning("w".to_owned())).expect("there is room");
            let inner = recorder.end();
            assert_eq!(inner.notes, [Note::Warning("w".to_owned())], "it is said once");
            let call = recorder.store(inner.call).expect("it does something");
            recorder.push(Item::Call { call, times: 1 }).expect("there is room");
            recorder.push(Item::Call { call, times: 2 }).expect("there is room");
            let outer = recorder.end();
            assert!(outer.notes.is_empty(), "a note is of the call that it was made in");
            recorder.store(outer.call)
        });
        // The arena is back with who lent it, and calls that follow each other are one item.
        let outer = calls.call(outer.expect("it does something"));
        assert_eq!(&**calls.name(outer.name), "outer");
        assert!(matches!(outer.items[..], [Item::Count { amount: 1, .. }, Item::Call { times: 3, .. }]));
        assert_eq!(recorder.edges(), HashSet::from([(Some(0), 1)]));
    }

    #[test]
    fn what_does_nothing_is_no_call() {
        let recorder = recorder();
        recorder.with_calls(&mut Calls::default(), || {
            recorder.begin("idle", None);
            assert_eq!(recorder.store(recorder.end().call), None);
        });
    }

    #[test]
    fn an_evaluation_that_failed_leaves_nothing_behind() {
        let recorder = recorder();
        recorder.with_calls(&mut Calls::default(), || {
            recorder.begin("failed", Some(7));
            assert_eq!(recorder.set_phase(Phase::Setup), Phase::Online);
        });
        assert_eq!(recorder.phase(), Phase::Online);
        recorder.with_calls(&mut Calls::default(), || recorder.called(8));
        assert_eq!(recorder.edges(), HashSet::from([(None, 8)]));
    }

    #[test]
    fn expansions_are_known_by_function_phase_and_arguments() {
        let recorder = recorder();
        let key = |function, phase, argument| Key {
            function,
            phase,
            arguments: vec![Data::Int(argument)],
            named: Vec::new(),
        };
        let expanded = Recorded { result: Data::Int(5), call: None, notes: Vec::new() };
        recorder.remember(key(1, Phase::Online, 3), expanded);
        assert_eq!(recorder.known(&key(1, Phase::Online, 3)).map(|known| known.result), Some(Data::Int(5)));
        for other in [key(2, Phase::Online, 3), key(1, Phase::Offline, 3), key(1, Phase::Online, 4)] {
            assert!(recorder.known(&other).is_none(), "{other:?}");
        }
        let named = Key { named: vec![("x".to_owned(), Data::Int(3))], ..key(1, Phase::Online, 3) };
        assert!(recorder.known(&named).is_none());
    }

    #[test]
    fn one_call_and_one_evaluation_record_so_much_and_no_more() {
        let recorder = recorder();
        recorder.with_calls(&mut Calls::default(), || {
            recorder.begin("long", None);
            for amount in 0..MOST_ITEMS as u64 {
                recorder.push(count(&recorder, amount)).expect("there is room");
            }
            let error = recorder.push(count(&recorder, 0)).expect_err("it is full");
            assert!(error.to_string().contains("use repeat()"), "{error}");
            for _ in 0..MOST_CALLS {
                recorder.begin("call", None);
            }
            let error = recorder.push(count(&recorder, 0)).expect_err("there are too many");
            assert!(error.to_string().contains("are recorded one by one"), "{error}");
        });
    }
}
