//! Call trees, stored as a DAG.

use std::collections::HashMap;
use std::sync::Arc;

use crate::{Cost, Data, Direction, Party, Phase};

/// An interned name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(u32);

/// A call in a [`Calls`] arena. Callees have smaller ids than their callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(u32);

impl CallId {
    pub(crate) fn index(self) -> usize {
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

/// What a protocol call does, in program order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Item {
    /// Sends messages.
    Step(Step),
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
    /// Makes the call if the key is reached for the first time. Gone after settlement.
    Once {
        /// Key, unique per program.
        key: Data,
        /// The callee.
        call: CallId,
    },
    /// Draws from a resource with state. Gone after settlement.
    Draw {
        /// Name of the resource.
        resource: Symbol,
        /// What is drawn.
        request: Data,
    },
    /// Takes a share of what a group costs for the whole program. Gone after settlement.
    Defer {
        /// Name of the group.
        group: Symbol,
        /// Weight of the share.
        weight: u64,
    },
    /// A cost that was settled elsewhere: the share of a group.
    Settled(Box<Cost>),
}

/// A protocol call: a name and what it does. An empty name marks a mere sequence.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    /// Name of the protocol function.
    pub name: Symbol,
    /// What it does.
    pub items: Vec<Item>,
}

/// An arena of calls in which equal ones are stored once.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    calls: Vec<Call>,
    stateful: Vec<bool>,
    ids: HashMap<Call, CallId>,
    names: Vec<Arc<str>>,
    symbols: HashMap<Arc<str>, Symbol>,
}

impl Calls {
    /// The symbol of a name.
    pub fn symbol(&mut self, name: &str) -> Symbol {
        if let Some(symbol) = self.symbols.get(name) {
            return *symbol;
        }
        let symbol = Symbol(u32::try_from(self.names.len()).expect("fewer names than calls"));
        let name: Arc<str> = name.into();
        self.names.push(name.clone());
        self.symbols.insert(name, symbol);
        symbol
    }

    /// The name of a symbol.
    #[must_use]
    pub fn name(&self, symbol: Symbol) -> &Arc<str> {
        &self.names[symbol.0 as usize]
    }

    /// The call with this id.
    #[must_use]
    pub fn call(&self, id: CallId) -> &Call {
        &self.calls[id.0 as usize]
    }

    /// Whether the call or a callee must be settled first.
    #[must_use]
    pub fn stateful(&self, id: CallId) -> bool {
        self.stateful[id.0 as usize]
    }

    /// Stores a call.
    ///
    /// # Panics
    /// If there are more than 2^32 different calls.
    pub fn add(&mut self, call: Call) -> CallId {
        if let Some(id) = self.ids.get(&call) {
            return *id;
        }
        let id = CallId(u32::try_from(self.calls.len()).expect("memory ends before ids do"));
        let stateful = call.items.iter().any(|item| match item {
            Item::Once { .. } | Item::Draw { .. } | Item::Defer { .. } => true,
            Item::Call { call, .. } => self.stateful(*call),
            Item::Parallel(calls) => calls.iter().any(|c| self.stateful(*c)),
            Item::Step(_) | Item::Count { .. } | Item::Settled(_) => false,
        });
        self.calls.push(call.clone());
        self.stateful.push(stateful);
        self.ids.insert(call, id);
        id
    }
}

impl Call {
    /// Appends an item; a call that repeats the one before it adds to its count.
    pub fn push(&mut self, item: Item) {
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
