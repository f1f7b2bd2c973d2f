//! Call trees, stored as a DAG.

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use crate::{Data, Direction, Party, Phase};

/// An interned name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(u32);

/// A call in a [`Calls`] arena. Callees have smaller ids than their callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(u32);

impl CallId {
    /// Its position in the arena.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Messages of one step, all sent at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// Phase.
    pub phase: Phase,
    /// Channel; empty where the framework has one.
    pub channel: Arc<str>,
    /// The messages.
    pub messages: Vec<Message>,
    /// Rounds as the framework counts this step.
    pub rounds: u64,
    /// Sequential message flights that this step takes.
    pub flights: u64,
    /// Tensors that the framework hands over to be sent together.
    pub tensors: u64,
}

impl Step {
    /// Direction of the step as a whole.
    #[must_use]
    pub fn direction(&self) -> Direction {
        match self.messages.as_slice() {
            [one] => Direction::OneWay(one.from, one.to),
            _ => Direction::Exchange,
        }
    }
}

/// Messages of one sender to one receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Message {
    /// Sender.
    pub from: Party,
    /// Receiver.
    pub to: Party,
    /// Payload bytes of all of them together.
    pub bytes: u64,
    /// How many they are.
    pub count: u64,
    /// Band around `bytes` (plus or minus), in bytes.
    pub spread: u64,
}

/// What a protocol call does, in program order. `E` is what only one stage of a program has: a
/// [`State`] as it was recorded, a [`Share`] once it is settled.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Item<E = State> {
    /// Sends messages.
    Step(Step),
    /// Computes locally.
    Work {
        /// Phase.
        phase: Phase,
        /// What kind of work.
        kind: Symbol,
        /// How much of it, in the units of that kind.
        amount: u64,
    },
    /// Adds to a counter of the framework's own.
    Count {
        /// Name of the counter.
        counter: Symbol,
        /// What is added.
        amount: u64,
    },
    /// Makes a call a number of times in sequence.
    Call {
        /// The callee.
        call: CallId,
        /// How often.
        times: u64,
    },
    /// Makes calls side by side.
    Parallel(Vec<CallId>),
    /// What only this stage has.
    Own(E),
}

/// What depends on the state that the program is in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Makes the call if the key is reached for the first time in its scope.
    Once {
        /// Key, unique per program.
        key: Data,
        /// How long it counts as reached.
        scope: Scope,
        /// The callee.
        call: CallId,
    },
    /// Draws from a resource with state.
    Draw {
        /// Name of the resource.
        resource: Symbol,
        /// What is drawn.
        request: Data,
    },
    /// Takes a share of what a group costs for the whole program.
    Defer(Deferral),
}

/// How long the key of a [`State::Once`] counts as reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// To the end of one execution of the program: one inference, one step of training.
    Run,
    /// As long as the parties stay connected.
    Session,
}

/// A share of what a group costs, whose size is not known before the whole program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Deferral {
    /// Name of the group.
    pub group: Symbol,
    /// Weight of the share.
    pub weight: u64,
}

/// A part of a call that was made for the whole program: what belongs to the weights from `start` to
/// `end` out of `total`. Parts of adjoining ranges add up to the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Share {
    /// The call.
    pub call: CallId,
    /// What runs before it, which its first flight may continue.
    pub before: CallId,
    /// Where the part starts.
    pub start: u64,
    /// Where the part ends.
    pub end: u64,
    /// The sum of all weights.
    pub total: u64,
}

/// A protocol call: a name and what it does. An empty name marks a mere sequence.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Call<E = State> {
    /// Name of the protocol function.
    pub name: Symbol,
    /// What it does.
    pub items: Vec<Item<E>>,
}

/// Interned names. Copies share them until one of the copies adds a name.
#[derive(Clone, Debug, Default)]
struct Names {
    names: Vec<Arc<str>>,
    symbols: HashMap<Arc<str>, Symbol>,
}

/// An arena of calls in which equal ones are stored once.
#[derive(Clone, Debug)]
pub struct Calls<E = State> {
    calls: Vec<Call<E>>,
    /// Whether each call or a callee has an [`Item::Own`].
    own: Vec<bool>,
    /// How deep each call nests.
    heights: Vec<u32>,
    /// Calls that are stored once, with their hashes.
    ids: HashTable<(u64, CallId)>,
    hasher: DefaultHashBuilder,
    names: Arc<Names>,
}

impl<E> Default for Calls<E> {
    fn default() -> Self {
        Self {
            calls: Vec::new(),
            own: Vec::new(),
            heights: Vec::new(),
            ids: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            names: Arc::default(),
        }
    }
}

impl<E> Calls<E> {
    /// An empty arena with the same names.
    #[must_use]
    pub fn with_names_of<F>(other: &Calls<F>) -> Self {
        Self { names: other.names.clone(), ..Self::default() }
    }

