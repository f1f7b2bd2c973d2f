//! Folding call trees into values.

use std::collections::HashMap;

use crate::{Call, CallId, Calls, Item, Phase, Share, Step, Symbol};

/// What a program costs in some sense, and how it composes: traffic is one algebra, time another.
///
/// Sequences form a monoid of [`Algebra::then`] and [`Algebra::nothing`]; [`Algebra::repeat`] is repeated
/// sequence; [`Algebra::beside`] is commutative.
pub trait Algebra {
    /// A cost.
    type Value: Clone;
    /// Why a cost can't be told.
    type Error;

    /// The cost of doing nothing.
    fn nothing(&self) -> Self::Value;

    /// The cost of messages sent at the same time.
    ///
    /// # Errors
    /// If it can't be told.
    fn step(&self, step: &Step) -> Result<Self::Value, Self::Error>;

    /// The cost of local work.
    ///
    /// # Errors
    /// If it can't be told.
    fn work(&self, phase: Phase, kind: Symbol, amount: u64) -> Result<Self::Value, Self::Error>;

    /// What the framework's own counters count.
    fn count(&self, counter: Symbol, amount: u64) -> Self::Value;

    /// One, then the other.
    ///
    /// # Errors
    /// If it can't be told.
    fn then(&self, first: Self::Value, next: &Self::Value) -> Result<Self::Value, Self::Error>;

    /// Both at the same time.
    ///
    /// # Errors
    /// If it can't be told.
    fn beside(&self, one: Self::Value, other: &Self::Value) -> Result<Self::Value, Self::Error>;

    /// The same, a number of times in sequence.
    ///
    /// # Errors
    /// If it can't be told.
    fn repeat(&self, value: &Self::Value, times: u64) -> Result<Self::Value, Self::Error>;

    /// What a call adds when it follows `before`, which itself begins the program.
    ///
    /// # Errors
    /// If it can't be told.
    fn after(&self, value: &Self::Value, before: &Self::Value) -> Result<Self::Value, Self::Error>;

    /// The part of a value that belongs to a share.
    ///
    /// # Errors
    /// If it can't be told.
    fn share(&self, value: &Self::Value, share: &Share) -> Result<Self::Value, Self::Error>;
}

/// The value of every call of a settled program.
#[derive(Debug)]
pub struct Fold<A: Algebra> {
    algebra: A,
    values: Vec<A::Value>,
    /// Values of calls that are shared out, after what runs before them.
    whole: HashMap<(CallId, CallId), A::Value>,
}

impl<A: Algebra> Fold<A> {
    /// Computes the value of every call once. Callees come before their callers, so this is a single walk
    /// along the arena, however deep the calls nest.
    ///
    /// # Errors
    /// The algebra's first.
    pub fn new(calls: &Calls<Share>, algebra: A) -> Result<Self, A::Error> {
        Self::resumed(calls, algebra, Vec::new())
    }

    /// The same, where the values of the first calls are known.
    ///
    /// # Errors
    /// The algebra's first.
    pub fn resumed(calls: &Calls<Share>, algebra: A, values: Vec<A::Value>) -> Result<Self, A::Error> {
        let known = values.len();
        let mut fold = Self { algebra, values, whole: HashMap::new() };
        fold.values.reserve(calls.iter().len() - known);
        for call in calls.iter().skip(known) {
            fold.evaluate(call)?;
        }
        Ok(fold)
    }

    /// The values of all calls, in the arena's order.
    pub fn into_values(self) -> Vec<A::Value> {
        self.values
    }

    /// The position in the arena of the first call whose value can't be told.
    pub fn first_failing(calls: &Calls<Share>, algebra: A) -> Option<usize> {
        let mut fold =
            Self { algebra, values: Vec::with_capacity(calls.iter().len()), whole: HashMap::new() };
        calls.iter().position(|call| fold.evaluate(call).is_err())
    }

    /// Computes the value of the next call.
    fn evaluate(&mut self, call: &Call<Share>) -> Result<(), A::Error> {
        for Share { call, before, .. } in call.items.iter().filter_map(|item| match item {
            Item::Own(share) => Some(share),
            _ => None,
        }) {
            // A share is a part of what the group costs after all that ran before it: seen alone, a flight would be counted that goes on.
            if !self.whole.contains_key(&(*call, *before)) {
                let whole = self.algebra.after(self.value(*call), self.value(*before))?;
                self.whole.insert((*call, *before), whole);
            }
        }
        let mut value = self.algebra.nothing();
        for item in &call.items {
            value = self.add(value, item)?;
        }
        self.values.push(value);
        Ok(())
    }

    /// The algebra.
    pub fn algebra(&self) -> &A {
        &self.algebra
    }

    /// The value of a call, seen on its own.
    #[must_use]
    pub fn value(&self, call: CallId) -> &A::Value {
        &self.values[call.index()]
    }

    /// The value of an item of one of the calls, seen on its own.
    ///
    /// # Errors
    /// The algebra's.
    pub fn item(&self, item: &Item<Share>) -> Result<A::Value, A::Error> {
        self.add(self.algebra.nothing(), item)
    }

    fn add(&self, sum: A::Value, item: &Item<Share>) -> Result<A::Value, A::Error> {
        let algebra = &self.algebra;
        match item {
            Item::Step(step) => algebra.then(sum, &algebra.step(step)?),
            Item::Work { phase, kind, amount } => algebra.then(sum, &algebra.work(*phase, *kind, *amount)?),
            Item::Count { counter, amount } => algebra.then(sum, &algebra.count(*counter, *amount)),
            Item::Call { call, times: 1 } => algebra.then(sum, self.value(*call)),
            Item::Call { call, times } => algebra.then(sum, &algebra.repeat(self.value(*call), *times)?),
            Item::Parallel(calls) => {
                let mut sides = algebra.nothing();
                for call in calls {
                    sides = algebra.beside(sides, self.value(*call))?;
                }
                algebra.then(sum, &sides)
            }
            Item::Own(share) => {
                let whole = &self.whole[&(share.call, share.before)];
                algebra.then(sum, &algebra.share(whole, share)?)
            }
        }
    }
}