    /// Takes over the names of an arena that began with the names of this one.
    pub fn take_names_of<F>(&mut self, other: &Calls<F>) {
        self.names = other.names.clone();
    }

    /// The symbol of a name.
    pub fn symbol(&mut self, name: &str) -> Symbol {
        if let Some(symbol) = self.names.symbols.get(name) {
            return *symbol;
        }
        let names = Arc::make_mut(&mut self.names);
        let symbol = Symbol(u32::try_from(names.names.len()).expect("fewer names than calls"));
        let name: Arc<str> = name.into();
        names.names.push(name.clone());
        names.symbols.insert(name, symbol);
        symbol
    }

    /// The symbol of a name that some call has; `None` if there is none.
    #[must_use]
    pub fn known_symbol(&self, name: &str) -> Option<Symbol> {
        self.names.symbols.get(name).copied()
    }

    /// The name of a symbol.
    #[must_use]
    pub fn name(&self, symbol: Symbol) -> &Arc<str> {
        &self.names.names[symbol.0 as usize]
    }

    /// All names and their symbols.
    pub fn symbols(&self) -> impl Iterator<Item = (Symbol, &Arc<str>)> {
        (0..).map(Symbol).zip(&self.names.names)
    }

    /// The call with this id.
    #[must_use]
    pub fn call(&self, id: CallId) -> &Call<E> {
        &self.calls[id.0 as usize]
    }

    /// All calls, callees before their callers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Call<E>> {
        self.calls.iter()
    }

    /// Whether the call or a callee has an [`Item::Own`]; in a program as it was recorded, whether it
    /// must be settled.
    #[must_use]
    pub fn has_own(&self, id: CallId) -> bool {
        self.own[id.0 as usize]
    }

    /// How deep calls nest below this one, with itself.
    #[must_use]
    pub fn height(&self, id: CallId) -> usize {
        self.heights[id.index()] as usize
    }

    /// Stores a call that is known to be different from all others.
    ///
    /// # Panics
    /// If there are more than 2^32 different calls.
    pub fn add_new(&mut self, call: Call<E>) -> CallId {
        let id = CallId(u32::try_from(self.calls.len()).expect("memory ends before ids do"));
        let (mut own, mut height) = (false, 0);
        let mut below = |callee: CallId| {
            own |= self.own[callee.index()];
            height = height.max(self.heights[callee.index()]);
        };
        for item in &call.items {
            match item {
                Item::Call { call, .. } => below(*call),
                Item::Parallel(calls) => calls.iter().for_each(|call| below(*call)),
                Item::Own(_) | Item::Step(_) | Item::Work { .. } | Item::Count { .. } => {}
            }
        }
        own |= call.items.iter().any(|item| matches!(item, Item::Own(_)));
        self.heights.push(height.saturating_add(1));
        self.calls.push(call);
        self.own.push(own);
        id
    }

    /// The same calls with another kind of [`Item::Own`]; `None` leaves it out.
    #[must_use]
    pub fn map<F>(self, mut f: impl FnMut(E) -> Option<F>) -> Calls<F> {
        let mut mapped = Calls { names: self.names, ..Calls::default() };
        for Call { name, items } in self.calls {
            let item = |item| match item {
                Item::Own(own) => f(own).map(Item::Own),
                Item::Step(step) => Some(Item::Step(step)),
                Item::Work { phase, kind, amount } => Some(Item::Work { phase, kind, amount }),
                Item::Count { counter, amount } => Some(Item::Count { counter, amount }),
                Item::Call { call, times } => Some(Item::Call { call, times }),
                Item::Parallel(calls) => Some(Item::Parallel(calls)),
            };
            mapped.add_new(Call { name, items: items.into_iter().filter_map(item).collect() });
        }
        mapped
    }
}

impl<E: Clone + Eq + Hash> Calls<E> {
    /// Stores a call, if an equal one is not stored yet.
    ///
    /// # Panics
    /// If there are more than 2^32 different calls.
    pub fn add(&mut self, call: Call<E>) -> CallId {
        let hash = self.hasher.hash_one(&call);
        if let Some((_, id)) = self.ids.find(hash, |(_, id)| self.calls[id.index()] == call) {
            return *id;
        }
        let id = self.add_new(call);
        self.ids.insert_unique(hash, (hash, id), |(hash, _)| *hash);
        id
    }
}

impl<E> Call<E> {
    /// Appends an item; a call that repeats the one before it adds to its count.
    pub fn push(&mut self, item: Item<E>) {
        if let (Some(Item::Call { call: last, times }), Item::Call { call, times: more }) =
            (self.items.last_mut(), &item)
            && last == call
            && let Some(sum) = times.checked_add(*more)
        {
            *times = sum;
            return;
        }
        self.items.push(item);
    }
}
